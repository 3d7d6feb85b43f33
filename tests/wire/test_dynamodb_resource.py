"""Tables through boto3's resource, which most Python programs use: Decimal, Binary, conditions, batches, collections."""

import decimal

import boto3
import botocore.exceptions
import pytest
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary

D = decimal.Decimal


@pytest.fixture(scope="module")
def resource(server):
    environment = server.environment()
    return boto3.resource(
        "dynamodb",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def table(resource):
    """Items by `p` and `s`; a global index by `owner` and `s` with `color`, a local one by `rank`."""
    table = resource.create_table(
        TableName="Resource",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("p", "S"), ("s", "N"), ("owner", "S"), ("rank", "N"))
        ],
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-owner",
                "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["color"]},
            }
        ],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-rank",
                "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
    )
    table.wait_until_exists()
    yield table
    table.delete()
    table.wait_until_not_exists()


@pytest.fixture(scope="module")
def cars(table):
    """Ten items to ask for."""
    with table.batch_writer() as batch:
        for s in range(10):
            item = {"p": "cars", "s": s, "color": "red" if s % 3 == 0 else "blue", "tags": {"even"} if s % 2 == 0 else {"odd"}}
            if s < 5:
                item["size"] = {"length": D(s) / 2, "parts": [s, s + 1]}
            batch.put_item(Item=item)
    return table


def numbers(answer):
    return [int(item["s"]) for item in answer["Items"]]


@pytest.mark.parametrize(
    "value",
    [
        D("12345678901234567890123456789012345678"),
        D("-0.00000000000000000000000000000000000001"),
        D("9" * 38),
        D("1E-130"),
        D("0"),
        "ünï\u0000code",
        "",
        Binary(bytes(range(256))),
        Binary(b""),
        True,
        None,
        [],
        {},
        [D(1), [D(2), {"x": [None]}]],
        {"a": {"b.c": {"": "empty name"}}},
        {"b", "a"},
        {D("1.5"), D("-2")},
        {Binary(b"\x00"), Binary(b"\xff")},
    ],
    ids=repr,
)
def test_values_come_back(table, value):
    table.put_item(Item={"p": "values", "s": 0, "value": value})
    assert table.get_item(Key={"p": "values", "s": 0})["Item"]["value"] == value


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Key("s").eq(3), [3]),
        (Key("s").lt(2), [0, 1]),
        (Key("s").lte(2), [0, 1, 2]),
        (Key("s").gt(7), [8, 9]),
        (Key("s").gte(7), [7, 8, 9]),
        (Key("s").between(2, 4), [2, 3, 4]),
    ],
    ids=lambda value: value if isinstance(value, list) else value.expression_operator,
)
def test_keys_are_compared(cars, condition, expected):
    assert numbers(cars.query(KeyConditionExpression=Key("p").eq("cars") & condition)) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Attr("color").eq("red"), [0, 3, 6, 9]),
        (Attr("color").ne("red"), [1, 2, 4, 5, 7, 8]),
        (Attr("size.length").gt(1), [3, 4]),
        (Attr("size.length").between(D("0.5"), 1), [1, 2]),
        (Attr("size.parts[1]").eq(4), [3]),
        (Attr("size").exists(), [0, 1, 2, 3, 4]),
        (Attr("size").not_exists(), [5, 6, 7, 8, 9]),
        (Attr("color").is_in(["green", "red"]), [0, 3, 6, 9]),
        (Attr("color").begins_with("bl"), [1, 2, 4, 5, 7, 8]),
        (Attr("tags").contains("even"), [0, 2, 4, 6, 8]),
        (Attr("color").contains("lu"), [1, 2, 4, 5, 7, 8]),
        (Attr("size.parts").contains(3), [2, 3]),
        (Attr("color").size().eq(3), [0, 3, 6, 9]),
        (Attr("tags").attribute_type("SS"), list(range(10))),
        (Attr("size").attribute_type("M") & ~Attr("color").eq("red"), [1, 2, 4]),
        (Attr("color").eq("red") | Attr("s").eq(1), [0, 1, 3, 6, 9]),
    ],
    ids=lambda value: None if isinstance(value, list) else value.expression_operator,
)
def test_attributes_are_compared(cars, condition, expected):
    """In a scan, where the key may be asked for too, and in a condition of a write."""
    assert sorted(numbers(cars.scan(FilterExpression=condition & Attr("p").eq("cars")))) == expected
    for s in (0, 1, 9):
        refused = False
        try:
            cars.put_item(Item=cars.get_item(Key={"p": "cars", "s": s})["Item"], ConditionExpression=condition)
        except cars.meta.client.exceptions.ConditionalCheckFailedException:
            refused = True
        assert refused == (s not in expected)


