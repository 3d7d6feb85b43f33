"""Methods that IAM guards, and resource policies of APIs."""

import json

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

import functions
import gateway_api

JSON = "application/json"


@pytest.fixture
def gateway(server):
    made = gateway_api.Gateway(server)
    yield made
    made.delete()


def mock(gateway, resource, verb="GET", template='{"ok": true}', **settings):
    gateway.method(
        resource,
        verb=verb,
        integration={"type": "MOCK", "requestTemplates": {JSON: '{"statusCode": 200}'}},
        responses={"200": {"responseTemplates": {JSON: template}}},
        **settings,
    )


def signed(api, path, key, verb="GET", service="execute-api", token=None, body=None, change=None):
    """A call signed with the key; `change` may alter the headers behind the signature."""
    credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"], token)
    url = f"http://{api.host}{api.prefix}{path}"
    request = botocore.awsrequest.AWSRequest(verb, url, data=body)
    botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    if change:
        change(headers)
    return api.call(verb, path, body, headers=headers)


@pytest.fixture(scope="module")
def user(server):
    """A user with a key and no rights, and a function that gives it a policy."""
    iam = server.client("iam")
    arn = iam.create_user(UserName="caller")["User"]["Arn"]
    key = iam.create_access_key(UserName="caller")["AccessKey"]

    def allow(*statements):
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_user_policy(UserName="caller", PolicyName="calls", PolicyDocument=json.dumps(policy))

    yield arn, key, allow
    iam.delete_access_key(UserName="caller", AccessKeyId=key["AccessKeyId"])
    if iam.list_user_policies(UserName="caller")["PolicyNames"]:
        iam.delete_user_policy(UserName="caller", PolicyName="calls")
    iam.delete_user(UserName="caller")


def invoke_arn(gateway, rest):
    return f"arn:aws:execute-api:us-east-1:000000000000:{gateway.id}/{rest}"


