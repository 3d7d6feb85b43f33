"""Models and request validators: what a request must have before its integration is asked."""

import json

import botocore.exceptions
import pytest

import gateway_api
import notes_api

SCHEMA = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "type": "object",
    "required": ["title"],
    "properties": {"title": {"type": "string", "minLength": 1}, "content": {"type": "string"}},
}


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


@pytest.fixture(scope="module")
def api(server, gateway):
    """A POST that wants a query parameter and a body of the model Note, and answers 200 when it gets them."""
    id = gateway.create_rest_api(name="validated")["id"]
    root = gateway.get_resources(restApiId=id)["items"][0]["id"]
    gateway.create_model(restApiId=id, name="Note", contentType="application/json", schema=json.dumps(SCHEMA))
    validator = gateway.create_request_validator(
        restApiId=id, name="all", validateRequestBody=True, validateRequestParameters=True
    )["id"]
    method = {"restApiId": id, "resourceId": root, "httpMethod": "POST"}
    gateway.put_method(
        authorizationType="NONE",
        requestValidatorId=validator,
        requestModels={"application/json": "Note"},
        requestParameters={"method.request.querystring.dry": True, "method.request.header.X-Seldom": False},
        **method,
    )
    gateway.put_integration(type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}, **method)
    gateway.put_method_response(statusCode="200", responseModels={"application/json": "Note"}, **method)
    gateway.put_integration_response(statusCode="200", **method)
    gateway.put_gateway_response(
        restApiId=id,
        responseType="BAD_REQUEST_BODY",
        responseTemplates={"application/json": '{"why": "$context.error.validationErrorString"}'},
    )
    gateway.create_deployment(restApiId=id, stageName="prod")
    yield notes_api.Api(f"http://{id}.execute-api.localhost:{server.port}/prod")
    gateway.delete_rest_api(restApiId=id)


def test_a_request_that_has_all_passes(api):
    assert api.call("POST", "/?dry=1", {"title": "x", "content": ""}).status == 200


def test_a_missing_parameter_is_named(api):
    answer = api.call("POST", "/", {"title": "x"})
    assert (answer.status, answer.json) == (400, {"message": "Missing required request parameters: [dry]"})
    assert answer.headers["x-amzn-ErrorType"] == "BadRequestException"


@pytest.mark.parametrize("body", [{}, {"title": ""}, {"title": 1}, "no JSON", ""])
def test_a_body_that_does_not_fit_is_refused(api, body):
    assert api.call("POST", "/?dry=1", body).status == 400


def test_the_reason_can_be_told(api):
    answer = api.call("POST", "/?dry=1", {"content": "x"})
    assert b"object has missing required properties" in answer.body


def test_models_are_listed_with_aws_own(gateway, api):
    id = api.host.split(".")[0]
    assert {model["name"] for model in gateway.get_models(restApiId=id)["items"]} == {"Empty", "Error", "Note"}
    assert json.loads(gateway.get_model(restApiId=id, modelName="Note")["schema"]) == SCHEMA


def test_what_is_in_use_is_not_deleted(gateway, api):
    id = api.host.split(".")[0]
    with pytest.raises(gateway.exceptions.ConflictException, match="is referenced in method request: //POST"):
        gateway.delete_model(restApiId=id, modelName="Note")
    validator = gateway.get_request_validators(restApiId=id)["items"][0]["id"]
    with pytest.raises(gateway.exceptions.ConflictException, match="is referenced in a method"):
        gateway.delete_request_validator(restApiId=id, requestValidatorId=validator)


def test_a_schema_that_is_none_is_refused(gateway, api):
    id = api.host.split(".")[0]
    for schema in ("{", '{"required": []}', "[]"):
        with pytest.raises(botocore.exceptions.ClientError, match="Invalid model"):
            gateway.create_model(restApiId=id, name="Bad", contentType="application/json", schema=schema)


def test_missing_parameters_are_named_in_aws_order(server, gateway):
    made = gateway_api.Gateway(server, "order")
    validator = gateway.create_request_validator(restApiId=made.id, name="all", validateRequestParameters=True)["id"]
    made.method(
        made.root,
        requestValidatorId=validator,
        requestParameters={f"method.request.{name}": True for name in ("querystring.q", "path.p", "header.H")},
        integration={"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        responses={"200": {}},
    )
    assert made.deploy().call("GET", "/").json == {"message": "Missing required request parameters: [H, p, q]"}
    made.delete()
