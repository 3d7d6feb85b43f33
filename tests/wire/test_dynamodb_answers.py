"""What DynamoDB answers where it is easily got wrong: texts recorded from AWS, and results of writes."""

import itertools

import pytest
from dynamodb_wire import Wire, type_of

NAMES = itertools.count()


@pytest.fixture(scope="module")
def wire(server):
    return Wire(server)


@pytest.fixture(scope="module")
def table(wire):
    return make_table(wire)


def make_table(wire, **more):
    name = f"answers{next(NAMES)}"
    more.setdefault("AttributeDefinitions", [{"AttributeName": "p", "AttributeType": "S"}])
    more.setdefault("BillingMode", "PAY_PER_REQUEST")
    wire("CreateTable", TableName=name, KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}], **more)
    while wire("DescribeTable", TableName=name)["Table"]["TableStatus"] != "ACTIVE":
        pass
    return name


def key(value):
    return {"p": {"S": str(value)}}


def puts(table, count):
    return [{"Put": {"TableName": table, "Item": key(i)}} for i in range(count)]


def test_long_messages_are_whole(wire, table):
    batch = wire("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": key(i)}} for i in range(26)]})
    assert batch["message"].endswith(
        "failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 25, "
        "Member must have length greater than or equal to 1]"
    )
    transaction = wire("TransactWriteItems", TransactItems=puts(table, 101))
    assert transaction["message"].endswith("failed to satisfy constraint: Member must have length less than or equal to 100")
    name = "a" * 2000
    update = wire("UpdateItem", TableName=table, Key=key(1), UpdateExpression=f"SET {name} = :v")
    assert update["message"].endswith("attribute value: :v")
    twice = wire("UpdateItem", TableName=table, Key=key(1), UpdateExpression=f"REMOVE {name}, {name}")
    assert twice["message"].endswith(f"path one: [{name}], path two: [{name}]")