def test_a_signed_caller_with_the_right_may(gateway, user):
    arn, key, allow = user
    items = gateway.resource("{id}", gateway.resource("items"))
    template = '{"arn": "$context.identity.userArn", "user": "$context.identity.user", "account": "$context.identity.accountId"}'
    mock(gateway, items, authorizationType="AWS_IAM", template=template)
    mock(gateway, items, verb="DELETE", authorizationType="AWS_IAM")
    api = gateway.deploy("prod")
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": invoke_arn(gateway, "prod/GET/items/*")})
    answer = signed(api, "/items/7", key)
    assert answer.status == 200
    assert answer.json["arn"] == arn
    assert answer.json["user"].startswith("AIDA")
    assert answer.json["account"] == "000000000000"
    denied = signed(api, "/items/7", key, "DELETE")
    assert denied.status == 403
    assert denied.headers["x-amzn-ErrorType"] == "AccessDeniedException"
    assert denied.json == {
        "Message": f"User: {arn} is not authorized to perform: execute-api:Invoke on resource: "
        f"arn:aws:execute-api:us-east-1:********0000:{gateway.id}/prod/DELETE/items/7 because no identity-based policy "
        "allows the execute-api:Invoke action"
    }


def test_what_is_wrong_with_a_signature(gateway, user):
    _, key, _ = user
    mock(gateway, gateway.resource("x"), authorizationType="AWS_IAM")
    api = gateway.deploy()
    missing = api.call("GET", "/x")
    assert (missing.status, missing.json) == (403, {"message": "Missing Authentication Token"})
    assert missing.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"
    wrong = signed(api, "/x", {**key, "SecretAccessKey": "wrong"})
    assert wrong.status == 403
    assert wrong.json["message"].startswith("The request signature we calculated does not match the signature you provided.")
    unknown = signed(api, "/x", {"AccessKeyId": "AKIANOBODY0000000000", "SecretAccessKey": "x"})
    assert (unknown.status, unknown.json["message"]) == (403, "The security token included in the request is invalid.")
    elsewhere = signed(api, "/x", key, service="dynamodb")
    assert (elsewhere.status, "execute-api" in elsewhere.json["message"]) == (403, True)
    garbled = api.call("GET", "/x", headers={"Authorization": "AWS4-HMAC-SHA256 nonsense"})
    assert garbled.status == 403


def presigned(api, path, key, expires=60, token=None):
    credentials = botocore.credentials.Credentials(key["AccessKeyId"], key["SecretAccessKey"], token)
    request = botocore.awsrequest.AWSRequest("GET", f"http://{api.host}{api.prefix}{path}")
    botocore.auth.SigV4QueryAuth(credentials, "execute-api", "us-east-1", expires=expires).add_auth(request)
    return request.url.removeprefix(f"http://{api.host}{api.prefix}")


def test_a_signature_may_be_in_the_query(gateway, user):
    arn, key, allow = user
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
    mock(gateway, gateway.resource("x"), authorizationType="AWS_IAM", template='"$context.identity.userArn"')
    api = gateway.deploy()
    target = presigned(api, "/x", key)
    assert api.call("GET", target).json == arn
    changed = api.call("GET", target + "&more=1")
    assert (changed.status, changed.headers["x-amzn-ErrorType"]) == (403, "InvalidSignatureException")
    assert api.call("GET", target.replace("/x?", "/y?")).status == 403


def test_a_session_of_a_role_may_call(gateway, server, user):
    _, key, allow = user
    allow({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"})
    iam, sts = server.client("iam"), server.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="callers", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    mock(gateway, gateway.resource("x"), authorizationType="AWS_IAM", template='"$context.identity.userArn"')
    api = gateway.deploy()
    statement = {"Effect": "Allow", "Action": "execute-api:*", "Resource": invoke_arn(gateway, "*")}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_role_policy(RoleName="callers", PolicyName="p", PolicyDocument=json.dumps(policy))
    session = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"]
    answer = signed(api, "/x", session, token=session["SessionToken"])
    iam.delete_role_policy(RoleName="callers", PolicyName="p")
    iam.delete_role(RoleName="callers")
    assert answer.json == "arn:aws:sts::000000000000:assumed-role/callers/me"


def test_the_function_sees_who_called(gateway, server, user):
    arn, key, allow = user
    role = functions.make_role(server, "iam-event-role")
    functions.make_function(server, "iam-event", functions.PROBE, "probe", role)
    client = server.client("lambda")
    client.add_permission(
        FunctionName="iam-event", StatementId="g", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    function = client.get_function(FunctionName="iam-event")["Configuration"]["FunctionArn"]
    resource = gateway.resource("f")
    where = {"restApiId": gateway.id, "resourceId": resource, "httpMethod": "POST"}
    gateway.client.put_method(**where, authorizationType="AWS_IAM")
    gateway.client.put_integration(
        **where,
        type="AWS",
        integrationHttpMethod="POST",
        uri=gateway_api.lambda_uri(function),
        requestTemplates={JSON: '{"do": "answer", "with": "$context.identity.accessKey $context.identity.caller"}'},
    )
    gateway.client.put_method_response(**where, statusCode="200")
    gateway.client.put_integration_response(**where, statusCode="200")
    api = gateway.deploy()
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
    answer = signed(api, "/f", key, "POST", body="{}")
    client.delete_function(FunctionName="iam-event")
    server.client("iam").delete_role(RoleName="iam-event-role")
    assert answer.json.startswith(key["AccessKeyId"] + " AIDA")


def test_an_integration_may_have_the_callers_credentials(gateway, server, user):
    """What may be done behind the method is then what the caller may do, and the table sees nobody else."""
    arn, key, allow = user
    resource = gateway.resource("put")
    for verb, authorization in (("POST", "AWS_IAM"), ("PUT", "NONE")):
        gateway.method(
            resource,
            verb=verb,
            authorizationType=authorization,
            integration={
                "type": "AWS",
                "integrationHttpMethod": "POST",
                "uri": gateway_api.action_uri("dynamodb", "DescribeTable"),
                "credentials": "arn:aws:iam::*:user/*",
                "requestTemplates": {JSON: '{"TableName": "CallersTable"}'},
            },
            responses={"200": {"responseTemplates": {JSON: "$input.body"}}},
        )
    api = gateway.deploy()
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
    denied = signed(api, "/put", key, "POST", body="{}")
    assert arn + " is not authorized to perform: dynamodb:DescribeTable" in denied.json["Message"]
    allow({"Effect": "Allow", "Action": ["execute-api:Invoke", "dynamodb:DescribeTable"], "Resource": "*"})
    allowed = signed(api, "/put", key, "POST", body="{}")
    assert "CallersTable not found" in allowed.json["message"]
    assert api.call("PUT", "/put", "{}").status == 500  # nobody has signed it


def test_a_function_may_be_called_as_the_caller(gateway, server, user):
    _, key, allow = user
    role = functions.make_role(server, "as-caller-role")
    functions.make_function(server, "as-caller", functions.PROBE, "probe", role)
    client = server.client("lambda")
    function = client.get_function(FunctionName="as-caller")["Configuration"]["FunctionArn"]
    integration = {
        "type": "AWS",
        "integrationHttpMethod": "POST",
        "uri": gateway_api.lambda_uri(function),
        "credentials": "arn:aws:iam::*:user/*",
        "requestTemplates": {JSON: '{"do": "answer", "with": "done"}'},
    }
    gateway.method(gateway.resource("f"), "POST", integration, authorizationType="AWS_IAM", responses={"200": {}})
    api = gateway.deploy()
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"})
    denied = signed(api, "/f", key, "POST", body="{}")
    allow({"Effect": "Allow", "Action": ["execute-api:Invoke", "lambda:InvokeFunction"], "Resource": "*"})
    allowed = signed(api, "/f", key, "POST", body="{}")
    client.delete_function(FunctionName="as-caller")
    server.client("iam").delete_role(RoleName="as-caller-role")
    assert (denied.status, allowed.status, allowed.json) == (500, 200, "done")


# --- Resource policies ---


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect, resource="execute-api:/*", principal="*", **condition):
    made = {"Effect": effect, "Principal": principal, "Action": "execute-api:Invoke", "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def test_a_policy_opens_some_of_an_api(server):
    gateway = gateway_api.Gateway(server, policy=policy(statement("Allow", "execute-api:/*/GET/open")))
    kept = gateway.client.get_rest_api(restApiId=gateway.id)["policy"]
    assert invoke_arn(gateway, "*/GET/open") in kept
    mock(gateway, gateway.resource("open"))
    mock(gateway, gateway.resource("closed"))
    api = gateway.deploy()
    assert api.call("GET", "/open").status == 200
    closed = api.call("GET", "/closed")
    gateway.delete()
    assert closed.status == 403
    assert closed.json["Message"].startswith(
        "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
        f"arn:aws:execute-api:us-east-1:********0000:{gateway.id}/dev/GET/closed"
    )