@pytest.mark.parametrize(
    ("select", "more", "members"),
    [
        ("ALL_ATTRIBUTES", {}, {"p", "s", "color", "tags", "size"}),
        ("SPECIFIC_ATTRIBUTES", {"ProjectionExpression": "color"}, {"color"}),
    ],
)
def test_select_decides_what_is_returned(cars, select, more, members):
    answer = cars.query(KeyConditionExpression=Key("p").eq("cars") & Key("s").eq(1), Select=select, **more)
    assert set(answer["Items"][0]) == members


def test_count_has_no_items(cars):
    answer = cars.query(KeyConditionExpression=Key("p").eq("cars"), FilterExpression=Attr("color").eq("red"), Select="COUNT")
    assert (answer["Count"], answer["ScannedCount"], "Items" in answer) == (4, 10, False)


def test_all_projected_attributes_are_those_of_the_index(table):
    table.put_item(Item={"p": "projected", "s": 1, "owner": "zoe", "color": "red", "other": 1})
    answer = table.query(
        IndexName="by-owner", KeyConditionExpression=Key("owner").eq("zoe"), Select="ALL_PROJECTED_ATTRIBUTES"
    )
    assert answer["Items"] == [{"p": "projected", "s": 1, "owner": "zoe", "color": "red"}]


def test_a_global_index_does_not_return_what_it_lacks(table):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        table.query(IndexName="by-owner", KeyConditionExpression=Key("owner").eq("x"), Select="ALL_ATTRIBUTES")
    assert error.value.response["Error"]["Message"] == (
        "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for global secondary index "
        "by-owner because its projection type is not ALL"
    )


def test_a_local_index_fetches_what_it_lacks(table):
    table.put_item(Item={"p": "fetched", "s": 1, "rank": 5, "text": "x" * 5000})
    ask = {"IndexName": "by-rank", "KeyConditionExpression": Key("p").eq("fetched"), "ReturnConsumedCapacity": "TOTAL"}
    lean = table.query(**ask)
    assert lean["Items"] == [{"p": "fetched", "s": 1, "rank": 5}]
    assert lean["ConsumedCapacity"]["CapacityUnits"] == 0.5
    whole = table.query(Select="ALL_ATTRIBUTES", **ask)
    assert len(whole["Items"][0]["text"]) == 5000
    assert whole["ConsumedCapacity"]["CapacityUnits"] == 1.5  # half a unit of the index, one of the item of 5 KB


def test_pages_end_where_limits_say(cars):
    seen, start = [], {}
    while True:
        answer = cars.query(KeyConditionExpression=Key("p").eq("cars"), Limit=4, ScanIndexForward=False, **start)
        seen.append(numbers(answer))
        if "LastEvaluatedKey" not in answer:
            break
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
    assert seen == [[9, 8, 7, 6], [5, 4, 3, 2], [1, 0]]


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ({"p": "cars"}, "The provided starting key is invalid"),
        ({"p": "other", "s": 1}, "The provided starting key is outside query boundaries based on provided conditions"),
        ({"p": "cars", "s": "1"}, "The provided key element does not match the schema"),
    ],
)
def test_pages_start_within_their_query(cars, start, message):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        cars.query(KeyConditionExpression=Key("p").eq("cars"), ExclusiveStartKey=start)
    assert error.value.response["Error"] == {"Code": "ValidationException", "Message": message}


def test_pages_hold_a_megabyte(table):
    with table.batch_writer() as batch:
        for s in range(6):
            batch.put_item(Item={"p": "megabyte", "s": s, "text": "x" * 300_000})
    answer = table.query(KeyConditionExpression=Key("p").eq("megabyte"))
    assert numbers(answer) == [0, 1, 2, 3] and int(answer["LastEvaluatedKey"]["s"]) == 3
    rest = table.query(KeyConditionExpression=Key("p").eq("megabyte"), ExclusiveStartKey=answer["LastEvaluatedKey"])
    assert numbers(rest) == [4, 5] and "LastEvaluatedKey" not in rest


def test_a_batch_writer_keeps_the_last_of_each_key(table):
    with table.batch_writer(overwrite_by_pkeys=["p", "s"]) as batch:
        for n in range(60):
            batch.put_item(Item={"p": "last", "s": n % 30, "n": n})
        batch.delete_item(Key={"p": "last", "s": 7})
    found = table.query(KeyConditionExpression=Key("p").eq("last"))["Items"]
    assert {int(item["s"]): int(item["n"]) for item in found} == {s: s + 30 for s in range(30) if s != 7}


def test_a_batch_is_read_across_tables(resource, cars):
    answer = resource.batch_get_item(
        RequestItems={"Resource": {"Keys": [{"p": "cars", "s": s} for s in (1, 2, 77)], "ProjectionExpression": "s, color"}}
    )
    assert sorted(int(item["s"]) for item in answer["Responses"]["Resource"]) == [1, 2]
    assert answer["UnprocessedKeys"] == {}