MESSAGES = [
    ("BatchGetItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchGetItem"),
    ("BatchWriteItem", {"RequestItems": {}}, "The requestItems parameter is required for BatchWriteItem"),
    (
        "PutItem",
        {"TableName": "", "Item": {}, "ReturnValues": "INVALID"},
        "1 validation error detected: Value '' at 'tableName' failed to satisfy constraint: Member must have length greater than or "
        "equal to 1",
    ),
    (
        "CreateTable",
        {"TableName": "ab", "AttributeDefinitions": [], "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]},
        "1 validation error detected: Value 'ab' at 'tableName' failed to satisfy constraint: Member must have length greater than or "
        "equal to 3",
    ),
    (
        "BatchGetItem",
        {"RequestItems": {"one": {"Keys": [key(i) for i in range(101)]}}},
        "1 validation error detected: Value at 'RequestItems.one.member.Keys' failed to satisfy constraint: Member must have length "
        "less than or equal to 100",
    ),
    (
        "BatchGetItem",
        {
            "RequestItems": {
                "one": {"Keys": [key(1)], "ProjectionExpression": "p"},
                "two": {"Keys": [key(1)], "AttributesToGet": ["p"]},
            }
        },
        "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {AttributesToGet} "
        "Expression parameters: {ProjectionExpression}",
    ),
]


@pytest.mark.parametrize("operation, value, message", MESSAGES)
def test_requests_are_refused_in_these_words(wire, operation, value, message):
    answer = wire(operation, **value)
    assert (type_of(answer), answer["message"]) == ("ValidationException", message)


SUMS = [("big + :v", "9.9e125", "1e125"), ("big - :v", "1e50", "1"), ("big + :v", "1e50", "1")]


@pytest.mark.parametrize("expression, number, other", SUMS)
def test_sums_that_no_number_can_be_overflow(wire, table, expression, number, other):
    wire("PutItem", TableName=table, Item={**key("sum"), "big": {"N": number}})
    update = {"UpdateExpression": f"SET big = {expression}", "ExpressionAttributeValues": {":v": {"N": other}}}
    answer = wire("UpdateItem", TableName=table, Key=key("sum"), **update)
    assert answer["message"] == "Number overflow. Attempting to store a number with magnitude larger than supported range"


def test_taking_away_makes_no_item(wire, table):
    values = {":s": {"SS": ["a"]}}
    missing = {"TableName": table, "Key": key("absent")}
    assert wire("UpdateItem", **missing, UpdateExpression="REMOVE x, y.z") == {}
    assert wire("UpdateItem", **missing, UpdateExpression="DELETE x :s", ExpressionAttributeValues=values) == {}
    inside = wire("UpdateItem", **missing, UpdateExpression="DELETE y.z :s", ExpressionAttributeValues=values)
    assert inside["message"] == "The document path provided in the update expression is invalid for update"
    assert wire("GetItem", **missing) == {}


SCALARS = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: p"


@pytest.mark.parametrize(
    "operation, value",
    [
        ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET x = p.a"}),
        ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET x = if_not_exists(y, p[0])"}),
        ("DeleteItem", {"Key": key(1), "ConditionExpression": "attribute_exists(x) OR attribute_exists(p.a)"}),
        ("GetItem", {"Key": key(1), "ProjectionExpression": "x, p.a"}),
        ("Scan", {"FilterExpression": "size(p[1]) = size(x)"}),
        ("Scan", {"ProjectionExpression": "p.a"}),
    ],
)
def test_no_path_leads_into_a_key(wire, table, operation, value):
    assert wire(operation, TableName=table, **value)["message"] == SCALARS


COUNTED = [
    ("UpdateItem", {"Key": key(1), "UpdateExpression": "SET"}, 'Invalid UpdateExpression: Syntax error; token: "<EOF>", near: "SET"'),
    (
        "UpdateItem",
        {"Key": key(1), "UpdateExpression": "REMOVE x", "ExpressionAttributeNames": {"#a": "a"}},
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a}",
    ),
    (
        "DeleteItem",
        {"Key": key(1), "ConditionExpression": "attribute_exists(x)", "ExpressionAttributeValues": {}},
        "ExpressionAttributeValues must not be empty",
    ),
    ("PutItem", {"Item": {**key(1), "s": {"SS": []}}}, "One or more parameter values were invalid: An string set  may not be empty"),
]


@pytest.mark.parametrize("operation, value, message", COUNTED)
def test_writes_of_one_item_count_their_errors(wire, table, operation, value, message):
    assert wire(operation, TableName=table, **value)["message"] == "1 validation error detected: " + message


def test_other_operations_do_not_count_them(wire, table):
    update = {"TableName": table, "Key": key(1), "UpdateExpression": "SET"}
    answer = wire("TransactWriteItems", TransactItems=[{"Update": update}])
    assert answer["message"].startswith("Invalid UpdateExpression: Syntax error")
    unused = {"FilterExpression": "attribute_exists(x)", "ExpressionAttributeNames": {"#a": "a"}}
    assert wire("Scan", TableName=table, **unused)["message"].startswith("Value provided in ExpressionAttributeNames")


@pytest.mark.parametrize("value", [{"BOOL": True}, {"NULL": True}, {"L": [{"N": "1"}]}, {"M": {"a": {"S": "b"}}}])
def test_older_comparisons_take_values_of_all_types(wire, table, value):
    wire("PutItem", TableName=table, Item={**key("types"), "v": value})
    equal = {"v": {"ComparisonOperator": "EQ", "AttributeValueList": [value]}}
    unequal = {"v": {"ComparisonOperator": "NE", "AttributeValueList": [value]}}
    scan = {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "types"}]}}
    assert wire("Scan", TableName=table, ScanFilter={**scan, **equal})["Count"] == 1
    assert wire("Scan", TableName=table, ScanFilter={**scan, **unequal})["Count"] == 0


