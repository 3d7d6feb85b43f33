"""The same calls to Skylite and to dynalite, a DynamoDB of npm whose answers were compared with AWS's: what differs is explained
in a table below, each difference by its reason."""

import contextlib
import http.client
import json
import re
import socket
import subprocess
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

import differential_calls
import node

ORDERED = {"Query", "GetItem", "PutItem", "UpdateItem", "DeleteItem"}  # scans come by each one's own hashes
# What no two answers share, what only one of them counts (dynalite counts no items), and members of a later year.
VOLATILE = {"CreationDateTime", "LastUpdateToPayPerRequestDateTime", "TableId", "TableArn", "IndexArn"}
VOLATILE |= {"ItemCount", "TableSizeBytes", "IndexSizeBytes", "DeletionProtectionEnabled", "TableThroughputModeSummary", "WarmThroughput"}


class Endpoint:
    def __init__(self, url, access_key, secret_key):
        self.host = urllib.parse.urlsplit(url).netloc
        self.url = url
        self.credentials = botocore.credentials.Credentials(access_key, secret_key)

    def call(self, operation, value):
        body = value if isinstance(value, str) else json.dumps(value)
        headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0"}
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", headers=headers, data=body)
        botocore.auth.SigV4Auth(self.credentials, "dynamodb", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection(self.host, timeout=20)  # a new one: dynalite closes them after some errors
        try:
            connection.request("POST", "/", body.encode(), dict(request.headers.items()))
            response = connection.getresponse()
            is_ordered = operation in ORDERED
            return response.status, plain(json.loads(response.read()), is_ordered)
        except (http.client.HTTPException, OSError):
            return 0, "no answer"
        finally:
            connection.close()


def plain(value, is_ordered):
    """Without what cannot be the same or stands before newer texts only, and lists without order in one order."""
    if isinstance(value, str):
        return re.sub("^1 validation error detected: (?!Value (?!provided))(?!Must specify )", "", value)
    if isinstance(value, dict):
        return {name: plain(part, is_ordered) for name, part in value.items() if name not in VOLATILE}
    if isinstance(value, list):
        parts = [plain(part, is_ordered) for part in value]
        return parts if is_ordered else sorted(parts, key=lambda part: json.dumps(part, sort_keys=True))
    return value


@pytest.fixture
def endpoints(own_server, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = node.FOLDER / "node_modules" / "dynalite" / "cli.js"
    times = ["--createTableMs", "1", "--deleteTableMs", "1", "--updateTableMs", "1"]
    dynalite = subprocess.Popen(["/usr/bin/node", program, "--port", str(port), *times], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        server = own_server()
        environment = server.environment()
        yield (
            Endpoint(server.url, environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]),
            Endpoint(f"http://127.0.0.1:{port}", "key", "secret"),
        )
    finally:
        dynalite.kill()
        dynalite.wait()


# --- What differs, and why ---

# (part of the call, part of Skylite's answer, part of dynalite's, why Skylite is as it is)
EXPLAINED = [
    (
        "",
        "Syntax error; token: ",
        "Syntax error; Expected ",
        "DynamoDB quotes the token and its neighbours; dynalite says what its own grammar expects",
    ),
    (
        "",
        "are not valid. The AttributeValue for a key attribute cannot contain an empty string",
        "were invalid: The AttributeValue for a key attribute cannot contain an empty string",
        "DynamoDB's words for an empty key since 2020, recorded in four regions",
    ),
    ("GetItem []", "SerializationException", "2 validation errors", "an input that is an array is no structure"),
    (
        '"size(n) = size(n)"',
        "ConditionalCheckFailed",
        "[200",
        "a number and a missing attribute have no size, so comparing it does not hold; dynalite compares undefined with undefined",
    ),
    (
        '"Select": "SPECIFIC_ATTRIBUTES"',
        "1 validation error detected: Must specify the AttributesToGet or ProjectionExpression",
        "[200",
        "DynamoDB refuses it, Query in these words; dynalite does not check it",
    ),
    ('Scan {"TableName": "Differential", "Segment": 0}', "TotalSegments parameter is required", "[200", "dynalite overlooks the segment 0"),
    (
        "BatchWriteItem",
        "Value '{Differential=[",
        "Value '{\\\"Differential\\\":[",
        "DynamoDB prints values as Java does; dynalite prints JSON",
    ),
    ('"QueryFilter": {"n": {"ComparisonOperator": "NULL"}', '"Count": 2', '"Count": 1', "dynalite takes OR for AND in QueryFilter"),
    (
        '"ConditionalOperator": "OR"}',
        "ConditionalOperator cannot be used without Filter or Expected",
        "[200",
        "DynamoDB refuses it in these words; dynalite does not check it",
    ),
    ('"Action": "SET"', "Member must satisfy enum value set: [ADD, PUT, DELETE]", "[200", "the model lists the actions; dynalite ignores others"),
    ("CreateTable", "Table already exists: Indexed", '"message": ""', "dynalite gives no message"),
    (
        'Scan {"TableName": "Indexed", "IndexName": "by-x", "ConsistentRead": true}',
        "Consistent reads are not supported on global secondary indexes",
        "[200",
        "dynalite checks it for Query only",
    ),
    (
        '"Select": "ALL_ATTRIBUTES", "ReturnConsumedCapacity"',
        '"Table": {"CapacityUnits": 2.5}',
        '"Table": {"CapacityUnits": 0.5}',
        "each item fetched from the table costs a read (Developer Guide, Local secondary indexes); dynalite counts their sum",
    ),
    (
        '"x = :x AND p = :x", "ExpressionAttributeValues": {":x": {"S": "even"}}, "Select": "ALL_ATTRIBUTES"',
        "Select type ALL_ATTRIBUTES is not supported for global secondary index by-x",
        "Query key condition not supported",
        "two mistakes: dynalite tells of the condition first",
    ),
    (
        '"x = :x AND p = :x", "ExpressionAttributeValues": {":x": {"S": "even"}}, "ProjectionExpression"',
        "Global secondary index by-x does not project [z]",
        "Query key condition not supported",
        "two mistakes: dynalite tells of the condition first",
    ),
    (
        'Scan {"TableName": "Indexed", "IndexName": "by-x", "ProjectionExpression": "z"}',
        "Global secondary index by-x does not project [z]",
        "[200",
        "a global index does not fetch from the table; dynalite answers with empty items",
    ),
    (
        '"ProjectionExpression": "z", "ReturnConsumedCapacity"',
        '{"z": {"S": "z"}}',
        '"Items": [{}, {}, {}, {}, {}]',
        "a local index fetches what it does not project; dynalite leaves it out",
    ),
    (
        '"PutRequest": {"Item": {"p": {"S": "b"}, "s": {"N": "1"}}}, "DeleteRequest"',
        "must contain exactly one of the supported datatypes",
        "[200",
        "a WriteRequest is one of the two (API reference); dynalite carries out one and forgets the other",
    ),
    *(
        (
            f'"Expected": {{"{name}": {{"ComparisonOperator": "{operator}"',
            f"ComparisonOperator {operator} is not valid for",
            "ConditionalCheckFailed",
            "the types that an operator takes are documented alike for Expected and filters; dynalite checks filters only",
        )
        for name, operator in (("n", "IN"), ("t", "BEGINS_WITH"), ("ss", "LT"))
    ),
    (
        'CreateTable {"TableName": "',
        "at 'tableName' failed to satisfy constraint: Member must have length",
        "TableName must be at least 3 characters long",
        "recorded in May 2026; dynalite has an earlier text",
    ),
    ('"SET n = size(n)"', "not allowed in an update expression", "Invalid function name", "dynalite has an earlier text"),
    ('"Limit": 0', "Value at 'Limit' failed", "Value '0' at 'limit' failed", "recorded in May 2026; dynalite has an earlier text"),
    (
        '"RequestItems": {}',
        "The requestItems parameter is required for BatchWriteItem",
        "at 'requestItems' failed",
        "recorded in May 2026; dynalite has an earlier text",
    ),
    (
        '{"RequestItems": {"Differential": {"Keys"',
        "Value at 'RequestItems.Differential.member.Keys' failed",
        "at 'requestItems.Differential.member.keys' failed",
        "recorded in May 2026; dynalite has an earlier text",
    ),
    (
        'Scan {"TableName": "Differential", "ScanFilter": {"ss": {"ComparisonOperator": "NOT_CONTAINS"',
        '"Count": 0',
        '"Count": 1',
        "what is not there contains nothing, nor does it not contain it",
    ),
    (
        '"Expected": {"ss": {"ComparisonOperator": "NOT_CONTAINS"',
        "ConditionalCheckFailedException",
        "[200",
        "what is not there contains nothing, nor does it not contain it",
    ),
    (
        '"ComparisonOperator": "EQ", "AttributeValueList": [{"L"',
        "[200",
        "EQ is not valid for L",
        "EQ and NE take values of all types",
    ),
    (
        "UpdateTable",
        '"TableStatus": "UPDATING"',
        '"TableStatus": "ACTIVE"',
        "a table is UPDATING while it changes; dynalite has nothing to change",
    ),
    (
        '"Delete": {"IndexName": "missing"}',
        "ResourceNotFoundException",
        "[200",
        "the index is not there; dynalite ignores that",
    ),
]


def call_text(operation, value):
    return f"{operation} {value if isinstance(value, str) else json.dumps(value)}"


def explanation(call, ours, theirs):
    for row in EXPLAINED:
        call_part, our_part, their_part, _ = row
        if call_part in call and our_part in json.dumps(ours) and their_part in json.dumps(theirs):
            return row
    return None


def await_table(endpoint, name):
    while endpoint.call("DescribeTable", {"TableName": name})[1]["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


def test_answers_are_those_of_dynalite_or_explained(endpoints):
    ours, theirs = endpoints
    count, unexplained, used = 0, [], set()
    for endpoint in endpoints:
        assert endpoint.call("CreateTable", differential_calls.CREATE)[0] == 200
        await_table(endpoint, differential_calls.TABLE)
    for group in differential_calls.GROUPS:
        for operation, value in group():
            if operation == "await":
                await_table(ours, value["TableName"])
                await_table(theirs, value["TableName"])
                continue
            answers = ours.call(operation, value), theirs.call(operation, value)
            count += 1
            if answers[0] == answers[1]:
                continue
            call = call_text(operation, value)
            row = explanation(call, *answers)
            used.add(row)
            if row is None:
                unexplained.append(f"{call[:300]}\n  skylite  {str(answers[0])[:900]}\n  dynalite {str(answers[1])[:900]}")
    assert not unexplained, "\n".join(unexplained)
    assert count > 400
    idle = [why for *rest, why in EXPLAINED if (*rest, why) not in used]
    assert not idle, f"these explain nothing any more: {idle}"
