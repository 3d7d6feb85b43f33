"""Ways out of a sandbox, and rights that it does not have. Each is tried, refused, and the instance serves on."""

import socket

import pytest

NOT_PERMITTED = "refused: Operation not permitted"
NOT_THERE = "refused: Function not implemented"
NO_FAMILY = "refused: Address family not supported by protocol"
READ_ONLY = "refused: Read-only file system"

# What is tried (attempts of tests/functions/escape.c), and the answer.
ATTEMPTS = [
    # namespaces, mounts and roots
    ("unshare user", NOT_PERMITTED),
    ("unshare mounts", NOT_PERMITTED),
    ("clone user", NOT_PERMITTED),
    ("clone3", NOT_THERE),
    ("setns", NOT_PERMITTED),
    ("mount", NOT_PERMITTED),
    ("remount /proc", NOT_PERMITTED),
    ("umount", NOT_PERMITTED),
    ("pivot_root", NOT_PERMITTED),
    ("chroot", NOT_PERMITTED),
    ("fsopen", NOT_PERMITTED),
    ("open_tree", NOT_PERMITTED),
    ("file handle", NOT_PERMITTED),
    # facilities of the kernel
    ("keyctl", NOT_PERMITTED),
    ("add_key", NOT_PERMITTED),
    ("bpf", NOT_PERMITTED),
    ("perf", NOT_PERMITTED),
    ("io_uring", NOT_PERMITTED),
    ("userfaultfd", NOT_PERMITTED),
    ("fanotify", NOT_PERMITTED),
    ("message queue", NOT_THERE),
    ("unknown call", NOT_THERE),
    ("personality", NOT_THERE),
    # other processes
    ("ptrace init", NOT_PERMITTED),
    ("read init", NOT_PERMITTED),
    ("prlimit init", NOT_PERMITTED),
    ("pidfd_getfd", NOT_PERMITTED),
    # sockets
    ("packet socket", NO_FAMILY),
    ("vsock", NO_FAMILY),
    ("alg socket", NO_FAMILY),
    ("raw socket", NOT_PERMITTED),
    ("raw6 socket", NOT_PERMITTED),
    ("sctp socket", NOT_THERE),
    ("audit", NOT_THERE),
    ("netfilter", NOT_THERE),
    # users and rights
    ("setuid", "refused: Invalid argument"),
    ("setgid", "refused: Invalid argument"),
    ("setgroups", NOT_PERMITTED),
    ("capabilities", NOT_PERMITTED),
    ("mknod", NOT_PERMITTED),
    ("nice", "refused: Permission denied"),
    ("realtime", NOT_PERMITTED),
    ("sched_setattr", NOT_PERMITTED),
    ("more files", NOT_PERMITTED),
    ("core", NOT_PERMITTED),
    ("lock memory", "refused: Cannot allocate memory"),
    # the machine
    ("hostname", NOT_PERMITTED),
    ("clock", NOT_PERMITTED),
    ("reboot", NOT_PERMITTED),
    ("kernel log", NOT_PERMITTED),
    ("module", NOT_PERMITTED),
    ("kexec", NOT_PERMITTED),
    ("swap", NOT_PERMITTED),
    ("type ahead", NOT_PERMITTED),
    ("terminal paste", NOT_PERMITTED),
]


@pytest.mark.parametrize("attempt, expected", ATTEMPTS, ids=lambda value: value.replace(" ", "_"))
def test_attempt(probe, attempt, expected):
    assert probe(do=attempt) == (expected, None)


# What a first process has to write, and a function must not; then settings of the machine.
WRITES = [
    "/proc/self/oom_score_adj",
    "/proc/self/uid_map",
    "/proc/self/autogroup",
    "/proc/self/coredump_filter",
    "/proc/sys/user/max_inotify_instances",
    "/proc/sys/kernel/shmall",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/net/ipv4/ip_unprivileged_port_start",
    "/proc/sys/vm/drop_caches",
    "/proc/self/comm",
]


@pytest.mark.parametrize("path", WRITES)
def test_proc_cannot_be_written(probe, path):
    assert probe(do="write", path=path) == (READ_ONLY, None)


# Of the first process of the sandbox, which has the same user.
READS = ["environ", "mem", "maps", "fd/0", "root/etc/passwd", "cwd/bootstrap"]


@pytest.mark.parametrize("name", READS)
def test_the_first_process_cannot_be_looked_into(probe, name):
    assert probe(do="read", path=f"/proc/1/{name}")[0].startswith("refused")


def test_no_process_of_others_is_to_be_seen(probe):
    """Process 1 gets no signal that ends it, but is there; 2 is the function."""
    assert probe(do="count processes", number=400)[0] == "2"


def test_sockets_of_the_machine_are_not_there(probe):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0skylite-hostile-test")
        listener.listen()
        assert probe(do="abstract socket", path="skylite-hostile-test")[0] == "refused: Connection refused"


@pytest.mark.parametrize("signal", [9, 15, 19])
def test_the_first_process_cannot_be_ended(probe, signal):
    assert probe(do="kill init", number=signal)[0] == "0"
    assert probe(do="nothing")[1] is None


def test_killing_all_reaches_nobody(probe):
    assert probe(do="kill all", number=9)[0] == "refused: No such process"
