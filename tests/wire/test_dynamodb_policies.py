"""Resource policies of tables and streams, sent as newer SDKs send them (Debian's boto3 does not know these operations)."""

import json

import botocore.exceptions
import pytest

from dynamodb_wire import Wire, type_of

TABLE = "Policied"
ARN = f"arn:aws:dynamodb:us-east-1:000000000000:table/{TABLE}"
USER = "arn:aws:iam::000000000000:user/reader"


def statement(effect, action, principal=USER, resource=ARN):
    return {"Effect": effect, "Principal": {"AWS": principal}, "Action": action, "Resource": resource}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@pytest.fixture(scope="module")
def wire(server):
    wire = Wire(server)
    answer = wire(
        "CreateTable",
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "x", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "by-x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
        ResourcePolicy=document(statement("Allow", "dynamodb:PutItem")),
    )
    assert "TableDescription" in answer, answer
    server.client("dynamodb").get_waiter("table_exists").wait(TableName=TABLE)
    yield wire
    wire("DeleteResourcePolicy", ResourceArn=ARN)
    server.client("dynamodb").delete_table(TableName=TABLE)


@pytest.fixture(scope="module")
def reader(server):
    """A user whom only resource policies let do something."""
    iam = server.client("iam")
    iam.create_user(UserName="reader")
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    yield lambda service="dynamodb": server.client(service, key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName="reader", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="reader")


@pytest.fixture
def put(wire):
    def put(*statements, **more):
        return wire("PutResourcePolicy", ResourceArn=ARN, Policy=document(*statements), **more)

    return put


def refusal(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Message"]


def test_a_table_may_be_made_with_a_policy(wire, reader):
    assert json.loads(wire("GetResourcePolicy", ResourceArn=ARN)["Policy"]) == json.loads(document(statement("Allow", "dynamodb:PutItem")))
    reader().put_item(TableName=TABLE, Item={"p": {"S": "a"}})


def test_what_a_policy_allows_needs_no_other(put, reader):
    put(statement("Allow", "dynamodb:GetItem"))
    reader().get_item(TableName=TABLE, Key={"p": {"S": "a"}})
    assert "no identity-based policy allows the dynamodb:Scan action" in refusal(reader().scan, TableName=TABLE)


def test_a_policy_tells_indexes_apart(put, reader):
    query = {"IndexName": "by-x", "KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": "a"}}}
    put(statement("Allow", "dynamodb:Query"))
    assert "/index/by-x" in refusal(reader().query, TableName=TABLE, **query)
    put(statement("Allow", "dynamodb:Query", resource=ARN + "/index/by-x"))
    assert reader().query(TableName=TABLE, **query)["Count"] == 0


def test_batches_and_transactions_come_under_it(put, reader):
    get = {"Key": {"p": {"S": "a"}}, "TableName": TABLE}
    put(statement("Allow", ["dynamodb:GetItem", "dynamodb:BatchGetItem"]))
    reader().transact_get_items(TransactItems=[{"Get": get}])
    reader().batch_get_item(RequestItems={TABLE: {"Keys": [get["Key"]]}})


def test_a_denial_holds_for_root_too(put, server, wire):
    put(statement("Deny", "dynamodb:DeleteItem", principal="*"))
    delete = server.client("dynamodb").delete_item
    assert "with an explicit deny in a resource-based policy" in refusal(delete, TableName=TABLE, Key={"p": {"S": "a"}})
    wire("DeleteResourcePolicy", ResourceArn=ARN)
    delete(TableName=TABLE, Key={"p": {"S": "a"}})


def test_locking_oneself_out_must_be_confirmed(put, wire):
    deny = statement("Deny", "dynamodb:*", principal="*")
    assert type_of(put(deny)) == "ValidationException"
    assert "RevisionId" in put(deny, ConfirmRemoveSelfResourceAccess=True)
    assert type_of(wire("GetResourcePolicy", ResourceArn=ARN)) == "AccessDeniedException"
    assert "RevisionId" in wire("DeleteResourcePolicy", ResourceArn=ARN)


def test_the_same_policy_has_the_same_revision(put):
    first = put(statement("Allow", "dynamodb:GetItem"))["RevisionId"]
    assert put(statement("Allow", "dynamodb:GetItem"))["RevisionId"] == first
    assert put(statement("Allow", "dynamodb:PutItem"))["RevisionId"] != first


def test_a_revision_may_be_expected(put, wire):
    revision = put(statement("Allow", "dynamodb:GetItem"))["RevisionId"]
    other = statement("Allow", "dynamodb:Scan")
    lead = "Resource-based policy not found for the provided ResourceArn: "
    wrong, none = put(other, ExpectedRevisionId="1"), put(other, ExpectedRevisionId="NO_POLICY")
    assert (type_of(wrong), type_of(none)) == ("PolicyNotFoundException", "PolicyNotFoundException")
    assert wrong["message"] == (
        f"{lead}Requested update for policy with revision id 1, but the policy associated to target table {TABLE} has revision id "
        f"{revision}."
    )
    assert none["message"] == (
        f"{lead}Requested policy update expecting none to be present for table {TABLE}, but a policy exists with revision id {revision}."
    )
    assert type_of(wire("DeleteResourcePolicy", ResourceArn=ARN, ExpectedRevisionId="1")) == "PolicyNotFoundException"
    assert wire("DeleteResourcePolicy", ResourceArn=ARN, ExpectedRevisionId=revision) == {"RevisionId": revision}
    assert "RevisionId" in put(other, ExpectedRevisionId="NO_POLICY")


def test_deleting_what_is_not_there_succeeds(wire):
    wire("DeleteResourcePolicy", ResourceArn=ARN)
    assert wire("DeleteResourcePolicy", ResourceArn=ARN) == {}
    assert type_of(wire("GetResourcePolicy", ResourceArn=ARN)) == "PolicyNotFoundException"


def test_a_stream_has_a_policy_of_its_own(wire, server, reader):
    stream = server.client("dynamodb").describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    policy = document(statement("Allow", "dynamodb:DescribeStream", resource=stream))
    assert "RevisionId" in wire("PutResourcePolicy", ResourceArn=stream, Policy=policy)
    assert reader("dynamodbstreams").describe_stream(StreamArn=stream)["StreamDescription"]["StreamArn"] == stream
    assert type_of(wire("GetResourcePolicy", ResourceArn=ARN)) == "PolicyNotFoundException"
    assert wire("GetResourcePolicy", ResourceArn=stream)["Policy"] == policy


@pytest.mark.parametrize(
    "policy",
    [
        "no JSON",
        document({"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": ARN}),
        document(statement("Perhaps", "dynamodb:GetItem")),
        document(statement("Allow", "s3:GetObject")),
        document(statement("Allow", "dynamodb:GetItem", resource="arn:aws:dynamodb:us-east-1:000000000000:table/Other")),
    ],
)
def test_what_is_no_policy_of_this_table_is_refused(wire, policy):
    answer = wire("PutResourcePolicy", ResourceArn=ARN, Policy=policy)
    assert type_of(answer) == "ValidationException"
    assert answer["message"].startswith("Invalid policy document: ")


def test_a_missing_table_has_none(wire):
    answer = wire("GetResourcePolicy", ResourceArn=ARN + "-missing")
    assert type_of(answer) == "ResourceNotFoundException"
    assert answer["message"] == f"Requested resource not found: Table: {TABLE}-missing not found"


def test_an_arn_of_something_else_is_refused(wire):
    assert type_of(wire("GetResourcePolicy", ResourceArn="arn:aws:s3:::bucket")) == "ValidationException"
