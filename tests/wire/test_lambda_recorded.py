"""Lambda's answers and errors as AWS gives them: each row was recorded from AWS, or is in its model."""

import json
import re

import botocore.exceptions
import pytest

import functions

PLAIN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
SPACED = PLAIN.replace("9-_]+)(:(", r"9-_\.]+)(:(").replace("LATEST", r"LATEST(\.PUBLISHED)?")
QUALIFIER = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
ARN = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture(scope="module")
def client(server):
    role = functions.make_role(server, "recorded-role")
    client = server.client("lambda")
    client.create_function(Role=role, **BASE)
    client.role = role
    yield client
    client.delete_function(FunctionName="recorded")
    server.client("iam").delete_role(RoleName="recorded-role")


BASE = {
    "FunctionName": "recorded",
    "Runtime": "python3.12",
    "Handler": "index.handler",
    "Code": {"ZipFile": functions.zip_of({"index.py": "def handler(event, context):\n    return context.invoked_function_arn\n"})},
    "Environment": {"Variables": {}},
}


def one(text):
    return f"1 validation error detected: {text}"


def pattern(value, member, regular):
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {regular}"


def longer(value, member, length):
    return f"Value '{value}' at '{member}' failed to satisfy constraint: Member must have length less than or equal to {length}"


NO_QUALIFIER = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)
NO_TAGS = "Tags on function aliases and versions are not supported. Please specify a function ARN."
MISMATCH = "The derived qualifier from the function name does not match the specified qualifier."
NOT_FOUND, INVALID, BAD = "ResourceNotFoundException", "InvalidParameterValueException", "ValidationException"
TAG_PATTERN = (
    r"arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+"
    r"(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:"
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)"
)
PERMISSION = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
FOREIGN = "arn:aws:lambda:invalid-region:000000000000:function:f"

