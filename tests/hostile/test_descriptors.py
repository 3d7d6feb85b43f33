"""Descriptors of the server: whoever opens as many connections as it can shuts nobody out."""

import contextlib
import os
import re
import resource
import subprocess

import conftest
import functions
import hosting
import notes_api
import pytest
import test_memory

FEW = ("prlimit", "--nofile=512:512")


@pytest.fixture(scope="module", params=hosting.ACCOUNTS)
def narrow(request):
    """A server that may have 512 descriptors."""
    with hosting.server_as(request.param, prefix=FEW) as server:
        role = functions.make_role(server, "hostile")
        functions.make_function(server, "hostile", functions.PROBE, "probe", role, Timeout=20, MemorySize=128)
        functions.invoke(server, "hostile", {"do": "pid"})
        yield server


# What 1,024 clients send before they fall silent.
SILENT = {
    "nothing": "",
    "a part of a head": "GET /health HTTP/1.1\\nHost",
    "a part of a body": "POST / HTTP/1.1\\nHost: x\\nContent-Length: 1000\\n\\nx",
    "a request": "GET /health HTTP/1.1\\nHost: x\\n\\n",
}


@pytest.mark.parametrize("what", SILENT)
def test_clients_that_stay_shut_nobody_out(narrow, what, monkeypatch):
    monkeypatch.setitem(test_memory.FLOODS, what, lambda server: (1024, SILENT[what], 0))
    with test_memory.flooded(narrow, what):
        assert test_memory.is_healthy(narrow)
        assert notes_api.notes_of(narrow).call("GET", "/notes").status == 200
        assert functions.invoke(narrow, "hostile", {"do": "pid"})[1] is None
        assert len(os.listdir(f"/proc/{narrow.process.pid}/fd")) < 512


def test_connections_of_a_function_shut_nobody_out(narrow):
    answer, error = functions.invoke(narrow, "hostile", {"do": "park_clients", "number": 900})
    assert error is None and int(answer.split()[0]) > 100, answer
    assert test_memory.is_healthy(narrow)
    assert notes_api.notes_of(narrow).call("GET", "/notes").status == 200
    assert len(os.listdir(f"/proc/{narrow.process.pid}/fd")) < 512
    functions.invoke(narrow, "hostile", {"do": "park_clients", "number": 0})


def test_a_sandbox_has_64_connections(own_host):
    server = own_host(hosting.ACCOUNTS[0])
    role = functions.make_role(server, "hostile")
    functions.make_function(server, "hostile", functions.PROBE, "probe", role, Timeout=20, MemorySize=128)
    functions.invoke(server, "hostile", {"do": "pid"})
    before = sockets(server)
    answer, error = functions.invoke(server, "hostile", {"do": "park_clients", "number": 900})
    assert error is None and answer.startswith("900 connections"), answer
    assert sockets(server) <= before + 64 + 4  # and those of the calls that this test makes


def sockets(server):
    folder, count = f"/proc/{server.process.pid}/fd", 0
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            count += os.readlink(f"{folder}/{name}").startswith("socket:")
    return count


def test_the_neighbour_does_not_notice_clients_that_stay(narrow, monkeypatch):
    monkeypatch.setitem(test_memory.FLOODS, "idle", lambda server: (1024, SILENT["a request"], 0))
    assert test_memory.slowdown(narrow, "idle") <= 3


def test_overload_is_told_in_one_line_a_second(narrow):
    lines = re.findall(r"^(\S+)\.\d+Z warn io: port", narrow.log, re.MULTILINE)
    assert all(lines.count(second) <= 2 for second in set(lines)), lines


def test_the_soft_limit_is_raised_to_the_hard_one(own_server):
    hard = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    server = own_server(prefix=("prlimit", f"--nofile=256:{hard}"))
    with open(f"/proc/{server.process.pid}/limits") as limits:
        soft = re.search(r"Max open files\s+(\d+)", limits.read())[1]
    assert int(soft) == hard


@pytest.fixture
def own_server(tmp_path):
    server = None

    def start(prefix):
        nonlocal server
        server = conftest.Server(tmp_path / "data", prefix=prefix).start()
        return server

    yield start
    server.stop()


@pytest.mark.parametrize("megabytes", [64, 256, 1024])
def test_too_small_an_address_space_is_told(tmp_path, megabytes):
    done = subprocess.run(
        ["prlimit", f"--as={megabytes * 1024 * 1024}", conftest.SKYLITE, "serve", "--data", tmp_path / "data"]
        + ["--listen", "127.0.0.1:0", "--memory", "1G"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"skylite: the address space is limited to {megabytes} MB (ulimit -v)"), done.stderr


def test_the_address_space_that_is_asked_for_suffices(own_server):
    """Under exactly what the message says the server runs, and takes its stack."""
    needed = int(re.search(r"and (\d+) MB are needed", told(1024)).group(1))
    server = own_server(prefix=("prlimit", f"--as={needed * 1024 * 1024}"))
    assert test_memory.is_healthy(server)


def told(megabytes):
    done = subprocess.run(
        ["prlimit", f"--as={megabytes * 1024 * 1024}", conftest.SKYLITE, "serve", "--data", "/nonexistent/data"],
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.stderr
