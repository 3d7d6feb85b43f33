"""PartiQL: single statements, batches and transactions."""

import botocore.exceptions
import pytest


@pytest.fixture
def music(dynamodb):
    dynamodb.create_table(
        TableName="Music",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "Artist", "AttributeType": "S"},
            {"AttributeName": "Song", "AttributeType": "S"},
            {"AttributeName": "Year", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "Artist", "KeyType": "HASH"}, {"AttributeName": "Song", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "ByYear",
                "KeySchema": [{"AttributeName": "Year", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )
    yield dynamodb
    dynamodb.delete_table(TableName="Music")


def run(client, statement, *parameters, **more):
    if parameters:
        more["Parameters"] = [{"N": str(p)} if isinstance(p, int) else {"S": p} for p in parameters]
    return client.execute_statement(Statement=statement, **more)


def fill(client, count=10):
    for i in range(count):
        run(client, """INSERT INTO "Music" VALUE {'Artist': ?, 'Song': ?, 'Year': ?}""", f"a{i % 2}", f"s{i}", 2000 + i)


def songs(answer):
    return [item["Song"]["S"] for item in answer["Items"]]


def error(call):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call()
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_select_finds_by_key_range_and_filter(music):
    fill(music)
    assert songs(run(music, "SELECT Song FROM Music WHERE Artist = 'a0'")) == ["s0", "s2", "s4", "s6", "s8"]
    assert songs(run(music, "SELECT * FROM Music WHERE Artist = ? AND Song > ?", "a0", "s4")) == ["s6", "s8"]
    assert songs(run(music, "SELECT * FROM Music WHERE Artist = 'a0' AND \"Year\" < 2003 ORDER BY Song DESC")) == [
        "s2",
        "s0",
    ]
    assert songs(run(music, "SELECT * FROM Music WHERE Artist IN ['a1', 'a0'] AND Song <= 's2'")) == ["s1", "s0", "s2"]
    assert songs(run(music, 'SELECT Song FROM "Music"."ByYear" WHERE "Year" = 2007')) == ["s7"]
    assert sorted(songs(run(music, "SELECT Song FROM Music WHERE \"Year\" BETWEEN 2001 AND 2003"))) == ["s1", "s2", "s3"]


def test_select_goes_on_with_a_token(music):
    fill(music)
    found, token = [], {}
    while True:
        answer = run(music, "SELECT Song FROM Music WHERE Artist IN ['a0', 'a1']", Limit=3, **token)
        found += songs(answer)
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sorted(found) == [f"s{i}" for i in range(10)]


def test_insert_happens_once(music):
    fill(music, 1)
    assert error(lambda: fill(music, 1)) == ("DuplicateItemException", "Duplicate primary key exists in table")


def test_update_changes_what_is_there(music):
    fill(music, 1)
    statement = """UPDATE Music SET Plays = 1, Tags = <<'x'>> SET Info = {'a': [1]} REMOVE "Year"
                   WHERE Artist = 'a0' AND Song = 's0' RETURNING ALL NEW *"""
    item = run(music, statement)["Items"][0]
    assert item["Plays"] == {"N": "1"} and item["Info"] == {"M": {"a": {"L": [{"N": "1"}]}}} and "Year" not in item
    answer = run(
        music,
        "UPDATE Music SET Plays = Plays + 2, Tags = set_add(Tags, <<'y'>>), Info.a = list_append(Info.a, [2]) "
        "WHERE Artist = 'a0' AND Song = 's0' RETURNING MODIFIED NEW *",
    )
    assert answer["Items"][0]["Plays"] == {"N": "3"}
    assert sorted(answer["Items"][0]["Tags"]["SS"]) == ["x", "y"]
    code, _ = error(lambda: run(music, "UPDATE Music SET x = 1 WHERE Artist = 'no' AND Song = 'no'"))
    assert code == "ConditionalCheckFailedException"
    code, message = error(lambda: run(music, "UPDATE Music SET x = 1 WHERE Artist = 'a0'"))
    assert message == "Where clause does not contain a mandatory equality on all key attributes"


def test_delete_may_have_a_condition(music):
    fill(music, 1)
    where = "WHERE Artist = 'a0' AND Song = 's0'"
    code, _ = error(lambda: run(music, f"DELETE FROM Music {where} AND \"Year\" = 1"))
    assert code == "ConditionalCheckFailedException"
    assert songs(run(music, f"DELETE FROM Music {where} AND \"Year\" = 2000 RETURNING ALL OLD *")) == ["s0"]
    assert run(music, f"DELETE FROM Music {where}")["Items"] == []


def test_batch_fails_one_by_one(music):
    answer = music.batch_execute_statement(
        Statements=[
            {"Statement": "INSERT INTO Music VALUE {'Artist': 'a', 'Song': 's'}"},
            {"Statement": "INSERT INTO Music VALUE {'Artist': 'a', 'Song': 's'}"},
            {"Statement": "DELETE FROM Nothing WHERE Artist = 'a' AND Song = 's'"},
            {"Statement": "UPDATE Music SET x = ? WHERE Artist = 'a' AND Song = 's'", "Parameters": [{"N": "5"}]},
        ]
    )
    codes = [one.get("Error", {}).get("Code") for one in answer["Responses"]]
    assert codes == [None, "DuplicateItem", "ResourceNotFound", None]
    answer = music.batch_execute_statement(
        Statements=[
            {"Statement": "SELECT x FROM Music WHERE Artist = 'a' AND Song = 's'"},
            {"Statement": "SELECT * FROM Music WHERE Artist = 'a' AND Song = 'none'"},
            {"Statement": "SELECT * FROM Music WHERE Artist = 'a'"},
        ]
    )
    assert answer["Responses"][0]["Item"] == {"x": {"N": "5"}}
    assert "Item" not in answer["Responses"][1]
    assert answer["Responses"][2]["Error"]["Message"].startswith("Select statements within BatchExecuteStatement")


def test_transaction_is_all_or_nothing(music):
    insert = {"Statement": "INSERT INTO Music VALUE {'Artist': 'a', 'Song': ?}"}
    statements = [{**insert, "Parameters": [{"S": name}]} for name in ("1", "2")]
    music.execute_transaction(TransactStatements=statements)
    with pytest.raises(music.exceptions.TransactionCanceledException) as raised:
        music.execute_transaction(TransactStatements=[{**insert, "Parameters": [{"S": "3"}]}, statements[0]])
    codes = [reason["Code"] for reason in raised.value.response["CancellationReasons"]]
    assert codes == ["None", "DuplicateItem"]
    guard = {"Statement": "EXISTS(SELECT * FROM Music WHERE Artist = 'a' AND Song = '1' AND x IS MISSING)"}
    music.execute_transaction(TransactStatements=[guard, {**insert, "Parameters": [{"S": "4"}]}])
    reads = [{"Statement": f"SELECT Song FROM Music WHERE Artist = 'a' AND Song = '{n}'"} for n in ("4", "3")]
    answer = music.execute_transaction(TransactStatements=reads)
    assert answer["Responses"] == [{"Item": {"Song": {"S": "4"}}}, {}]


def test_malformed_statements_are_told(music):
    code, message = error(lambda: run(music, "SELEKT * FROM Music"))
    assert code == "ValidationException"
    assert message.startswith("Statement wasn't well formed, can't be processed:")
    code, message = error(lambda: run(music, "SELECT * FROM Music WHERE Artist = ?"))
    assert message == "Number of parameters in request and statement don't match."
