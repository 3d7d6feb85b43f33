"""$context as AWS documents it for access logs, and which steps fill it.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html"""

import json

import pytest

import gateway_api
from test_gateway_authorizers import authorizer_function, guarded, make, token  # noqa: F401
from test_gateway_iam import mock, policy, signed, statement, user  # noqa: F401
from test_gateway_logs import TRUST, events

ARN = "arn:aws:logs:us-east-1:000000000000:log-group:"

# In each answer of a mock integration.
ALWAYS = """
    accountId apiId deploymentId domainName domainPrefix endpointType extendedRequestId httpMethod identity.sourceIp
    identity.userAgent path protocol requestId requestTime requestTimeEpoch resourceId resourcePath responseLatency
    responseLength stage status
""".split()

# Only where what they are about has happened.
SOMETIMES = """
    authenticate.error authenticate.latency authenticate.status authorize.error authorize.latency authorize.status
    authorizer.claims.sub authorizer.error authorizer.integrationLatency authorizer.integrationStatus
    authorizer.latency authorizer.principalId authorizer.requestId authorizer.status awsEndpointRequestId cipherSuite
    customDomain.basePathMatched error.message error.responseType error.validationErrorString identity.accountId
    identity.apiKey identity.apiKeyId identity.caller identity.clientCert.clientCertPem identity.clientCert.issuerDN
    identity.clientCert.serialNumber identity.clientCert.subjectDN identity.clientCert.validity.notAfter
    identity.clientCert.validity.notBefore identity.cognitoAuthenticationProvider identity.cognitoAuthenticationType
    identity.cognitoIdentityId identity.cognitoIdentityPoolId identity.principalOrgId identity.user identity.userArn
    identity.vpcId identity.vpceId integration.error integration.integrationStatus integration.latency
    integration.requestId integration.status integrationErrorMessage integrationLatency integrationStatus
    isCanaryRequest tlsVersion waf.error waf.latency waf.status wafResponseCode webaclArn xrayTraceId
""".split()

FORMAT = json.dumps({name: "$context." + name for name in ALWAYS + SOMETIMES})


