"""Streams, time to live and tags."""

import time

import botocore.exceptions
import pytest


@pytest.fixture
def streams(server):
    return server.client("dynamodbstreams")


@pytest.fixture
def table(dynamodb):
    """A function that makes a table with a stream of the view type given."""
    made = []

    def make(view="NEW_AND_OLD_IMAGES", **more):
        name = f"streamed{len(made)}"
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
        answer = dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            **stream,
            **more,
        )
        made.append(name)
        return name, answer["TableDescription"].get("LatestStreamArn")

    yield make
    for name in made:
        dynamodb.delete_table(TableName=name)


def read(streams, arn, kind="TRIM_HORIZON", **more):
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)
    return streams.get_records(ShardIterator=iterator["ShardIterator"])


def put(client, name, key, **more):
    client.put_item(TableName=name, Item={"id": {"S": key}, **{k: {"S": v} for k, v in more.items()}})


def test_stream_tells_changes_in_order(dynamodb, streams, table):
    name, arn = table()
    put(dynamodb, name, "a", x="1")
    put(dynamodb, name, "a", x="2")
    put(dynamodb, name, "a", x="2")
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "a"}})
    dynamodb.delete_item(TableName=name, Key={"id": {"S": "nothing"}})
    records = read(streams, arn)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT", "MODIFY", "REMOVE"]
    modified = records[1]["dynamodb"]
    assert modified["Keys"] == {"id": {"S": "a"}}
    assert modified["OldImage"]["x"] == {"S": "1"}
    assert modified["NewImage"]["x"] == {"S": "2"}
    assert records[0]["eventSource"] == "aws:dynamodb"
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3


@pytest.mark.parametrize(
    "view, images",
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_view_type_decides_what_is_told(dynamodb, streams, table, view, images):
    name, arn = table(view)
    put(dynamodb, name, "a", x="1")
    put(dynamodb, name, "a", x="2")
    record = read(streams, arn)["Records"][1]["dynamodb"]
    assert {"NewImage", "OldImage"} & set(record) == images
    assert record["StreamViewType"] == view


def test_iterators_start_where_they_are_told(dynamodb, streams, table):
    name, arn = table()
    put(dynamodb, name, "a")
    put(dynamodb, name, "b")
    first = read(streams, arn)["Records"][0]["dynamodb"]["SequenceNumber"]
    after = read(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=first)
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in after["Records"]] == ["b"]
    latest = read(streams, arn, "LATEST")
    assert latest["Records"] == []
    put(dynamodb, name, "c")
    more = streams.get_records(ShardIterator=latest["NextShardIterator"], Limit=1)
    assert more["Records"][0]["dynamodb"]["Keys"]["id"]["S"] == "c"


def test_transaction_is_told_item_by_item(dynamodb, streams, table):
    name, arn = table()
    items = [{"Put": {"TableName": name, "Item": {"id": {"S": key}}}} for key in "ab"]
    dynamodb.transact_write_items(TransactItems=items)
    assert len(read(streams, arn)["Records"]) == 2


def test_disabled_stream_can_be_read_to_its_end(dynamodb, streams, table):
    name, arn = table()
    put(dynamodb, name, "a")
    dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})
    put(dynamodb, name, "b")
    answer = read(streams, arn)
    assert len(answer["Records"]) == 1
    assert "Records" in answer
    last = streams.get_records(ShardIterator=answer["NextShardIterator"])
    assert "NextShardIterator" not in last
    described = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    with pytest.raises(botocore.exceptions.ClientError, match="already has a disabled stream"):
        dynamodb.update_table(TableName=name, StreamSpecification={"StreamEnabled": False})


def test_streams_are_listed_by_table(dynamodb, streams, table):
    name, arn = table()
    listed = streams.list_streams(TableName=name)["Streams"]
    # Streams of deleted tables of that name are listed as well, until they are trimmed.
    assert listed[-1] == {"StreamArn": arn, "TableName": name, "StreamLabel": arn.rsplit("/", 1)[1]}
    rest = streams.list_streams(TableName=name, ExclusiveStartStreamArn=arn)
    assert rest["Streams"] == []


def test_stream_survives_a_power_cut(own_server):
    server = own_server()
    client = server.client("dynamodb")
    arn = client.create_table(
        TableName="streamed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]
    put(client, "streamed", "a")
    server.kill()
    server = own_server(data=server.data)
    put(server.client("dynamodb"), "streamed", "b")
    records = read(server.client("dynamodbstreams"), arn)["Records"]
    assert [record["dynamodb"]["Keys"]["id"]["S"] for record in records] == ["a", "b"]


def test_expired_items_go_and_are_told(dynamodb, streams, table):
    name, arn = table()
    dynamodb.put_item(TableName=name, Item={"id": {"S": "before"}, "until": {"N": str(int(time.time()) - 100)}})
    dynamodb.put_item(TableName=name, Item={"id": {"S": "stays"}, "until": {"N": str(int(time.time()) + 1000)}})
    specification = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "after"}, "until": {"N": str(int(time.time()) - 1)}})
    for _ in range(100):
        if dynamodb.scan(TableName=name)["Count"] == 1:
            break
        time.sleep(0.1)
    assert [item["id"]["S"] for item in dynamodb.scan(TableName=name)["Items"]] == ["stays"]
    removed = [record for record in read(streams, arn)["Records"] if record["eventName"] == "REMOVE"]
    assert {record["dynamodb"]["Keys"]["id"]["S"] for record in removed} == {"before", "after"}
    assert removed[0]["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {
        "TimeToLiveStatus": "ENABLED",
        "AttributeName": "until",
    }


def test_time_to_live_is_enabled_once(dynamodb, table):
    name, _ = table(None)
    specification = {"Enabled": True, "AttributeName": "until"}
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    with pytest.raises(botocore.exceptions.ClientError, match="TimeToLive is already enabled"):
        dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    specification["Enabled"] = False
    dynamodb.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
    answer = dynamodb.describe_time_to_live(TableName=name)
    assert answer["TimeToLiveDescription"] == {"TimeToLiveStatus": "DISABLED"}


def test_tags_are_added_replaced_and_removed(dynamodb, table):
    name, _ = table(None, Tags=[{"Key": "a", "Value": "1"}])
    arn = dynamodb.describe_table(TableName=name)["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": "3"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["b"])
    assert dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]
    with pytest.raises(botocore.exceptions.ClientError, match="Invalid ResourceArn provided as input x"):
        dynamodb.list_tags_of_resource(ResourceArn="x")


def test_limits_and_endpoints_are_told(server, dynamodb):
    assert dynamodb.describe_limits()["TableMaxReadCapacityUnits"] == 40000
    endpoints = dynamodb.describe_endpoints()["Endpoints"]
    assert endpoints == [{"Address": server.url.removeprefix("http://"), "CachePeriodInMinutes": 1440}]
