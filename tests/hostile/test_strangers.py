"""Strangers: a user to whom nothing was given is refused by every operation of every service, before anything is done or told."""

import datetime
import json

import botocore.exceptions
import pytest

SERVICES = ["apigateway", "cloudformation", "cloudwatch", "dynamodb", "dynamodbstreams", "iam", "lambda", "logs", "s3", "sts"]

# What AWS gives to everyone who has signed the call.
OPEN = {("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")}

# What a service that is not one of AWS's own here answers.
UNKNOWN = {"UnknownOperationException", "InvalidAction", "NotImplemented", "UnknownOperation"}

DENIED = {"AccessDenied", "AccessDeniedException"}

# Not signed by anyone, and not done here.
UNSIGNED = {("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")}

# Goes to a host name of its own that is not here.
ELSEWHERE = {("s3", "WriteGetObjectResponse")}

# Members and shapes whose values must be more than a word.
VALUES = {
    "AttributeValue": {"S": "x"},
    "Statement": "SELECT * FROM \"Notes\" WHERE noteId = 'x'",
    "ConditionExpression": "attribute_exists(noteId)",
    "PartiQLStatement": "SELECT * FROM \"Notes\" WHERE noteId = 'x'",
}


def sample(shape, name="", depth=0):
    """A value that the model calls valid; of structures, what is required."""
    value = VALUES.get(shape.name, VALUES.get(name))
    if value:
        return value
    if shape.type_name == "structure":
        wanted = shape.required_members or (list(shape.members)[:1] if depth and depth < 4 else [])
        return {member: sample(shape.members[member], member, depth + 1) for member in wanted}
    if shape.type_name == "list":
        return [sample(shape.member, name, depth + 1)] * max(1, shape.metadata.get("min", 1))
    if shape.type_name == "map":
        return {sample(shape.key, name, depth + 1): sample(shape.value, name, depth + 1)}
    if shape.type_name == "string":
        if shape.enum:
            return shape.enum[0]
        if name.lower().endswith(("arn", "resourceid")):
            return "arn:aws:iam::000000000000:role/someone-elses-role"
        return "someoneelse0".ljust(shape.metadata.get("min", 1), "0")
    return {
        "integer": max(1, shape.metadata.get("min", 1)),
        "long": max(1, shape.metadata.get("min", 1)),
        "double": 1.0,
        "float": 1.0,
        "boolean": True,
        "timestamp": datetime.datetime(2026, 1, 1),
        "blob": b"{}",
    }[shape.type_name]


@pytest.fixture(scope="module")
def stranger(host):
    """Clients of a user without a policy."""
    iam = host.client("iam")
    iam.create_user(UserName="stranger")
    key = iam.create_access_key(UserName="stranger")["AccessKey"]
    clients = {}
    return lambda service: clients.setdefault(
        service, host.client(service, key["AccessKeyId"], key["SecretAccessKey"])
    )


@pytest.mark.parametrize("service", SERVICES)
def test_who_was_given_nothing_may_nothing(stranger, service):
    client = stranger(service)
    model = client.meta.service_model
    refused, let = 0, {}
    for name in model.operation_names:
        if (service, name) in OPEN | UNSIGNED | ELSEWHERE:
            continue
        shape = model.operation_model(name).input_shape
        parameters = sample(shape) if shape else {}
        code, message = "let", ""
        try:
            method = next(m for m, n in client.meta.method_to_api_mapping.items() if n == name)
            answer = getattr(client, method)(**parameters)
            if name == "BatchExecuteStatement":  # refuses each statement by itself
                code = answer["Responses"][0]["Error"]["Code"] + "Exception"
        except botocore.exceptions.ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
            if code == "403":
                code = "AccessDenied"
        except Exception as error:
            code, message = type(error).__name__, str(error)
        if code in DENIED:
            refused += 1
        elif code not in UNKNOWN:
            let[name] = f"{code}: {message}"
    assert not let, json.dumps(let, indent=1)
    assert refused > 0
