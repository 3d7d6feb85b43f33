"""minimumCompressionSize: packed answers and requests."""

import gzip
import json
import zlib

import pytest

import gateway_api

JSON = "application/json"


@pytest.fixture
def api(server):
    """Answers with the body that it gets."""
    gateway = gateway_api.Gateway(server, minimumCompressionSize=100)
    gateway.method(
        gateway.resource("echo"),
        verb="POST",
        integration={
            "type": "MOCK",
            "requestTemplates": {JSON: '#set($context.requestOverride.path.body = $input.body){"statusCode": 200}'},
        },
        responses={"200": {"responseTemplates": {JSON: "$context.requestOverride.path.body"}}},
    )
    yield gateway.deploy()
    gateway.delete()


LONG = json.dumps({"text": "tea " * 100})


def call(api, body, **headers):
    return api.call("POST", "/echo", body, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("deflate, gzip;q=1.0", "gzip"),
        ("deflate", "deflate"),
        ("gzip;q=0, deflate", "deflate"),
        ("*", "gzip"),
        ("br", None),
        ("identity", None),
    ],
)
def test_long_answers_are_packed_as_the_client_accepts(api, accepted, coding):
    answer = call(api, LONG, Accept_Encoding=accepted)
    assert answer.headers["Content-Encoding"] == coding
    unpacked = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}[coding](answer.body)
    assert unpacked.decode() == LONG
    assert (len(answer.body) < 100) == (coding is not None)


def test_short_answers_and_those_nobody_wants_packed_are_not(api):
    assert call(api, '"short"', Accept_Encoding="gzip").headers["Content-Encoding"] is None
    assert call(api, LONG).headers["Content-Encoding"] is None


def test_requests_may_be_packed(api):
    assert call(api, gzip.compress(LONG.encode()), Content_Encoding="gzip").body.decode() == LONG
    assert call(api, zlib.compress(LONG.encode()), Content_Encoding="deflate").body.decode() == LONG
    broken = call(api, gzip.compress(LONG.encode())[:-9], Content_Encoding="gzip")
    assert (broken.status, broken.json) == (400, {"message": "Invalid request body"})
    bomb = gzip.compress(b"x" * (11 * 1024 * 1024))
    assert call(api, bomb, Content_Encoding="gzip").status == 400


def test_without_the_setting_nothing_is_packed(server):
    gateway = gateway_api.Gateway(server)
    gateway.method(
        gateway.resource("x"),
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: LONG}}},
    )
    answer = gateway.deploy().call("GET", "/x", headers={"Accept-Encoding": "gzip"})
    gateway.delete()
    assert (answer.headers["Content-Encoding"], answer.body.decode()) == (None, LONG)
