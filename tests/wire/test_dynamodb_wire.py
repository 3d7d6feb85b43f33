"""DynamoDB's HTTP: compression, checksums, probes, browsers, both target versions."""

import gzip
import http.client
import json
import zlib

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@pytest.fixture
def send(server):
    """Sends a signed call; the answer's status, headers and body as bytes."""
    environment = server.environment()
    credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def call(operation, body, version="DynamoDB_20120810", **headers):
        headers["X-Amz-Target"] = f"{version}.{operation}"
        headers.setdefault("Content-Type", "application/x-amz-json-1.0")
        request = AWSRequest("POST", server.url + "/", data=body, headers=headers)
        SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        connection.request("POST", "/", body, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()

    return call


def plain(server, method, path="/", **headers):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def test_gzipped_request_is_understood(send):
    body = gzip.compress(json.dumps({"Limit": 1}).encode())
    status, _, answer = send("ListTables", body, **{"Content-Encoding": "gzip"})
    assert status == 200 and "TableNames" in json.loads(answer)


@pytest.mark.parametrize(
    "coding, body",
    [
        ("deflate", zlib.compress(b'{"Limit": 1}')),
        ("gzip", gzip.compress(b'{"Limit"') + gzip.compress(b": 1}")),
        ("identity", b'{"Limit": 1}'),
    ],
)
def test_bodies_of_these_codings_are_understood(send, coding, body):
    status, _, answer = send("ListTables", body, **{"Content-Encoding": coding})
    assert status == 200 and "TableNames" in json.loads(answer)


@pytest.mark.parametrize(
    "coding, body",
    [("gzip", b"no gzip"), ("gzip", gzip.compress(b"{}")[:-1]), ("gzip", b""), ("garbage", b"{}")],
)
def test_bodies_that_cannot_be_unpacked_are_internal_errors(send, coding, body):
    status, _, answer = send("ListTables", body, **{"Content-Encoding": coding})
    assert status == 500 and json.loads(answer)["__type"].endswith("#InternalServerError")


def test_answers_say_who_serves_and_have_the_type_that_was_asked_for(send):
    _, headers, _ = send("ListTables", "{}")
    assert (headers["Server"], headers["Content-Type"]) == ("Server", "application/x-amz-json-1.0")
    _, headers, _ = send("ListTables", "{}", **{"Content-Type": "application/json"})
    assert headers["Content-Type"] == "application/json"


def test_long_answer_is_gzipped_for_who_asks(send, dynamodb):
    dynamodb.create_table(
        TableName="wide",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    dynamodb.put_item(TableName="wide", Item={"id": {"S": "a"}, "x": {"S": "x" * 5000}})
    get = json.dumps({"TableName": "wide", "Key": {"id": {"S": "a"}}})
    _, headers, packed = send("GetItem", get, **{"Accept-Encoding": "gzip"})
    _, plain_headers, unpacked = send("GetItem", get)
    _, _, deflated = send("GetItem", get, **{"Accept-Encoding": "deflate, gzip"})
    dynamodb.delete_table(TableName="wide")
    assert headers["Content-Encoding"] == "gzip" and len(packed) < 500
    assert gzip.decompress(packed) == unpacked
    assert zlib.decompress(deflated) == unpacked
    assert int(headers["x-amz-crc32"]) == zlib.crc32(packed)
    assert int(plain_headers["x-amz-crc32"]) == zlib.crc32(unpacked)


def test_short_answer_is_left_as_it_is(send):
    _, headers, _ = send("DescribeLimits", "{}", **{"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in headers


@pytest.mark.parametrize("version", ["DynamoDB_20120810", "DynamoDB_20111205"])
def test_both_target_versions_are_known(send, version):
    status, _, answer = send("ListTables", "{}", version)
    assert status == 200 and "TableNames" in json.loads(answer)


@pytest.mark.parametrize("target", ["DynamoDB_20120810.Nothing", "DynamoDB_19990101.ListTables"])
def test_unknown_targets_are_told(server, target):
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    connection.request("POST", "/", "{}", headers)
    answer = connection.getresponse()
    assert answer.status == 400
    assert json.loads(answer.read())["__type"] == "com.amazon.coral.service#UnknownOperationException"


def test_get_says_that_it_is_healthy(server):
    status, headers, body = plain(server, "GET")
    assert (status, body) == (200, b"healthy: dynamodb.us-east-1.amazonaws.com ")
    assert headers["x-amz-crc32"] == "3128867991"


def test_browser_may_ask_and_read(server, send):
    asked = {
        "Origin": "http://page.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "x-amz-target,authorization",
    }
    status, headers, _ = plain(server, "OPTIONS", **asked)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert headers["Access-Control-Allow-Headers"] == "x-amz-target,authorization"
    assert (headers["Access-Control-Allow-Methods"], headers["Access-Control-Max-Age"]) == ("POST", "172800")
    status, headers, _ = plain(server, "OPTIONS", Origin="http://page.example")
    assert (status, headers["Access-Control-Allow-Origin"], "Access-Control-Allow-Methods" in headers) == (200, "*", False)
    _, headers, _ = send("ListTables", "{}", Origin="http://page.example")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "x-amz-crc32" in headers["Access-Control-Expose-Headers"]


def test_request_id_is_of_52_characters(send):
    _, headers, _ = send("ListTables", "{}")
    assert len(headers["x-amzn-RequestId"]) == 52