def test_a_policy_knows_addresses_and_takes_effect_with_a_deployment(gateway):
    mock(gateway, gateway.resource("x"))
    api = gateway.deploy()
    rules = policy(
        statement("Allow"), statement("Deny", IpAddress={"aws:SourceIp": "127.0.0.0/8"}),
    )
    update = gateway.client.update_rest_api
    update(restApiId=gateway.id, patchOperations=[{"op": "replace", "path": "/policy", "value": rules}])
    assert api.call("GET", "/x").status == 200
    api = gateway.deploy()
    denied = api.call("GET", "/x")
    assert denied.status == 403
    assert denied.json["Message"].endswith("with an explicit deny in a resource-based policy")
    update(restApiId=gateway.id, patchOperations=[{"op": "replace", "path": "/policy", "value": ""}])
    assert "policy" not in gateway.client.get_rest_api(restApiId=gateway.id)
    assert gateway.deploy().call("GET", "/x").status == 200


def test_a_policy_and_iam_together(server, user):
    arn, key, allow = user
    gateway = gateway_api.Gateway(server, policy=policy(statement("Allow", "execute-api:/*/GET/a", principal={"AWS": arn})))
    for part in ("a", "b"):
        mock(gateway, gateway.resource(part), authorizationType="AWS_IAM")
    api = gateway.deploy()
    allow({"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": invoke_arn(gateway, "*/GET/b")})
    by_policy, by_identity = signed(api, "/a", key), signed(api, "/b", key)
    anonymous = api.call("GET", "/a")
    gateway.delete()
    assert (by_policy.status, by_identity.status, anonymous.status) == (200, 200, 403)


def test_a_policy_that_is_none_is_refused(server, gateway):
    client = gateway.client
    for bad in ("no json", "{}", policy({"Effect": "Perhaps", "Principal": "*", "Action": "*", "Resource": "*"})):
        with pytest.raises(client.exceptions.BadRequestException, match="Invalid policy document"):
            client.create_rest_api(name="bad", policy=bad)
        with pytest.raises(client.exceptions.BadRequestException, match="Invalid policy document"):
            operation = {"op": "replace", "path": "/policy", "value": bad}
            client.update_rest_api(restApiId=gateway.id, patchOperations=[operation])


def test_a_policy_is_not_got_around_by_spelling_a_path_otherwise(server):
    rules = policy(
        statement("Allow"), statement("Deny", "execute-api:/*/GET/admin"), statement("Deny", "execute-api:/*/GET/items/secret")
    )
    gateway = gateway_api.Gateway(server, policy=rules)
    mock(gateway, gateway.resource("admin"))
    mock(gateway, gateway.resource("{id}", gateway.resource("items")))
    api = gateway.deploy()
    denied = ["/admin", "/admin/", "/%61dmin", "/%61%64min/", "/items/secret", "/items/s%65cret", "/items/secret/"]
    found = {path: api.call("GET", path).status for path in denied}
    others = {path: api.call("GET", path).status for path in ("/items/a%2Fb", "/items/sec%00ret", "/items/secret%00")}
    gateway.delete()
    assert found == dict.fromkeys(denied, 403)
    assert set(others.values()) == {200}


def test_a_slash_in_a_value_opens_no_other_path(server):
    gateway = gateway_api.Gateway(server, policy=policy(statement("Allow", "execute-api:/*/GET/items/open/x")))
    mock(gateway, gateway.resource("{id}", gateway.resource("items")))
    api = gateway.deploy()
    answer = api.call("GET", "/items/open%2Fx")
    cut = api.call("GET", "/items/open/x%00y")
    gateway.delete()
    assert (answer.status, cut.status) == (403, 403)