def test_older_in_takes_more_than_a_hundred_values(wire, table):
    wire("PutItem", TableName=table, Item=key(149))
    values = [{"S": str(i)} for i in range(150)]
    scan = wire("Scan", TableName=table, ScanFilter={"p": {"ComparisonOperator": "IN", "AttributeValueList": values[100:] + values[:100]}})
    assert scan["Count"] == 1


def test_new_index_passes_over_what_no_key_can_be(wire):
    table = make_table(wire)
    for name, value in [("fits", {"S": "x" * 2048}), ("long", {"S": "x" * 2049}), ("number", {"N": "1"}), ("empty", {"S": ""})]:
        assert wire("PutItem", TableName=table, Item={**key(name), "h": value}) == {}
    index = {"IndexName": "by-h", "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    definitions = [{"AttributeName": "h", "AttributeType": "S"}]
    wire("UpdateTable", TableName=table, AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}])
    while wire("DescribeTable", TableName=table)["Table"]["GlobalSecondaryIndexes"][0]["IndexStatus"] != "ACTIVE":
        pass
    assert [item["p"]["S"] for item in wire("Scan", TableName=table, IndexName="by-h")["Items"]] == ["fits"]


# --- Transactions ---


def test_empty_key_is_no_reason_of_a_transaction(wire, table):
    for action in ({"Delete": {"TableName": table, "Key": key("")}}, {"Put": {"TableName": table, "Item": key("")}}):
        answer = wire("TransactWriteItems", TransactItems=[action])
        assert type_of(answer) == "ValidationException"
        assert answer["message"].endswith("cannot contain an empty string value. Key: p")
    assert type_of(wire("TransactGetItems", TransactItems=[{"Get": {"TableName": table, "Key": key("")}}])) == "ValidationException"


def test_unreadable_condition_comes_before_a_missing_table(wire, table):
    bad = {"ConditionCheck": {"TableName": table, "Key": key(1), "ConditionExpression": "attribute_not_exists("}}
    missing = {"Put": {"TableName": "nowhere", "Item": key(1)}}
    assert type_of(wire("TransactWriteItems", TransactItems=[missing, bad])) == "ValidationException"


def test_reasons_end_with_the_first_invalid_action(wire, table):
    wrong = [{"Delete": {"TableName": table, "Key": {"p": {"N": str(i)}}}} for i in range(2)]
    answer = wire("TransactWriteItems", TransactItems=puts(table, 1) + wrong)
    assert [reason["Code"] for reason in answer["CancellationReasons"]] == ["None", "ValidationError", "None"]


def test_token_stands_for_what_is_meant(wire, table):
    def send(item, token="meant"):
        return wire("TransactWriteItems", ClientRequestToken=token, TransactItems=[{"Put": {"TableName": table, "Item": item}}])

    assert send({**key("t"), "n": {"N": "1.0"}, "s": {"SS": ["a", "b"]}}) == {}
    assert send({"s": {"SS": ["b", "a"]}, "n": {"N": "10e-1"}, **key("t")}) == {}
    assert type_of(send({**key("t"), "n": {"N": "2"}, "s": {"SS": ["a", "b"]}})) == "IdempotentParameterMismatchException"
    assert type_of(send({**key("t"), "n": {"N": "1"}, "s": {"L": [{"S": "a"}]}})) == "IdempotentParameterMismatchException"


# --- PartiQL ---


def test_select_of_a_path_gives_its_last_name(wire, table):
    wire("PutItem", TableName=table, Item={**key("path"), "m": {"M": {"a": {"M": {"b": {"S": "v"}}}}}})
    selected = wire("ExecuteStatement", Statement=f"SELECT p, m.a.b FROM \"{table}\" WHERE p = 'path'")
    assert selected["Items"] == [{**key("path"), "b": {"S": "v"}}]


def test_transaction_of_statements_that_write_answers_nothing(wire, table):
    insert = f"INSERT INTO \"{table}\" VALUE {{'p': 'statement'}}"
    assert wire("ExecuteTransaction", TransactStatements=[{"Statement": insert}]) == {"Responses": []}


