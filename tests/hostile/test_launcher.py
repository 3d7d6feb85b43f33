"""The process that makes sandboxes ends, or lacks what it needs: what clients notice of it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import signal
import time
import urllib.error
import urllib.request

import botocore.exceptions
import functions
import hosting
import pytest


def child(pid, name):
    """The child of `pid` of that name."""
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for number in (task / "children").read_text().split():
            if pathlib.Path(f"/proc/{number}/comm").read_text().strip() == name:
                return int(number)
    raise AssertionError(f"{pid} has no child {name}")


def keeper_of(host):
    return child(host.process.pid, "skylite-keeper")


def launcher_of(host):
    return child(keeper_of(host), "skylite-launch")


def health(host):
    try:
        with urllib.request.urlopen(host.url + "/health") as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def wait_until(is_true, seconds=30):
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="module", params=hosting.ACCOUNTS)
def host(request):
    """Servers of this file's own, with the function "probe"."""
    with hosting.server_as(request.param, "--threads", "1") as running:
        functions.make_function(running, "probe", functions.PROBE, "probe", functions.make_role(running, "probe"))
        assert functions.invoke(running, "probe", {"do": "nothing"})[1] is None
        yield running


def test_a_launcher_that_ended_is_started_again(host):
    """Meanwhile health says so, invocations wait, and what has no work is replaced."""
    keeper, launcher = keeper_of(host), launcher_of(host)
    os.kill(keeper, signal.SIGSTOP)
    os.kill(launcher, signal.SIGKILL)
    wait_until(lambda: health(host)[0] == 503)
    assert "the launcher has ended" in health(host)[1]["reasons"]["launcher"]
    with concurrent.futures.ThreadPoolExecutor() as pool:
        waiting = [pool.submit(functions.invoke, host, "probe", {"do": "nothing"}) for _ in range(4)]
        os.kill(keeper, signal.SIGCONT)
        assert [future.result()[1] for future in waiting] == [None] * 4
    wait_until(lambda: health(host) == (200, {"status": "ok"}))
    assert launcher_of(host) != launcher


def test_an_invocation_under_way_fails_and_the_next_works(host):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(functions.invoke, host, "probe", {"do": "sleep", "number": 2500})
        launcher = launcher_of(host)
        time.sleep(0.3)  # it runs by now, or its start is made again: both are to end well
        os.kill(launcher, signal.SIGKILL)
        try:
            assert running.result()[1] is None
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "ServiceException"
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert functions.invoke(host, "probe", {"do": "nothing"})[1] is None


@contextlib.contextmanager
def code_taken_away(host, name):
    """Starts fail while the function's package is not where it was unpacked to."""
    folders = set((host.data / "functions").iterdir())
    source = f"def handler(event, context):\n    return {name!r}\n"  # so that no other function has the same folder
    host.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Handler="index.handler",
        Role=functions.make_role(host, name),
        Code={"ZipFile": functions.zip_of({"index.py": source})},
    )
    (folder,) = set((host.data / "functions").iterdir()) - folders
    away = folder.rename(host.data / name)
    yield lambda: away.rename(folder)


TRIES = 5  # of a start


def test_a_start_that_fails_is_tried_again(host):
    """It is not the function's fault, so nobody hears of it unless it goes on."""
    for name in ("late-1", "late-2", "late-3"):
        failed = f"function={name} has no sandbox"
        with code_taken_away(host, name) as put_back, concurrent.futures.ThreadPoolExecutor() as pool:
            late = pool.submit(functions.invoke, host, name, {"do": "nothing"})
            wait_until(lambda: failed in host.log)
            put_back()
            error = late.exception()
        if host.log.count(failed) < TRIES:
            break  # else they were over before the code was back
    assert error is None, error
    assert late.result()[1] is None


def test_it_is_not_tried_for_ever(host):
    with code_taken_away(host, "never") as put_back:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            functions.invoke(host, "never", {"do": "nothing"})
        assert caught.value.response["Error"]["Code"] == "ServiceException"
        wait_until(lambda: host.log.count("function=never has no sandbox") >= TRIES)
        assert host.log.count("function=never has no sandbox") == TRIES
        put_back()
        assert functions.invoke(host, "never", {"do": "nothing"})[1] is None


def test_what_the_machine_cannot_bound_is_said_at_start(host):
    assert ("WARNING: functions run as this user" in host.log) == (host.account == "user")


def test_without_a_keeper_it_runs_on_and_the_end_is_told(host):
    """The last test: the server is of no use afterwards."""
    launcher = launcher_of(host)
    os.kill(keeper_of(host), signal.SIGKILL)
    assert functions.invoke(host, "probe", {"do": "nothing"})[1] is None
    assert health(host)[0] == 200
    os.kill(launcher, signal.SIGKILL)
    wait_until(lambda: "cannot be started again" in str(health(host)[1]))
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        functions.invoke(host, "probe", {"do": "nothing"})
    assert caught.value.response["Error"]["Code"] == "ServiceException"
    assert health(host)[0] == 503
