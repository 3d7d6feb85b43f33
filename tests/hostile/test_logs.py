"""Logs and figures: whoever floods them waits himself, and nobody else; a group holds no more than its quota."""

import http.client
import json
import statistics
import threading
import time
import urllib.parse

import functions
import hosting
import pytest

GROUP = "/hostile/flood"


class Writer(hosting.Neighbour):
    """A neighbour who writes notes."""

    def latency_p99_ms(self, seconds=2.0):
        """The median: of so few writes, the slowest one is the disk's."""
        times = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            started = time.monotonic()
            status = self.api.call("POST", "/notes", {"title": "Neighbour", "content": "busy"}).status
            times.append((time.monotonic() - started) * 1000)
            assert status == 201, status
            time.sleep(0.03)
        return statistics.median(times)


@pytest.fixture(scope="module")
def writer(host):
    return Writer(host)


@pytest.fixture(scope="module")
def chatty(host):
    """A function that floods its output; invoked(n, event, stop) keeps n invocations of it under way."""
    role = functions.make_role(host, "chatty")
    functions.make_function(host, "chatty", functions.PROBE, "probe", role, Timeout=30, MemorySize=128)

    def invoke(event, stop):
        client = host.client("lambda")
        while not stop.is_set():
            client.invoke(FunctionName="chatty", Payload=json.dumps(event))

    def flood(event, stop):
        threads = [threading.Thread(target=invoke, args=(event, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return flood


# What a function writes: lines of so many bytes, as fast as it can.
@pytest.mark.parametrize("size", [20, 60000])
def test_a_function_that_floods_its_output(writer, chatty, size):
    assert writer.slowdown(lambda stop: chatty({"do": "flood", "number": size, "ms": 300}, stop), 1) <= 3


@pytest.fixture(scope="module")
def reader(host):
    return hosting.Neighbour(host)


def test_who_reads_does_not_notice_a_function_that_floods_its_output(reader, chatty):
    assert reader.slowdown(lambda stop: chatty({"do": "flood", "number": 60000, "ms": 300}, stop)) <= 3


class Recorded:
    """A signed call, sent over and over: a flood whose cost is the server's rather than the client's."""

    def __init__(self, server, service, call, **parameters):
        client = server.client(service)
        client.meta.events.register("before-send", self.keep)
        getattr(client, call)(**parameters)

    def keep(self, request, **_):
        self.request = request

    def flood(self, stop):
        parts = urllib.parse.urlsplit(self.request.url)
        connection = http.client.HTTPConnection(parts.hostname, parts.port)
        headers = {name: value.decode() if isinstance(value, bytes) else value for name, value in self.request.headers.items()}
        while not stop.is_set():
            connection.request("POST", parts.path or "/", body=self.request.body, headers=headers)
            response = connection.getresponse()
            response.read()
            assert response.status == 200, response.status
        connection.close()


def put_events(host, count, size):
    logs = host.client("logs")
    try:
        logs.create_log_group(logGroupName=GROUP)
        logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    except logs.exceptions.ResourceAlreadyExistsException:
        pass
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": "x" * size} for _ in range(count)]
    return Recorded(host, "logs", "put_log_events", logGroupName=GROUP, logStreamName="s", logEvents=events)


def put_metrics(host, count):
    data = [{"MetricName": f"m{i}", "Values": [float(v) for v in range(50)]} for i in range(count)]
    return Recorded(host, "cloudwatch", "put_metric_data", Namespace="Hostile", MetricData=data)


FLOODS = {
    "many short events": lambda host: put_events(host, 10000, 20),
    "few long events": lambda host: put_events(host, 4, 200000),
    "figures": lambda host: put_metrics(host, 30),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_client_that_floods(host, writer, reader, flood):
    if host.account != hosting.ACCOUNTS[-1]:
        pytest.skip("what a client sends is handled alike under both accounts")
    call = FLOODS[flood](host)
    assert writer.slowdown(call.flood, 1) <= 3
    assert reader.slowdown(call.flood) <= 3
