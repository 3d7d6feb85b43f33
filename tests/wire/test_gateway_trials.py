"""TestInvokeMethod: methods as they are, without a deployment."""

import json

import pytest

import functions
import gateway_api

JSON = "application/json"


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def invoke(gateway, resource, verb="GET", **arguments):
    return gateway.client.test_invoke_method(restApiId=gateway.id, resourceId=resource, httpMethod=verb, **arguments)


def test_a_method_is_tried_without_a_deployment_or_key(gateway):
    resource = gateway.resource("{id}")
    template = '{"id": "$input.params(\'id\')", "q": "$input.params(\'q\')", "color": "$stageVariables.color", "stage": "$context.stage"}'
    gateway.method(
        resource,
        verb="POST",
        apiKeyRequired=True,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 201}'}},
        responses={
            "201": {
                "responseParameters": {"method.response.header.X-One": "'1'"},
                "responseTemplates": {JSON: template},
            }
        },
        status_headers=["X-One"],
    )
    answer = invoke(
        gateway,
        resource,
        "POST",
        pathWithQueryString="/42?q=x",
        body="{}",
        headers={"X-Sent": "s"},
        stageVariables={"color": "blue"},
    )
    assert answer["status"] == 201
    assert json.loads(answer["body"]) == {"id": "42", "q": "x", "color": "blue", "stage": "test-invoke-stage"}
    assert answer["headers"]["X-One"] == "1"
    assert answer["multiValueHeaders"]["X-One"] == ["1"]
    assert isinstance(answer["latency"], int)
    lines = answer["log"].splitlines()
    assert lines[0].startswith("Execution log for request ")
    assert lines[1].endswith(" : Starting execution for request: " + lines[0].split()[-1])
    assert any("Method request headers: {X-Sent=s}" in line for line in lines)
    assert lines[-1].endswith(" : Method completed with status: 201")


def test_a_function_is_tried(gateway, server):
    role = functions.make_role(server, "trial-role")
    functions.make_function(server, "trial", functions.PROBE, "probe", role)
    client = server.client("lambda")
    arn = client.get_function(FunctionName="trial")["Configuration"]["FunctionArn"]
    resource = gateway.resource("f")
    gateway.method(
        resource,
        verb="ANY",
        integration={"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": gateway_api.lambda_uri(arn)},
    )
    body = json.dumps({"do": "answer", "with": {"statusCode": 418, "body": "short"}})
    denied = invoke(gateway, resource, "ANY", body=body)
    assert denied["status"] == 500
    assert "Lambda has refused the invocation" in denied["log"]
    client.add_permission(
        FunctionName="trial",
        StatementId="trial",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{gateway.id}/test-invoke-stage/*/f",
    )
    answer = invoke(gateway, resource, "ANY", body=body)
    client.delete_function(FunctionName="trial")
    server.client("iam").delete_role(RoleName="trial-role")
    assert (answer["status"], answer["body"]) == (418, "short")
    assert "Endpoint request body after transformations: " in answer["log"]


def test_what_a_client_would_be_refused(gateway):
    resource = gateway.resource("r")
    client = gateway.client
    with pytest.raises(client.exceptions.NotFoundException, match="Invalid Method identifier specified"):
        invoke(gateway, resource)
    gateway.method(
        resource,
        integration={"type": "MOCK", "requestTemplates": {JSON: "{}"}, "passthroughBehavior": "NEVER"},
        responses={"200": {}},
    )
    assert invoke(gateway, resource)["status"] == 500
    unsupported = invoke(gateway, resource, headers={"Content-Type": "text/plain"})
    assert (unsupported["status"], unsupported["body"]) == (415, '{"message":"Unsupported Media Type"}')
    with pytest.raises(client.exceptions.BadRequestException, match="pathWithQueryString"):
        invoke(gateway, resource, pathWithQueryString="no-slash")
