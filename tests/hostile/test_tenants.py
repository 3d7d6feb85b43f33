"""Tenants of one table, under the policy that AWS recommends for it: what one tries to get at another's items, or at more rights."""

import json

import botocore.exceptions
import pytest

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/Tenants"
OWN = {"pk": {"S": "mallory"}}
OTHER = {"pk": {"S": "victim"}}
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "dynamodb:*",
            "Resource": [ARN, ARN + "/index/*"],
            "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "${aws:username}"}},
        },
        {"Effect": "Allow", "Action": ["iam:CreateUser", "iam:PutUserPolicy"], "Resource": "*", "Condition": {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}},
        {"Effect": "Allow", "Action": "iam:TagUser", "Resource": "*", "Condition": {"ForAllValues:StringEquals": {"aws:TagKeys": "colour"}}},
        {"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*", "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}},
    ],
}  # fmt: skip


def statement(text):
    return lambda c: c("dynamodb").execute_statement(Statement=text)


# What is tried; all of it must be refused.
PROBES = {
    "get": lambda c: c("dynamodb").get_item(TableName="Tenants", Key=OTHER),
    "get by the table's ARN": lambda c: c("dynamodb").get_item(TableName=ARN, Key=OTHER),
    "put": lambda c: c("dynamodb").put_item(TableName="Tenants", Item=OTHER),
    "delete": lambda c: c("dynamodb").delete_item(TableName="Tenants", Key=OTHER),
    "query": lambda c: c("dynamodb").query(TableName="Tenants", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": OTHER["pk"]}),
    "query by an alias": lambda c: c("dynamodb").query(TableName="Tenants", KeyConditionExpression=":p = #k", ExpressionAttributeNames={"#k": "pk"}, ExpressionAttributeValues={":p": OTHER["pk"]}),
    "scan": lambda c: c("dynamodb").scan(TableName="Tenants"),
    "scan for one's own": lambda c: c("dynamodb").scan(TableName="Tenants", FilterExpression="pk = :p", ExpressionAttributeValues={":p": OWN["pk"]}),
    "batch behind one's own": lambda c: c("dynamodb").batch_get_item(RequestItems={"Tenants": {"Keys": [OWN, OTHER]}}),
    "batch by name and by ARN": lambda c: c("dynamodb").batch_get_item(RequestItems={"Tenants": {"Keys": [OWN]}, ARN: {"Keys": [OTHER]}}),
    "batch of writes": lambda c: c("dynamodb").batch_write_item(RequestItems={"Tenants": [{"PutRequest": {"Item": OWN}}, {"DeleteRequest": {"Key": OTHER}}]}),
    "check of a transaction": lambda c: c("dynamodb").transact_write_items(TransactItems=[{"Put": {"TableName": "Tenants", "Item": OWN}}, {"ConditionCheck": {"TableName": "Tenants", "Key": OTHER, "ConditionExpression": "begins_with(secret, :s)", "ExpressionAttributeValues": {":s": {"S": "s"}}}}]),
    "select of two": statement("SELECT * FROM \"Tenants\" WHERE pk IN ['mallory', 'victim']"),
    "select of all": statement('SELECT * FROM "Tenants"'),
    "select by another attribute": statement("SELECT * FROM \"Tenants\" WHERE secret = 's'"),
    "update": statement("UPDATE \"Tenants\" SET secret = 'x' WHERE pk = 'victim'"),
    "a user without the boundary": lambda c: c("iam").create_user(UserName="accomplice"),
    "a user with another boundary": lambda c: c("iam").create_user(UserName="accomplice", PermissionsBoundary="arn:aws:iam::aws:policy/AdministratorAccess"),
    "a policy for a user without it": lambda c: c("iam").put_user_policy(UserName="mallory", PolicyName="p", PolicyDocument=json.dumps(POLICY)),
    "a tag that policies trust": lambda c: c("iam").tag_user(UserName="mallory", Tags=[{"Key": "colour", "Value": "x"}, {"Key": "team", "Value": "x"}]),
    "another managed policy": lambda c: c("iam").attach_user_policy(UserName="mallory", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"),
}  # fmt: skip


@pytest.fixture(scope="module")
def mallory(host):
    iam, ddb = host.client("iam"), host.client("dynamodb")
    ddb.create_table(
        TableName="Tenants",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )
    ddb.put_item(TableName="Tenants", Item={**OTHER, "secret": {"S": "s"}})
    iam.create_user(UserName="mallory")
    iam.put_user_policy(UserName="mallory", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="mallory")["AccessKey"]
    yield lambda service: host.client(service, key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName="mallory", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="mallory", PolicyName="p")
    iam.delete_user(UserName="mallory")
    ddb.delete_table(TableName="Tenants")


@pytest.mark.parametrize("what", PROBES)
def test_tenant(host, mallory, what):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        PROBES[what](mallory)
    assert "AccessDenied" in error.value.response["Error"]["Code"], error.value
    kept = host.client("dynamodb").get_item(TableName="Tenants", Key=OTHER)["Item"]
    assert kept == {**OTHER, "secret": {"S": "s"}}


def test_a_tenants_own_items_are_its_own(mallory):
    mallory("dynamodb").put_item(TableName="Tenants", Item=OWN)
    assert mallory("dynamodb").get_item(TableName="Tenants", Key=OWN)["Item"] == OWN
