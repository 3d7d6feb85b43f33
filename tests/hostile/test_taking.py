"""What a function takes of the machine until no more is given, and what others have then."""

import ctypes
import os
import threading

import functions
import hosting
import pytest

MB = 128  # the memory of the probe function


@pytest.fixture(scope="module")
def taker(host):
    """As `probe`, with a function that is ended over and over; others shall not wait for its starts."""
    role = functions.make_role(host, "taker")
    functions.make_function(host, "taker", functions.PROBE, "probe", role, Timeout=60, MemorySize=MB)
    return lambda **event: functions.invoke(host, "taker", event)


# What is taken, how much of it is tried, and the most that may be given (0: none at all).
TAKEN = [
    ("take threads", 5000, "", 1024),
    ("take files", 5000, "", 1024),
    ("take inotify", 5000, "", 16),
    ("take signals", 200000, "", 1024),
    ("fill", 2000, "/tmp", 512),
    ("fill", 10, "/dev/shm", 0),
    ("inodes", 0, "/tmp", 65536),
]


@pytest.mark.parametrize("what, number, path, most", TAKEN, ids=lambda value: str(value).replace(" ", "_"))
def test_what_is_taken_is_bounded(probe, what, number, path, most):
    answer, error = probe(do=what, number=number, path=path)
    assert error is None
    if most:
        assert 0 < int(answer) <= most
    else:
        assert answer.startswith("refused")


# Memory that belongs to no process: counted by a control group, refused where there is none.
SHARED = [
    ("take shared", "refused: Operation not permitted"),
    ("take zero device", "refused"),
    ("take memfd", "refused: Function not implemented"),
    ("take sysv", "refused: Function not implemented"),
]


@pytest.mark.parametrize("what, refusal", SHARED)
def test_shared_memory_is_bounded(taker, what, refusal):
    answer, error = taker(do=what, number=3 * MB)
    if error:
        assert "signal: killed" in answer["errorMessage"]
    else:
        assert answer.startswith(refusal)


def test_processes_share_one_limit_of_memory(taker):
    """Each of them stays below it."""
    answer, error = taker(do="take in processes", number=6)
    assert error and "signal: killed" in answer["errorMessage"]


def test_page_tables_are_memory(host, taker):
    """Reading where nothing is takes page tables only."""
    if host.account == "root":
        pytest.skip("a control group bounds them, together with /tmp")
    answer, error = taker(do="take page tables", number=2 * MB)
    assert error and "signal: killed" in answer["errorMessage"]


def test_descriptors_on_their_way_stop_nobody(host, taker):
    """The kernel counts them by user: more than a sandbox's limit of descriptors, and none could hand over its sockets."""
    assert int(taker(do="take in flight", number=1250)[0]) >= 1024
    role = functions.make_role(host, "newcomer")
    functions.make_function(host, "newcomer", functions.PROBE, "probe", role)
    assert functions.invoke(host, "newcomer", {"do": "nothing"})[1] is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's share can be looked at from here")
def test_inotify_of_the_launchers_user_is_left(host, probe):
    done = threading.Event()
    thread = threading.Thread(target=lambda: (probe(do="take inotify", number=5000), done.set()))
    thread.start()
    libc = ctypes.CDLL(None, use_errno=True)
    while not done.is_set():
        fd = libc.inotify_init1(os.O_CLOEXEC)
        assert fd >= 0, os.strerror(ctypes.get_errno())
        os.close(fd)
    thread.join()


def test_busy_processes_do_not_slow_a_neighbour(host, taker):
    """500 of them, each in a session of its own as far as it is let: the kernel shares processors between sessions."""

    def spin(stop):
        while not stop.is_set():
            taker(do="spin", number=500)

    assert hosting.Neighbour(host).slowdown(spin, seconds=1.5) <= 3
