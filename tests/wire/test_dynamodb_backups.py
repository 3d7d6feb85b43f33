"""Backups, and restoring tables from them or to a point in time."""

import time

import botocore.exceptions
import pytest


def table(client, name):
    client.create_table(
        TableName=name,
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


@pytest.fixture
def client(dynamodb):
    table(dynamodb, "source")
    yield dynamodb
    for name in dynamodb.list_tables()["TableNames"]:
        if name.startswith(("source", "restored")):
            dynamodb.delete_table(TableName=name)
    for backup in dynamodb.list_backups()["BackupSummaries"]:
        dynamodb.delete_backup(BackupArn=backup["BackupArn"])


def put(client, key, **more):
    client.put_item(TableName="source", Item={"id": {"S": key}, **{n: {"S": v} for n, v in more.items()}})


def wait(condition):
    for _ in range(200):
        if condition():
            return
        time.sleep(0.05)
    raise TimeoutError


def make_backup(client):
    arn = client.create_backup(TableName="source", BackupName="nightly")["BackupDetails"]["BackupArn"]
    wait(lambda: status(client, arn) == "AVAILABLE")
    return arn


def status(client, arn):
    return client.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"]


def contents(client, name="restored"):
    wait(lambda: client.describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE")
    return {item["id"]["S"]: item for item in client.scan(TableName=name)["Items"]}


def test_restored_table_is_as_the_backup(client):
    for i in range(30):
        put(client, str(i), tag=f"t{i % 2}")
    arn = make_backup(client)
    put(client, "later")
    client.delete_item(TableName="source", Key={"id": {"S": "3"}})
    answer = client.restore_table_from_backup(TargetTableName="restored", BackupArn=arn)
    assert answer["TableDescription"]["RestoreSummary"]["SourceBackupArn"] == arn
    assert set(contents(client)) == {str(i) for i in range(30)}
    found = client.query(
        TableName="restored",
        IndexName="by-tag",
        KeyConditionExpression="tag = :t",
        ExpressionAttributeValues={":t": {"S": "t1"}},
    )
    assert found["Count"] == 15
    described = client.describe_table(TableName="restored")["Table"]
    assert described["ItemCount"] == described["GlobalSecondaryIndexes"][0]["ItemCount"] == 30


def test_backup_outlives_its_table(client):
    put(client, "a", tag="t")
    arn = make_backup(client)
    client.delete_table(TableName="source")
    client.restore_table_from_backup(
        TargetTableName="restored", BackupArn=arn, GlobalSecondaryIndexOverride=[]
    )
    assert set(contents(client)) == {"a"}
    assert "GlobalSecondaryIndexes" not in client.describe_table(TableName="restored")["Table"]


def test_backups_are_listed_and_deleted(client):
    put(client, "a")
    arn = make_backup(client)
    [summary] = client.list_backups(TableName="source")["BackupSummaries"]
    assert (summary["BackupArn"], summary["BackupName"], summary["BackupStatus"]) == (arn, "nightly", "AVAILABLE")
    description = client.delete_backup(BackupArn=arn)["BackupDescription"]
    assert description["BackupDetails"]["BackupStatus"] == "DELETED"
    assert description["SourceTableDetails"]["ItemCount"] == 1
    with pytest.raises(botocore.exceptions.ClientError, match="Backup not found"):
        client.describe_backup(BackupArn=arn)


def test_target_must_be_new(client):
    arn = make_backup(client)
    with pytest.raises(client.exceptions.TableAlreadyExistsException):
        client.restore_table_from_backup(TargetTableName="source", BackupArn=arn)


def recover(client, enabled=True):
    return client.update_continuous_backups(
        TableName="source", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": enabled}
    )["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]


def test_table_goes_back_to_a_point_in_time(client):
    put(client, "before", tag="t")
    put(client, "changed", x="old")
    assert recover(client)["PointInTimeRecoveryStatus"] == "ENABLED"
    # boto3 sends whole seconds.
    moment = int(time.time()) + 1
    time.sleep(moment + 0.05 - time.time())
    put(client, "changed", x="new")
    put(client, "changed", x="newer")
    put(client, "added")
    client.delete_item(TableName="source", Key={"id": {"S": "before"}})
    client.restore_table_to_point_in_time(
        SourceTableName="source", TargetTableName="restored", RestoreDateTime=moment
    )
    items = contents(client)
    assert set(items) == {"before", "changed"}
    assert items["changed"]["x"] == {"S": "old"}
    client.restore_table_to_point_in_time(
        SourceTableName="source", TargetTableName="restored-now", UseLatestRestorableTime=True
    )
    assert set(contents(client, "restored-now")) == {"changed", "added"}


def test_recovery_wants_to_be_enabled_and_in_range(client):
    times = {"SourceTableName": "source", "TargetTableName": "restored", "RestoreDateTime": time.time() - 10}
    with pytest.raises(client.exceptions.PointInTimeRecoveryUnavailableException):
        client.restore_table_to_point_in_time(**times)
    recover(client)
    with pytest.raises(client.exceptions.InvalidRestoreTimeException):
        client.restore_table_to_point_in_time(**times)
    assert recover(client, False) == {"PointInTimeRecoveryStatus": "DISABLED"}


def test_restore_goes_on_after_a_power_cut(own_server):
    server = own_server()
    client = server.client("dynamodb")
    table(client, "source")
    for i in range(0, 5000, 25):
        client.batch_write_item(
            RequestItems={
                "source": [{"PutRequest": {"Item": {"id": {"S": str(i + j)}, "tag": {"S": "t"}}}} for j in range(25)]
            }
        )
    arn = make_backup(client)
    client.restore_table_from_backup(TargetTableName="restored", BackupArn=arn)
    server.kill()
    client = own_server(data=server.data).client("dynamodb")
    wait(lambda: client.describe_table(TableName="restored")["Table"]["TableStatus"] == "ACTIVE")
    described = client.describe_table(TableName="restored")["Table"]
    assert described["ItemCount"] == described["GlobalSecondaryIndexes"][0]["ItemCount"] == 5000
    pages = client.get_paginator("scan").paginate(TableName="restored", IndexName="by-tag", Select="COUNT")
    assert sum(page["Count"] for page in pages) == 5000
