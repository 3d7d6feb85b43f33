"""Access and execution logs of a stage, set up as the guide does and read with the AWS CLI."""

import json
import time

import pytest

import notes_api

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
