"""What DynamoDB says to calls that are wrong: type, message, and in which order."""

import http.client
import json

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@pytest.fixture
def call(server):
    """Sends a body as it is, signed."""
    environment = server.environment()
    credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def send(operation, body):
        data = body if isinstance(body, str) else json.dumps(body)
        headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", server.url + "/", data=data, headers=headers)
        SigV4Auth(credentials, "dynamodb", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)
        connection.request("POST", "/", data, dict(request.headers.items()))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    return send


VALIDATION = "com.amazon.coral.validate#ValidationException"
SERIALIZATION = "com.amazon.coral.service#SerializationException"

CASES = [
    (
        "PutItem",
        {"TableName": "a"},
        VALIDATION,
        "2 validation errors detected: Value 'a' at 'tableName' failed to satisfy constraint: Member must have "
        "length greater than or equal to 3; Value null at 'item' failed to satisfy constraint: Member must not be null",
    ),
    (
        "GetItem",
        {"TableName": "nope", "Key": {"a": {}}},
        VALIDATION,
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
    ),
    (
        "GetItem",
        {"TableName": "nope", "Key": {"a": {"S": "x"}}},
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        "Requested resource not found",
    ),
    ("DescribeTable", {}, VALIDATION, "The parameter 'TableName' is required but was not present in the request"),
    (
        "DescribeTable",
        {"TableName": "nope"},
        "com.amazonaws.dynamodb.v20120810#ResourceNotFoundException",
        "Requested resource not found: Table: nope not found",
    ),
    (
        "Query",
        {"TableName": "nope"},
        VALIDATION,
        "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
    ),
    (
        "Query",
        {"TableName": "nope", "KeyConditions": {}, "KeyConditionExpression": "a = :a"},
        VALIDATION,
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "
        "{KeyConditions} Expression parameters: {KeyConditionExpression}",
    ),
    (
        "Scan",
        {"TableName": "nope", "Segment": 3, "TotalSegments": 3},
        VALIDATION,
        "The Segment parameter is zero-based and must be less than parameter TotalSegments: Segment: 3 is not less "
        "than TotalSegments: 3",
    ),
    (
        "UpdateItem",
        {"TableName": "nope", "Key": {}, "ExpressionAttributeValues": {":a": {"S": "x"}}},
        VALIDATION,
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and "
        "ConditionExpression are null",
    ),
    (
        "DeleteItem",
        {"TableName": "nope", "Key": {}, "Expected": {"a": {"ComparisonOperator": "EQ"}}},
        VALIDATION,
        "One or more parameter values were invalid: Value or AttributeValueList must be used with ComparisonOperator: "
        "EQ for Attribute: a",
    ),
]


@pytest.mark.parametrize("operation, body, kind, message", CASES)
def test_wrong_calls_are_told_why(call, operation, body, kind, message):
    assert call(operation, body) == (400, {"__type": kind, "message": message})


@pytest.mark.parametrize(
    "body, message",
    [
        ({"TableName": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"TableName": ["a"]}, "Unrecognized collection type class java.lang.String"),
        ({"Item": "x"}, "Unexpected field type"),
        ({"Item": {"a": {"B": "x"}}}, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
    ],
)
def test_wrong_json_is_told_with_a_capital(call, body, message):
    assert call("PutItem", body) == (400, {"__type": SERIALIZATION, "Message": message})


def test_what_is_no_json_is_told_without_message(call):
    assert call("PutItem", '{"TableName":') == (400, {"__type": SERIALIZATION})
