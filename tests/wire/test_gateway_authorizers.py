"""Lambda authorizers: what they are asked, what their answers do, and how long these are kept."""

import http.client
import json

import botocore.exceptions
import pytest

import functions
import gateway_api

JSON = "application/json"

SOURCE = '''
import json

CALLS = 0


def policy(effect, resource):
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


def lambda_handler(event, context):
    global CALLS
    CALLS += 1
    token = event.get("authorizationToken") or (event.get("headers") or {}).get("X-Token", "")
    arn = event["methodArn"]
    if token == "nobody":
        raise Exception("Unauthorized")
    if token == "broken":
        raise Exception("out of order")
    if token == "malformed":
        return {"principalId": "x"}
    if token == "nested":
        return {"principalId": "x", "policyDocument": policy("Allow", "*"), "context": {"a": {"b": 1}}}
    if token == "deny":
        return {"principalId": "x", "policyDocument": policy("Deny", arn)}
    if token == "elsewhere":
        return {"principalId": "x", "policyDocument": policy("Allow", arn + "/elsewhere")}
    if token == "one":
        return {"principalId": "x", "policyDocument": policy("Allow", arn), "context": {"calls": CALLS}}
    return {
        "principalId": "user|" + token,
        "policyDocument": policy("Allow", "*"),
        "context": {"text": "t", "number": 7, "flag": True, "calls": CALLS, "event": json.dumps(event)},
        "usageIdentifierKey": "key-of-" + token + "-0123456789",
    }
'''


@pytest.fixture(scope="module")
def authorizer_function(server):
    """The authorizer's invocation URI. Any API may ask it."""
    role = functions.make_role(server, "authorizer-role")
    client = server.client("lambda")
    client.create_function(
        FunctionName="authorizer",
        Runtime="python3.11",
        Handler="lambda_function.lambda_handler",
        Role=role,
        Code={"ZipFile": functions.zip_of({"lambda_function.py": SOURCE})},
    )
    client.add_permission(
        FunctionName="authorizer",
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn="arn:aws:execute-api:us-east-1:000000000000:*/authorizers/*",
    )
    arn = client.get_function(FunctionName="authorizer")["Configuration"]["FunctionArn"]
    yield gateway_api.lambda_uri(arn)
    client.delete_function(FunctionName="authorizer")
    server.client("iam").delete_role(RoleName="authorizer-role")


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


TEMPLATE = (
    '{"who": "$context.authorizer.principalId", "text": "$context.authorizer.text", "number": $context.authorizer.number,'
    ' "flag": $context.authorizer.flag, "calls": $context.authorizer.calls,'
    ' "event": "$util.escapeJavaScript($context.authorizer.event)"}'
)


def guarded(gateway, authorizer_id, part="x", verb="GET", template='{"calls": "$context.authorizer.calls"}', **settings):
    gateway.method(
        gateway.resource(part),
        verb=verb,
        authorizationType="CUSTOM",
        authorizerId=authorizer_id,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}, "passthroughBehavior": "NEVER"},
        responses={"200": {"responseTemplates": {JSON: template}}},
        **settings,
    )


def make(gateway, uri, **settings):
    made = {"name": "a", "type": "TOKEN", "identitySource": "method.request.header.Authorization", **settings}
    return gateway.client.create_authorizer(restApiId=gateway.id, authorizerUri=uri, **made)["id"]


def token(api, value, path="/x", **headers):
    return api.call("GET", path, headers={"Authorization": value, **headers})


def test_a_token_authorizer_lets_in_and_tells_who(gateway, authorizer_function):
    guarded(gateway, make(gateway, authorizer_function, authorizerResultTtlInSeconds=0), template=TEMPLATE)
    answer = token(gateway.deploy("prod"), "ann")
    assert answer.status == 200
    seen = answer.json
    assert (seen["who"], seen["text"], seen["number"], seen["flag"]) == ("user|ann", "t", 7, True)
    assert json.loads(seen["event"].replace("\\/", "/").replace('\\"', '"')) == {
        "type": "TOKEN",
        "methodArn": f"arn:aws:execute-api:us-east-1:000000000000:{gateway.id}/prod/GET/x",
        "authorizationToken": "ann",
    }