ERRORS = [
    ("get_function", {"FunctionName": "*"}, BAD, one(pattern("*", "functionName", SPACED))),
    ("get_function", {"FunctionName": FOREIGN}, BAD, one(pattern(FOREIGN, "functionName", SPACED))),
    ("get_function", {"FunctionName": ARN + "f:1:2"}, BAD, one(pattern(ARN + "f:1:2", "functionName", SPACED))),
    ("get_function", {"FunctionName": ARN + "f:$LATES"}, BAD, one(pattern(ARN + "f:$LATES", "functionName", SPACED))),
    ("get_function", {"FunctionName": "f", "Qualifier": "invalid!"}, BAD, one(pattern("invalid!", "qualifier", QUALIFIER))),
    ("get_function", {"FunctionName": "f", "Qualifier": "a" * 129}, BAD, one(longer("a" * 129, "qualifier", 128))),
    (
        "get_function", {"FunctionName": FOREIGN, "Qualifier": "a" * 129}, BAD,
        f"2 validation errors detected: {longer('a' * 129, 'qualifier', 128)}; {pattern(FOREIGN, 'functionName', SPACED)}",
    ),
    ("get_function", {"FunctionName": "a" * 65}, NOT_FOUND, "Function not found: " + ARN + "a" * 65),
    ("get_function", {"FunctionName": "a.b"}, NOT_FOUND, "Function not found: " + ARN + "a.b"),
    ("get_function", {"FunctionName": ARN[:-1]}, NOT_FOUND, "Function not found: " + ARN + "function"),
    ("get_function", {"FunctionName": "f", "Qualifier": "$latest"}, NOT_FOUND, "Function not found: " + ARN + "f:$latest"),
    ("get_function", {"FunctionName": "f:1", "Qualifier": "2"}, INVALID, MISMATCH),
    ("get_function", {"FunctionName": "recorded", "Qualifier": "1221"}, NOT_FOUND, "Function not found: " + ARN + "recorded:1221"),
    ("invoke", {"FunctionName": "nope"}, NOT_FOUND, "Function not found: " + ARN + "nope:$LATEST"),
    ("invoke", {"FunctionName": "nope", "InvocationType": "Event"}, NOT_FOUND, "Function not found: " + ARN + "nope:$LATEST"),
    ("invoke", {"FunctionName": "nope", "Qualifier": "live"}, NOT_FOUND, "Function not found: " + ARN + "nope:live"),
    ("delete_function", {"FunctionName": "f", "Qualifier": "live"}, INVALID, "Deletion of aliases is not currently supported."),
    ("delete_function", {"FunctionName": "f", "Qualifier": "$latest"}, NOT_FOUND, "Function not found: " + ARN + "f"),
    ("delete_function", {"FunctionName": "f", "Qualifier": "1"}, NOT_FOUND, "Function not found: " + ARN + "f"),
    ("create_alias", {"FunctionName": "recorded", "Name": "2024", "FunctionVersion": "1"}, BAD,
     one(pattern("2024", "name", "(?!^[0-9]+$)([a-zA-Z0-9-_]+)"))),
    ("update_alias", {"FunctionName": "recorded", "Name": "nope"}, NOT_FOUND, "Alias not found: " + ARN + "recorded:nope"),
    ("get_alias", {"FunctionName": "recorded", "Name": "nope"}, NOT_FOUND, "Cannot find alias arn: " + ARN + "recorded:nope"),
    ("put_function_concurrency", {"FunctionName": "nope", "ReservedConcurrentExecutions": 1}, NOT_FOUND,
     "Function not found: " + ARN + "nope:$LATEST"),
    ("put_function_concurrency", {"FunctionName": "recorded:1", "ReservedConcurrentExecutions": 1}, INVALID, NO_QUALIFIER),
    ("get_function_concurrency", {"FunctionName": "nope"}, NOT_FOUND, "Function not found: " + ARN + "nope"),
    ("put_function_event_invoke_config", {"FunctionName": "nope", "MaximumRetryAttempts": 1}, NOT_FOUND,
     "The function doesn't exist."),
    ("update_function_event_invoke_config", {"FunctionName": "nope", "MaximumRetryAttempts": 1}, NOT_FOUND,
     "The function doesn't exist."),
    ("list_function_event_invoke_configs", {"FunctionName": "nope"}, NOT_FOUND, "The function doesn't exist."),
    ("get_function_event_invoke_config", {"FunctionName": "nope"}, NOT_FOUND,
     f"The function {ARN}nope:$LATEST doesn't have an EventInvokeConfig"),
    ("delete_function_event_invoke_config", {"FunctionName": "recorded", "Qualifier": "live"}, NOT_FOUND,
     f"The function {ARN}recorded:live doesn't have an EventInvokeConfig"),
    ("put_function_event_invoke_config", {"FunctionName": "recorded"}, INVALID,
     "You must specify at least one of error handling or destination setting."),
    ("tag_resource", {"Resource": "arn:aws:something", "Tags": {"a": "b"}}, BAD,
     one(pattern("arn:aws:something", "resource", TAG_PATTERN))),
    ("tag_resource", {"Resource": ARN + "nope", "Tags": {"a": "b"}}, NOT_FOUND, "Function not found: " + ARN + "nope"),
    ("tag_resource", {"Resource": ARN + "recorded:1", "Tags": {"a": "b"}}, INVALID, NO_TAGS),
    ("tag_resource", {"Resource": ARN + "recorded:$LATEST", "Tags": {"a": "b"}}, INVALID, NO_TAGS),
    ("tag_resource", {"Resource": ARN + "recorded", "Tags": {}}, INVALID, "An error occurred and the request cannot be processed."),
    ("tag_resource", {"Resource": ARN + "recorded", "Tags": {str(i): "" for i in range(51)}}, INVALID,
     "Number of tags exceeds resource tag limit."),
    ("list_tags", {"Resource": ARN + "recorded:live"}, INVALID, NO_TAGS),
    ("get_policy", {"FunctionName": "nope"}, NOT_FOUND, "The resource you requested does not exist."),
    ("get_policy", {"FunctionName": "recorded", "Qualifier": "7"}, NOT_FOUND, "The resource you requested does not exist."),
    ("add_permission", {"FunctionName": "nope", **PERMISSION}, NOT_FOUND, "Function not found: " + ARN + "nope"),
    ("add_permission", {"FunctionName": "recorded:nope", **PERMISSION}, NOT_FOUND, "Cannot find alias arn: " + ARN + "recorded:nope"),
    ("add_permission", {"FunctionName": "recorded", "Qualifier": "42", **PERMISSION}, NOT_FOUND,
     "Function not found: " + ARN + "recorded:42"),
    ("add_permission", {"FunctionName": "recorded", "Qualifier": "a$b", **PERMISSION}, NOT_FOUND,
     "Function not found: " + ARN + "recorded:a$b"),
    ("remove_permission", {"FunctionName": "nope", "StatementId": "s"}, NOT_FOUND, "No policy found for: " + ARN + "nope"),
    ("remove_permission", {"FunctionName": "recorded", "StatementId": "s"}, NOT_FOUND,
     "No policy is associated with the given resource."),
    ("remove_permission", {"FunctionName": "recorded:nope", "StatementId": "s"}, NOT_FOUND,
     "Cannot find alias arn: " + ARN + "recorded:nope"),
    ("publish_version", {"FunctionName": "recorded", "RevisionId": "wrong"}, "PreconditionFailedException",
     "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest "
     "Revision Id"),
    ("add_permission", {"FunctionName": "recorded", "RevisionId": "wrong", **PERMISSION}, "PreconditionFailedException",
     "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id"),
]

