"""Servers under the two accounts that Skylite runs under, and a neighbour whose calls a flood must not slow down."""

import contextlib
import math
import os
import shutil
import statistics
import tempfile
import threading
import time

import conftest
import notes_api

ORDINARY = 65534  # nobody
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
        shutil.rmtree(data)


class Neighbour:
    """Someone else's note, read over and over while others misbehave."""

    def __init__(self, server):
        self.api = notes_api.notes_of(server)
        answer = self.api.call("POST", "/notes", {"title": "Neighbour", "content": "quiet"})
        assert answer.status == 201, answer
        note = answer.json
        self.path = "/notes/" + note["noteId"]

    def latency_p99_ms(self, seconds=2.0):
        """The 99th percentile of GET /notes/{id}, one call after the other at a pace below the plan's rate."""
        times = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            status = self.api.call("GET", self.path).status
            times.append((time.monotonic() - started) * 1000)
            assert status in (200, 429), status
            time.sleep(0.01)
        return sorted(times)[math.ceil(len(times) * 0.99) - 1]

    def slowdown(self, flood, seconds=3.0, tries=3):
        """How many times slower its calls are while `flood(stop)` runs in a thread (until the event `stop` is set).
        The median of several tries, each with a quiet measurement just before: the machine may be busy with others."""
        ratios = []
        for _ in range(tries):
            quiet = self.latency_p99_ms(seconds)
            stop = threading.Event()
            thread = threading.Thread(target=flood, args=(stop,))
            thread.start()
            try:
                ratios.append(self.latency_p99_ms(seconds) / max(quiet, 1.0))
            finally:
                stop.set()
                thread.join()
        return statistics.median(ratios)
