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


def lines_of(answer):
    """The log's lines without their times and what differs from call to call."""
    return [line.split(" UTC ", 1)[-1].split(" : ", 1)[-1] for line in answer["log"].splitlines()[1:]]


@pytest.mark.parametrize(
    "given, path, parameters, query, id",
    [
        ("/pets/123", "/pets/123", "{petId=123}", "{}", "123"),
        (None, "/pets/{petId}", "{petId={petId}}", "{}", "{petId}"),
        ("/random/test", "/random/test", "{}", "{}", ""),
        ("/pets/123?foo=bar&a=b", "/pets/123", "{petId=123}", "{foo=bar, a=b}", "123"),
    ],
)
def test_the_log_is_as_aws_writes_it(gateway, given, path, parameters, query, id):
    resource = gateway.resource("{petId}", gateway.resource("pets"))
    body = '{"petId": "$input.params(\'petId\')"}'
    gateway.method(
        resource,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: body}}},
    )
    answer = invoke(gateway, resource, **({"pathWithQueryString": given} if given else {}))
    assert json.loads(answer["body"]) == {"petId": id}
    assert answer["headers"] == {"Content-Type": JSON}
    assert answer["multiValueHeaders"] == {"Content-Type": [JSON]}
    assert lines_of(answer)[1:] == [
        f"HTTP Method: GET, Resource Path: {path}",
        f"Method request path: {parameters}",
        f"Method request query string: {query}",
        "Method request headers: {}",
        "Method request body before transformations: ",
        f'Method response body after transformations: {{"petId": "{id}"}}',
        f"Method response headers: {{Content-Type={JSON}}}",
        "Successfully completed execution",
        "Method completed with status: 200",
    ]


def test_a_method_of_any_is_tried_beside_others(gateway):
    resource = gateway.resource("both")
    for verb, status in (("GET", 200), ("ANY", 202)):
        gateway.method(
            resource,
            verb=verb,
            integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": %d}' % status}},
            responses={str(status): {}},
        )
        assert invoke(gateway, resource, verb)["status"] == status


def test_what_a_function_is_asked_is_in_the_log(gateway, server):
    role = functions.make_role(server, "trial-log-role")
    functions.make_function(server, "trial-log", functions.PROBE, "probe", role)
    client = server.client("lambda")
    arn = client.get_function(FunctionName="trial-log")["Configuration"]["FunctionArn"]
    client.add_permission(
        FunctionName="trial-log", StatementId="t", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    resource = gateway.resource("f")
    integration = {"type": "AWS", "integrationHttpMethod": "POST", "uri": gateway_api.lambda_uri(arn)}
    gateway.method(resource, verb="POST", integration=integration, responses={"200": {"responseTemplates": {JSON: ""}}})
    answer = invoke(gateway, resource, "POST", body='{"do": "answer", "with": 7}')
    client.delete_function(FunctionName="trial-log")
    server.client("iam").delete_role(RoleName="trial-log-role")
    assert (answer["status"], answer["body"]) == (200, "7")
    assert set(answer["headers"]) == {"Content-Type", "X-Amzn-Trace-Id"}
    uri = f"https://lambda.us-east-1.amazonaws.com/2015-03-31/functions/{arn}/invocations"
    lines = lines_of(answer)
    starts = [
        f"Endpoint request URI: {uri}",
        "Endpoint request headers: {x-amzn-lambda-integration-tag=",
        'Endpoint request body after transformations: {"do": "answer", "with": 7}',
        f"Sending request to {uri}",
        "Received response. Status: 200, Integration latency: ",
        "Endpoint response headers: {",
        "Endpoint response body before transformations: 7",
        "Method response body after transformations: 7",
        "Method response headers: {X-Amzn-Trace-Id=",
        "Successfully completed execution",
        "Method completed with status: 200",
    ]
    assert len(lines[6:]) == len(starts)
    for line, start in zip(lines[6:], starts):
        assert line.startswith(start)
