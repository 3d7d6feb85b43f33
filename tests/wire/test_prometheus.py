"""/metrics: what the server has counted since its start, for Prometheus."""

import socket
import urllib.error
import urllib.request

import pytest

import conftest
import functions
import notes_api
import prometheus


def read(url):
    with urllib.request.urlopen(url + "/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return prometheus.parse(answer.read().decode())


def test_requests_calls_and_times_are_counted(own_server):
    server = own_server("--deploy", conftest.TEMPLATE)
    api = notes_api.notes_of(server)
    note = api.call("POST", "/notes", {"title": "x", "content": ""}).json
    for _ in range(3):
        api.call("GET", "/notes/" + note["noteId"])
    api.call("GET", "/notes", key=None)
    found = read(server.url)
    stage = {"ApiName": "notes", "Stage": "prod"}
    assert found["aws_apigateway_count_total"].of(**stage) == 5
    assert found["aws_apigateway_4xxerror_total"].of(**stage) == 1
    assert found["aws_apigateway_5xxerror_total"].of(**stage) == 0
    function = {"FunctionName": "notes-get", "Resource": "notes-get"}
    assert found["aws_lambda_invocations_total"].of(**function) == 3
    assert found["aws_lambda_errors_total"].of(**function) == 0
    duration = found["aws_lambda_duration_seconds"]
    assert (duration.kind, duration.of("_count", **function)) == ("histogram", 3)
    assert duration.of("_bucket", **function, le="30") == 3
    assert 0 < duration.of("_sum", **function) < 3
    requests = found["skylite_requests_total"]
    assert requests.of(service="dynamodb", operation="GetItem", code="200") == 3
    assert requests.of(service="dynamodb", operation="PutItem", code="200") == 1


def test_refused_and_unknown_requests_are_counted(server):
    def count(operation, code):
        return read(server.url)["skylite_requests_total"].of(service="dynamodb", operation=operation, code=code) or 0

    before = count("DescribeTable", "400"), count("unknown", "400")
    with pytest.raises(Exception):
        server.client("dynamodb").describe_table(TableName="not-there")
    headers = {"X-Amz-Target": "DynamoDB_20120810.NoSuchThing", "Content-Type": "application/x-amz-json-1.0"}
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(urllib.request.Request(server.url, b"{}", headers))
    assert (count("DescribeTable", "400"), count("unknown", "400")) == (before[0] + 1, before[1] + 1)


def test_the_process_shows_itself(server):
    found = read(server.url)
    assert found["process_resident_memory_bytes"].of() > 1024 * 1024
    assert found["process_cpu_seconds_total"].of() > 0
    assert found["skylite_store_bytes"].of() > 0
    assert [dict(labels)["version"] for _, labels in found["skylite_build_info"].samples] != [""]


def test_names_are_escaped(own_server):
    server = own_server()
    gateway = server.client("apigateway")
    api = gateway.create_rest_api(name='a "quoted" \\ name\nof two lines')["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    gateway.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType="NONE")
    gateway.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
    gateway.create_deployment(restApiId=api, stageName="s")
    names = [dict(labels)["ApiName"] for _, labels in read(server.url)["aws_apigateway_count_total"].samples]
    assert names == ['a \\"quoted\\" \\\\ name\\nof two lines']


READ_METRICS = """
import os, urllib.error, urllib.request
def handler(event, context):
    try:
        return urllib.request.urlopen(os.environ["AWS_ENDPOINT_URL"] + "/metrics").status
    except urllib.error.HTTPError as error:
        return error.code
"""


def test_functions_do_not_see_them(server):
    role = functions.make_role(server, "curious")
    sources = functions.Sources(server, role, "python3.12", "code.handler")
    try:
        sources.make({"code.py": READ_METRICS})
        assert functions.invoke(server, sources.names[0], None) == (403, None)
    finally:
        sources.remove()
        server.client("iam").delete_role(RoleName="curious")


def own_address():
    """An address of this machine that is not loopback; None when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


@pytest.mark.skipif(own_address() is None, reason="this machine has no address but loopback")
def test_other_machines_do_not_see_them(own_server):
    server = own_server("--listen", "0.0.0.0:0")
    assert read(server.url)
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"http://{own_address()}:{server.port}/metrics")
    assert error.value.code == 403