CREATIONS = [
    ({"FunctionName": "invalid:function:name"}, BAD, one(pattern("invalid:function:name", "functionName", PLAIN))),
    ({"FunctionName": "a.b"}, BAD, one(pattern("a.b", "functionName", PLAIN))),
    ({"FunctionName": "a" * 65}, INVALID, one(longer("a" * 65, "functionName", 64))),
    ({"FunctionName": ARN + "a" * 100}, BAD, one(longer(ARN + "a" * 100, "functionName", 140))),
    ({"Runtime": "python3.7"}, INVALID,
     "The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you "
     "use a supported runtime while creating or updating functions."),
    ({"Runtime": "PYTHON3.9"}, INVALID,
     "Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, "
     "provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, "
     "ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] "
     "or be a valid ARN"),
    ({"Architectures": ["x86_64", "arm64"]}, BAD, one(longer("[x86_64, arm64]", "architectures", 1))),
    ({"Architectures": ["X86_64"]}, BAD, one(
        "Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy "
        "enum value set: [x86_64, arm64], Member must not be null]")),
    ({"Code": {"ZipFile": functions.zip_of({})}}, INVALID, "Uploaded file must be a non-empty zip"),
    ({"Tags": {str(i): "" for i in range(51)}}, INVALID, "Number of tags exceeds resource tag limit."),
]


def error_of(call, parameters):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(**parameters)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


@pytest.mark.parametrize("operation,parameters,code,message", ERRORS)
def test_an_error_has_the_words_of_aws(client, operation, parameters, code, message):
    assert error_of(getattr(client, operation), parameters) == (code, message)


@pytest.mark.parametrize("parameters,code,message", CREATIONS)
def test_a_creation_that_is_refused(client, parameters, code, message):
    call = {**BASE, "FunctionName": "refused", "Role": client.role, **parameters}
    assert error_of(client.create_function, call) == (code, message)


WEIGHTS = [
    ({"2": 2.0}, "Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy "
     "constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member "
     "must not be null]"),
    ({"$LATEST": 0.5}, "Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys "
     "must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal "
     "to 1, Member must satisfy regular expression pattern: [0-9]+]"),
]


@pytest.mark.parametrize("weights,message", WEIGHTS)
def test_the_weights_of_an_alias(client, weights, message):
    call = {"FunctionName": "recorded", "Name": "a", "FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": weights}}
    assert error_of(client.create_alias, call) == (BAD, one(message))


@pytest.fixture
def bodies(client):
    """What is answered, as it is on the wire."""
    got = []

    def note(response_dict, **_):
        got.append(json.loads(response_dict["body"]))

    client.meta.events.register("response-received.lambda", note)
    yield got
    client.meta.events.unregister("response-received.lambda", note)


def test_the_member_of_the_message_is_the_models(client, bodies):
    for parameters in [{"FunctionName": "nope"}, {"FunctionName": "f:1", "Qualifier": "2"}, {"FunctionName": "*"}]:
        error_of(client.get_function, parameters)
    assert [sorted(body) for body in bodies] == [["Message", "Type"], ["Type", "message"], ["message"]]


