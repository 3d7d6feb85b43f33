"""One server for each account that Skylite runs under, with the Notes stack, shared by the probes of this folder."""

import contextlib

import functions
import hosting
import pytest


@pytest.fixture(scope="session", params=hosting.ACCOUNTS)
def host(request):
    with hosting.server_as(request.param) as running:
        yield running


@pytest.fixture
def own_host():
    """A function that starts servers of this test's own: own_host(account, *arguments)."""
    with contextlib.ExitStack() as stack:
        yield lambda account, *arguments, **options: stack.enter_context(
            hosting.server_as(account, *arguments, **options)
        )


@pytest.fixture(scope="session")
def probe(host):
    """Has the probe function (tests/functions/probe.c) do something; returns (answer, function error)."""
    role = functions.make_role(host, "hostile")
    functions.make_function(host, "hostile", functions.PROBE, "probe", role, Timeout=10, MemorySize=128)
    return lambda **event: functions.invoke(host, "hostile", event)
