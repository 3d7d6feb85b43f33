"""What the gateway itself answers: limits, every reachable gateway response as the API has it, and HTTP as clients send it."""

import json
import socket

import pytest

import gateway_api

JSON = "application/json"
MAX_BODY = 10 * 1024 * 1024


@pytest.fixture(scope="module")
def gateway(server):
    made = gateway_api.Gateway(server)
    validator = made.client.create_request_validator(
        restApiId=made.id, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    made.client.create_model(
        restApiId=made.id, name="Thing", contentType=JSON, schema=json.dumps({"type": "object", "required": ["a"]})
    )
    integration = {"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}, "passthroughBehavior": "NEVER"}
    echo = {"200": {"responseTemplates": {JSON: '{"method": "$context.httpMethod", "id": "$input.params(\'id\')"}'}}}
    made.method(made.resource("{id}"), verb="ANY", integration=integration, responses=echo)
    made.method(made.resource("key"), apiKeyRequired=True, integration=integration, responses=echo)
    made.method(made.resource("signed"), authorizationType="AWS_IAM", integration=integration, responses=echo)
    made.method(
        made.resource("valid"),
        verb="POST",
        integration=integration,
        responses=echo,
        requestValidatorId=validator,
        requestModels={JSON: "Thing"},
        requestParameters={"method.request.querystring.q": True},
    )
    unset = {"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 999}'}}
    made.method(made.resource("broken"), integration=unset)
    closed = {"type": "HTTP_PROXY", "integrationHttpMethod": "GET", "uri": "http://127.0.0.1:1/"}
    made.method(made.resource("closed"), integration=closed)
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        made.client.put_gateway_response(
            restApiId=made.id,
            responseType=kind,
            responseParameters={"gatewayresponse.header.X-Kind": "context.error.responseType"},
            responseTemplates={JSON: '{"kind": "$context.error.responseType", "said": $context.error.messageString}'},
        )
    yield made
    made.delete()


@pytest.fixture(scope="module")
def api(gateway):
    return gateway.deploy()


@pytest.mark.parametrize(
    ("method", "path", "headers", "body", "status", "kind"),
    [
        ("GET", "/a/b/c", {}, None, 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("GET", "/key", {}, None, 403, "INVALID_API_KEY"),
        ("GET", "/signed", {}, None, 403, "MISSING_AUTHENTICATION_TOKEN"),
        ("GET", "/signed", {"Authorization": "AWS4-HMAC-SHA256 x"}, None, 403, "INVALID_SIGNATURE"),
        ("POST", "/x", {"Content-Type": "text/plain"}, "x", 415, "UNSUPPORTED_MEDIA_TYPE"),
        ("POST", "/valid", {}, '{"a": 1}', 400, "BAD_REQUEST_PARAMETERS"),
        ("POST", "/valid?q=1", {}, "{}", 400, "BAD_REQUEST_BODY"),
        ("POST", "/x", {}, "x" * (MAX_BODY + 1), 413, "REQUEST_TOO_LARGE"),
        ("GET", "/broken", {}, None, 500, "API_CONFIGURATION_ERROR"),
        ("GET", "/closed", {}, None, 504, "INTEGRATION_FAILURE"),
    ],
)
def test_the_gateways_own_answers_are_as_the_api_has_them(api, method, path, headers, body, status, kind):
    answer = api.call(method, path, body, headers=headers)
    api.close()
    assert (answer.status, answer.headers["X-Kind"], answer.json["kind"]) == (status, kind, kind)
    assert answer.json["said"]


def test_a_body_of_ten_megabytes_is_taken(api):
    assert api.call("POST", "/x", "x" * MAX_BODY).status == 200


def head_size(api, target, headers):
    """As API Gateway counts it: the request line and the values of all headers."""
    return len(f"GET {api.prefix}{target} HTTP/1.1") + len(api.host) + len("identity") + sum(map(len, headers.values()))


@pytest.mark.parametrize("where", ["header", "target"])
def test_the_request_line_and_the_headers_have_a_limit(api, where):
    room = 10240 - head_size(api, "/x?", {"X-Many": ""})
    for more, status in ((0, 200), (1, 431)):
        filling = "v" * (room + more)
        target, headers = ("/x?", {"X-Many": filling}) if where == "header" else ("/x?" + filling, {"X-Many": ""})
        answer = api.call("GET", target, headers=headers)
        assert (answer.status, head_size(api, target, headers)) == (status, 10240 + more)
    assert answer.json == {"kind": "DEFAULT_4XX", "said": "HTTP header is larger than 10240 bytes."}


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"])
def test_any_is_every_method(api, method):
    assert api.call(method, "/x").json == {"method": method, "id": "x"}


def test_a_head_has_the_headers_alone(api):
    answer = api.call("HEAD", "/x")
    assert (answer.status, answer.body, int(answer.headers["Content-Length"]) > 0) == (200, b"", True)


def exchange(api, text):
    """The bytes of all answers to raw requests, the last of which closes the connection."""
    with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
        connection.sendall(text.replace("\n", "\r\n").encode())
        received = b""
        while part := connection.recv(65536):
            received += part
    return received.decode()


def test_requests_one_behind_the_other(api):
    one = f"GET {api.prefix}/a HTTP/1.1\nHost: {api.host}\n\n"
    last = f"GET {api.prefix}/b HTTP/1.1\nHost: {api.host}\nConnection: close\n\n"
    answers = exchange(api, one + last)
    assert answers.index('"id": "a"') < answers.index('"id": "b"')


def test_a_body_in_chunks_and_a_client_that_waits(api):
    head = f"POST {api.prefix}/valid?q=1 HTTP/1.1\nHost: {api.host}\nConnection: close\n"
    chunked = exchange(api, head + "Transfer-Encoding: chunked\n\n" + '4\n{"a"\n4\n: 1}\n0\n\n')
    assert chunked.startswith("HTTP/1.1 200 ")
    with socket.create_connection(("127.0.0.1", api.port), 10) as connection:
        text = head + "Expect: 100-continue\nContent-Length: 8\n\n"
        connection.sendall(text.replace("\n", "\r\n").encode())
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"a": 1}')
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_target_with_its_host(api):
    answer = exchange(api, f"GET http://{api.host}{api.prefix}/x HTTP/1.1\nHost: {api.host}\nConnection: close\n\n")
    assert answer.startswith("HTTP/1.1 200 ")