@pytest.mark.parametrize(
    ("value", "status", "body", "error_type"),
    [
        ("nobody", 401, {"message": "Unauthorized"}, "UnauthorizedException"),
        (
            "deny",
            403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
            "AccessDeniedException",
        ),
        ("elsewhere", 403, {"Message": "User is not authorized to access this resource"}, "AccessDeniedException"),
        ("broken", 500, {"message": None}, "AuthorizerFailureException"),
        ("malformed", 500, {"message": None}, "AuthorizerConfigurationException"),
        ("nested", 500, {"message": None}, "AuthorizerConfigurationException"),
    ],
)
def test_what_an_authorizer_refuses(gateway, authorizer_function, value, status, body, error_type):
    guarded(gateway, make(gateway, authorizer_function))
    answer = token(gateway.deploy(), value)
    assert (answer.status, answer.json) == (status, body)
    assert answer.headers["x-amzn-ErrorType"] == error_type


def test_a_token_that_is_missing_or_of_another_form_is_not_asked_about(gateway, authorizer_function):
    guarded(gateway, make(gateway, authorizer_function, identityValidationExpression="Bearer [a-z]+"))
    api = gateway.deploy()
    missing, other = api.call("GET", "/x"), token(api, "Basic abc")
    assert (missing.status, missing.json) == (401, {"message": "Unauthorized"})
    assert (other.status, other.json) == (401, {"message": "Unauthorized"})
    assert token(api, "Bearer abc").status == 200


def test_answers_are_kept_and_flushed(gateway, authorizer_function, server):
    authorizer = make(gateway, authorizer_function, authorizerResultTtlInSeconds=300)
    guarded(gateway, authorizer)
    api = gateway.deploy()
    first = token(api, "kept").json["calls"]
    assert [token(api, "kept").json["calls"] for _ in range(3)] == [first] * 3
    assert token(api, "other").json["calls"] != first
    gateway.client.flush_stage_authorizers_cache(restApiId=gateway.id, stageName="dev")
    assert token(api, "kept").json["calls"] != first
    operation = {"op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0"}
    gateway.client.update_authorizer(restApiId=gateway.id, authorizerId=authorizer, patchOperations=[operation])
    api = gateway.deploy()
    assert token(api, "kept").json["calls"] != token(api, "kept").json["calls"]


def test_a_kept_policy_is_held_to_for_every_method(gateway, authorizer_function):
    authorizer = make(gateway, authorizer_function)
    guarded(gateway, authorizer, "a")
    guarded(gateway, authorizer, "b")
    api = gateway.deploy()
    assert token(api, "one", "/a").status == 200  # allowed for this method alone
    assert token(api, "one", "/b").status == 403


def test_what_the_apis_policy_denies_is_not_asked_about(server, authorizer_function):
    rules = {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "execute-api:/*/GET/a"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [rules]})
    gateway = gateway_api.Gateway(server, policy=policy)
    authorizer = make(gateway, authorizer_function)
    guarded(gateway, authorizer, "a")
    guarded(gateway, authorizer, "b")
    api = gateway.deploy()
    denied, broken, allowed = token(api, "ann", "/a"), token(api, "broken", "/a"), token(api, "ann", "/b")
    gateway.delete()
    assert (denied.status, broken.status, allowed.status) == (403, 403, 200)
    assert denied.json["Message"].startswith("User: anonymous is not authorized to perform: execute-api:Invoke on resource: ")
    assert denied.json["Message"].endswith("with an explicit deny in a resource-based policy")


def test_a_request_authorizer_sees_the_request(gateway, authorizer_function):
    sources = "method.request.header.X-Token, method.request.querystring.q"
    authorizer = make(gateway, authorizer_function, type="REQUEST", identitySource=sources)
    gateway.method(
        gateway.resource("{id}", gateway.resource("r")),
        authorizationType="CUSTOM",
        authorizerId=authorizer,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: TEMPLATE}}},
    )
    api = gateway.deploy(variables={"color": "blue"})
    assert api.call("GET", "/r/7", headers={"X-Token": "ann"}).status == 401
    answer = api.call("GET", "/r/7?q=1&q=2", headers={"X-Token": "ann"})
    event = json.loads(answer.json["event"].replace("\\/", "/").replace('\\"', '"'))
    assert (event["type"], event["resource"], event["path"], event["httpMethod"]) == ("REQUEST", "/r/{id}", "/r/7", "GET")
    assert event["methodArn"].endswith(f"{gateway.id}/dev/GET/r/7")
    assert event["pathParameters"] == {"id": "7"}
    assert event["multiValueQueryStringParameters"] == {"q": ["1", "2"]}
    assert event["stageVariables"] == {"color": "blue"}
    assert event["requestContext"]["apiId"] == gateway.id
    assert event["headers"]["X-Token"] == "ann"
    assert "body" not in event


