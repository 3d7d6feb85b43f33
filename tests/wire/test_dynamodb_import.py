"""`skylite import` and `skylite export`."""

import csv
import json
import os
import pty

import pytest

from conftest import SKYLITE


@pytest.fixture
def table(dynamodb):
    dynamodb.create_table(
        TableName="imported",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "id", "AttributeType": "S"},
            {"AttributeName": "n", "AttributeType": "N"},
        ],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "n", "KeyType": "RANGE"}],
    )
    yield dynamodb
    dynamodb.delete_table(TableName="imported")


def items(client):
    pages = client.get_paginator("scan").paginate(TableName="imported")
    return sorted((item for page in pages for item in page["Items"]), key=lambda item: int(item["n"]["N"]))


def test_json_lines_go_in_and_out(server, table, tmp_path):
    wanted = [
        {"id": {"S": f"i{i}"}, "n": {"N": str(i)}, "m": {"M": {"l": {"L": [{"NULL": True}, {"SS": ["x"]}]}}}}
        for i in range(103)
    ]
    source = tmp_path / "in.json"
    lines = [json.dumps({"Item": item}) for item in wanted[:50]] + [json.dumps(item) for item in wanted[50:]]
    source.write_text("\n".join(lines))
    assert server.skylite("import", "imported", source).stdout == "103 items\n"
    assert items(table) == wanted
    target = tmp_path / "out.json"
    server.skylite("export", "imported", target)
    exported = [json.loads(line)["Item"] for line in target.read_text().splitlines()]
    assert sorted(exported, key=lambda item: int(item["n"]["N"])) == wanted


def test_csv_goes_in_and_out(server, table, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text('n,id,text\n1,a,"with ""quotes"", and\ntwo lines"\n2,b,\n')
    server.skylite("import", "imported", source)
    assert items(table) == [
        {"id": {"S": "a"}, "n": {"N": "1"}, "text": {"S": 'with "quotes", and\ntwo lines'}},
        {"id": {"S": "b"}, "n": {"N": "2"}},
    ]
    target = tmp_path / "out.csv"
    server.skylite("export", "imported", target)
    with open(target, newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["n"])
    assert rows == [
        {"id": "a", "n": "1", "text": 'with "quotes", and\ntwo lines'},
        {"id": "b", "n": "2", "text": ""},
    ]


def test_item_given_twice_is_as_its_last_line(server, table, tmp_path):
    source = tmp_path / "in.json"
    source.write_text("".join(f'{{"id":{{"S":"a"}},"n":{{"N":"1"}},"x":{{"N":"{i}"}}}}\n' for i in range(3)))
    server.skylite("import", "imported", source)
    assert items(table)[0]["x"] == {"N": "2"}


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("in.json", '{"id":{"S":"a"},"n":{"N":"1"}}\nnonsense\n', "in.json:2: this is no JSON object"),
        ("in.csv", "id,n\na,1\nb,2,3\n", "in.csv:3: the row has more fields than the header"),
        ("in.json", '{"id":{"S":"a"}}\n', "in.json:1: The provided key element does not match the schema"),
    ],
)
def test_wrong_lines_are_named(server, table, tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    done = server.skylite("import", "imported", tmp_path / name, check=False)
    assert done.returncode == 1 and message in done.stderr


def test_wrong_usage_is_told(server):
    assert server.skylite("import", "imported", check=False).returncode == 2
    done = server.skylite("export", "nothing-there", "-", check=False)
    assert done.returncode == 1 and "Requested resource not found: Table: nothing-there" in done.stderr


def test_progress_is_shown_on_a_terminal(server, table, tmp_path):
    source = tmp_path / "in.json"
    with open(source, "w") as file:
        for i in range(3000):
            file.write(json.dumps({"id": {"S": "a"}, "n": {"N": str(i)}, "x": {"S": "x" * 500}}) + "\n")
    shown = bytearray()

    def read(descriptor):
        shown.extend(os.read(descriptor, 4096))
        return b" "

    pty.spawn([str(SKYLITE), "import", "imported", str(source), "--data", str(server.data)], read, lambda _: b"")
    assert b"items" in shown and b"%" in shown and b"[" in shown
    assert len(items(table)) == 3000
