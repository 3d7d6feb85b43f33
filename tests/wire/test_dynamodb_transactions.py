"""Batches and transactions: all or nothing, in order, and once."""

import botocore.exceptions
import pytest


def table(client, name, sort=None):
    keys = [("id", "HASH")] + ([(sort, "RANGE")] if sort else [])
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key, _ in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
    )


@pytest.fixture
def client(dynamodb):
    table(dynamodb, "accounts")
    table(dynamodb, "entries", "at")
    yield dynamodb
    for name in ("accounts", "entries"):
        dynamodb.delete_table(TableName=name)


def put(client, account, amount):
    client.put_item(TableName="accounts", Item={"id": {"S": account}, "amount": {"N": str(amount)}})


def amount(client, account):
    return client.get_item(TableName="accounts", Key={"id": {"S": account}})["Item"]["amount"]["N"]


def take(account, how_much, **more):
    return {
        "Update": {
            "TableName": "accounts",
            "Key": {"id": {"S": account}},
            "UpdateExpression": "SET amount = amount - :n",
            "ConditionExpression": "amount >= :n",
            "ExpressionAttributeValues": {":n": {"N": str(how_much)}},
            **more,
        }
    }


def note(account, text):
    item = {"id": {"S": account}, "at": {"S": text}}
    return {"Put": {"TableName": "entries", "Item": item, "ConditionExpression": "attribute_not_exists(id)"}}


def refused(call):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call()
    return raised.value.response