def test_the_function_gets_what_the_authorizer_said(gateway, authorizer_function, server):
    role = functions.make_role(server, "echo-role")
    client = server.client("lambda")
    source = "import json\n\ndef lambda_handler(event, context):\n    return {'body': json.dumps(event['requestContext'])}\n"
    client.create_function(
        FunctionName="echo-context",
        Runtime="python3.11",
        Handler="lambda_function.lambda_handler",
        Role=role,
        Code={"ZipFile": functions.zip_of({"lambda_function.py": source})},
    )
    client.add_permission(
        FunctionName="echo-context", StatementId="g", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    arn = client.get_function(FunctionName="echo-context")["Configuration"]["FunctionArn"]
    gateway.method(
        gateway.resource("f"),
        authorizationType="CUSTOM",
        authorizerId=make(gateway, authorizer_function),
        integration={"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": gateway_api.lambda_uri(arn)},
    )
    answer = token(gateway.deploy(), "ann", "/f")
    client.delete_function(FunctionName="echo-context")
    server.client("iam").delete_role(RoleName="echo-role")
    said = answer.json["authorizer"]
    assert (said["principalId"], said["text"], said["number"], said["flag"]) == ("user|ann", "t", "7", "true")
    assert isinstance(said["integrationLatency"], int)


def test_the_key_may_come_from_the_authorizer(server, authorizer_function):
    gateway = gateway_api.Gateway(server, apiKeySource="AUTHORIZER")
    client = gateway.client
    guarded(gateway, make(gateway, authorizer_function), apiKeyRequired=True)
    api = gateway.deploy()
    key = client.create_api_key(name="ann", value="key-of-ann-0123456789", enabled=True)
    plan = client.create_usage_plan(name="p", apiStages=[{"apiId": gateway.id, "stage": "dev"}])
    client.create_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"], keyType="API_KEY")
    known, unknown = token(api, "ann"), token(api, "bob")
    client.delete_usage_plan_key(usagePlanId=plan["id"], keyId=key["id"])
    operation = {"op": "remove", "path": "/apiStages", "value": f"{gateway.id}:dev"}
    client.update_usage_plan(usagePlanId=plan["id"], patchOperations=[operation])
    client.delete_usage_plan(usagePlanId=plan["id"])
    client.delete_api_key(apiKey=key["id"])
    gateway.delete()
    assert (known.status, unknown.status) == (200, 403)


def test_an_authorizer_that_may_not_be_invoked(gateway, server):
    role = functions.make_role(server, "silent-role")
    functions.make_function(server, "silent", functions.PROBE, "probe", role)
    arn = server.client("lambda").get_function(FunctionName="silent")["Configuration"]["FunctionArn"]
    guarded(gateway, make(gateway, gateway_api.lambda_uri(arn)))
    answer = token(gateway.deploy(), "ann")
    server.client("lambda").delete_function(FunctionName="silent")
    server.client("iam").delete_role(RoleName="silent-role")
    assert (answer.status, answer.json) == (500, {"message": None})


def event_of(answer):
    return json.loads(answer["event"].replace("\\/", "/").replace('\\"', '"'))


def repeated(api, target, *headers):
    """A call with headers that may be there more than once; returns status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=40)
    connection.putrequest("GET", api.prefix + target, skip_host=True)
    for name, value in (("Host", api.host), *headers):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, json.loads(body)


@pytest.mark.parametrize(
    ("source", "target", "headers"),
    [
        ("method.request.header.X-Tenant", "/x", [("X-Tenant", "theirs"), ("X-Tenant", "mine")]),
        ("method.request.querystring.tenant", "/x?tenant=theirs&tenant=mine", []),
        ("method.request.querystring.tenant", "/x?tenant=mine&tenant=theirs", []),
    ],
)
def test_what_is_kept_is_kept_for_all_values_of_a_source(gateway, authorizer_function, source, target, headers):
    """Else an answer for one of two values would be taken for the other."""
    sources = "method.request.header.X-Token, " + source
    guarded(gateway, make(gateway, authorizer_function, type="REQUEST", identitySource=sources), template=TEMPLATE)
    api = gateway.deploy()
    me = ("X-Token", "me")
    connection_count = 12  # every thread has a cache of its own
    both = [repeated(api, target, me, *headers)[1] for _ in range(connection_count)]
    assert {answer["who"] for answer in both} == {"user|me"}
    single = [("X-Tenant", "theirs")] if headers else []
    path = "/x" if headers else "/x?tenant=theirs"
    for _ in range(connection_count):
        event = event_of(repeated(api, path, me, *single)[1])
        seen = event["multiValueHeaders"].get("X-Tenant") or event["multiValueQueryStringParameters"]["tenant"]
        assert seen == ["theirs"]


def test_answers_about_more_values_than_are_compared_are_not_kept(gateway, authorizer_function):
    authorizer = make(gateway, authorizer_function, type="REQUEST", identitySource="method.request.header.X-Token")
    guarded(gateway, authorizer, template=TEMPLATE)
    api = gateway.deploy()
    for last in ("mine", "theirs"):
        headers = [("X-Token", "me")] * 32 + [("X-Token", last)]
        seen = [event_of(repeated(api, "/x", *headers)[1])["multiValueHeaders"]["X-Token"][-1] for _ in range(8)]
        assert set(seen) == {last}


def test_a_token_that_is_there_twice_is_none(gateway, authorizer_function):
    """The function would be asked about one, and the integration might read the other."""
    guarded(gateway, make(gateway, authorizer_function))
    api = gateway.deploy()
    twice = repeated(api, "/x", ("Authorization", "ann"), ("authorization", "bob"))
    assert twice == (401, {"message": "Unauthorized"})
    assert repeated(api, "/x", ("Authorization", "ann"))[0] == 200


# --- TestInvokeAuthorizer ---


def try_out(gateway, authorizer, **arguments):
    return gateway.client.test_invoke_authorizer(restApiId=gateway.id, authorizerId=authorizer, **arguments)


def test_an_authorizer_is_tried_without_a_deployment(gateway, authorizer_function):
    answer = try_out(gateway, make(gateway, authorizer_function), headers={"Authorization": "annabella"})
    assert (answer["clientStatus"], answer["principalId"]) == (200, "user|annabella")
    assert json.loads(answer["policy"])["Statement"][0]["Effect"] == "Allow"
    assert isinstance(answer["latency"], int)
    lines = answer["log"].splitlines()
    assert lines[1].endswith(" for request: " + lines[0].split()[-1])
    assert lines[2].endswith(" : Incoming identity: ***abella")
    assert lines[-1].endswith(" : Successfully completed authorizer execution")
    assert "annabella" not in answer["log"].replace("user|annabella", "")


def test_a_policy_that_denies_is_shown_not_applied(gateway, authorizer_function):
    answer = try_out(gateway, make(gateway, authorizer_function), headers={"Authorization": "deny"})
    assert (answer["clientStatus"], answer["principalId"]) == (200, "x")
    (statement,) = json.loads(answer["policy"])["Statement"]
    assert (statement["Effect"], statement["Resource"].split("/", 1)[1]) == ("Deny", "test-invoke-stage/GET/")


@pytest.mark.parametrize(("value", "status"), [("nobody", 401), ("broken", 500), ("malformed", 500), (None, 401)])
def test_a_trial_that_does_not_end_well(gateway, authorizer_function, value, status):
    headers = {"Authorization": value} if value else {}
    answer = try_out(gateway, make(gateway, authorizer_function), headers=headers)
    assert answer["clientStatus"] == status
    assert "policy" not in answer and "principalId" not in answer


def test_a_request_authorizer_is_tried_with_a_path(gateway, authorizer_function):
    authorizer = make(
        gateway,
        authorizer_function,
        type="REQUEST",
        identitySource="method.request.header.X-Token, method.request.querystring.q, stageVariables.color",
    )
    arguments = {"headers": {"X-Token": "deny"}, "pathWithQueryString": "/a/b?q=1"}
    assert try_out(gateway, authorizer, **arguments)["clientStatus"] == 401
    answer = try_out(gateway, authorizer, stageVariables={"color": "blue"}, **arguments)
    assert json.loads(answer["policy"])["Statement"][0]["Resource"].endswith("/test-invoke-stage/GET/a/b")


def test_trials_neither_use_nor_change_the_cache(gateway, authorizer_function):
    authorizer = make(gateway, authorizer_function, authorizerResultTtlInSeconds=3600)
    guarded(gateway, authorizer)
    api = gateway.deploy()
    first = token(api, "one").json["calls"]
    for _ in range(2):
        answer = try_out(gateway, authorizer, headers={"Authorization": "one"})
        assert "Authorizer result body before parsing: " in answer["log"]
    assert token(api, "one").json["calls"] == first


def test_trials_of_what_is_not_there(gateway, authorizer_function):
    client = gateway.client
    with pytest.raises(client.exceptions.NotFoundException, match="Invalid Authorizer identifier specified"):
        try_out(gateway, "none00")
    with pytest.raises(client.exceptions.BadRequestException, match="Additional context is not supported"):
        try_out(gateway, make(gateway, authorizer_function), additionalContext={"a": "b"})


# --- The control plane ---


def test_authorizers_are_made_listed_changed_and_deleted(gateway, authorizer_function):
    client, where = gateway.client, {"restApiId": gateway.id}
    made = client.create_authorizer(**where, name="one", type="TOKEN", authorizerUri=authorizer_function)
    assert made["authorizerResultTtlInSeconds"] == 300
    assert (made["authType"], made["identitySource"]) == ("custom", "method.request.header.Authorization")
    assert [item["id"] for item in client.get_authorizers(**where)["items"]] == [made["id"]]
    changed = client.update_authorizer(
        **where,
        authorizerId=made["id"],
        patchOperations=[
            {"op": "replace", "path": "/name", "value": "two"},
            {"op": "replace", "path": "/identityValidationExpression", "value": "[a-z]+"},
        ],
    )
    assert (changed["name"], changed["identityValidationExpression"]) == ("two", "[a-z]+")
    guarded(gateway, made["id"])
    with pytest.raises(client.exceptions.ConflictException, match="GET /x"):
        client.delete_authorizer(**where, authorizerId=made["id"])
    resource = [item for item in client.get_resources(**where)["items"] if item["path"] == "/x"][0]["id"]
    operations = [{"op": "replace", "path": "/authorizationType", "value": "NONE"}]
    method = client.update_method(**where, resourceId=resource, httpMethod="GET", patchOperations=operations)
    assert "authorizerId" not in method
    client.delete_authorizer(**where, authorizerId=made["id"])
    with pytest.raises(client.exceptions.NotFoundException, match="Invalid Authorizer identifier specified"):
        client.get_authorizer(**where, authorizerId=made["id"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "COGNITO_USER_POOLS"}, "no Cognito here"),
        ({"type": "OTHER"}, "enum value set: \\[REQUEST, TOKEN, COGNITO_USER_POOLS\\]"),
        ({"authorizerUri": "arn:aws:nothing"}, "Invalid Authorizer URI: arn:aws:nothing"),
        ({"authorizerResultTtlInSeconds": 3601}, "between 0 and 3600"),
        ({"identitySource": "method.request.body.x"}, "Invalid mapping expression"),
        ({"identitySource": "method.request.querystring.x"}, "Invalid mapping expression"),
        ({"type": "REQUEST", "identitySource": ""}, "Identity source is required"),
        ({"identityValidationExpression": "("}, "Invalid identity validation expression"),
        ({"authorizerCredentials": "x"}, "Invalid ARN"),
    ],
)
def test_authorizers_that_cannot_be(gateway, authorizer_function, change, message):
    settings = {"name": "a", "type": "TOKEN", "authorizerUri": authorizer_function, **change}
    with pytest.raises(botocore.exceptions.ClientError, match=message):
        gateway.client.create_authorizer(restApiId=gateway.id, **settings)


def test_methods_need_an_authorizer_that_is_there(gateway):
    client = gateway.client
    with pytest.raises(client.exceptions.BadRequestException, match="Invalid authorizer ID specified"):
        client.put_method(
            restApiId=gateway.id, resourceId=gateway.root, httpMethod="GET", authorizationType="CUSTOM", authorizerId="none"
        )
