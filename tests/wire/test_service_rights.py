"""A service has what resource policies give it: API Gateway calls other services as a role, or not at all."""

import json

import botocore.exceptions
import pytest

import functions
import gateway_api
import stacks

JSON = "application/json"
REFUSAL = "Role ARN must be specified for AWS integrations"
ACTIONS = [
    gateway_api.action_uri("dynamodb", "Scan"),
    gateway_api.action_uri("dynamodb", "DeleteItem"),
    gateway_api.action_uri("logs", "DeleteLogGroup"),
    "arn:aws:apigateway:us-east-1:${stageVariables.service}:action/Scan",
    "arn:aws:apigateway:us-east-1:dynamodb:action/${stageVariables.action}",
]
FUNCTION = gateway_api.lambda_uri("arn:aws:lambda:us-east-1:000000000000:function:none")


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def where(gateway):
    found = {"restApiId": gateway.id, "resourceId": gateway.root, "httpMethod": "POST"}
    gateway.client.put_method(**found, authorizationType="NONE")
    return found


@pytest.mark.parametrize("uri", ACTIONS)
def test_an_action_without_a_role_is_no_integration(gateway, uri):
    with pytest.raises(gateway.client.exceptions.BadRequestException) as caught:
        gateway.client.put_integration(**where(gateway), type="AWS", integrationHttpMethod="POST", uri=uri)
    assert caught.value.response["Error"]["Message"] == REFUSAL


@pytest.mark.parametrize(
    "integration, operations",
    [
        ({"uri": ACTIONS[0], "credentials": "arn:aws:iam::000000000000:role/x"}, [("remove", "/credentials", None)]),
        ({"uri": ACTIONS[0], "credentials": "arn:aws:iam::000000000000:role/x"}, [("replace", "/credentials", "")]),
        ({"uri": FUNCTION}, [("replace", "/uri", ACTIONS[0])]),
        ({"uri": FUNCTION}, [("replace", "/uri", ACTIONS[3])]),
    ],
)
def test_no_change_leaves_an_action_without_a_role(gateway, integration, operations):
    method = where(gateway)
    gateway.client.put_integration(**method, type="AWS", integrationHttpMethod="POST", **integration)
    patch = [{"op": op, "path": path, **({} if value is None else {"value": value})} for op, path, value in operations]
    with pytest.raises(gateway.client.exceptions.BadRequestException) as caught:
        gateway.client.update_integration(**method, patchOperations=patch)
    assert caught.value.response["Error"]["Message"] == REFUSAL
    kept = gateway.client.get_integration(**method)
    assert {name: kept.get(name) for name in integration} == integration


