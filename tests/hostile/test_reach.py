"""HTTP integrations: whoever may write one must not become a client on this machine."""

import contextlib
import socket
import threading

import gateway_api
import hosting
import pytest

REFUSED = "Execution failed due to configuration error: Invalid endpoint address"


def own_addresses():
    """Addresses of this machine that are not loopback."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        with contextlib.suppress(OSError):
            probe.connect(("192.0.2.1", 9))
            yield probe.getsockname()[0]


# Hosts that lead to this machine, to its link, or to nobody in particular. PORT is the bait's.
PROBES = [
    "http://127.0.0.1:PORT/",
    "http://127.8.9.10:PORT/",
    "http://2130706433:PORT/",
    "http://0177.0.0.1:PORT/",
    "http://127.1:PORT/",
    "http://0x7f.1:PORT/",
    "http://0.0.0.0:PORT/",
    "http://0:PORT/",
    "http://localhost:PORT/",
    "http://any.localhost:PORT/",
    "http://[::1]:PORT/",
    "http://[::]:PORT/",
    "http://[::ffff:127.0.0.1]:PORT/",
    "http://[::127.0.0.1]:PORT/",
    "http://[64:ff9b::7f00:1]:PORT/",
    "http://[2002:7f00:1::]:PORT/",
    "http://[fe80::1%25lo]:PORT/",
    "http://user@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT/",
    "http://127.0.0.1:OWN/health",
    "http://127.0.0.1:OWN/metrics",
    "http://169.254.169.254/latest/meta-data/",
    "http://[fd00:ec2::254]/latest/meta-data/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    *(f"http://{address}:PORT/" for address in own_addresses()),
]


@pytest.fixture(scope="module")
def bait():
    """A port on which every connection is counted, whatever address of this machine it comes to."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        caught = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connection, peer = listener.accept()
                    caught.append(peer)
                    connection.close()

        thread = threading.Thread(target=accept)
        thread.start()
        yield listener.getsockname()[1], caught
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def gateway(host):
    made = gateway_api.Gateway(host, "reach")
    made.probe = made.resource("probe")
    yield made
    made.delete()


@pytest.mark.parametrize("kind", ["HTTP_PROXY", "HTTP"])
@pytest.mark.parametrize("uri", PROBES)
def test_integration(gateway, bait, kind, uri):
    port, caught = bait
    uri = uri.replace("PORT", str(port)).replace("OWN", str(gateway.server.port))
    gateway.method(gateway.probe, integration={"type": kind, "integrationHttpMethod": "GET", "uri": uri})
    try:
        answer = gateway.client.test_invoke_method(restApiId=gateway.id, resourceId=gateway.probe, httpMethod="GET")
    finally:
        gateway.client.delete_method(restApiId=gateway.id, resourceId=gateway.probe, httpMethod="GET")
    assert (answer["status"], answer["body"]) == (500, '{"message": "Internal server error"}')
    assert REFUSED in answer["log"]
    assert caught == []


def test_a_host_that_the_caller_chooses(gateway, bait):
    """The address is judged when it is connected to, not when the integration is written."""
    port, caught = bait
    gateway.method(
        gateway.probe,
        parameters=["querystring.host"],
        integration={
            "type": "HTTP_PROXY",
            "integrationHttpMethod": "GET",
            "uri": "http://{host}:" + str(port) + "/",
            "requestParameters": {"integration.request.path.host": "method.request.querystring.host"},
        },
    )
    try:
        for chosen in ("localhost", "127.0.0.1", "0.0.0.0"):
            answer = gateway.client.test_invoke_method(
                restApiId=gateway.id, resourceId=gateway.probe, httpMethod="GET", pathWithQueryString=f"/probe?host={chosen}"
            )
            assert answer["status"] == 500
            assert REFUSED in answer["log"]
    finally:
        gateway.client.delete_method(restApiId=gateway.id, resourceId=gateway.probe, httpMethod="GET")
    assert caught == []


def test_a_proxy_of_the_environment_is_not_asked(own_host, bait, monkeypatch):
    port, caught = bait
    with monkeypatch.context() as environment:
        for name in ("http_proxy", "https_proxy", "ALL_PROXY"):
            environment.setenv(name, f"http://127.0.0.1:{port}")
        server = own_host(hosting.ACCOUNTS[0])
    gateway = gateway_api.Gateway(server, "proxied")
    resource = gateway.resource("probe")
    gateway.method(
        resource, integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "http://169.254.169.254/"}
    )
    answer = gateway.client.test_invoke_method(restApiId=gateway.id, resourceId=resource, httpMethod="GET")
    assert REFUSED in answer["log"]
    assert caught == []