def test_a_payload_that_is_too_large(client):
    call = {"FunctionName": "recorded", "Payload": json.dumps("x" * 6291600)}
    assert error_of(client.invoke, call) == (
        "RequestEntityTooLargeException", "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    )


def test_what_is_answered_of_a_configuration(client, bodies):
    assert client.get_function_configuration(FunctionName="recorded")["Environment"] == {"Variables": {}}
    assert bodies[0]["RuntimeVersionConfig"]["RuntimeVersionArn"].startswith("arn:aws:lambda:us-east-1::runtime:")
    listed = [f for f in client.list_functions()["Functions"] if f["FunctionName"] == "recorded"]
    assert not {"State", "LastUpdateStatus"} & set(listed[0])
    assert "RuntimeVersionConfig" not in bodies[1]["Functions"][0]


def test_latest_has_its_qualified_arn_where_it_is_named(client):
    latest = ARN + "recorded:$LATEST"
    assert client.list_versions_by_function(FunctionName="recorded")["Versions"][0]["FunctionArn"] == latest
    assert client.get_function(FunctionName="recorded", Qualifier="$LATEST")["Configuration"]["FunctionArn"] == latest
    assert client.get_function(FunctionName="recorded")["Configuration"]["FunctionArn"] == ARN + "recorded"
    everything = client.list_functions(FunctionVersion="ALL")["Functions"]
    assert latest in [function["FunctionArn"] for function in everything]


@pytest.mark.parametrize("qualifier,arn", [(None, "recorded"), ("$LATEST", "recorded:$LATEST")])
def test_a_function_learns_by_which_arn_it_was_invoked(client, qualifier, arn):
    qualified = {"Qualifier": qualifier} if qualifier else {}
    answer = client.invoke(FunctionName="recorded", Payload=b"{}", **qualified)
    assert json.load(answer["Payload"]) == ARN + arn


INSIDE = """
import os, pathlib
def handler(event, context):
    return {**os.environ, "owner": pathlib.Path("/var/task").owner()}
"""


def test_what_a_function_finds_around_it(server, client):
    code = {"ZipFile": functions.zip_of({"index.py": INSIDE})}
    own = {"FunctionName": "inside", "Code": code, "Environment": {"Variables": {"SHLVL": "own"}}}
    client.create_function(**{**BASE, **own}, Role=client.role)
    found, error = functions.invoke(server, "inside", {})
    client.delete_function(FunctionName="inside")
    assert error is None and found["owner"] in ("nobody", "root")
    assert {name: found[name] for name in ("PWD", "SHLVL", "PYTHONPATH", "AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS")} == {
        "PWD": "/var/task", "SHLVL": "own", "PYTHONPATH": "/var/runtime",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR", "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
    }
    assert re.fullmatch("Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0", found["_X_AMZN_TRACE_ID"])


def test_what_was_changed_is_published(client):
    def published():
        return client.publish_version(FunctionName="recorded")["Version"]

    first = int(published())
    assert published() == str(first)
    client.update_function_configuration(FunctionName="recorded", Description="another")
    before = client.get_function(FunctionName="recorded")["Configuration"]["RevisionId"]
    assert published() == str(first + 1)
    assert client.get_function(FunctionName="recorded")["Configuration"]["RevisionId"] != before
    client.update_function_code(FunctionName="recorded", ZipFile=BASE["Code"]["ZipFile"])
    assert published() == str(first + 2)
    client.delete_function(FunctionName="recorded", Qualifier="99")


def test_a_version_that_is_published_at_once_is_answered_with_the_functions_arn(client):
    made = client.create_function(**{**BASE, "FunctionName": "at-once"}, Role=client.role, Publish=True)
    assert (made["Version"], made["FunctionArn"]) == ("1", ARN + "at-once")
    client.delete_function(FunctionName="at-once")


def test_a_permission_takes_the_revision_of_its_owner_or_its_policy(client):
    client.publish_version(FunctionName="recorded")
    alias = client.create_alias(FunctionName="recorded", Name="own", FunctionVersion="1")
    named = {"FunctionName": "recorded", "Qualifier": "own"}
    client.add_permission(**named, **PERMISSION, RevisionId=alias["RevisionId"])
    policy = client.get_policy(**named)["RevisionId"]
    assert client.get_alias(FunctionName="recorded", Name="own")["RevisionId"] == policy != alias["RevisionId"]
    client.add_permission(**named, **{**PERMISSION, "StatementId": "t"}, RevisionId=policy)
    client.delete_alias(FunctionName="recorded", Name="own")
