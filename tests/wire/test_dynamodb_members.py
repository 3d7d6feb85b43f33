"""Every input member of every operation is read: a value of the wrong type is refused wherever it stands."""

import botocore.loaders
import pytest

from dynamodb_wire import Wire, type_of

MODELS = {
    name: botocore.loaders.Loader().load_service_model(name, "service-2") for name in ("dynamodb", "dynamodbstreams")
}
TARGETS = {"dynamodb": "DynamoDB_20120810", "dynamodbstreams": "DynamoDBStreams_20120810"}

# Of features that a server of one machine has not: the operations are unknown here.
ELSEWHERE = {
    "CreateGlobalTable",
    "DescribeContributorInsights",
    "DescribeExport",
    "DescribeGlobalTable",
    "DescribeGlobalTableSettings",
    "DescribeImport",
    "DescribeKinesisStreamingDestination",
    "DescribeTableReplicaAutoScaling",
    "DisableKinesisStreamingDestination",
    "EnableKinesisStreamingDestination",
    "ExportTableToPointInTime",
    "ImportTable",
    "ListContributorInsights",
    "ListExports",
    "ListGlobalTables",
    "ListImports",
    "UpdateContributorInsights",
    "UpdateGlobalTable",
    "UpdateGlobalTableSettings",
    "UpdateKinesisStreamingDestination",
    "UpdateTableReplicaAutoScaling",
}

# Members of such features.
REFUSED = [
    ("CreateTable", "GlobalTableSourceArn"),
    ("CreateTable", "GlobalTableSettingsReplicationMode"),
    ("UpdateTable", "ReplicaUpdates"),
    ("UpdateTable", "MultiRegionConsistency"),
    ("UpdateTable", "GlobalTableWitnessUpdates"),
    ("UpdateTable", "GlobalTableSettingsReplicationMode"),
]

# What came to AWS's model after the one that is installed, with a value of the right type.
NEWER = [
    ("CreateTable", "ResourcePolicy", "{}"),
    ("CreateTable", "WarmThroughput.ReadUnitsPerSecond", 1),
    ("CreateTable", "WarmThroughput.WriteUnitsPerSecond", 1),
    ("CreateTable", "OnDemandThroughput.MaxReadRequestUnits", 1),
    ("CreateTable", "OnDemandThroughput.MaxWriteRequestUnits", 1),
    ("CreateTable", "GlobalSecondaryIndexes[].WarmThroughput.ReadUnitsPerSecond", 1),
    ("CreateTable", "GlobalSecondaryIndexes[].OnDemandThroughput.MaxReadRequestUnits", 1),
    ("UpdateTable", "WarmThroughput.ReadUnitsPerSecond", 1),
    ("UpdateTable", "OnDemandThroughput.MaxWriteRequestUnits", 1),
    ("UpdateTable", "DeletionProtectionEnabled", True),
    ("UpdateTable", "GlobalSecondaryIndexUpdates[].Update.WarmThroughput.ReadUnitsPerSecond", 1),
    ("UpdateTable", "GlobalSecondaryIndexUpdates[].Create.WarmThroughput.ReadUnitsPerSecond", 1),
    ("PutItem", "ReturnValuesOnConditionCheckFailure", "ALL_OLD"),
    ("UpdateContinuousBackups", "PointInTimeRecoverySpecification.RecoveryPeriodInDays", 7),
    ("RestoreTableFromBackup", "OnDemandThroughputOverride.MaxReadRequestUnits", 1),
    ("RestoreTableToPointInTime", "OnDemandThroughputOverride.MaxReadRequestUnits", 1),
    ("DescribeStream", "ShardFilter.Type", "CHILD_SHARDS"),
    ("DescribeStream", "ShardFilter.ShardId", "shardId-00000000000000000000"),
]


def leaves(model, shape_name, path=""):
    """Every place of an input and the type of what stands there; values of attributes are one place."""
    shape = model["shapes"][shape_name]
    if path:
        yield path, shape["type"]
    if shape_name == "AttributeValue":
        return
    if shape["type"] == "structure":
        for name, member in shape["members"].items():
            yield from leaves(model, member["shape"], f"{path}.{name}" if path else name)
    elif shape["type"] == "list":
        yield from leaves(model, shape["member"]["shape"], path + "[]")
    elif shape["type"] == "map":
        yield from leaves(model, shape["value"]["shape"], path + ".key")


def at(path, value):
    """An input with nothing but that value."""
    first, _, rest = path.partition(".")
    inner = at(rest, value) if rest else value
    while first.endswith("[]"):
        first, inner = first[:-2], [inner]
    return {first: inner} if first else inner


def wrong(kind):
    return [] if kind in ("structure", "map") else {}


OPERATIONS = [
    (service, name, operation.get("input", {}).get("shape"))
    for service, model in MODELS.items()
    for name, operation in model["operations"].items()
]


@pytest.fixture(scope="module")
def send(server):
    wire = Wire(server)

    def send(service, operation, value):
        """The error's type and message."""
        answer = wire(operation, TARGETS[service], **value)
        return type_of(answer), answer.get("message") or answer.get("Message")

    return send


@pytest.mark.parametrize(("service", "operation", "shape"), OPERATIONS, ids=lambda value: str(value))
def test_members_are_read(send, service, operation, shape):
    if operation in ELSEWHERE:
        assert send(service, operation, {})[0] == "UnknownOperationException"
        return
    missed = [
        path
        for path, kind in leaves(MODELS[service], shape)
        if (operation, path.split(".")[0].split("[")[0]) not in REFUSED
        and send(service, operation, at(path, wrong(kind)))[0] != "SerializationException"
    ]
    assert missed == []


@pytest.mark.parametrize(("operation", "path", "value"), NEWER)
def test_newer_members_are_read(send, operation, path, value):
    service = "dynamodbstreams" if operation == "DescribeStream" else "dynamodb"
    assert send(service, operation, at(path, {} if value != {} else []))[0] == "SerializationException"
    assert send(service, operation, at(path, value))[0] != "SerializationException"


@pytest.mark.parametrize(("operation", "member"), REFUSED)
def test_members_of_global_tables_are_refused(send, operation, member):
    value = {
        "TableName": "global",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        member: "x",
    }
    error, message = send("dynamodb", operation, value)
    assert (error, message) == (
        "ValidationException",
        f"One or more parameter values were invalid: {member} is not available on this server",
    )
