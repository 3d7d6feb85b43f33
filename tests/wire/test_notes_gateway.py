"""What stands before the Notes functions: routes, keys, plans and CORS."""

import pytest

import conftest
import notes_api

UNKNOWN = "/notes/018f0000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def api(server):
    api = notes_api.notes_of(server)
    yield api
    api.close()


def test_an_unknown_route_is_missing_authentication_token(api):
    answer = api.call("GET", "/nothing/here")
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_a_method_that_is_not_there_is_missing_authentication_token(api):
    assert api.call("PATCH", "/notes").json == {"message": "Missing Authentication Token"}


@pytest.mark.parametrize("key", [None, "wrong", "0" * 40])
def test_without_a_good_key_it_is_forbidden(api, key):
    answer = api.call("GET", "/notes", key=key)
    assert (answer.status, answer.json) == (403, {"message": "Forbidden"})
    assert answer.headers["x-amzn-ErrorType"] == "ForbiddenException"


def test_a_disabled_key_is_forbidden_until_it_is_enabled(server):
    api = notes_api.notes_of(server, "Premium")
    gateway = server.client("apigateway")
    key_id = next(
        key["id"] for key in gateway.get_api_keys(includeValues=True)["items"] if key["value"] == api.key
    )

    def enable(value):
        gateway.update_api_key(
            apiKey=key_id, patchOperations=[{"op": "replace", "path": "/enabled", "value": value}]
        )

    enable("false")
    assert api.call("GET", UNKNOWN).json == {"message": "Forbidden"}
    enable("true")
    assert api.call("GET", UNKNOWN).status == 404


def test_every_answer_names_its_request(api):
    answer = api.call("GET", UNKNOWN)
    assert answer.headers["x-amzn-RequestId"]
    assert answer.headers["x-amz-apigw-id"]


def test_the_stage_url_serves_the_same(server, api):
    outputs = server.outputs("notes")
    direct = notes_api.Api(outputs["InvokeUrl"].removesuffix("/notes"), outputs["PremiumKey"])
    assert direct.call("GET", UNKNOWN).status == 404
    assert direct.call("GET", "/notes?limit=1").status == 200


def test_the_101st_of_a_burst_is_429_and_the_premium_key_goes_on(own_server):
    server = own_server("--deploy", conftest.TEMPLATE)
    standard, premium = notes_api.notes_of(server, "Standard"), notes_api.notes_of(server, "Premium")
    statuses = [standard.call("GET", UNKNOWN).status for _ in range(110)]
    # The bucket refills at 100 a minute: fast as this is, one or two may have come back.
    assert statuses[:100] == [404] * 100
    assert 429 in statuses[100:105]
    refused = next(
        answer for answer in (standard.call("GET", UNKNOWN) for _ in range(5)) if answer.status == 429
    )
    assert refused.json == {"message": "Too Many Requests"}
    assert refused.headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert refused.headers["Access-Control-Allow-Origin"] == "*"
    assert premium.call("GET", UNKNOWN).status == 404


@pytest.mark.parametrize("path,methods", [("/notes", "GET,POST,PUT,DELETE"), (UNKNOWN, "GET,PUT,DELETE")])
def test_preflight_is_answered_without_a_key(api, path, methods):
    answer = api.call(
        "OPTIONS",
        path,
        key=None,
        headers={
            "Origin": "http://localhost:3000",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type,x-api-key",
        },
    )
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert set(methods.split(",")) <= set(answer.headers["Access-Control-Allow-Methods"].split(","))
    assert "x-api-key" in answer.headers["Access-Control-Allow-Headers"].lower()


def test_errors_of_gateway_and_functions_carry_cors_headers(api):
    for answer in (
        api.call("GET", "/notes", key=None),
        api.call("GET", UNKNOWN),
        api.call("POST", "/notes", "{"),
        api.call("GET", "/nothing"),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*", answer
