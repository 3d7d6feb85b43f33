"""Fine-grained access control: which items and attributes a call may touch, in every operation on items
(Developer Guide, "Using IAM policy conditions for fine-grained access control")."""

import json

import botocore.exceptions
import pytest

TABLE = "Conditions"
INDEX = "by-owner"


def s(value):
    return {"S": value}


@pytest.fixture(scope="module")
def root(server):
    client = server.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "owner", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {"IndexName": INDEX, "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
    )
    client.get_waiter("table_exists").wait(TableName=TABLE)
    yield client
    client.delete_table(TableName=TABLE)


@pytest.fixture
def items(root):
    for name in ("alice", "bob"):
        root.put_item(TableName=TABLE, Item={"pk": s(name), "owner": s(name), "open": s("1"), "secret": s("2")})
    return root


@pytest.fixture(scope="module")
def alice(server, root):
    """A user called alice; gives her a policy and returns her client."""
    iam = server.client("iam")
    iam.create_user(UserName="alice")
    key = iam.create_access_key(UserName="alice")["AccessKey"]
    client = server.client("dynamodb", key["AccessKeyId"], key["SecretAccessKey"])

    def allow(condition, actions="dynamodb:*", *more):
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement, *more]})
        iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=document)
        return client

    yield allow
    iam.delete_user_policy(UserName="alice", PolicyName="p")
    iam.delete_access_key(UserName="alice", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="alice")


def denied(call):
    """Whether the call is refused for want of a permission; other failures are none of it."""
    try:
        answer = call()
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] == "AccessDeniedException"
    codes = [one.get("Error", {}).get("Code") for one in answer.get("Responses", []) if isinstance(one, dict)]
    return "AccessDenied" in codes


def key(who):
    return {"pk": s(who)}


def item(who):
    return {"pk": s(who), "owner": s(who)}


def query(c, who, **more):
    return c.query(TableName=TABLE, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": s(who)}, **more)


def older_query(c, who):
    condition = {"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [s(who)]}}
    return c.query(TableName=TABLE, KeyConditions=condition)


def index_query(c, who):
    return c.query(
        TableName=TABLE,
        IndexName=INDEX,
        KeyConditionExpression="#o = :o",
        ExpressionAttributeNames={"#o": "owner"},
        ExpressionAttributeValues={":o": s(who)},
    )


def partiql(text):
    return lambda c, who: c.execute_statement(Statement=text.format(table=TABLE, index=INDEX, who=who))


def write(kind, **more):
    return lambda c, who: c.transact_write_items(TransactItems=[{kind: {"TableName": TABLE, "Key": key(who), **more}}])


# Each by itself on an item of `who`; in batches behind an item of alice's own.
ON_ITEMS = {
    "GetItem": lambda c, who: c.get_item(TableName=TABLE, Key=key(who)),
    "PutItem": lambda c, who: c.put_item(TableName=TABLE, Item=item(who)),
    "UpdateItem": lambda c, who: c.update_item(TableName=TABLE, Key=key(who)),
    "DeleteItem": lambda c, who: c.delete_item(TableName=TABLE, Key=key(who)),
    "Query": query,
    "Query in the older style": older_query,
    "Query of an index": index_query,
    "BatchGetItem": lambda c, who: c.batch_get_item(RequestItems={TABLE: {"Keys": [key(who), key("alice-2")]}}),
    "BatchWriteItem, put": lambda c, who: c.batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": item("alice-2")}}, {"PutRequest": {"Item": item(who)}}]}
    ),
    "BatchWriteItem, delete": lambda c, who: c.batch_write_item(
        RequestItems={TABLE: [{"PutRequest": {"Item": item("alice-2")}}, {"DeleteRequest": {"Key": key(who)}}]}
    ),
    "TransactGetItems": lambda c, who: c.transact_get_items(
        TransactItems=[{"Get": {"TableName": TABLE, "Key": key("alice-2")}}, {"Get": {"TableName": TABLE, "Key": key(who)}}]
    ),
    "TransactWriteItems, put": lambda c, who: c.transact_write_items(
        TransactItems=[{"Put": {"TableName": TABLE, "Item": item(who)}}]
    ),
    "TransactWriteItems, update": write(
        "Update",
        UpdateExpression="SET #o = :v",
        ExpressionAttributeNames={"#o": "open"},
        ExpressionAttributeValues={":v": s("1")},
    ),
    "TransactWriteItems, delete": write("Delete"),
    "TransactWriteItems, check": write("ConditionCheck", ConditionExpression="attribute_exists(pk)"),
    "SELECT": partiql("SELECT * FROM \"{table}\" WHERE pk = '{who}'"),
    "SELECT of several": partiql("SELECT * FROM \"{table}\" WHERE pk IN ['alice', '{who}']"),
    "SELECT of an index": partiql('SELECT * FROM "{table}"."{index}" WHERE "owner" = \'{who}\''),
    "INSERT": partiql("INSERT INTO \"{table}\" VALUE {{'pk': '{who}'}}"),
    "UPDATE": partiql("UPDATE \"{table}\" SET \"open\" = 'x' WHERE pk = '{who}'"),
    "DELETE": partiql("DELETE FROM \"{table}\" WHERE pk = '{who}'"),
    "BatchExecuteStatement": lambda c, who: c.batch_execute_statement(
        Statements=[{"Statement": f"SELECT * FROM \"{TABLE}\" WHERE pk = '{who}'"}]
    ),
    "ExecuteTransaction": lambda c, who: c.execute_transaction(
        TransactStatements=[{"Statement": f"DELETE FROM \"{TABLE}\" WHERE pk = '{who}'"}]
    ),
}

OWN_ITEMS = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["${aws:username}", "${aws:username}-*"]}}


