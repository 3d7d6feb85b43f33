"""Answers of API Gateway's control plane that public test suites have recorded on AWS, to the letter."""

import botocore.exceptions
import pytest

import gateway_api

MOCK = {"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}}
NO_SETTING = "Cannot remove method setting {} because there is no method setting for this method "
LOG_PATHS = (
    "Invalid accessLogSettings path. Must be one of : [/accessLogSettings/destinationArn, /accessLogSettings/format]"
)
EMPTY_LOG = "Access Log value must not be empty"


@pytest.fixture(scope="module")
def api(server):
    """An API with GET /test on the stage `dev`, and a deployment that no stage has."""
    gateway = gateway_api.Gateway(server, "recorded")
    gateway.method(gateway.resource("test"), integration=MOCK)
    gateway.deploy("dev", variables={"a": "stage"})
    gateway.second = gateway.client.create_deployment(restApiId=gateway.id)["id"]
    yield gateway
    gateway.delete()


@pytest.fixture
def stage(api):
    """Patches the stage: stage(("replace", path, value), ...)."""

    def patch(*operations):
        members = ("op", "path", "value", "from")
        return api.client.update_stage(
            restApiId=api.id,
            stageName="dev",
            patchOperations=[
                {name: part for name, part in zip(members, operation) if part is not None} for operation in operations
            ],
        )

    yield patch
    if "canarySettings" in api.client.get_stage(restApiId=api.id, stageName="dev"):
        patch(("remove", "/canarySettings"))


def error_of(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


@pytest.mark.parametrize(
    "operation, message",
    [
        (("remove", "/*/*"), NO_SETTING.format("*/*")),
        (("remove", "/~1test/GET"), NO_SETTING.format("~1test/GET")),
        (("remove", "/accessLogSettings/destinationArn"), NO_SETTING.format("accessLogSettings/destinationArn")),
        (("remove", "/accessLogSettings/randomValue"), NO_SETTING.format("accessLogSettings/randomValue")),
        (("remove", "/accessLogSettings/*"), NO_SETTING.format("accessLogSettings/*")),
        (("remove", "/canarySettings/badPath"), NO_SETTING.format("canarySettings/badPath")),
        (
            ("remove", "/canarySettings/stageVariableOverrides"),
            NO_SETTING.format("canarySettings/stageVariableOverrides"),
        ),
        (("add", "/accessLogSettings/x", "y"), LOG_PATHS),
        (("replace", "/accessLogSettings/*", "y"), LOG_PATHS),
        (("add", "/accessLogSettings", "y"), LOG_PATHS),
        (("replace", "/accessLogSettings", "y"), LOG_PATHS),
        (("replace", "/accessLogSettings/destinationArn", ""), EMPTY_LOG),
        (("replace", "/accessLogSettings/format", ""), EMPTY_LOG),
        (("add", "/canarySettings/deploymentId", "x"), "Invalid add operation with path: /canarySettings/deploymentId"),
        (("replace", "/canarySettings/deploymentId", "deploy"), "Deployment id does not exist"),
        (
            ("copy", "/variables", None, "/canarySettings/stageVariableOverrides"),
            "Promotion not available. Canary does not exist.",
        ),
        (
            ("copy", "/canarySettings/stageVariableOverrides", None, "/variables"),
            "Invalid copy operation with path: /canarySettings/stageVariableOverrides and from /variables. Valid copy:path "
            "are [/deploymentId, /variables] and valid copy:from are [/canarySettings/deploymentId, "
            "/canarySettings/stageVariableOverrides]",
        ),
    ],
)
def test_patches_of_stages_that_aws_refuses(stage, operation, message):
    assert error_of(lambda: stage(operation)) == ("BadRequestException", message)


@pytest.mark.parametrize("operation", [("replace", "/canarySettings", "x"), ("replace", "/canarySettings/badPath", "x")])
def test_paths_that_a_stage_does_not_have_are_listed(stage, operation):
    code, message = error_of(lambda: stage(operation))
    assert code == "BadRequestException"
    assert message.startswith(f"Invalid method setting path: {operation[1]}. Must be one of: [/deploymentId, /description")


def test_a_canary_has_defaults_for_what_is_not_said(api, stage):
    deployed = api.client.get_stage(restApiId=api.id, stageName="dev")["deploymentId"]
    assert stage(("replace", "/canarySettings/percentTraffic", "50"))["canarySettings"] == {
        "percentTraffic": 50.0,
        "deploymentId": deployed,
        "useStageCache": False,
    }
    assert "canarySettings" not in stage(("remove", "/canarySettings"))
    assert stage(("replace", "/canarySettings/deploymentId", api.second))["canarySettings"] == {
        "percentTraffic": 0.0,
        "deploymentId": api.second,
        "useStageCache": False,
    }


def test_a_canary_that_was_just_made_can_be_promoted(api, stage):
    answer = stage(
        ("replace", "/canarySettings/percentTraffic", "0.0"),
        ("copy", "/deploymentId", None, "/canarySettings/deploymentId"),
        ("copy", "/variables", None, "/canarySettings/stageVariableOverrides"),
    )
    assert answer["canarySettings"]["deploymentId"] == answer["deploymentId"]
    assert answer["variables"] == {"a": "stage"}


@pytest.mark.parametrize(
    "arguments, end",
    [
        ({}, "Non null and non empty stageName must be provided for canary deployment. Provided value is null"),
        (
            {"stageName": ""},
            "Non null and non empty stageName must be provided for canary deployment. Provided value is ",
        ),
        ({"stageName": "nope"}, "Stage nope must already be created before making a canary release deployment"),
    ],
)
def test_a_canary_needs_a_stage(api, arguments, end):
    assert error_of(
        api.client.create_deployment, restApiId=api.id, canarySettings={"percentTraffic": 50}, **arguments
    ) == ("BadRequestException", "Invalid deployment content specified." + end)


def test_limits_of_methods_need_a_limit_of_the_plan(api):
    limit = {"burstLimit": 1, "rateLimit": 1}
    stages = [{"apiId": api.id, "stage": "dev", "throttle": {"/test/GET": limit}}]
    client = api.client
    assert error_of(client.create_usage_plan, name="recorded", apiStages=stages) == (
        "BadRequestException",
        "Can not define fine grain throttling if usage plan throttle is not defined.",
    )
    missing = [{**stages[0], "throttle": {"/nope/GET": limit}}]
    assert error_of(client.create_usage_plan, name="recorded", throttle=limit, apiStages=missing)[0] == "NotFoundException"
    plan = client.create_usage_plan(name="recorded", throttle=limit, apiStages=stages)["id"]
    path = f"/apiStages/{api.id}:dev/throttle/~1{{}}/GET/rateLimit"
    for part, code in (("nope", "NotFoundException"), ("test", None)):
        operations = [{"op": "replace", "path": path.format(part), "value": "2"}]
        if code:
            assert error_of(client.update_usage_plan, usagePlanId=plan, patchOperations=operations)[0] == code
        else:
            assert client.update_usage_plan(usagePlanId=plan, patchOperations=operations)["tags"] == {}
    assert client.get_usage_plan(usagePlanId=plan)["tags"] == {}
    client.update_usage_plan(
        usagePlanId=plan, patchOperations=[{"op": "remove", "path": "/apiStages", "value": f"{api.id}:dev"}]
    )
    client.delete_usage_plan(usagePlanId=plan)


def test_answers_of_updates_say_that_there_are_no_tags(api):
    operations = [{"op": "replace", "path": "/description", "value": "d"}]
    assert api.client.update_rest_api(restApiId=api.id, patchOperations=operations)["tags"] == {}
    assert api.client.get_rest_api(restApiId=api.id)["tags"] == {}
    key = api.client.create_api_key(name="recorded")["id"]
    assert api.client.update_api_key(apiKey=key, patchOperations=operations)["tags"] == {}
    api.client.delete_api_key(apiKey=key)


@pytest.mark.parametrize("given", ["none", "None", "NONE"])
def test_authorization_types_may_be_in_any_case(api, given):
    where = {"restApiId": api.id, "resourceId": api.root, "httpMethod": "PUT"}
    assert api.client.put_method(authorizationType=given, **where)["authorizationType"] == "NONE"
    api.client.delete_method(**where)


def test_integrations_with_servers_are_over_the_internet(api):
    where = {"restApiId": api.id, "resourceId": api.root, "httpMethod": "PATCH"}
    api.client.put_method(authorizationType="NONE", **where)
    for kind in ("HTTP", "HTTP_PROXY"):
        made = api.client.put_integration(type=kind, integrationHttpMethod="GET", uri="http://e.example", **where)
        assert made["connectionType"] == "INTERNET"
    made = api.client.put_integration(type="MOCK", integrationHttpMethod="GET", uri="http://e.example", **where)
    assert not {"httpMethod", "uri", "connectionType"} & made.keys()
    api.client.delete_method(**where)


def test_lists_are_in_the_order_of_creation(api):
    made = [api.client.create_request_validator(restApiId=api.id, name=f"v{9 - i}")["id"] for i in range(5)]
    assert [item["id"] for item in api.client.get_request_validators(restApiId=api.id)["items"]] == made
    locations = [{"type": "API"}, {"type": "METHOD", "path": "/", "method": "GET"}, {"type": "MODEL", "name": "M"}]
    for location in locations:
        api.client.create_documentation_part(restApiId=api.id, location=location, properties="{}")
    listed = api.client.get_documentation_parts(restApiId=api.id)["items"]
    assert [item["location"] for item in listed] == locations
    keys = [api.client.create_api_key(name=f"ordered{9 - i}")["id"] for i in range(3)]
    assert [item["id"] for item in api.client.get_api_keys(nameQuery="ordered")["items"]] == keys
    for key in keys:
        api.client.delete_api_key(apiKey=key)


def test_the_keys_of_no_plan_are_none(api):
    assert api.client.get_usage_plan_keys(usagePlanId="none")["items"] == []


def test_names_of_keys_that_are_empty_are_left_out(api):
    made = api.client.create_api_key(name="", value="")
    assert "name" not in made and len(made["value"]) >= 20
    api.client.delete_api_key(apiKey=made["id"])


def test_a_validator_without_a_value_validates_nothing(api):
    made = api.client.create_request_validator(restApiId=api.id, name="v", validateRequestBody=True)
    operations = [{"op": "replace", "path": "/validateRequestBody"}]
    where = {"restApiId": api.id, "requestValidatorId": made["id"]}
    assert api.client.update_request_validator(patchOperations=operations, **where)["validateRequestBody"] is False


def test_an_api_has_a_security_policy_and_a_mode_of_access(api):
    operations = [
        {"op": "replace", "path": "/securityPolicy", "value": "TLS_1_2"},
        {"op": "replace", "path": "/endpointAccessMode", "value": "STRICT"},
    ]
    # An older model does not read the members.
    assert api.client.update_rest_api(restApiId=api.id, patchOperations=operations)["id"] == api.id
    operations[1]["value"] = "NONE"
    assert error_of(api.client.update_rest_api, restApiId=api.id, patchOperations=operations)[0] == "BadRequestException"


def test_an_empty_response_template_is_null(api):
    where = {"restApiId": api.id, "resourceId": api.root, "httpMethod": "PATCH"}
    api.client.put_method(authorizationType="NONE", **where)
    api.client.put_integration(**MOCK, **where)
    for template in ("", None):
        made = api.client.put_integration_response(
            statusCode="200", responseTemplates={"application/json": template}, **where
        )
        assert made["responseTemplates"] == {"application/json": None}
    api.client.delete_method(**where)
