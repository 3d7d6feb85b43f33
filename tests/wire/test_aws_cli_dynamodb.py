"""DynamoDB by the AWS CLI, with the options that DynamoDB's developer guide has typed."""

import json

import pytest

KEYS = ["AttributeName=Artist,KeyType=HASH", "AttributeName=Song,KeyType=RANGE"]
ATTRIBUTES = ["AttributeName=Artist,AttributeType=S", "AttributeName=Song,AttributeType=S", "AttributeName=Year,AttributeType=N"]
BY_YEAR = "IndexName=by-year,KeySchema=[{AttributeName=Year,KeyType=HASH}],Projection={ProjectionType=ALL}"
BY_ARTIST = (
    "IndexName=by-artist,KeySchema=[{AttributeName=Artist,KeyType=HASH},{AttributeName=Year,KeyType=RANGE}],"
    "Projection={ProjectionType=KEYS_ONLY}"
)


def song(artist, title, year):
    return {"Artist": {"S": artist}, "Song": {"S": title}, "Year": {"N": str(year)}}


@pytest.fixture
def cli(aws):
    """Runs `aws dynamodb COMMAND ...`."""
    return lambda *arguments, **more: aws("dynamodb", *arguments, **more)


@pytest.fixture
def music(dynamodb, cli):
    """Runs `aws dynamodb COMMAND --table-name Music ...`. Only what is tested goes through the CLI: each call takes it long."""
    key = [{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Song", "KeyType": "RANGE"}]
    dynamodb.create_table(
        TableName="Music",
        KeySchema=key,
        AttributeDefinitions=[{"AttributeName": part["AttributeName"], "AttributeType": "S"} for part in key],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": "team", "Value": "one"}],
    )
    dynamodb.get_waiter("table_exists").wait(TableName="Music")
    yield lambda command, *arguments, **more: cli(command, "--table-name", "Music", *arguments, **more)
    dynamodb.delete_table(TableName="Music")
    dynamodb.get_waiter("table_not_exists").wait(TableName="Music")


@pytest.fixture
def songs(dynamodb, music):
    requests = [{"PutRequest": {"Item": song("No One You Know", f"Song {n}", 2000 + n % 3)}} for n in range(10)]
    dynamodb.batch_write_item(RequestItems={"Music": requests})
    return music


def test_a_table_with_indexes(cli):
    cli("create-table", "--table-name", "Indexed", "--attribute-definitions", *ATTRIBUTES, "--key-schema", *KEYS, "--billing-mode",
        "PAY_PER_REQUEST", "--global-secondary-indexes", BY_YEAR, "--local-secondary-indexes", BY_ARTIST)  # fmt: skip
    cli("wait", "table-exists", "--table-name", "Indexed")
    cli("put-item", "--table-name", "Indexed", "--item", json.dumps(song("Acme Band", "Happy Day", 1999)))
    found = cli("query", "--table-name", "Indexed", "--index-name", "by-year", "--key-condition-expression", "#y = :y",
                "--expression-attribute-names", '{"#y": "Year"}', "--expression-attribute-values", '{":y": {"N": "1999"}}')  # fmt: skip
    assert found["Items"] == [song("Acme Band", "Happy Day", 1999)]
    cli("delete-table", "--table-name", "Indexed")


def test_an_item_from_a_file(music, tmp_path):
    (tmp_path / "item.json").write_text(json.dumps(song("Acme Band", "Happy Day", 1999)))
    (tmp_path / "key.json").write_text(json.dumps({"Artist": {"S": "Acme Band"}, "Song": {"S": "Happy Day"}}))
    put = music("put-item", "--item", f"file://{tmp_path}/item.json", "--return-consumed-capacity", "TOTAL")
    assert put["ConsumedCapacity"] == {"TableName": "Music", "CapacityUnits": 1.0}
    got = music("get-item", "--key", f"file://{tmp_path}/key.json", "--projection-expression", "#y",
                "--expression-attribute-names", '{"#y": "Year"}')  # fmt: skip
    assert got == {"Item": {"Year": {"N": "1999"}}}


def test_a_condition_that_fails_is_told(songs):
    refused = songs("put-item", "--item", json.dumps(song("No One You Know", "Song 1", 1)), "--condition-expression",
                    "attribute_not_exists(Artist)", check=False)  # fmt: skip
    assert refused.returncode == 254
    assert "(ConditionalCheckFailedException) when calling the PutItem operation: The conditional request failed" in refused.stderr


def test_a_query_with_values(songs):
    found = songs("query", "--key-condition-expression", "Artist = :a AND begins_with(Song, :s)", "--filter-expression", "#y > :y",
                  "--expression-attribute-names", '{"#y": "Year"}', "--expression-attribute-values",
                  '{":a": {"S": "No One You Know"}, ":s": {"S": "Song"}, ":y": {"N": "2000"}}', "--no-scan-index-forward")  # fmt: skip
    assert [item["Song"]["S"] for item in found["Items"]] == [f"Song {n}" for n in (8, 7, 5, 4, 2, 1)]
    assert (found["Count"], found["ScannedCount"]) == (6, 10)


def test_a_scan_goes_on_where_it_stopped(songs):
    first = songs("scan", "--max-items", "4", "--page-size", "3")
    assert len(first["Items"]) == 4
    rest = songs("scan", "--starting-token", first["NextToken"])
    titles = {item["Song"]["S"] for item in first["Items"] + rest["Items"]}
    assert titles == {f"Song {n}" for n in range(10)} and "NextToken" not in rest


def test_a_transaction_from_a_file(cli, songs, tmp_path):
    items = [
        {"Put": {"TableName": "Music", "Item": song("Acme Band", "New", 2020)}},
        {
            "Update": {
                "TableName": "Music",
                "Key": {"Artist": {"S": "No One You Know"}, "Song": {"S": "Song 1"}},
                "UpdateExpression": "SET Price = :p",
                "ConditionExpression": "attribute_exists(Price)",
                "ExpressionAttributeValues": {":p": {"N": "1"}},
            }
        },
    ]
    (tmp_path / "items.json").write_text(json.dumps(items))
    refused = cli("transact-write-items", "--transact-items", f"file://{tmp_path}/items.json", check=False)
    assert "cancellation reasons for specific reasons [None, ConditionalCheckFailed]" in refused.stderr
    items[1]["Update"]["ConditionExpression"] = "attribute_not_exists(Price)"
    (tmp_path / "items.json").write_text(json.dumps(items))
    cli("transact-write-items", "--transact-items", f"file://{tmp_path}/items.json", "--client-request-token", "one")
    key = {"Get": {"TableName": "Music", "Key": {"Artist": {"S": "Acme Band"}, "Song": {"S": "New"}}}}
    assert cli("transact-get-items", "--transact-items", json.dumps([key]))["Responses"][0]["Item"]["Year"] == {"N": "2020"}


def test_statements_are_executed(cli, songs):
    statement = "SELECT Song FROM Music WHERE Artist = 'No One You Know' AND Song = ?"
    found = cli("execute-statement", "--statement", statement, "--parameters", '[{"S": "Song 3"}]')
    assert found["Items"] == [{"Song": {"S": "Song 3"}}]


def test_settings_of_a_table(cli, music):
    music("update-time-to-live", "--time-to-live-specification", "Enabled=true,AttributeName=ttl")
    assert music("describe-time-to-live")["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}
    music("update-continuous-backups", "--point-in-time-recovery-specification", "PointInTimeRecoveryEnabled=true")
    backups = music("describe-continuous-backups")["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    music("update-table", "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_IMAGE")
    cli("wait", "table-exists", "--table-name", "Music")
    table = music("describe-table")["Table"]
    assert cli("list-tags-of-resource", "--resource-arn", table["TableArn"])["Tags"] == [{"Key": "team", "Value": "one"}]
    assert table["LatestStreamArn"].startswith(table["TableArn"] + "/stream/")


def test_a_backup_is_restored(cli, songs):
    backup = songs("create-backup", "--backup-name", "monday")["BackupDetails"]["BackupArn"]
    cli("restore-table-from-backup", "--target-table-name", "MusicAgain", "--backup-arn", backup)
    cli("wait", "table-exists", "--table-name", "MusicAgain")
    assert cli("scan", "--table-name", "MusicAgain", "--select", "COUNT")["Count"] == 10
    assert [found["BackupName"] for found in songs("list-backups")["BackupSummaries"]] == ["monday"]
    cli("delete-backup", "--backup-arn", backup)
    cli("delete-table", "--table-name", "MusicAgain")


def test_limits_are_described(cli):
    limits = cli("describe-limits")
    assert limits["AccountMaxReadCapacityUnits"] == 80000 and limits["TableMaxWriteCapacityUnits"] == 40000