def test_batch_of_writes_is_read_back_by_a_batch(client):
    client.batch_write_item(
        RequestItems={
            "accounts": [{"PutRequest": {"Item": {"id": {"S": f"a{i}"}, "n": {"N": str(i)}}}} for i in range(20)],
            "entries": [{"PutRequest": {"Item": {"id": {"S": "a1"}, "at": {"S": "x"}}}}],
        }
    )
    client.batch_write_item(RequestItems={"accounts": [{"DeleteRequest": {"Key": {"id": {"S": "a3"}}}}]})
    answer = client.batch_get_item(
        RequestItems={
            "accounts": {
                "Keys": [{"id": {"S": f"a{i}"}} for i in range(6)],
                "ProjectionExpression": "#n",
                "ExpressionAttributeNames": {"#n": "n"},
            },
            "entries": {"Keys": [{"id": {"S": "a1"}, "at": {"S": "x"}}], "ConsistentRead": True},
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert sorted(item["n"]["N"] for item in answer["Responses"]["accounts"]) == ["0", "1", "2", "4", "5"]
    assert answer["UnprocessedKeys"] == {}
    units = {one["TableName"]: one["CapacityUnits"] for one in answer["ConsumedCapacity"]}
    assert units == {"accounts": 3.0, "entries": 1.0}


@pytest.mark.parametrize(
    "operation, request_items, message",
    [
        (
            "batch_write_item",
            {"accounts": [{"PutRequest": {"Item": {"id": {"S": "a"}}}}, {"DeleteRequest": {"Key": {"id": {"S": "a"}}}}]},
            "Provided list of item keys contains duplicates",
        ),
        (
            "batch_get_item",
            {"accounts": {"Keys": [{"id": {"S": "a"}}, {"id": {"S": "a"}}]}},
            "Provided list of item keys contains duplicates",
        ),
        (
            "batch_write_item",
            {
                "accounts": [{"PutRequest": {"Item": {"id": {"S": str(i)}}}} for i in range(20)],
                "entries": [{"PutRequest": {"Item": {"id": {"S": str(i)}, "at": {"S": "x"}}}} for i in range(6)],
            },
            "Too many items requested for the BatchWriteItem call",
        ),
        (
            "batch_write_item",
            {"accounts": [{"PutRequest": {"Item": {"x": {"S": "a"}}}}]},
            "The provided key element does not match the schema",
        ),
        ("batch_get_item", {"nope": {"Keys": [{"id": {"S": "a"}}]}}, "Requested resource not found"),
    ],
)
def test_wrong_batches_are_refused_whole(client, operation, request_items, message):
    answer = refused(lambda: getattr(client, operation)(RequestItems=request_items))
    assert answer["Error"]["Message"] == message


def test_batch_get_leaves_what_does_not_fit(client):
    for i in range(45):
        client.put_item(TableName="accounts", Item={"id": {"S": f"b{i}"}, "x": {"S": "x" * 390_000}})
    request = {"accounts": {"Keys": [{"id": {"S": f"b{i}"}} for i in range(45)]}}
    answer = client.batch_get_item(RequestItems=request)
    left = answer["UnprocessedKeys"]["accounts"]["Keys"]
    assert 0 < len(left) < 45
    rest = client.batch_get_item(RequestItems=answer["UnprocessedKeys"])
    assert len(answer["Responses"]["accounts"]) + len(rest["Responses"]["accounts"]) == 45


def test_transaction_writes_all_or_nothing(client):
    put(client, "ann", 10)
    put(client, "bob", 0)
    client.transact_write_items(TransactItems=[take("ann", 4), note("ann", "1")])
    assert amount(client, "ann") == "6"
    answer = refused(
        lambda: client.transact_write_items(
            TransactItems=[take("ann", 4), take("bob", 1, ReturnValuesOnConditionCheckFailure="ALL_OLD"), note("x", "y")]
        )
    )
    assert answer["Error"]["Code"] == "TransactionCanceledException"
    assert answer["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, None]"
    )
    assert answer["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ConditionalCheckFailed",
            "Message": "The conditional request failed",
            "Item": {"id": {"S": "bob"}, "amount": {"N": "0"}},
        },
        {"Code": "None"},
    ]
    assert amount(client, "ann") == "6"
    assert client.scan(TableName="entries")["Count"] == 1


def test_condition_check_guards_without_writing(client):
    put(client, "ann", 1)
    check = {
        "ConditionCheck": {
            "TableName": "accounts",
            "Key": {"id": {"S": "ann"}},
            "ConditionExpression": "amount = :n",
            "ExpressionAttributeValues": {":n": {"N": "2"}},
        }
    }
    refused(lambda: client.transact_write_items(TransactItems=[check, note("ann", "guarded")]))
    check["ConditionCheck"]["ExpressionAttributeValues"] = {":n": {"N": "1"}}
    client.transact_write_items(TransactItems=[check, note("ann", "guarded")])
    assert client.scan(TableName="entries")["Count"] == 1


def test_errors_of_single_actions_are_reasons(client):
    put(client, "ann", 1)
    wrong = {
        "Update": {
            "TableName": "accounts",
            "Key": {"id": {"S": "ann"}},
            "UpdateExpression": "SET amount = nothing + :n",
            "ExpressionAttributeValues": {":n": {"N": "1"}},
        }
    }
    answer = refused(lambda: client.transact_write_items(TransactItems=[wrong]))
    assert answer["CancellationReasons"] == [
        {
            "Code": "ValidationError",
            "Message": "The provided expression refers to an attribute that does not exist in the item",
        }
    ]


@pytest.mark.parametrize(
    "items, message",
    [
        ([note("a", "1"), note("a", "1")], "Transaction request cannot include multiple operations on one item"),
        ([{**note("a", "1"), **take("a", 1)}], "TransactItems can only contain one of Check, Put, Update or Delete"),
        ([{}], "TransactItems can only contain one of Check, Put, Update or Delete"),
    ],
)
def test_wrong_transactions_are_refused(client, items, message):
    answer = refused(lambda: client.transact_write_items(TransactItems=items))
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == ("ValidationException", message)


def test_token_makes_a_transaction_happen_once(client):
    put(client, "ann", 10)
    send = {"TransactItems": [take("ann", 3)], "ClientRequestToken": "t1", "ReturnConsumedCapacity": "TOTAL"}
    first = client.transact_write_items(**send)
    again = client.transact_write_items(**send)
    assert amount(client, "ann") == "7"
    assert first["ConsumedCapacity"] == [{"TableName": "accounts", "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}]
    assert again["ConsumedCapacity"] == [{"TableName": "accounts", "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}]
    answer = refused(
        lambda: client.transact_write_items(TransactItems=[take("ann", 4)], ClientRequestToken="t1")
    )
    assert answer["Error"]["Code"] == "IdempotentParameterMismatchException"


def test_token_survives_a_power_cut(own_server):
    server = own_server()
    client = server.client("dynamodb")
    table(client, "accounts")
    put(client, "ann", 10)
    client.transact_write_items(TransactItems=[take("ann", 3)], ClientRequestToken="t")
    server.kill()
    client = own_server(data=server.data).client("dynamodb")
    client.transact_write_items(TransactItems=[take("ann", 3)], ClientRequestToken="t")
    assert amount(client, "ann") == "7"


def test_transaction_reads_in_order(client):
    put(client, "ann", 1)
    put(client, "bob", 2)
    gets = [
        {"Get": {"TableName": "accounts", "Key": {"id": {"S": name}}, "ProjectionExpression": "amount"}}
        for name in ("bob", "nobody", "ann")
    ]
    answer = client.transact_get_items(TransactItems=gets, ReturnConsumedCapacity="TOTAL")
    assert answer["Responses"] == [{"Item": {"amount": {"N": "2"}}}, {}, {"Item": {"amount": {"N": "1"}}}]
    assert answer["ConsumedCapacity"] == [{"TableName": "accounts", "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0}]