def document(uri):
    integration = {"type": "aws", "httpMethod": "POST", "uri": uri, "responses": {"default": {"statusCode": "200"}}}
    operation = {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}
    return {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/": {"post": operation}}}


def test_imports_take_none_either(gateway):
    client, body = gateway.client, json.dumps(document(ACTIONS[0]))
    before = len(client.get_rest_apis(limit=500)["items"])
    for call in (
        lambda: client.import_rest_api(body=body),
        lambda: client.put_rest_api(restApiId=gateway.id, mode="merge", body=body),
        lambda: client.put_rest_api(restApiId=gateway.id, mode="overwrite", body=body),
    ):
        with pytest.raises(client.exceptions.BadRequestException, match=REFUSAL):
            call()
    assert len(client.get_rest_apis(limit=500)["items"]) == before


@pytest.mark.parametrize("form", ["method", "body"])
def test_stacks_take_none_either(server, form):
    client = server.client("cloudformation")
    resources = {"Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "rights"}}}
    if form == "body":
        resources["Api"]["Properties"]["Body"] = document(ACTIONS[0])
    else:
        resources["Method"] = {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "HttpMethod": "POST",
                "AuthorizationType": "NONE",
                "Integration": {"Type": "AWS", "IntegrationHttpMethod": "POST", "Uri": ACTIONS[0]},
            },
        }
    name = "rights-" + form
    made = stacks.create(client, name, {"Resources": resources})
    reasons = [reason for _, _, reason in stacks.events(client, name)]
    stacks.delete(client, name)
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    assert any(REFUSAL in reason for reason in reasons), reasons


def test_an_action_has_the_rights_of_its_role_and_no_more(gateway, server):
    """Behind a deployed method and in a trial of it."""
    role = gateway_api.gateway_role(
        server, "rights-reader", [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*"}]
    )
    answers = {}
    try:
        for action in ("Scan", "GetItem"):
            resource = gateway.resource(action)
            gateway.method(
                resource,
                "POST",
                integration={
                    "type": "AWS",
                    "integrationHttpMethod": "POST",
                    "uri": gateway_api.action_uri("dynamodb", action),
                    "credentials": role,
                    "requestTemplates": {JSON: '{"TableName": "Notes", "Key": {"noteId": {"S": "none"}}}'},
                },
                responses={"200": {"responseTemplates": {JSON: "$input.body"}}},
            )
            trial = gateway.client.test_invoke_method(
                restApiId=gateway.id, resourceId=resource, httpMethod="POST", body="{}"
            )
            answers[action] = [trial["body"]]
        api = gateway.deploy()
        for action in answers:
            answers[action].append(api.call("POST", "/" + action, "{}").body.decode())
    finally:
        server.client("iam").delete_role_policy(RoleName="rights-reader", PolicyName="inline")
        server.client("iam").delete_role(RoleName="rights-reader")
    assert answers["GetItem"] == ["{}", "{}"]
    assert all("is not authorized to perform: dynamodb:Scan" in answer for answer in answers["Scan"]), answers


ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def invoked(server):
    """The ARN of a function, and a function that gives it a statement of its policy for API Gateway."""
    client = server.client("lambda")
    role = functions.make_role(server, "rights-function")
    functions.make_function(server, "rights", functions.PROBE, "probe", role)

    def allow(**condition):
        try:
            client.remove_permission(FunctionName="rights", StatementId="one")
        except client.exceptions.ResourceNotFoundException:
            pass
        if condition:
            client.add_permission(
                **{"Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com", **condition},
                FunctionName="rights",
                StatementId="one",
            )

    yield client.get_function(FunctionName="rights")["Configuration"]["FunctionArn"], allow
    client.delete_function(FunctionName="rights")
    server.client("iam").delete_role(RoleName="rights-function")


# What the function's policy says (SourceArn with API for the API's id), and whether the gateway may call the function
# from GET /f of stage dev, and its authorizer.
GRANTS = [
    ({}, False, False),
    ({"SourceAccount": ACCOUNT}, True, True),
    ({"SourceAccount": "111122223333"}, False, False),
    ({"SourceArn": "API/*"}, True, True),
    ({"SourceArn": "API/dev/GET/f"}, True, False),
    ({"SourceArn": "API/*/GET/f"}, True, False),
    ({"SourceArn": "API/*/POST/f"}, False, False),
    ({"SourceArn": "API/prod/GET/f"}, False, False),
    ({"SourceArn": "API/authorizers/*"}, False, True),
    ({"SourceArn": "other/*"}, False, False),
    ({"SourceArn": "API/*", "SourceAccount": "111122223333"}, False, False),
    ({"Principal": "events.amazonaws.com"}, False, False),
    ({"Action": "lambda:GetFunction"}, False, False),
    ({"Principal": ACCOUNT}, False, False),
]


def test_a_function_is_called_as_its_policy_says(gateway, invoked):
    """By a proxy integration, by one that only sends an event, and as an authorizer."""
    arn, allow = invoked
    uri = gateway_api.lambda_uri(arn)
    f, event, guarded = gateway.resource("f"), gateway.resource("event"), gateway.resource("guarded")
    gateway.method(f, integration={"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": uri})
    gateway.method(
        event,
        integration={
            "type": "AWS",
            "integrationHttpMethod": "POST",
            "uri": uri,
            "requestParameters": {"integration.request.header.X-Amz-Invocation-Type": "'Event'"},
        },
        responses={"200": {}},
    )
    authorizer = gateway.client.create_authorizer(
        restApiId=gateway.id,
        name="a",
        type="TOKEN",
        authorizerUri=uri,
        identitySource="method.request.header.Authorization",
        authorizerResultTtlInSeconds=0,
    )["id"]
    gateway.method(
        guarded,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        authorizationType="CUSTOM",
        authorizerId=authorizer,
    )
    api = gateway.deploy()
    for grant, may_call, may_authorize in GRANTS:
        if "SourceArn" in grant:
            source = grant["SourceArn"].replace("API", gateway.id)
            grant = {**grant, "SourceArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{source}"}
        allow(**grant)
        called = api.call("GET", "/f")
        # A refusal is 500; what the probe answers to an event that it does not know is no proxy answer, which is 502.
        assert (called.status != 500) == may_call, (grant, called.status)
        sent = api.call("GET", "/event")
        may_send = may_call and "/f" not in grant.get("SourceArn", "")
        assert (sent.status != 500) == may_send, (grant, sent.status, sent.body)
        asked = api.call("GET", "/guarded", headers={"Authorization": "x"})
        trial = gateway.client.test_invoke_authorizer(
            restApiId=gateway.id, authorizerId=authorizer, headers={"Authorization": "x"}
        )
        assert ("Lambda has refused the invocation" not in trial["log"]) == may_authorize, (grant, trial["log"])
        assert asked.status == 500, "the probe's answer allows nothing"


def test_nobody_says_for_which_source_he_calls(server, invoked):
    """SourceArn is what another service of the server says, and no member of a request."""
    arn, allow = invoked
    allow(SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:api/*")
    iam = server.client("iam")
    iam.create_user(UserName="rights-user")
    key = iam.create_access_key(UserName="rights-user")["AccessKey"]
    client = server.client("lambda", key["AccessKeyId"], key["SecretAccessKey"])
    payload = json.dumps({"SourceArn": f"arn:aws:execute-api:us-east-1:{ACCOUNT}:api/x", "do": "answer", "with": 1})
    try:
        with pytest.raises(botocore.exceptions.ClientError, match="is not authorized to perform: lambda:InvokeFunction"):
            client.invoke(FunctionName="rights", Payload=payload)
    finally:
        iam.delete_access_key(UserName="rights-user", AccessKeyId=key["AccessKeyId"])
        iam.delete_user(UserName="rights-user")