@pytest.mark.parametrize("operation", ON_ITEMS)
def test_leading_keys_are_those_of_all_items(items, alice, operation):
    client = alice(OWN_ITEMS)
    assert not denied(lambda: ON_ITEMS[operation](client, "alice"))
    assert denied(lambda: ON_ITEMS[operation](client, "bob"))
    assert items.get_item(TableName=TABLE, Key=key("bob"))["Item"]["secret"] == s("2")


READS_OF_ALL = {
    "Scan": lambda c: c.scan(TableName=TABLE),
    "Scan of an index": lambda c: c.scan(TableName=TABLE, IndexName=INDEX),
    "SELECT without a key": lambda c: c.execute_statement(Statement=f'SELECT * FROM "{TABLE}"'),
    "SELECT with a choice": lambda c: c.execute_statement(
        Statement=f"SELECT * FROM \"{TABLE}\" WHERE pk = 'alice' OR \"open\" = '1'"
    ),
}


@pytest.mark.parametrize("operation", READS_OF_ALL)
def test_a_read_of_the_whole_table_is_of_nobody_alone(items, alice, operation):
    assert denied(lambda: READS_OF_ALL[operation](alice(OWN_ITEMS)))
    assert not denied(lambda: READS_OF_ALL[operation](alice({"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "*"}})))


def test_a_request_that_cannot_be_read_allows_nothing(items, alice):
    client = alice(OWN_ITEMS)
    assert denied(lambda: client.query(TableName=TABLE, KeyConditionExpression="pk = ", ExpressionAttributeValues={":p": s("bob")}))
    assert denied(lambda: client.get_item(TableName=TABLE, Key={"other": s("alice")}))


def send(client, operation, body):
    """Sends what the SDK would not write."""
    def replace(params, **_):
        params["body"] = body.replace("TABLE", TABLE).encode()

    event = f"before-call.dynamodb.{operation}"
    client.meta.events.register(event, replace)
    try:
        return client._make_api_call(operation, {})
    finally:
        client.meta.events.unregister(event, replace)


TWICE = [
    ("GetItem", '{"TableName":"TABLE","Key":{"pk":{"S":"alice"}},"Key":{"pk":{"S":"bob"}}}'),
    ("GetItem", '{"TableName":"TABLE","Key":{"pk":{"S":"alice"},"pk":{"S":"bob"}}}'),
    ("GetItem", '{"TableName":"TABLE","Key":{"pk":{"S":"bob"},"pk":{"S":"alice"}}}'),
    ("BatchGetItem", '{"RequestItems":{"TABLE":{"Keys":[{"pk":{"S":"alice"}}]},"TABLE":{"Keys":[{"pk":{"S":"bob"}}]}}}'),
    ("BatchGetItem", '{"RequestItems":{"TABLE":{"Keys":[{"pk":{"S":"alice"}}],"Keys":[{"pk":{"S":"bob"}}]}}}'),
    ("BatchWriteItem", '{"RequestItems":{"TABLE":[{"DeleteRequest":{"Key":{"pk":{"S":"alice"}}}}],"TABLE":[{"DeleteRequest":{"Key":{"pk":{"S":"bob"}}}}]}}'),
]  # fmt: skip


@pytest.mark.parametrize("operation, body", TWICE)
def test_a_member_that_comes_twice_is_one_to_both(items, alice, operation, body):
    """Whichever of the two counts, it is the one that the policy is asked about."""
    client = alice(OWN_ITEMS)
    try:
        assert "bob" not in json.dumps(send(client, operation, body))
    except botocore.exceptions.ClientError:
        pass
    assert "Item" in items.get_item(TableName=TABLE, Key=key("bob"))


def test_numbers_and_bytes_are_leading_keys_too(root, alice):
    for name, kind, mine, other in (("Numbers", "N", "12.50", "13"), ("Bytes", "B", b"a", b"b")):
        root.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "n", "AttributeType": kind}],
            KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}],
        )
        client = alice({"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["12.5", "YQ=="]}})
        assert not denied(lambda: client.get_item(TableName=name, Key={"n": {kind: mine}}))
        assert denied(lambda: client.get_item(TableName=name, Key={"n": {kind: other}}))
        root.delete_table(TableName=name)


# --- Attributes ---

ALLOWED = {"ForAllValues:StringEquals": {"dynamodb:Attributes": ["pk", "owner", "open"]}}
NAMES = {"#n": "open"}
SECRET = {"#n": "secret"}


def with_names(call):
    return lambda c, names: call(c, ExpressionAttributeNames=names)


def older(call):
    return lambda c, names: call(c, names["#n"])


def older_condition(name):
    return {name: {"ComparisonOperator": "EQ", "AttributeValueList": [s("x")]}}


VALUE = {":v": s("1")}
ON_ATTRIBUTES = {
    "GetItem, projection": with_names(lambda c, **m: c.get_item(TableName=TABLE, Key=key("alice"), ProjectionExpression="#n", **m)),
    "GetItem, path": with_names(lambda c, **m: c.get_item(TableName=TABLE, Key=key("alice"), ProjectionExpression="pk, #n.a[0]", **m)),
    "GetItem, AttributesToGet": older(lambda c, n: c.get_item(TableName=TABLE, Key=key("alice"), AttributesToGet=["pk", n])),
    "PutItem, item": older(lambda c, n: c.put_item(TableName=TABLE, Item={"pk": s("alice"), n: s("1")})),
    "PutItem, condition": with_names(
        lambda c, **m: c.put_item(TableName=TABLE, Item=item("alice"), ConditionExpression="attribute_exists(#n)", **m)
    ),
    "PutItem, Expected": older(lambda c, n: c.put_item(TableName=TABLE, Item=item("alice"), Expected={n: {"Exists": False}})),
    "UpdateItem, target": with_names(
        lambda c, **m: c.update_item(
            TableName=TABLE, Key=key("alice"), UpdateExpression="SET #n = :v", ExpressionAttributeValues=VALUE, **m
        )
    ),
    "UpdateItem, operand": older(
        lambda c, n: c.update_item(
            TableName=TABLE,
            Key=key("alice"),
            UpdateExpression="SET #o = if_not_exists(#n, :v)",
            ExpressionAttributeNames={"#o": "open", "#n": n} if n != "open" else {"#o": "open", "#n": "owner"},
            ExpressionAttributeValues=VALUE,
        )
    ),
    "UpdateItem, remove": with_names(lambda c, **m: c.update_item(TableName=TABLE, Key=key("alice"), UpdateExpression="REMOVE #n", **m)),
    "UpdateItem, AttributeUpdates": older(
        lambda c, n: c.update_item(TableName=TABLE, Key=key("alice"), AttributeUpdates={n: {"Action": "PUT", "Value": s("1")}})
    ),
    "DeleteItem, condition": with_names(
        lambda c, **m: c.delete_item(
            TableName=TABLE,
            Key=key("alice"),
            ConditionExpression="NOT (pk = :v AND contains(#n, :v))",
            ExpressionAttributeValues=VALUE,
            **m,
        )
    ),
    "Query, filter": with_names(
        lambda c, **m: c.query(
            TableName=TABLE,
            KeyConditionExpression="pk = :p",
            FilterExpression="size(#n) > :z",
            ExpressionAttributeValues={":p": s("alice"), ":z": {"N": "0"}},
            **m,
        )
    ),
    "Query, projection": with_names(lambda c, **m: query(c, "alice", ProjectionExpression="#n", **m)),
    "Scan, filter": with_names(
        lambda c, **m: c.scan(TableName=TABLE, FilterExpression="#n IN (:v)", ExpressionAttributeValues=VALUE, **m)
    ),
    "Scan, ScanFilter": older(lambda c, n: c.scan(TableName=TABLE, ScanFilter=older_condition(n))),
    "BatchGetItem, projection": with_names(
        lambda c, **m: c.batch_get_item(RequestItems={TABLE: {"Keys": [key("alice")], "ProjectionExpression": "#n", **m}})
    ),
    "BatchWriteItem": older(
        lambda c, n: c.batch_write_item(RequestItems={TABLE: [{"PutRequest": {"Item": {"pk": s("alice"), n: s("1")}}}]})
    ),
    "TransactGetItems": with_names(
        lambda c, **m: c.transact_get_items(
            TransactItems=[{"Get": {"TableName": TABLE, "Key": key("alice"), "ProjectionExpression": "#n", **m}}]
        )
    ),
    "TransactWriteItems": with_names(
        lambda c, **m: write("ConditionCheck", ConditionExpression="attribute_not_exists(#n)", **m)(c, "alice")
    ),
    "SELECT": older(lambda c, n: c.execute_statement(Statement=f"SELECT \"{n}\" FROM \"{TABLE}\" WHERE pk = 'alice'")),
    "SELECT, where": older(
        lambda c, n: c.execute_statement(Statement=f"SELECT pk FROM \"{TABLE}\" WHERE pk = 'alice' AND \"{n}\" = 'x'")
    ),
    "INSERT": older(lambda c, n: c.execute_statement(Statement=f"INSERT INTO \"{TABLE}\" VALUE {{'pk': 'alice', '{n}': 'x'}}")),
    "UPDATE": older(lambda c, n: c.execute_statement(Statement=f"UPDATE \"{TABLE}\" SET \"{n}\" = 'x' WHERE pk = 'alice'")),
}


@pytest.mark.parametrize("operation", ON_ATTRIBUTES)
def test_attributes_are_all_that_the_request_names(items, alice, operation):
    client = alice(ALLOWED)
    assert not denied(lambda: ON_ATTRIBUTES[operation](client, NAMES))
    assert denied(lambda: ON_ATTRIBUTES[operation](client, SECRET))


def test_an_expression_that_the_operation_ignores_hides_nothing(items, alice):
    """GetItem takes no FilterExpression; a broken one must not end the reading of the projection."""
    client = alice(ALLOWED)
    body = '{"TableName":"TABLE","Key":{"pk":{"S":"alice"}},"FilterExpression":"((","ProjectionExpression":"%s"}'
    assert denied(lambda: send(client, "GetItem", body % "secret"))
    assert not denied(lambda: send(client, "GetItem", body % "pk"))


# --- What is answered ---


def returning(value, **more):
    return lambda c: c.update_item(TableName=TABLE, Key=key("alice"), ReturnValues=value, **more)


# A key, the value that a policy allows, a call that gives it and one that does not.
ANSWERS = [
    ("Select", "SPECIFIC_ATTRIBUTES", lambda c: c.get_item(TableName=TABLE, Key=key("alice"), ProjectionExpression="pk"), lambda c: c.get_item(TableName=TABLE, Key=key("alice"))),
    ("Select", "SPECIFIC_ATTRIBUTES", lambda c: query(c, "alice", ProjectionExpression="pk"), lambda c: query(c, "alice")),
    ("Select", "COUNT", lambda c: query(c, "alice", Select="COUNT"), lambda c: query(c, "alice")),
    ("Select", "ALL_PROJECTED_ATTRIBUTES", lambda c: index_query(c, "alice"), lambda c: query(c, "alice")),
    ("Select", "ALL_ATTRIBUTES", lambda c: c.scan(TableName=TABLE), lambda c: c.scan(TableName=TABLE, Select="COUNT")),
    ("Select", "SPECIFIC_ATTRIBUTES", lambda c: c.batch_get_item(RequestItems={TABLE: {"Keys": [key("alice")], "AttributesToGet": ["pk"]}}), lambda c: c.batch_get_item(RequestItems={TABLE: {"Keys": [key("alice")]}})),
    ("Select", "SPECIFIC_ATTRIBUTES", lambda c: partiql("SELECT pk FROM \"{table}\" WHERE pk = '{who}'")(c, "alice"), lambda c: ON_ITEMS["SELECT"](c, "alice")),
    ("ReturnValues", "NONE", lambda c: c.update_item(TableName=TABLE, Key=key("alice")), returning("ALL_NEW")),
    ("ReturnValues", ["NONE", "UPDATED_OLD"], returning("UPDATED_OLD"), returning("ALL_OLD")),
    ("ReturnValues", "NONE", lambda c: c.delete_item(TableName=TABLE, Key=key("none")), lambda c: c.delete_item(TableName=TABLE, Key=key("none"), ReturnValues="ALL_OLD")),
    ("ReturnValues", "NONE", lambda c: write("ConditionCheck", ConditionExpression="attribute_exists(pk)")(c, "alice"), lambda c: write("ConditionCheck", ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")(c, "alice")),
    ("ReturnValues", "NONE", lambda c: ON_ITEMS["UPDATE"](c, "alice"), lambda c: partiql("UPDATE \"{table}\" SET \"open\" = 'x' WHERE pk = '{who}' RETURNING ALL OLD *")(c, "alice")),
    ("ReturnConsumedCapacity", "NONE", lambda c: query(c, "alice"), lambda c: query(c, "alice", ReturnConsumedCapacity="TOTAL")),
    ("ReturnConsumedCapacity", "TOTAL", lambda c: query(c, "alice", ReturnConsumedCapacity="TOTAL"), lambda c: query(c, "alice")),
    ("FullTableScan", "false", lambda c: ON_ITEMS["SELECT"](c, "alice"), READS_OF_ALL["SELECT without a key"]),
    ("EnclosingOperation", ["TransactGetItems", "TransactWriteItems"], lambda c: ON_ITEMS["TransactGetItems"](c, "alice"), lambda c: ON_ITEMS["GetItem"](c, "alice")),
    ("EnclosingOperation", "ExecuteTransaction", lambda c: ON_ITEMS["ExecuteTransaction"](c, "alice"), lambda c: ON_ITEMS["DELETE"](c, "alice")),
    ("FirstPartitionKeyValues", "alice", lambda c: ON_ITEMS["GetItem"](c, "alice"), lambda c: ON_ITEMS["GetItem"](c, "bob")),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(ANSWERS)), ids=[f"{row[0]}={row[1]}" for row in ANSWERS])
def test_what_is_answered_is_a_condition(items, alice, row):
    name, value, fits, does_not_fit = ANSWERS[row]
    operator = "Bool" if name == "FullTableScan" else "StringEquals"
    client = alice({operator: {f"dynamodb:{name}": value}})
    assert not denied(lambda: fits(client))
    assert denied(lambda: does_not_fit(client))