# --- Descriptions ---


def test_descriptions_tell_what_aws_tells_at_that_moment(wire):
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}
    index = {"IndexName": "by-h", "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    definitions = [{"AttributeName": name, "AttributeType": "S"} for name in "ph"]
    created = wire(
        "CreateTable",
        TableName="described",
        KeySchema=[{"AttributeName": "p", "KeyType": "HASH"}],
        AttributeDefinitions=definitions,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[index],
    )["TableDescription"]
    assert created["BillingModeSummary"] == {"BillingMode": "PAY_PER_REQUEST"}
    assert "WarmThroughput" not in created and "WarmThroughput" not in created["GlobalSecondaryIndexes"][0]
    while wire("DescribeTable", TableName="described")["Table"]["TableStatus"] != "ACTIVE":
        pass
    deleted = wire("DeleteTable", TableName="described")["TableDescription"]
    assert not {"AttributeDefinitions", "KeySchema", "CreationDateTime", "GlobalSecondaryIndexes"} & set(deleted)
    assert deleted["TableStatus"] == "DELETING"

    table = make_table(wire, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)
    more = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
    updated = wire("UpdateTable", TableName=table, ProvisionedThroughput=more)["TableDescription"]["ProvisionedThroughput"]
    assert updated == {"NumberOfDecreasesToday": 0, **throughput}
    described = wire("DescribeTable", TableName=table)["Table"]["ProvisionedThroughput"]
    assert (described["ReadCapacityUnits"], described["WriteCapacityUnits"]) == (3, 4)
    stream = wire("UpdateTable", TableName=table, StreamSpecification={"StreamEnabled": False})
    assert stream["message"] == f"Table has no stream to disable: TableName: {table}"


# --- The order of checks ---


@pytest.mark.parametrize(
    "value, message",
    [
        ({"S": "a", "N": "b"}, "The parameter cannot be converted to a numeric value: b"),
        ({"S": "a", "SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
        (
            {"S": "a", "N": "1"},
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
        ),
    ],
)
def test_what_is_wrong_in_a_type_is_told_before_there_being_two(wire, table, value, message):
    assert wire("GetItem", TableName=table, Key={"p": value})["message"] == message


def test_table_index_and_start_key_come_before_the_operator(wire, table):
    wrong = {"KeyConditions": {"p": {"ComparisonOperator": "NE", "AttributeValueList": [{"S": "a"}]}}}
    assert type_of(wire("Query", TableName="nowhere", **wrong)) == "ResourceNotFoundException"
    index = wire("Query", TableName=table, IndexName="nowhere", **wrong)
    assert index["message"] == "The table does not have the specified index: nowhere"
    start = wire("Query", TableName=table, ExclusiveStartKey={"q": {"S": "a"}}, **wrong)
    assert start["message"].startswith("The provided starting key is invalid")
    operator = wire("Query", TableName=table, **wrong)
    assert operator["message"] == "Attempted conditional constraint is not an indexable operation"


def test_query_of_one_item_cannot_go_on(wire, table):
    condition = {"KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    answer = wire("Query", TableName=table, ExclusiveStartKey=key("a"), **condition)
    assert answer["message"] == "The query can return at most one row and cannot be restarted"


def test_only_filters_tell_how_long_they_are(wire, table):
    lead = "Expression size has exceeded the maximum allowed size;"
    long = "x" * 4097
    update = wire("UpdateItem", TableName=table, Key=key(1), UpdateExpression=f"REMOVE {long}")
    assert update["message"] == f"1 validation error detected: Invalid UpdateExpression: {lead}"
    assert wire("GetItem", TableName=table, Key=key(1), ProjectionExpression=long)["message"] == f"Invalid ProjectionExpression: {lead}"
    scan = wire("Scan", TableName=table, FilterExpression=f"attribute_exists({long})")
    assert scan["message"] == f"Invalid FilterExpression: {lead} expression size: 4115"
