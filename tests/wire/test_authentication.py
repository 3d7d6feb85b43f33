"""Who may call at all: signatures, keys and what is said to those who have none."""

import http.client
import json

import boto3
import botocore.exceptions
import botocore.session
import pytest

import conftest
import functions
import gateway_api


def raw(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request(method, path, body=body, headers=headers or {})
    response = connection.getresponse()
    return response.status, response.headers, response.read()


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"], error["Error"]["Message"]


def test_an_unsigned_dynamodb_call_is_refused(server):
    status, _, body = raw(
        server,
        "POST",
        "/",
        "{}",
        {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"},
    )
    assert status == 400
    assert json.loads(body)["__type"].endswith("MissingAuthenticationTokenException")


def test_an_unsigned_lambda_call_is_refused(server):
    status, headers, body = raw(server, "GET", "/2015-03-31/functions/")
    assert status == 403
    assert headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_an_unsigned_query_call_is_refused(server):
    form = "Action=GetCallerIdentity&Version=2011-06-15"
    status, _, body = raw(server, "POST", "/", form, {"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 403
    assert b"<Code>MissingAuthenticationToken</Code>" in body


def test_an_unknown_key_is_refused(server):
    client = server.client("dynamodb", "AKIAAAAAAAAAAAAAAAAA", "x" * 40)
    assert refused(client.list_tables) == (
        400,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
    )


def test_a_wrong_secret_is_refused_on_every_protocol(server):
    key = server.environment()["AWS_ACCESS_KEY_ID"]
    wrong = "x" * 40
    assert refused(server.client("dynamodb", key, wrong).list_tables)[1] == "InvalidSignatureException"
    assert refused(server.client("lambda", key, wrong).list_functions)[:2] == (403, "InvalidSignatureException")
    assert refused(server.client("apigateway", key, wrong).get_rest_apis)[:2] == (403, "InvalidSignatureException")
    assert refused(server.client("iam", key, wrong).list_roles)[:2] == (403, "SignatureDoesNotMatch")
    assert refused(server.client("cloudformation", key, wrong).describe_stacks)[:2] == (403, "SignatureDoesNotMatch")


def test_a_changed_body_is_refused(server):
    environment = server.environment()
    session = botocore.session.get_session()
    request = botocore.awsrequest.AWSRequest(
        "POST",
        server.url + "/",
        data=b"{}",
        headers={"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"},
    )
    credentials = botocore.credentials.Credentials(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    )
    botocore.auth.SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    assert session
    assert raw(server, "POST", "/", b"{}", headers)[0] == 200
    status, _, body = raw(server, "POST", "/", b'{"Limit":1}', headers)
    assert status == 400
    assert json.loads(body)["__type"].endswith("InvalidSignatureException")


def test_an_unknown_operation_is_named_as_aws_names_it(server):
    status, _, body = raw(
        server,
        "POST",
        "/",
        "{}",
        {"X-Amz-Target": "DynamoDB_20120810.Nonsense", "Content-Type": "application/x-amz-json-1.0"},
    )
    assert status == 400
    assert json.loads(body)["__type"].endswith("UnknownOperationException")


def test_auth_any_takes_any_key_and_says_so(own_server):
    server = own_server("--auth", "any")
    client = server.client("dynamodb", "test", "test")
    assert client.list_tables()["TableNames"] == []
    assert "any" in server.log


NOBODY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
}


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    running = conftest.Server(tmp_path_factory.mktemp("any") / "data", "--auth", "any").start()
    yield running
    running.stop()


def test_auth_any_lets_everyone_assume_every_role(open_server):
    iam = open_server.client("iam", "test", "test")
    for name, service in (("app", "lambda.amazonaws.com"), ("none", "nobody.amazonaws.com")):
        trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        given = open_server.client("sts", "test", "test").assume_role(RoleArn=role, RoleSessionName="me")
        assert given["AssumedRoleUser"]["Arn"] == f"arn:aws:sts::000000000000:assumed-role/{name}/me"
        key = given["Credentials"]
        session = open_server.client("sts", key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])
        assert session.get_caller_identity()["Account"] == "000000000000"


def test_auth_any_gives_everyone_a_session(open_server):
    for key in ("test", "AKIAAAAAAAAAAAAAAAAA", "ASIAAAAAAAAAAAAAAAAA"):
        assert open_server.client("sts", key, "test").get_session_token()["Credentials"]["SessionToken"]


def test_auth_any_asks_no_policy(open_server):
    """Neither that of a resource nor a role's trust."""
    dynamodb = open_server.client("dynamodb", "test", "test")
    dynamodb.create_table(
        TableName="Closed",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName="Closed", WaiterConfig={"Delay": 1})
    arn = dynamodb.describe_table(TableName="Closed")["Table"]["TableArn"]
    body = {"ResourceArn": arn, "Policy": json.dumps(NOBODY)}
    target = {"X-Amz-Target": "DynamoDB_20120810.PutResourcePolicy", "Content-Type": "application/x-amz-json-1.0"}
    assert raw(open_server, "POST", "/", json.dumps(body), target)[0] == 200
    dynamodb.put_item(TableName="Closed", Item={"id": {"S": "1"}})
    assert dynamodb.scan(TableName="Closed")["Count"] == 1


def test_auth_any_lets_services_assume_roles(open_server):
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}
    role = open_server.client("iam", "test", "test").create_role(RoleName="mine", AssumeRolePolicyDocument=json.dumps(trust))
    client = open_server.client("lambda", "test", "test")
    code = functions.zip_of({"index.py": "def handler(event, context):\n    return 1\n"})
    client.create_function(
        FunctionName="f", Runtime="python3.12", Handler="index.handler", Role=role["Role"]["Arn"], Code={"ZipFile": code}
    )
    client.get_waiter("function_active_v2").wait(FunctionName="f")


def test_auth_any_asks_methods_for_no_signature(open_server):
    gateway = gateway_api.Gateway(open_server)
    gateway.method(
        gateway.resource("x"),
        verb="GET",
        authorizationType="AWS_IAM",
        integration={"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        responses={"200": {}},
    )
    api = gateway.deploy()
    assert api.call("GET", "/x").status == 200
    assert api.call("GET", "/x", headers={"Authorization": "Bearer abc"}).status == 200


def test_the_credentials_file_works_with_aws_own_tools(server):
    assert (server.data / "credentials").stat().st_mode & 0o777 == 0o600
    session = botocore.session.Session()
    session.set_config_variable("credentials_file", str(server.data / "credentials"))
    client = boto3.Session(botocore_session=session).client("sts", endpoint_url=server.url, region_name="us-east-1")
    assert client.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
