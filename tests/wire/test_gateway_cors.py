"""Browsers from other origins, let in by the AWS CLI as its documentation says and by the calls of the console's Enable CORS:
https://docs.aws.amazon.com/apigateway/latest/developerguide/how-to-cors.html"""

import json

import pytest

import gateway_api

JSON = "application/json"
ORIGIN = "https://shop.example"
HEADERS = "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token"
VERBS = {"DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"}
ALLOW = "method.response.header.Access-Control-Allow-"


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def quoted(value):
    return f"'{value}'"


def preflight(api, path, method):
    headers = {"Origin": ORIGIN, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-api-key"}
    return api.call("OPTIONS", path, headers=headers)


def may(answer, method):
    """Whether a browser goes on after this answer to its preflight (Fetch, 4.8 CORS-preflight fetch)."""
    methods = answer.headers.get("Access-Control-Allow-Methods", "").split(",")
    headers = answer.headers.get("Access-Control-Allow-Headers", "").lower().split(",")
    return (
        answer.status == 200
        and answer.headers.get("Access-Control-Allow-Origin") in ("*", ORIGIN)
        and method in methods
        and "x-api-key" in headers
    )


def readable(answer):
    return answer.headers.get("Access-Control-Allow-Origin") == "*"


def make_methods(gateway, resource):
    """Every method, those but GET behind a key; HEAD fails in its integration."""
    for verb in sorted(VERBS):
        gateway.method(
            resource,
            verb=verb,
            integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}' if verb != "HEAD" else "{}"}},
            responses={"200": {"responseTemplates": {JSON: '{"method": "$context.httpMethod"}'}}},
            apiKeyRequired=verb not in ("GET", "HEAD"),
        )


def enable_by_command_line(aws, gateway, resource):
    where = ["--rest-api-id", gateway.id, "--resource-id", resource]
    options = [*where, "--http-method", "OPTIONS"]
    aws("apigateway", "put-method", *options, "--authorization-type", "NONE")
    aws("apigateway", "put-integration", *options, "--type", "MOCK", "--request-templates", '{"application/json": "{\\"statusCode\\": 200}"}')
    names = [ALLOW + name for name in ("Headers", "Methods", "Origin")]
    declared = ",".join(name + "=false" for name in names)
    aws("apigateway", "put-method-response", *options, "--status-code", "200", "--response-models", '{"application/json": "Empty"}',
        "--response-parameters", declared)  # fmt: skip
    methods = ",".join(sorted(VERBS | {"OPTIONS"}))
    values = dict(zip(names, map(quoted, (HEADERS, methods, "*"))))
    aws("apigateway", "put-integration-response", *options, "--status-code", "200", "--response-parameters", json.dumps(values))
    for verb in VERBS:
        method = [*where, "--http-method", verb, "--status-code", "200"]
        patch = f"op=add,path=/responseParameters/{ALLOW}Origin,value="
        aws("apigateway", "update-method-response", *method, "--patch-operations", patch + "false")
        aws("apigateway", "update-integration-response", *method, "--patch-operations", patch + '"\'*\'"')
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        value = json.dumps({"gatewayresponse.header.Access-Control-Allow-Origin": "'*'"})
        aws("apigateway", "put-gateway-response", "--rest-api-id", gateway.id, "--response-type", kind, "--response-parameters", value)


def enable_as_the_console(aws, gateway, resource):
    """The console reads the resource, and changes what is there by patches."""
    client, where = gateway.client, {"restApiId": gateway.id, "resourceId": resource}
    methods = client.get_resource(**where, embed=["methods"])["resourceMethods"]
    options = {**where, "httpMethod": "OPTIONS"}
    client.put_method(**options, authorizationType="NONE")
    client.put_method_response(**options, statusCode="200", responseModels={JSON: "Empty"})
    client.put_integration(**options, type="MOCK", requestTemplates={JSON: '{"statusCode": 200}'})
    client.put_integration_response(**options, statusCode="200", responseTemplates={JSON: ""})
    values = {"Headers": HEADERS, "Methods": ",".join([*methods, "OPTIONS"]), "Origin": "*"}
    add(client, options, values)
    for verb in methods:
        add(client, {**where, "httpMethod": verb}, {"Origin": "*"})
    for kind in ("DEFAULT_4XX", "DEFAULT_5XX"):
        path = "/responseParameters/gatewayresponse.header.Access-Control-Allow-Origin"
        operation = {"op": "add", "path": path, "value": "'*'"}
        client.update_gateway_response(restApiId=gateway.id, responseType=kind, patchOperations=[operation])


def add(client, method, values):
    def patch(value_of):
        return [
            {"op": "add", "path": f"/responseParameters/{ALLOW}{name}", "value": value_of(value)}
            for name, value in values.items()
        ]

    client.update_method_response(**method, statusCode="200", patchOperations=patch(lambda value: "false"))
    client.update_integration_response(**method, statusCode="200", patchOperations=patch(quoted))


@pytest.mark.parametrize("enable", [enable_by_command_line, enable_as_the_console])
def test_pages_of_other_origins_may_call_every_method(aws, gateway, enable):
    resource = gateway.resource("things")
    make_methods(gateway, resource)
    before = gateway.deploy("before")
    enable(aws, gateway, resource)
    api = gateway.deploy("after")
    key = gateway.client.create_api_key(name="cors", enabled=True)
    stage = {"apiId": gateway.id, "stage": "after"}
    plan = gateway.client.create_usage_plan(name="cors", apiStages=[stage], quota={"limit": 5, "period": "DAY"})["id"]
    gateway.client.create_usage_plan_key(usagePlanId=plan, keyId=key["id"], keyType="API_KEY")
    refused = [before.call("OPTIONS", "/things").status, api.call("OPTIONS", "/nothing").status]
    allowed = {verb: may(preflight(api, "/things", verb), verb) for verb in VERBS}
    answers = [api.call(verb, "/things", key=key["value"]) for verb in sorted(VERBS - {"HEAD"})]
    unkeyed, failed, missing = api.call("POST", "/things"), api.call("HEAD", "/things"), api.call("GET", "/nothing")
    used_up = [api.call("PUT", "/things", key=key["value"]) for _ in range(2)][-1]
    gateway.client.update_usage_plan(
        usagePlanId=plan, patchOperations=[{"op": "remove", "path": "/apiStages", "value": f"{gateway.id}:after"}]
    )
    gateway.client.delete_usage_plan(usagePlanId=plan)
    gateway.client.delete_api_key(apiKey=key["id"])
    assert refused == [403, 403]
    assert allowed == dict.fromkeys(VERBS, True)
    assert [(answer.status, readable(answer)) for answer in answers] == [(200, True)] * 5
    errors = unkeyed, failed, missing, used_up
    assert [(answer.status, readable(answer)) for answer in errors] == [(403, True), (500, True), (403, True), (429, True)]
