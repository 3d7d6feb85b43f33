"""Who may call at all: signatures, keys and what is said to those who have none."""

import http.client
import json

import boto3
import botocore.exceptions
import botocore.session
import pytest


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


def test_the_credentials_file_works_with_aws_own_tools(server):
    assert (server.data / "credentials").stat().st_mode & 0o777 == 0o600
    session = botocore.session.Session()
    session.set_config_variable("credentials_file", str(server.data / "credentials"))
    client = boto3.Session(botocore_session=session).client("sts", endpoint_url=server.url, region_name="us-east-1")
    assert client.get_caller_identity()["Arn"] == "arn:aws:iam::000000000000:root"