def test_collections_list_tables(resource, table):
    assert "Resource" in [found.name for found in resource.tables.all()]
    assert [found.name for found in resource.tables.limit(1)] != []


def test_a_table_knows_itself(resource, table):
    found = resource.Table("Resource")
    assert found.table_status == "ACTIVE"
    assert found.key_schema[1] == {"AttributeName": "s", "KeyType": "RANGE"}
    assert found.global_secondary_indexes[0]["Projection"]["NonKeyAttributes"] == ["color"]
    assert found.billing_mode_summary["BillingMode"] == "PAY_PER_REQUEST"
    assert found.table_arn == "arn:aws:dynamodb:us-east-1:000000000000:table/Resource"
    assert found.creation_date_time.tzinfo


# --- Consumed capacity, counted by hand ---


def capacity(answer):
    """Total, table, and indexes by name."""
    told = answer["ConsumedCapacity"]
    parts = {**told.get("GlobalSecondaryIndexes", {}), **told.get("LocalSecondaryIndexes", {})}
    return told["CapacityUnits"], told["Table"]["CapacityUnits"], {name: part["CapacityUnits"] for name, part in parts.items()}


def test_reads_count_by_4_kb(table):
    # 1 + 8 + 1 + (1 for the number) + 4 + 8180 bytes: 8195, which is three times 4 KB or less.
    table.put_item(Item={"p": "12345678", "s": 1, "text": "x" * 8180})
    get = {"Key": {"p": "12345678", "s": 1}, "ReturnConsumedCapacity": "INDEXES"}
    assert capacity(table.get_item(ConsistentRead=True, **get)) == (3, 3, {})
    assert capacity(table.get_item(**get)) == (1.5, 1.5, {})
    missing = table.get_item(Key={"p": "nothing", "s": 1}, ReturnConsumedCapacity="TOTAL")
    assert missing["ConsumedCapacity"] == {"TableName": "Resource", "CapacityUnits": 0.5}


def test_writes_count_by_kb_in_every_index(table):
    item = {"p": "writes", "s": 1, "owner": "eve", "rank": 1, "text": "x" * 2000}
    put = {"Item": item, "ReturnConsumedCapacity": "INDEXES"}
    assert capacity(table.put_item(**put)) == (4, 2, {"by-owner": 1, "by-rank": 1})
    assert capacity(table.put_item(**put)) == (2, 2, {})  # no index changes
    # Another owner: the entry goes from one place of the index to another, which is two writes.
    item["owner"] = "eva"
    assert capacity(table.put_item(**put)) == (4, 2, {"by-owner": 2})
    # The larger of old and new item counts.
    update = {"Key": {"p": "writes", "s": 1}, "ReturnConsumedCapacity": "INDEXES"}
    assert capacity(table.update_item(UpdateExpression="REMOVE #t", ExpressionAttributeNames={"#t": "text"}, **update)) == (2, 2, {})
    assert capacity(table.delete_item(**update)) == (3, 1, {"by-owner": 1, "by-rank": 1})
    assert capacity(table.delete_item(**update)) == (1, 1, {})


def test_queries_count_what_they_read_together(table):
    with table.batch_writer() as batch:
        for s in range(10):
            batch.put_item(Item={"p": "together", "s": s, "text": "x" * 1000})
    ask = {"KeyConditionExpression": Key("p").eq("together"), "ReturnConsumedCapacity": "TOTAL"}
    # Ten items of 1,016 bytes are 10,160: three times 4 KB, and a filter does not change that.
    assert table.query(**ask)["ConsumedCapacity"]["CapacityUnits"] == 1.5
    assert table.query(ConsistentRead=True, **ask)["ConsumedCapacity"]["CapacityUnits"] == 3
    assert table.query(FilterExpression=Attr("text").eq("y"), **ask)["ConsumedCapacity"]["CapacityUnits"] == 1.5


def test_transactions_count_twice(table):
    client = table.meta.client
    write = {"Put": {"TableName": "Resource", "Item": {"p": "twice", "s": 1, "text": "x" * 1500}}}
    answer = client.transact_write_items(TransactItems=[write], ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": "Resource", "CapacityUnits": 4.0, "WriteCapacityUnits": 4.0}]
    reads = [{"Get": {"TableName": "Resource", "Key": {"p": "twice", "s": s}}} for s in (1, 2)]
    answer = client.transact_get_items(TransactItems=reads, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"] == [{"TableName": "Resource", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]


def test_collections_of_items_tell_their_size(table):
    answer = table.put_item(Item={"p": "collection", "s": 1}, ReturnItemCollectionMetrics="SIZE")
    assert answer["ItemCollectionMetrics"] == {"ItemCollectionKey": {"p": "collection"}, "SizeEstimateRangeGB": [0, 1]}
