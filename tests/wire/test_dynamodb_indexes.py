"""Secondary indexes, as boto3's resource and paginators use them."""

import time

import botocore.exceptions
import pytest
from dynamodb_wire import Wire
from boto3.dynamodb.conditions import Key


@pytest.fixture
def notes(server):
    """A table whose notes are found by owner and, within an owner, by rank."""
    client = server.client("dynamodb")
    client.create_table(
        TableName="indexed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in (("owner", "S"), ("id", "S"), ("rank", "N"), ("tag", "S"))
        ],
        KeySchema=[{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "id", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[
            {
                "IndexName": "by-rank",
                "KeySchema": [
                    {"AttributeName": "owner", "KeyType": "HASH"},
                    {"AttributeName": "rank", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-tag",
                "KeySchema": [{"AttributeName": "tag", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    client.get_waiter("table_exists").wait(TableName="indexed")
    yield client
    client.delete_table(TableName="indexed")
    client.get_waiter("table_not_exists").wait(TableName="indexed")


def put(client, owner, note, **more):
    item = {"owner": {"S": owner}, "id": {"S": note}}
    item.update({name: {"N": str(v)} if isinstance(v, int) else {"S": v} for name, v in more.items()})
    client.put_item(TableName="indexed", Item=item)


def ids(items):
    return [item["id"]["S"] for item in items]


def test_local_index_sorts_as_numbers(notes):
    for rank in (10, 9, 100, -1):
        put(notes, "ann", f"n{rank}", rank=rank)
    put(notes, "ann", "unranked")
    answer = notes.query(
        TableName="indexed",
        IndexName="by-rank",
        KeyConditionExpression="#o = :o AND #r > :zero",
        ExpressionAttributeNames={"#o": "owner", "#r": "rank"},
        ExpressionAttributeValues={":o": {"S": "ann"}, ":zero": {"N": "0"}},
    )
    assert ids(answer["Items"]) == ["n9", "n10", "n100"]


def test_global_index_pages_through_a_paginator(notes):
    for i in range(25):
        put(notes, f"owner{i % 5}", f"n{i:02}", tag="blue")
    pages = notes.get_paginator("query").paginate(
        TableName="indexed",
        IndexName="by-tag",
        KeyConditionExpression="tag = :t",
        ExpressionAttributeValues={":t": {"S": "blue"}},
        PaginationConfig={"PageSize": 4},
    )
    found = [note for page in pages for note in ids(page["Items"])]
    assert sorted(found) == [f"n{i:02}" for i in range(25)]


def test_segments_of_an_index_scan_cover_it_once(notes):
    for i in range(40):
        put(notes, f"owner{i}", "n", tag=f"tag{i}")
    found = []
    for segment in range(4):
        page = notes.scan(TableName="indexed", IndexName="by-tag", Segment=segment, TotalSegments=4)
        found += [item["owner"]["S"] for item in page["Items"]]
    assert sorted(found) == sorted(f"owner{i}" for i in range(40))


def test_consistent_reads_of_a_global_index_are_refused(notes):
    with pytest.raises(botocore.exceptions.ClientError, match="Consistent reads are not supported on global"):
        notes.scan(TableName="indexed", IndexName="by-tag", ConsistentRead=True)


def test_index_added_to_a_table_is_filled(notes):
    for i in range(30):
        put(notes, "ann", f"n{i:02}", color="red")
    notes.update_table(
        TableName="indexed",
        AttributeDefinitions=[{"AttributeName": "color", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[
            {
                "Create": {
                    "IndexName": "by-color",
                    "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}],
                    "Projection": {"ProjectionType": "KEYS_ONLY"},
                }
            }
        ],
    )
    for _ in range(100):
        indexes = notes.describe_table(TableName="indexed")["Table"]["GlobalSecondaryIndexes"]
        if all(index["IndexStatus"] == "ACTIVE" for index in indexes):
            break
        time.sleep(0.05)
    answer = notes.query(
        TableName="indexed",
        IndexName="by-color",
        KeyConditionExpression="color = :c",
        ExpressionAttributeValues={":c": {"S": "red"}},
    )
    assert answer["Count"] == 30
    assert set(answer["Items"][0]) == {"owner", "id", "color"}


def test_index_survives_a_power_cut(own_server):
    server = own_server()
    client = server.client("dynamodb")
    client.create_table(
        TableName="indexed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, "AttributeType": "S"} for n in ("id", "tag")],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by-tag",
                "KeySchema": [{"AttributeName": "tag", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    for i in range(50):
        client.put_item(TableName="indexed", Item={"id": {"S": str(i)}, "tag": {"S": "t"}})
    server.kill()
    client = own_server(data=server.data).client("dynamodb")
    assert client.scan(TableName="indexed", IndexName="by-tag")["Count"] == 50
    table = client.describe_table(TableName="indexed")["Table"]
    assert table["ItemCount"] == table["GlobalSecondaryIndexes"][0]["ItemCount"] == 50


def test_resource_queries_with_conditions(server, notes):
    import boto3

    environment = server.environment()
    resource = boto3.resource(
        "dynamodb",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    table = resource.Table("indexed")
    table.put_item(Item={"owner": "ann", "id": "1", "rank": 3})
    answer = table.query(
        IndexName="by-rank", KeyConditionExpression=Key("owner").eq("ann") & Key("rank").between(1, 5)
    )
    assert answer["Items"][0]["rank"] == 3


# --- Keys of several attributes ---

HASHES, RANGES = ["h1", "h2", "h3", "h4"], ["r1", "r2", "r3", "r4"]
VALUES = {":a": {"S": "a"}, ":b": {"S": "b"}, ":one": {"N": "1"}, ":two": {"N": "2"}}


def several(name, hashes, ranges):
    schema = [{"AttributeName": part, "KeyType": "HASH"} for part in hashes]
    schema += [{"AttributeName": part, "KeyType": "RANGE"} for part in ranges]
    return {"IndexName": name, "KeySchema": schema, "Projection": {"ProjectionType": "ALL"}}


def definitions(*names):
    return [{"AttributeName": name, "AttributeType": "N" if name == "r2" else "S"} for name in names]


@pytest.fixture(scope="module")
def wide(server):
    wire = Wire(server)
    wire(
        "CreateTable",
        TableName="Several",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=definitions("p", *HASHES, *RANGES),
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        GlobalSecondaryIndexes=[several("whole", HASHES, RANGES)],
    )
    for i, (first, second, third) in enumerate((x, y, z) for x in "ab" for y in "12" for z in "ab"):
        item = {"p": {"S": str(i)}, "r1": {"S": first}, "r2": {"N": second}, "r3": {"S": third}, "r4": {"S": "z"}}
        item.update({name: {"S": "a"} for name in HASHES})
        wire("PutItem", TableName="Several", Item=item)
        incomplete = {name: value for name, value in item.items() if name != ("h3" if i % 2 else "r4")}
        wire("PutItem", TableName="Several", Item={**incomplete, "p": {"S": f"incomplete{i}"}})
    yield wire
    wire("DeleteTable", TableName="Several")


def add_index(wire, index, attributes):
    updates = [{"Create": index}]
    return wire("UpdateTable", TableName="Several", AttributeDefinitions=attributes, GlobalSecondaryIndexUpdates=updates)


def ask(wire, condition, **more):
    values = {name: value for name, value in VALUES.items() if name in condition}
    return wire(
        "Query", TableName="Several", IndexName="whole", KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
    )


PARTITION = "h1 = :a AND h2 = :a AND h3 = :a AND h4 = :a"
FOUND = [
    ("", "01234567"),
    (" AND r1 = :a", "0123"),
    (" AND r1 > :a", "4567"),
    (" AND r1 = :a AND r2 = :two", "23"),
    (" AND r1 = :b AND r2 < :two", "45"),
    (" AND r1 = :b AND r2 BETWEEN :one AND :two", "4567"),
    (" AND r1 = :b AND r2 = :one AND begins_with(r3, :b)", "5"),
    (" AND r1 = :b AND r2 = :one AND r3 <= :b", "45"),
]


@pytest.mark.parametrize("condition, keys", FOUND)
def test_keys_of_several_attributes_are_compared_from_the_left(wide, condition, keys):
    assert "".join(item["p"]["S"] for item in ask(wide, PARTITION + condition)["Items"]) == keys
    backwards = ask(wide, PARTITION + condition, ScanIndexForward=False)["Items"]
    assert "".join(item["p"]["S"] for item in reversed(backwards)) == keys
    key, pages = {}, ""
    while key is not None:
        page = ask(wide, PARTITION + condition, Limit=1, **key)
        pages += "".join(item["p"]["S"] for item in page["Items"])
        last = page.get("LastEvaluatedKey")
        assert last is None or set(last) == {"p", *HASHES, *RANGES}
        key = {"ExclusiveStartKey": last} if last else None
    assert pages == keys


@pytest.mark.parametrize(
    "condition, message",
    [
        ("h1 = :a AND h2 = :a AND h4 = :a", "Query condition missed key schema element: h3"),
        (PARTITION.replace("h2 =", "h2 >"), "Query key condition not supported"),
        (PARTITION + " AND r2 = :one", "Query condition missed key schema element: r1"),
        (PARTITION + " AND r1 > :a AND r2 = :one", "Query key condition not supported"),
    ],
)
def test_keys_of_several_attributes_have_rules(wide, condition, message):
    assert ask(wide, condition)["message"] == message


@pytest.mark.parametrize(
    "hashes, ranges, message",
    [
        (["h1", "h2", "h3", "h4", "p"], [], "The KeySchema exceeds the maximum allowed number of HASH key attributes"),
        (["h1"], [*RANGES, "p"], "The KeySchema exceeds the maximum allowed number of RANGE key attributes"),
        ([], ["r1"], "The first KeySchemaElement is not a HASH key type"),
    ],
)
def test_schemas_of_several_attributes_have_limits(wide, hashes, ranges, message):
    answer = add_index(wide, several("refused", hashes, ranges), definitions(*hashes, *ranges))
    assert answer["message"] == "Invalid KeySchema: " + message
    mixed = several("refused", ["h1"], ["r1"])
    mixed["KeySchema"].append({"AttributeName": "h2", "KeyType": "HASH"})
    answer = add_index(wide, mixed, definitions("h1", "r1", "h2"))
    assert answer["message"] == "Invalid KeySchema: All HASH key attributes must precede RANGE key attributes in the KeySchema"


def test_index_of_several_attributes_is_described_filled_and_selected_from(wide):
    table = wide("DescribeTable", TableName="Several")["Table"]
    assert table["GlobalSecondaryIndexes"][0]["KeySchema"] == several("whole", HASHES, RANGES)["KeySchema"]
    assert wide("Scan", TableName="Several", IndexName="whole", Select="COUNT")["Count"] == 8
    add_index(wide, several("later", ["h1", "h2"], ["r1"]), definitions("h1", "h2", "r1"))
    while wide("DescribeTable", TableName="Several")["Table"]["GlobalSecondaryIndexes"][1]["IndexStatus"] != "ACTIVE":
        pass
    assert wide("Scan", TableName="Several", IndexName="later", Select="COUNT")["Count"] == 16
    statement = 'SELECT p FROM "Several"."whole" WHERE h1 = \'a\' AND r1 = \'b\' AND r2 = 2'
    assert sorted(item["p"]["S"] for item in wide("ExecuteStatement", Statement=statement)["Items"]) == ["6", "7"]


def test_entry_of_several_attributes_moves_with_each_of_them(wide):
    item = {name: {"S": "b"} for name in (*HASHES, "r1", "r3", "r4")}
    wide("PutItem", TableName="Several", Item={**item, "r2": {"N": "1"}, "p": {"S": "moved"}})
    partition = " AND ".join(f"{name} = :b" for name in HASHES)
    assert [found["p"]["S"] for found in ask(wide, partition)["Items"]] == ["moved"]
    wrong = wide("PutItem", TableName="Several", Item={**item, "r2": {"S": "1"}, "p": {"S": "wrong"}})
    assert "Type mismatch for Index Key r2 Expected: N Actual: S IndexName: whole" in wrong["message"]
    wide("UpdateItem", TableName="Several", Key={"p": {"S": "moved"}}, UpdateExpression="REMOVE r4")
    assert ask(wide, partition)["Items"] == []
