"""What `serve --allow-integration` and `--metrics` open, and what stays shut."""

import contextlib
import http.client
import http.server
import threading
import urllib.error
import urllib.request

import pytest

import gateway_api
import prometheus


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(302 if self.path == "/away" else 200)
        self.send_header("Location", self.server.away)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def backend(away="/"):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.away = away
        threading.Thread(target=running.serve_forever).start()
        yield running.server_address[1]
        running.shutdown()


def ask(server, *uris):
    """The status of each integration."""
    gateway = gateway_api.Gateway(server)
    statuses = []
    for number, uri in enumerate(uris):
        resource = gateway.resource(f"r{number}")
        gateway.method(resource, integration={"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": uri})
        answer = gateway.client.test_invoke_method(restApiId=gateway.id, resourceId=resource, httpMethod="GET")
        statuses.append(answer["status"])
    gateway.delete()
    return statuses


def test_only_what_is_named_is_reached(own_server):
    with backend() as port, backend() as other:
        server = own_server("--allow-integration", f"127.0.0.1:{port}", "--allow-integration", "127.0.0.8/31")
        uris = [f"http://127.0.0.1:{port}", f"http://127.0.0.1:{other}", f"http://127.0.0.2:{port}", "http://127.0.0.9:1"]
        assert ask(server, *uris) == [200, 500, 500, 504]
        assert ask(server, f"http://localhost:{port}", f"http://localhost:{other}") == [200, 500]


def test_the_servers_own_port_must_be_named_itself(own_server):
    server = own_server("--allow-integration", "127.0.0.0/8")
    with backend() as port:
        assert ask(server, f"http://127.0.0.1:{port}/", server.url + "/health", server.url + "/metrics") == [200, 500, 500]


def test_a_redirect_is_an_answer(own_server):
    with backend() as elsewhere, backend(f"http://127.0.0.1:{elsewhere}/") as port:
        server = own_server("--allow-integration", f"127.0.0.1:{port}")
        assert ask(server, f"http://127.0.0.1:{port}/away") == [302]


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1/33", "127.0.0.1:x", "::1:80:x"])
def test_a_rule_that_cannot_be_read_stops_the_start(own_server, text):
    with pytest.raises(RuntimeError, match="--allow-integration: an address is"):
        own_server("--allow-integration", text)


# --- /metrics ---


def status_of(server, headers):
    """Of GET /metrics with exactly these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.putrequest("GET", "/metrics", skip_host=True, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


LOOPBACK = ["localhost", "LocalHost:4566", "127.0.0.1", "127.0.0.1:4566", "127.1.2.3", "[::1]", "[::1]:4566"]
ELSEWHERE = ["example.com", "localhost.example.com", "127.example.com", "10.0.0.1", "169.254.169.254", "[::2]", "[fe80::1]:80", ""]
FORWARDING = [
    "Forwarded",
    "Via",
    "X-Real-IP",
    "X-Forwarded-For",
    "x-forwarded-host",
    "X-Forwarded-Proto",
    "X-Forwarded",
    "X-Amzn-Trace-Id",
    "x-amzn-apigateway-api-id",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Client-IP",
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_figures_are_for_hosts_of_loopback(server, host):
    assert status_of(server, {"Host": host}) == 200


@pytest.mark.parametrize("host", ELSEWHERE)
def test_figures_are_not_for_other_hosts(server, host):
    assert status_of(server, {"Host": host}) in (400, 403)


@pytest.mark.parametrize("name", FORWARDING)
def test_figures_are_not_passed_on(server, name):
    assert status_of(server, {"Host": "localhost", name: "1"}) == 403


def test_figures_on_a_listener_of_their_own(own_server):
    server = own_server("--metrics", "127.0.0.1:0")
    url = next(word for word in server.log.split() if word.endswith("/metrics"))
    request = urllib.request.Request(url, headers={"Host": "figures.example.com", "X-Forwarded-For": "10.0.0.1"})
    with urllib.request.urlopen(request) as answer:
        assert "process_resident_memory_bytes" in prometheus.parse(answer.read().decode())
    for path in ("/health", "/", "/console"):
        with pytest.raises(urllib.error.HTTPError) as error:
            urllib.request.urlopen(url.replace("/metrics", path))
        assert error.value.code == 404
    assert server.stop() == 0
