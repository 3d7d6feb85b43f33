"""Access and execution logs of a stage, set up as the guide does and read with the AWS CLI."""

import json
import time
import xml.etree.ElementTree

import pytest

import notes_api
import signing

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
FORMAT = json.dumps({"id": "$context.requestId", "status": "$context.status", "key": "$context.identity.apiKeyId"})


@pytest.fixture
def stage(server):
    gateway, iam = server.client("apigateway"), server.client("iam")
    role = iam.create_role(RoleName="gateway-logs", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    server.client("logs").create_log_group(logGroupName="access")
    api = gateway.create_rest_api(name="logged")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    method = {"restApiId": api, "resourceId": root, "httpMethod": "GET"}
    gateway.put_method(authorizationType="NONE", **method)
    gateway.put_integration(type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}, **method)
    gateway.put_method_response(statusCode="200", **method)
    gateway.put_integration_response(statusCode="200", responseTemplates={"application/json": "{}"}, **method)
    gateway.create_deployment(restApiId=api, stageName="prod")
    yield gateway, api
    gateway.delete_rest_api(restApiId=api)
    gateway.update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn"}])
    server.client("logs").delete_log_group(logGroupName="access")
    iam.delete_role(RoleName="gateway-logs")


def events(server, group, count):
    """Waits for so many events and returns their messages."""
    logs = server.client("logs")
    for _ in range(100):
        try:
            found = logs.filter_log_events(logGroupName=group)["events"]
        except logs.exceptions.ResourceNotFoundException:
            found = []
        if len(found) >= count:
            return [event["message"] for event in found]
        time.sleep(0.1)
    raise AssertionError(f"{group} has only {found}")


def test_each_request_is_a_line_of_the_stages_format(server, stage):
    gateway, api = stage
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:access"
    gateway.update_stage(
        restApiId=api,
        stageName="prod",
        patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": arn},
            {"op": "replace", "path": "/accessLogSettings/format", "value": FORMAT},
        ],
    )
    assert gateway.get_stage(restApiId=api, stageName="prod")["accessLogSettings"]["format"] == FORMAT
    client = notes_api.Api(f"http://{api}.execute-api.localhost:{server.port}/prod")
    answers = [client.call("GET", "/"), client.call("GET", "/missing")]
    lines = [json.loads(line) for line in events(server, "access", 2)]
    assert [line["status"] for line in lines] == ["200", "403"]
    assert [line["id"] for line in lines] == [answer.headers["x-amzn-RequestId"] for answer in answers]


def test_executions_are_followed_at_level_info(server, stage):
    gateway, api = stage
    setting = {"op": "replace", "path": "/*/*/logging/loglevel", "value": "INFO"}
    gateway.update_stage(restApiId=api, stageName="prod", patchOperations=[setting])
    notes_api.Api(f"http://{api}.execute-api.localhost:{server.port}/prod").call("GET", "/")
    lines = events(server, f"API-Gateway-Execution-Logs_{api}/prod", 6)
    assert any("Starting execution for request: " in line for line in lines)
    assert lines[-1].endswith("Method completed with status: 200")


# --- What a client sends stays in its field ---

# Variables of $context with what a client sends, or what is said of that.
SENT = [
    "requestId",
    "identity.userAgent",
    "identity.apiKey",
    "path",
    "httpMethod",
    "domainName",
    "domainPrefix",
    "xrayTraceId",
    "error.message",
    "error.validationErrorString",
    "authorizer.principalId",
    "authorizer.any",
]
QUOTES = 'x","status":"200","a":"b'
AGENTS = [QUOTES, 'x" status="200"><b a="', "a\\", 'a\\"b', "a\tb", "&<>'", "\u00fc\u20ac", "{}", "$context.requestId"]


def line_of(server, stage, format, agent):
    """The line of a request with that User-Agent (and more of the kind) in a stage with that format."""
    gateway, api = stage
    arn = "arn:aws:logs:us-east-1:000000000000:log-group:access"
    operations = [("destinationArn", arn), ("format", format)]
    gateway.update_stage(
        restApiId=api,
        stageName="prod",
        patchOperations=[{"op": "replace", "path": f"/accessLogSettings/{name}", "value": value} for name, value in operations],
    )
    logs = server.client("logs")
    before = len(logs.filter_log_events(logGroupName="access")["events"])
    request = signing.Request("", "GET", "/prod", [("q", QUOTES)])
    text = agent.encode().decode("latin-1")
    for name, value in (("User-Agent", text), ("x-api-key", text), ("X-Amzn-Trace-Id", text)):
        request.set(name, value)
    answer = signing.Connection(server.port).send(request.set("Host", f"{api}.execute-api.localhost"))
    assert answer.status == 200
    return events(server, "access", before + 1)[-1]


def test_a_value_ends_no_field_of_json(server, stage):
    format = json.dumps({name: f"$context.{name}" for name in SENT})
    for agent in AGENTS:
        line = json.loads(line_of(server, stage, format, agent))
        assert (set(line), line["identity.userAgent"]) == (set(SENT), agent)


def test_a_value_ends_no_field_of_xml(server, stage):
    format = "<r>" + "".join(f'<v n="{name}" v="$context.{name}">$context.{name}</v>' for name in SENT) + "</r>"
    for agent in AGENTS:
        line = xml.etree.ElementTree.fromstring(line_of(server, stage, format, agent))
        assert ([entry.get("n") for entry in line], line[1].text) == (SENT, agent)


def test_a_message_is_quoted_once(server, stage):
    """error.messageString is a string of JSON by itself."""
    gateway, api = stage
    line_of(server, stage, '{"id": "$context.requestId", "said": $context.error.messageString, "plain": "$context.error.message"}', "x")
    request = signing.Request("", "GET", "/prod/nowhere").set("Host", f"{api}.execute-api.localhost")
    before = len(server.client("logs").filter_log_events(logGroupName="access")["events"])
    assert signing.Connection(server.port).send(request).status == 403
    line = json.loads(events(server, "access", before + 1)[-1])
    assert line["said"] == line["plain"] == "Missing Authentication Token"