@pytest.fixture
def group(server):
    iam, logs, gateway = server.client("iam"), server.client("logs"), server.client("apigateway")
    role = iam.create_role(RoleName="context-logs", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    gateway.update_account(patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": role}])
    logs.create_log_group(logGroupName="context")
    yield "context"
    logs.delete_log_group(logGroupName="context")
    gateway.update_account(patchOperations=[{"op": "remove", "path": "/cloudwatchRoleArn"}])
    iam.delete_role(RoleName="context-logs")


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def deploy(gateway, group, stage="prod", format=FORMAT):
    """A client for a stage whose access log has every variable."""
    api = gateway.deploy(stage)
    settings = {"destinationArn": ARN + group, "format": format}
    gateway.client.update_stage(
        restApiId=gateway.id,
        stageName=stage,
        patchOperations=[
            {"op": "replace", "path": "/accessLogSettings/" + name, "value": value} for name, value in settings.items()
        ],
    )
    return api


def logged(server, group, count=1):
    return [json.loads(line) for line in events(server, group, count)]


def values(line, prefix):
    return {name: line[name] for name in line if name.startswith(prefix)}


def test_an_answer_gives_the_usual_variables_values_and_no_others(server, gateway, group):
    mock(gateway, gateway.resource("x"))
    assert deploy(gateway, group).call("GET", "/x", headers={"User-Agent": "test"}).status == 200
    (line,) = logged(server, group)
    assert [name for name in ALWAYS if line[name] in ("-", "") or "$" in line[name]] == []
    assert {name: line[name] for name in SOMETIMES if line[name] != "-"} == {}
    assert (line["endpointType"], line["resourcePath"], line["path"]) == ("EDGE", "/x", "/prod/x")


def test_every_documented_variable_is_known(gateway):
    """What is not one stays in a gateway response as it was written."""
    names = ALWAYS + SOMETIMES
    gateway.client.put_gateway_response(
        restApiId=gateway.id,
        responseType="MISSING_AUTHENTICATION_TOKEN",
        responseTemplates={"application/json": json.dumps({name: "$context." + name for name in names + ["none"]})},
    )
    mock(gateway, gateway.resource("x"))
    answer = gateway.deploy().call("GET", "/y").json
    assert [name for name in answer if "$" in answer[name]] == ["none"]


def test_a_signature_that_is_wrong_ends_at_authentication(server, gateway, group, user):  # noqa: F811
    mock(gateway, gateway.resource("x"), authorizationType="AWS_IAM")
    api = deploy(gateway, group)
    assert signed(api, "/x", {**user[1], "SecretAccessKey": "wrong"}).status == 403
    (line,) = logged(server, group)
    assert line["authenticate.status"] == "403"
    assert line["authenticate.error"].startswith("The request signature we calculated does not match")
    assert line["authenticate.latency"].isdigit()
    assert set(values(line, "authorize.").values()) == {"-"}


def test_a_caller_without_the_right_ends_at_authorization(server, gateway, group, user):  # noqa: F811
    arn, key, allow = user
    mock(gateway, gateway.resource("x"), authorizationType="AWS_IAM")
    api = deploy(gateway, group)
    allow({"Effect": "Deny", "Action": "execute-api:Invoke", "Resource": "*"})
    assert signed(api, "/x", key).status == 403
    (line,) = logged(server, group)
    assert (line["authenticate.status"], line["authenticate.error"]) == ("200", "-")
    assert line["authorize.status"] == "403"
    assert line["authorize.error"].endswith("with an explicit deny in an identity-based policy")
    assert (line["identity.userArn"], line["error.responseType"]) == (arn, "ACCESS_DENIED")


def test_a_resource_policy_authorizes_without_authentication(server, group):
    gateway = gateway_api.Gateway(server, policy=policy(statement("Allow")))
    mock(gateway, gateway.resource("x"))
    assert deploy(gateway, group).call("GET", "/x").status == 200
    (line,) = logged(server, group)
    gateway.delete()
    assert (line["authorize.status"], line["authorize.error"], line["authenticate.status"]) == ("200", "-", "-")


def test_an_authorizer_and_its_policy_are_two_steps(server, gateway, group, authorizer_function):  # noqa: F811
    guarded(gateway, make(gateway, authorizer_function))
    api = deploy(gateway, group)
    assert [token(api, value).status for value in ("ann", "ann", "deny", "nobody", "broken")] == [200, 200, 403, 401, 500]
    asked, kept, denied, nobody, broken = logged(server, group, 5)
    assert (asked["authorizer.principalId"], asked["authorizer.status"]) == ("user|ann", "200")
    assert (asked["authorizer.integrationStatus"], asked["authorize.status"]) == ("200", "200")
    assert asked["authorizer.requestId"].count("-") == 4
    assert (kept["authorizer.status"], kept["authorizer.requestId"], kept["authorizer.latency"]) == ("200", "-", "0")
    assert (denied["authorizer.status"], denied["authorize.status"]) == ("200", "403")
    assert denied["authorize.error"] == "The client is not authorized to perform this operation."
    assert (nobody["authorizer.status"], nobody["authorizer.error"]) == ("401", "Unauthorized")
    assert (broken["authorizer.status"], broken["authorizer.integrationStatus"]) == ("500", "200")
    assert {line["authorize.status"] for line in (nobody, broken)} == {"-"}


def test_the_base_path_of_a_domain_name(server, gateway, group):
    mock(gateway, gateway.resource("x"))
    api = deploy(gateway, group)
    client = gateway.client
    client.create_domain_name(domainName="context.localhost")
    client.create_base_path_mapping(domainName="context.localhost", basePath="v1", restApiId=gateway.id, stage="prod")
    status = api.call("GET", "/x").status, type(api)(f"http://context.localhost:{server.port}").call("GET", "/v1/x").status
    client.delete_base_path_mapping(domainName="context.localhost", basePath="v1")
    client.delete_domain_name(domainName="context.localhost")
    assert status == (200, 200)
    assert [line["customDomain.basePathMatched"] for line in logged(server, group, 2)] == ["-", "v1"]


def test_requests_of_a_stage_with_a_canary_say_where_they_went(server, gateway, group):
    mock(gateway, gateway.resource("x"))
    api = deploy(gateway, group)
    everything = {"percentTraffic": 100.0}
    gateway.client.create_deployment(restApiId=gateway.id, stageName="prod", canarySettings=everything)
    assert api.call("GET", "/x").status == 200
    assert logged(server, group)[0]["isCanaryRequest"] == "true"


def test_what_templates_override_is_logged(server, gateway, group):
    gateway.method(
        gateway.resource("x"),
        integration={
            "type": "MOCK",
            "requestTemplates": {"application/json": '#set($context.requestOverride.header.X-To = "there"){"statusCode": 200}'},
        },
        responses={"200": {"responseTemplates": {"application/json": "#set($context.responseOverride.status = 202)ok"}}},
    )
    names = ["requestOverride.header.X-To", "responseOverride.status", "responseOverride.header.X-No"]
    api = deploy(gateway, group, format=json.dumps({name: "$context." + name for name in [*names, "requestId"]}))
    assert api.call("GET", "/x").status == 202
    assert [logged(server, group)[0][name] for name in names] == ["there", "202", "-"]
