"""Secondary indexes, as boto3's resource and paginators use them."""

import time

import botocore.exceptions
import pytest
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
