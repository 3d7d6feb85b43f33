"""Files: what a function reads and writes of the machine that it runs on."""

import pytest

# What is tried (an event of the probe function), and how its answer must begin.
PROBES = [
    ({"do": "read", "path": "/etc/shadow"}, "refused"),
    ({"do": "read", "path": "/proc/1/environ"}, "refused"),
    ({"do": "read", "path": "/var/lib/dpkg/status"}, "refused"),
    ({"do": "read", "path": "/dev/mem"}, "refused"),
    ({"do": "write", "path": "/var/task/x"}, "refused"),
    ({"do": "write", "path": "/usr/x"}, "refused"),
    ({"do": "write", "path": "/tmp/x"}, "written"),
]


@pytest.mark.parametrize("event, expected", PROBES, ids=lambda value: value["path"] if isinstance(value, dict) else value)
def test_file(probe, event, expected):
    answer, error = probe(**event)
    assert error is None
    assert answer.startswith(expected), answer


@pytest.mark.parametrize("name", ["credentials", "store/CURRENT", "store/LOCK"])
def test_the_servers_data_cannot_be_read(host, probe, name):
    assert probe(do="read", path=str(host.data / name))[0].startswith("refused")
