"""Servers under the two accounts that Skylite runs under, and a neighbour whose calls a flood must not slow down."""

import contextlib
import math
import os
import shutil
import tempfile
import threading
import time

import conftest
import notes_api

ORDINARY = 65534  # nobody
LOG_SHOWN = 20_000  # characters, from the end
ACCOUNTS = ["root", "user"] if os.geteuid() == 0 else ["user"]


@contextlib.contextmanager
def server_as(account, *arguments, prefix=(), below=None):
    """A server with the Notes stack, run as root or as an ordinary user (`setpriv` gives root up). Its `account` says which.
    Its data are in a folder of their own, in the folder `below`."""
    data = tempfile.mkdtemp(prefix="skylite-", dir=below)
    if account == "user" and os.geteuid() == 0:
        os.chown(data, ORDINARY, ORDINARY)
        prefix = ("setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups", *prefix)
    running = conftest.Server(data, "--deploy", conftest.TEMPLATE, *arguments, prefix=prefix)
    running.account = account
    try:
        yield running.start()
    finally:
        if running.process.poll() is None:
            running.stop()
        print(running.log[-LOG_SHOWN:])  # pytest shows it of a test that failed
        shutil.rmtree(data)


def lift_plans(server):
    """So that no plan throttles who measures."""
    gateway = server.client("apigateway")
    for plan in gateway.get_usage_plans()["items"]:
        limits = {"/throttle/rateLimit": "1000", "/throttle/burstLimit": "10000"}
        operations = [{"op": "replace", "path": path, "value": value} for path, value in limits.items()]
        gateway.update_usage_plan(usagePlanId=plan["id"], patchOperations=operations)


class Neighbour:
    """Someone else's note, read over and over while others misbehave."""

    def __init__(self, server):
        lift_plans(server)
        self.api = notes_api.notes_of(server)
        answer = self.api.call("POST", "/notes", {"title": "Neighbour", "content": "quiet"})
        assert answer.status == 201, answer
        note = answer.json
        self.path = "/notes/" + note["noteId"]

    def latency_p99_ms(self, seconds=2.0):
        """The 99th percentile of GET /notes/{id}, one call after the other."""
        times = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            status = self.api.call("GET", self.path).status
            times.append((time.monotonic() - started) * 1000)
            assert status == 200, status
            time.sleep(0.01)
        return sorted(times)[math.ceil(len(times) * 0.99) - 1]

    def slowdown(self, flood, seconds=3.0, tries=5):
        """How many times slower its calls are while `flood(stop)` runs in a thread (until the event `stop` is set), each time
        with a quiet measurement just before. The least of several tries: a fault slows every one of them, a machine that
        is busy with others only some. Ends with the first that is within 3."""
        ratios = []
        while len(ratios) < tries and not (ratios and ratios[-1] <= 3):
            quiet = self.latency_p99_ms(seconds)
            stop = threading.Event()
            thread = threading.Thread(target=flood, args=(stop,))
            thread.start()
            try:
                ratios.append(self.latency_p99_ms(seconds) / max(quiet, 1.0))
            finally:
                stop.set()
                thread.join()
        return min(ratios)
