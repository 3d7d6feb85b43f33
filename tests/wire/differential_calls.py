"""The calls of the differential test: few hundred, valid and not, in an order that matters."""

import re

TABLE = "Differential"


def key(p, s):
    return {"p": {"S": p}, "s": {"N": str(s)}}


def item(p, s, **more):
    return {**key(p, s), **more}


CREATE = {
    "TableName": TABLE,
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "N"}],
    "BillingMode": "PAY_PER_REQUEST",
}


def tables():
    """Malformed tables."""
    for change in (
        {"TableName": "ab"},
        {"TableName": "a b c"},
        {"TableName": "x" * 256},
        {"TableName": 5},
        {"KeySchema": []},
        {"KeySchema": None},
        {"KeySchema": [{"AttributeName": "p", "KeyType": "RANGE"}]},
        {"KeySchema": [{"AttributeName": "p", "KeyType": "SIDEWAYS"}]},
        {"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}]},
        {"KeySchema": [{"AttributeName": "z", "KeyType": "HASH"}]},
        {"AttributeDefinitions": []},
        {"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "X"}]},
        {"BillingMode": "FREE"},
        {"BillingMode": None},
        {"BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 1}},
        {"LocalSecondaryIndexes": []},
        {"GlobalSecondaryIndexes": []},
        {"GlobalSecondaryIndexes": [{"IndexName": "by-x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}]},
        {"LocalSecondaryIndexes": [{"IndexName": "by-s", "KeySchema": CREATE["KeySchema"], "Projection": {"ProjectionType": "SOME"}}]},
    ):
        yield "CreateTable", {name: part for name, part in {**CREATE, **change}.items() if part is not None}
    yield "DescribeTable", {"TableName": "missing"}
    yield "DescribeTable", {}
    yield "DeleteTable", {"TableName": "missing"}
    yield "ListTables", {"Limit": 0}
    yield "ListTables", {"ExclusiveStartTableName": "a"}


def values():
    """Values, well-formed and not."""
    good = [
        {"S": ""},
        {"S": "ü\u2028"},
        {"N": "1"},
        {"N": "-0.0"},
        {"N": "1e10"},
        {"N": "123456789012345678901234567890.12345678"},
        {"N": "1e-130"},
        {"N": "9.9999999999999999999999999999999999999e125"},
        {"N": "007.50"},
        {"B": "AQID"},
        {"BOOL": False},
        {"NULL": True},
        {"SS": ["b", "a"]},
        {"NS": ["2", "1.0"]},
        {"BS": ["AQ==", "Ag=="]},
        {"L": []},
        {"L": [{"N": "1"}, {"M": {}}]},
        {"M": {"a": {"L": [{"S": "x"}]}}},
    ]
    bad = [
        {},
        {"S": 1},
        {"N": 1},
        {"N": ""},
        {"N": "x"},
        {"N": "1e126"},
        {"N": "1e-131"},
        {"N": "1" * 39},
        {"B": "?"},
        {"B": "A"},
        {"BOOL": "x"},
        {"NULL": False},
        {"SS": []},
        {"SS": ["a", "a"]},
        {"SS": [""]},
        {"NS": ["1", "1.0"]},
        {"NS": ["x"]},
        {"BS": ["AQ==", "AQ=="]},
        {"L": [{}]},
        {"M": {"a": {"X": "1"}}},
        {"S": "a", "N": "1"},
        {"Z": "1"},
        "text",
        5,
        [],
    ]
    for number, value in enumerate(good):
        yield "PutItem", {"TableName": TABLE, "Item": item("good", number, v=value)}
        yield "GetItem", {"TableName": TABLE, "Key": key("good", number)}
    for value in bad:
        yield "PutItem", {"TableName": TABLE, "Item": item("bad", 1, v=value)}
        yield "GetItem", {"TableName": TABLE, "Key": {"p": value, "s": {"N": "1"}}}


def keys():
    for wrong in (
        {},
        {"p": {"S": "a"}},
        {"s": {"N": "1"}},
        {"p": {"N": "1"}, "s": {"N": "1"}},
        {"p": {"S": ""}, "s": {"N": "1"}},
        {"p": {"S": "x" * 2049}, "s": {"N": "1"}},
        {**key("a", 1), "more": {"S": "x"}},
        {"q": {"S": "a"}, "s": {"N": "1"}},
    ):
        for operation in ("GetItem", "DeleteItem", "UpdateItem"):
            yield operation, {"TableName": TABLE, "Key": wrong}
        yield "PutItem", {"TableName": TABLE, "Item": wrong}
    yield "GetItem", {"TableName": TABLE, "Key": key("none", 1)}
    yield "GetItem", {"TableName": "missing", "Key": key("a", 1)}
    yield "GetItem", {"TableName": TABLE}
    yield "GetItem", "{"
    yield "GetItem", "[]"
    yield "GetItem", {"TableName": TABLE, "Key": key("good", 1), "ProjectionExpression": "v, s", "ReturnConsumedCapacity": "TOTAL"}
    yield "GetItem", {"TableName": TABLE, "Key": key("good", 1), "ReturnConsumedCapacity": "MAYBE"}
    yield "GetItem", {"TableName": TABLE, "Key": key("good", 1), "AttributesToGet": ["v"], "ProjectionExpression": "v"}
    yield "PutItem", {"TableName": TABLE, "Item": item("a", 1, big={"S": "x" * 410000})}


def updates():
    yield "PutItem", {"TableName": TABLE, "Item": item("u", 1, n={"N": "5"}, l={"L": [{"S": "a"}, {"S": "b"}]}, m={"M": {"x": {"N": "1"}}}, ss={"SS": ["a"]})}
    one = {":one": {"N": "1"}}
    for expression, given in (
        ("SET n = n + :one", one),
        ("SET n = n - :one, z = if_not_exists(z, :one)", one),
        ("SET l[1] = :one", one),
        ("SET l[9] = :one", one),
        ("SET m.y = :one", one),
        ("SET m.q.r = :one", one),
        ("SET l = list_append(l, :l)", {":l": {"L": [{"N": "3"}]}}),
        ("REMOVE l[0], m.x", {}),
        ("ADD n :one, ss :s", {**one, ":s": {"SS": ["b"]}}),
        ("DELETE ss :s", {":s": {"SS": ["a"]}}),
        ("SET p = :one", one),
        ("SET n = :missing", {}),
        ("SET n = :one", {**one, ":unused": {"N": "2"}}),
        ("SET n = n + z, n = :one", one),
        ("SET m = :one, m.x = :one", one),
        ("SET n = size(n)", {}),
        ("SET name = :one", one),
        ("SET #x = :one", one),
        ("SET n = n + :s", {":s": {"S": "a"}}),
        ("ADD n :s", {":s": {"S": "a"}}),
        ("ADD l :one", one),
        ("SET", {}),
        ("", {}),
        ("SET n = :one SET z = :one", one),
        ("FROB n", {}),
        ("SET n = :one,", one),
        ("SET l[x] = :one", one),
        ("SET n = n + n + n", {}),
    ):
        call = {"TableName": TABLE, "Key": key("u", 1), "UpdateExpression": expression, "ReturnValues": "ALL_NEW"}
        yield "UpdateItem", {**call, **({"ExpressionAttributeValues": given} if given else {})}
    for returned in ("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW", "SOME"):
        yield "UpdateItem", {"TableName": TABLE, "Key": key("u", 1), "UpdateExpression": "SET k = :one", "ExpressionAttributeValues": one, "ReturnValues": returned}
        yield "PutItem", {"TableName": TABLE, "Item": item("u", 2), "ReturnValues": returned}
    yield "UpdateItem", {"TableName": TABLE, "Key": key("u", 3), "AttributeUpdates": {"a": {"Value": {"N": "1"}, "Action": "ADD"}}, "ReturnValues": "ALL_NEW"}
    yield "UpdateItem", {"TableName": TABLE, "Key": key("u", 3), "AttributeUpdates": {"a": {"Action": "DELETE"}}, "UpdateExpression": "SET b = :one", "ExpressionAttributeValues": one}


def conditions():
    yield "PutItem", {"TableName": TABLE, "Item": item("c", 1, n={"N": "5"}, t={"S": "text"}, l={"L": [{"N": "1"}]})}
    names = {":n": {"N": "5"}, ":t": {"S": "te"}, ":l": {"N": "1"}, ":type": {"S": "N"}}
    for expression in (
        "n = :n",
        "n <> :n",
        "n < :n OR n >= :n",
        "NOT n = :n",
        "n BETWEEN :l AND :n",
        "n BETWEEN :n AND :l",
        "n IN (:l, :n)",
        "begins_with(t, :t)",
        "begins_with(n, :t)",
        "begins_with(t, :n)",
        "contains(l, :l)",
        "size(t) > :l",
        "attribute_exists(n) AND attribute_not_exists(q)",
        "attribute_type(n, :type)",
        "attribute_type(n, :t)",
        "l[0] = :l",
        "(n = :n",
        "n = :n)",
        "n",
        "n = ",
        "= :n",
        "n == :n",
        "size(n) = size(n)",
        "attribute_exists(:n)",
        "unknown(n)",
        "n = :n AND",
        "n IN ()",
        ":n = :n",
    ):
        used = {name: part for name, part in names.items() if re.search(name + r"\b", expression)}
        call = {"TableName": TABLE, "Key": key("c", 1), "ConditionExpression": expression, "UpdateExpression": "SET k = k2"}
        yield "DeleteItem", {name: part for name, part in {**call, "Key": key("c", 2), "ExpressionAttributeValues": used or None}.items() if part and name != "UpdateExpression"}
        yield "PutItem", {name: part for name, part in {"TableName": TABLE, "Item": item("c", 1, n={"N": "5"}, t={"S": "text"}, l={"L": [{"N": "1"}]}), "ConditionExpression": expression, "ExpressionAttributeValues": used or None}.items() if part}
    yield "PutItem", {"TableName": TABLE, "Item": item("c", 1), "Expected": {"n": {"ComparisonOperator": "GT", "AttributeValueList": [{"N": "50"}]}}}
    yield "PutItem", {"TableName": TABLE, "Item": item("c", 1), "Expected": {"n": {"Exists": False, "Value": {"N": "1"}}}}


def queries():
    for number in range(-3, 8):
        yield "PutItem", {"TableName": TABLE, "Item": item("q", number, n={"N": str(number * number)}, even={"BOOL": number % 2 == 0})}
    p = {":p": {"S": "q"}}
    for condition, given in (
        ("p = :p", p),
        ("p = :p AND s > :n", {**p, ":n": {"N": "2"}}),
        ("p = :p AND s BETWEEN :n AND :m", {**p, ":n": {"N": "-1"}, ":m": {"N": "3"}}),
        ("s = :n AND p = :p", {**p, ":n": {"N": "2"}}),
        ("p > :p", p),
        ("p = :p AND s <> :n", {**p, ":n": {"N": "2"}}),
        ("p = :p OR s = :n", {**p, ":n": {"N": "2"}}),
        ("p = :p AND n = :n", {**p, ":n": {"N": "2"}}),
        ("p = :n", {":n": {"N": "2"}}),
        ("begins_with(p, :p)", p),
        ("p = :p AND begins_with(s, :n)", {**p, ":n": {"N": "2"}}),
        ("", p),
    ):
        yield "Query", {"TableName": TABLE, "KeyConditionExpression": condition, "ExpressionAttributeValues": given}
    base = {"TableName": TABLE, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": p}
    for more in (
        {"ScanIndexForward": False},
        {"Limit": 3},
        {"Limit": 0},
        {"Select": "COUNT"},
        {"Select": "SOME"},
        {"Select": "SPECIFIC_ATTRIBUTES"},
        {"ProjectionExpression": "n"},
        {"ProjectionExpression": "n, n"},
        {"ExclusiveStartKey": key("q", 2)},
        {"ExclusiveStartKey": key("other", 2)},
        {"ExclusiveStartKey": {"p": {"S": "q"}}},
        {"IndexName": "missing"},
        {"ReturnConsumedCapacity": "TOTAL", "ConsistentRead": True},
    ):
        yield "Query", {**base, **more}
    yield "Query", {"TableName": TABLE, "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "q"}]}}, "Limit": 2}
    yield "Query", {"TableName": TABLE}
    yield "Scan", {"TableName": TABLE, "FilterExpression": "n > :n", "ExpressionAttributeValues": {":n": {"N": "10"}}}
    for more in ({"TotalSegments": 2}, {"Segment": 2, "TotalSegments": 2}, {"Segment": 0}, {"Limit": 0}, {"Select": "COUNT"}):
        yield "Scan", {"TableName": TABLE, **more}


def batches():
    put = {"PutRequest": {"Item": item("b", 1)}}
    for requests in ([put], [put, put], [put] * 26, [], [{}], [{**put, "DeleteRequest": {"Key": key("b", 2)}}], [{"DeleteRequest": {"Key": {"p": {"S": "b"}}}}]):
        yield "BatchWriteItem", {"RequestItems": {TABLE: requests}}
    yield "BatchWriteItem", {"RequestItems": {}}
    yield "BatchWriteItem", {"RequestItems": {"missing": [put]}}
    for wanted in ([key("b", 1), key("b", 9)], [key("b", 1)] * 2, [key("b", number) for number in range(101)], []):
        yield "BatchGetItem", {"RequestItems": {TABLE: {"Keys": wanted}}}
    yield "BatchGetItem", {"RequestItems": {TABLE: {"Keys": [key("b", 1)], "ProjectionExpression": "s"}}}
    yield "BatchGetItem", {"RequestItems": {"missing": {"Keys": [key("b", 1)]}}}


def comparisons():
    """The older parameters: every operator, on every type that is interesting."""
    yield "PutItem", {"TableName": TABLE, "Item": item("o", 1, n={"N": "5"}, t={"S": "text"}, l={"L": [{"N": "1"}]}, ss={"SS": ["a", "b"]})}
    n, t, ss = {"N": "5"}, {"S": "te"}, {"SS": ["a", "b"]}
    for name, operator, given in (
        ("n", "EQ", [n]),
        ("n", "NE", [n]),
        ("n", "LE", [n]),
        ("n", "LT", [n]),
        ("n", "GE", [n]),
        ("n", "GT", [n]),
        ("n", "GT", []),
        ("n", "GT", [n, n]),
        ("n", "BETWEEN", [{"N": "4"}, {"N": "6"}]),
        ("n", "BETWEEN", [{"N": "6"}, {"N": "4"}]),
        ("n", "BETWEEN", [n]),
        ("n", "BETWEEN", [n, t]),
        ("n", "IN", [n, {"N": "7"}]),
        ("n", "IN", []),
        ("n", "IN", [ss]),
        ("q", "NULL", None),
        ("n", "NOT_NULL", None),
        ("n", "NULL", [n]),
        ("t", "BEGINS_WITH", [t]),
        ("t", "BEGINS_WITH", [n]),
        ("t", "CONTAINS", [t]),
        ("ss", "CONTAINS", [{"S": "a"}]),
        ("ss", "NOT_CONTAINS", [{"S": "a"}]),
        ("ss", "EQ", [ss]),
        ("ss", "LT", [ss]),
        ("l", "EQ", [{"L": [{"N": "1"}]}]),
        ("n", "LIKE", [n]),
    ):
        comparison = {"ComparisonOperator": operator, **({"AttributeValueList": given} if given is not None else {})}
        yield "Scan", {"TableName": TABLE, "ScanFilter": {name: comparison, "p": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "o"}]}}}
        yield "PutItem", {"TableName": TABLE, "Item": item("o", 2), "Expected": {name: comparison}}
    one = {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "o"}]}
    for conditions in (
        {"p": one},
        {"p": one, "s": {"ComparisonOperator": "GE", "AttributeValueList": [{"N": "1"}]}},
        {"p": one, "n": {"ComparisonOperator": "EQ", "AttributeValueList": [n]}},
        {"p": {**one, "ComparisonOperator": "GT"}},
        {"s": {"ComparisonOperator": "EQ", "AttributeValueList": [{"N": "1"}]}},
        {"p": one, "s": {"ComparisonOperator": "CONTAINS", "AttributeValueList": [{"N": "1"}]}},
        {},
    ):
        yield "Query", {"TableName": TABLE, "KeyConditions": conditions}
    both = {"TableName": TABLE, "KeyConditions": {"p": one}}
    yield "Query", {**both, "QueryFilter": {"n": {"ComparisonOperator": "EQ", "AttributeValueList": [n]}}}
    yield "Query", {**both, "QueryFilter": {"p": one}}
    yield "Query", {**both, "QueryFilter": {"n": {"ComparisonOperator": "NULL"}, "t": {"ComparisonOperator": "NOT_NULL"}}, "ConditionalOperator": "OR"}
    yield "Query", {**both, "ConditionalOperator": "OR"}
    yield "Query", {**both, "AttributesToGet": ["n", "n"]}
    yield "Query", {**both, "AttributesToGet": ["n"]}
    for action, given in (
        ("PUT", {"S": "x"}),
        ("ADD", n),
        ("ADD", t),
        ("ADD", {"L": [n]}),
        ("DELETE", ss),
        ("DELETE", n),
        ("DELETE", None),
        ("PUT", None),
        ("SET", n),
    ):
        change = {"Action": action, **({"Value": given} if given else {})}
        yield "UpdateItem", {"TableName": TABLE, "Key": key("o", 3), "AttributeUpdates": {"v": change}, "ReturnValues": "ALL_NEW"}


def indexes():
    """A table with indexes of every kind."""
    name = "Indexed"
    index = {"IndexName": "by-x", "KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}], "Projection": {"ProjectionType": "KEYS_ONLY"}}
    local = {
        "IndexName": "by-y",
        "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "y", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["n"]},
    }
    types = [*CREATE["AttributeDefinitions"], {"AttributeName": "x", "AttributeType": "S"}, {"AttributeName": "y", "AttributeType": "N"}]
    create = {**CREATE, "TableName": name, "AttributeDefinitions": types, "GlobalSecondaryIndexes": [index], "LocalSecondaryIndexes": [local]}
    for change in (
        {"AttributeDefinitions": CREATE["AttributeDefinitions"]},
        {"GlobalSecondaryIndexes": [index, index]},
        {"GlobalSecondaryIndexes": [{**index, "Projection": {"ProjectionType": "ALL", "NonKeyAttributes": ["n"]}}]},
        {"GlobalSecondaryIndexes": [{**index, "Projection": {}}]},
        {"LocalSecondaryIndexes": [{**local, "KeySchema": [{"AttributeName": "y", "KeyType": "HASH"}]}]},
        {"LocalSecondaryIndexes": [{**local, "KeySchema": local["KeySchema"][:1]}]},
        {},
        {},
    ):
        yield "CreateTable", {**create, **change}
    yield "await", {"TableName": name}
    for number in range(5):
        more = {"x": {"S": "even" if number % 2 == 0 else "odd"}} if number < 4 else {}
        yield "PutItem", {"TableName": name, "Item": item("i", number, y={"N": str(-number)}, n={"N": str(number)}, z={"S": "z"}, **more)}
    for wrong in ({"x": {"N": "1"}}, {"y": {"S": "1"}}, {"y": {"SS": ["a"]}}):
        yield "PutItem", {"TableName": name, "Item": item("i", 9, **wrong)}
        attribute, value = next(iter(wrong.items()))
        update = {"UpdateExpression": f"SET {attribute} = :v", "ExpressionAttributeValues": {":v": value}}
        yield "UpdateItem", {"TableName": name, "Key": key("i", 1), **update}
    by_x = {"TableName": name, "IndexName": "by-x", "KeyConditionExpression": "x = :x", "ExpressionAttributeValues": {":x": {"S": "even"}}}
    by_y = {"TableName": name, "IndexName": "by-y", "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": {"S": "i"}}}
    for more in ({}, {"Select": "COUNT"}, {"ConsistentRead": True}, {"Select": "ALL_ATTRIBUTES"}, {"ProjectionExpression": "z"}):
        yield "Scan", {"TableName": name, "IndexName": "by-x", **more}
        yield "Query", {**by_y, **more, "ReturnConsumedCapacity": "INDEXES"}
        yield "Query", {**by_x, "KeyConditionExpression": "x = :x AND p = :x", **more}
    for start in ({**key("i", 1), "y": {"N": "-1"}}, key("i", 1), {**key("i", 1), "y": {"S": "1"}}, {**key("other", 1), "y": {"N": "-1"}}):
        yield "Query", {**by_y, "ExclusiveStartKey": start}
    for change in (
        {},
        {"BillingMode": "PAY_PER_REQUEST"},
        {"ProvisionedThroughput": {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}},
        {"GlobalSecondaryIndexUpdates": []},
        {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "missing"}}]},
    ):
        yield "UpdateTable", {"TableName": name, **change}
    yield "DescribeTable", {"TableName": name}


GROUPS = (tables, values, keys, updates, conditions, queries, batches, comparisons, indexes)
