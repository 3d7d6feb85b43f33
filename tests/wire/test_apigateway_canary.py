"""Canaries: a deployment that takes a share of a stage's requests until it is promoted or taken away."""

import botocore.exceptions
import pytest

import notes_api


@pytest.fixture(scope="module")
def gateway(server):
    return server.client("apigateway")


class Versions:
    """An API that answers with what was deployed and the stage variable `color`."""

    def __init__(self, gateway, port):
        self.gateway = gateway
        self.id = gateway.create_rest_api(name="canary")["id"]
        root = gateway.get_resources(restApiId=self.id)["items"][0]["id"]
        self.method = {"restApiId": self.id, "resourceId": root, "httpMethod": "GET"}
        gateway.put_method(authorizationType="NONE", **self.method)
        gateway.put_integration(type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}, **self.method)
        gateway.put_method_response(
            statusCode="200", responseParameters={"method.response.header.color": True}, **self.method
        )
        self.write("old")
        self.http = notes_api.Api(f"http://{self.id}.execute-api.localhost:{port}/prod")

    def write(self, text):
        self.gateway.put_integration_response(
            statusCode="200", responseTemplates={"application/json": f'"{text}"'},
            responseParameters={"method.response.header.color": "stageVariables.color"}, **self.method
        )  # fmt: skip

    def deploy(self, **arguments):
        return self.gateway.create_deployment(restApiId=self.id, stageName="prod", **arguments)["id"]

    def patch(self, *operations):
        return self.gateway.update_stage(restApiId=self.id, stageName="prod", patchOperations=list(operations))

    def answers(self, count=60):
        return {self.http.call("GET", "/").json for _ in range(count)}


@pytest.fixture
def api(gateway, server):
    versions = Versions(gateway, server.port)
    versions.deploy(variables={"color": "blue"})
    versions.write("new")
    yield versions
    gateway.delete_rest_api(restApiId=versions.id)


def test_a_share_of_the_requests_goes_to_the_canary(api):
    api.deploy(canarySettings={"percentTraffic": 50.0})
    assert api.answers() == {"old", "new"}
    api.patch({"op": "replace", "path": "/canarySettings/percentTraffic", "value": "100"})
    assert api.answers() == {"new"}
    api.patch({"op": "replace", "path": "/canarySettings/percentTraffic", "value": "0"})
    assert api.answers() == {"old"}


def test_a_canary_has_variables_of_its_own(api):
    api.deploy(canarySettings={"percentTraffic": 100.0, "stageVariableOverrides": {"color": "green"}})
    assert api.http.call("GET", "/").headers["color"] == "green"


def test_the_context_says_who_answers(api, gateway):
    gateway.put_gateway_response(
        restApiId=api.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        responseTemplates={"application/json": '"$context.isCanaryRequest"'},
    )
    api.deploy()
    assert api.http.call("GET", "/none").json == ""
    api.deploy(canarySettings={"percentTraffic": 50.0})
    assert {api.http.call("GET", "/none").json for _ in range(60)} == {"true", "false"}


def test_a_canary_is_promoted(api):
    new = api.deploy(canarySettings={"percentTraffic": 0.0, "stageVariableOverrides": {"color": "green"}})
    stage = api.patch(
        {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "0.0"},
        {"op": "copy", "from": "/canarySettings/stageVariableOverrides", "path": "/variables"},
        {"op": "copy", "from": "/canarySettings/deploymentId", "path": "/deploymentId"},
    )
    assert (stage["deploymentId"], stage["variables"]) == (new, {"color": "green"})
    stage = api.patch({"op": "remove", "path": "/canarySettings"})
    assert "canarySettings" not in stage
    assert api.answers() == {"new"}


def refusal(call, *arguments, **named):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(*arguments, **named)
    return raised.value.response["Error"]["Code"]


def test_what_cannot_be_a_canary_is_refused(api, gateway):
    new = api.deploy(canarySettings={"percentTraffic": 1.0})
    percent = {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "101"}
    assert refusal(api.patch, percent) == "BadRequestException"
    deployment = {"op": "replace", "path": "/canarySettings/deploymentId", "value": "none"}
    assert refusal(api.patch, deployment) == "BadRequestException"
    assert refusal(api.deploy, canarySettings={"percentTraffic": -1.0}) == "BadRequestException"
    assert refusal(gateway.delete_deployment, restApiId=api.id, deploymentId=new) == "BadRequestException"
    nowhere = {"restApiId": api.id, "stageName": "none", "canarySettings": {"percentTraffic": 1.0}}
    assert refusal(gateway.create_deployment, **nowhere) == "BadRequestException"
