"""CloudWatch Logs' answers as AWS was recorded to give them."""

import json
import time

import botocore.exceptions
import pytest

import signing

GROUP = "/recorded/group"
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:" + GROUP


@pytest.fixture
def logs(server):
    client = server.client("logs")
    client.create_log_group(logGroupName=GROUP)
    yield client
    client.delete_log_group(logGroupName=GROUP)


@pytest.fixture
def call(server):
    """Calls an operation that the client may not know."""

    client = server.client("logs")
    connection = signing.Connection(server.port)
    key = client._request_signer._credentials
    signer = signing.Signer(signing.Key(key.access_key, key.secret_key), "us-east-1")

    def run(operation, **given):
        headers = [
            ["Host", f"127.0.0.1:{server.port}"],
            ["X-Amz-Target", "Logs_20140328." + operation],
            ["Content-Type", "application/x-amz-json-1.1"],
        ]
        request = signing.Request("logs", "POST", "/", headers=headers, body=json.dumps(given).encode())
        return json.loads(connection.send(signer.by_header(request)).text)

    yield run
    connection.close()


def error_of(function, **given):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        function(**given)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def put(logs, stream, *messages):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": message} for message in messages]
    logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def test_a_stream_without_events_has_no_token(logs):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    stream = logs.describe_log_streams(logGroupName=GROUP)["logStreams"][0]
    assert stream.pop("creationTime")
    assert stream == {"logStreamName": "s", "arn": ARN + ":log-stream:s", "storedBytes": 0}
    put(logs, "s", "one")
    assert logs.describe_log_streams(logGroupName=GROUP)["logStreams"][0]["uploadSequenceToken"]


def test_a_deleted_stream_takes_its_events_along(logs):
    for name in ("a", "b"):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=name)
        put(logs, name, "of " + name)
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="a")
    events = logs.filter_log_events(logGroupName=GROUP)["events"]
    assert [event["message"] for event in events] == ["of b"]
    assert error_of(logs.delete_log_stream, logGroupName=GROUP, logStreamName="a") == (
        "ResourceNotFoundException", "The specified log stream does not exist.",
    )
    logs.create_log_stream(logGroupName=GROUP, logStreamName="a")
    assert logs.get_log_events(logGroupName=GROUP, logStreamName="a")["events"] == []
    deadline = time.monotonic() + 10
    while logs.describe_log_groups(logGroupNamePrefix=GROUP)["logGroups"][0]["storedBytes"] != 30:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_group_is_named_once(call, logs):
    def answer(**given):
        return call("DescribeLogStreams", **given)

    both = answer(logGroupName=GROUP, logGroupIdentifier=GROUP)
    assert (both["__type"], both["message"]) == (
        "ValidationException", "LogGroup name and LogGroup ARN are mutually exclusive parameters.",
    )
    assert answer(logGroupIdentifier=ARN) == {"logStreams": []}
    assert answer(logGroupIdentifier=ARN + ":*")["message"] == (
        f"1 validation error detected: Value '{ARN}:*' at 'logGroupIdentifier' failed to satisfy constraint: Member must satisfy "
        "regular expression pattern: [\\w#+=/:,.@-]*"
    )


def test_groups_are_listed_by_patterns(call, logs):
    def names(**given):
        return [group["logGroupName"] for group in call("ListLogGroups", **given)["logGroups"]]

    assert names(logGroupNamePattern="^/recorded") == names(logGroupNamePattern="nope|ded/gr") == [GROUP]
    assert names(logGroupNamePattern="^recorded") == names(logGroupNamePattern="^/recorded", logGroupClass="DELIVERY") == []


def test_a_name_that_is_too_long(logs):
    assert error_of(logs.create_log_group, logGroupName="a" * 513) == (
        "InvalidParameterException", "Invalid LogGroup or LogStream, both must have length less than or equal to 512.",
    )


def test_resource_policies(logs):
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    kept = logs.put_resource_policy(policyName="p", policyDocument=document)["resourcePolicy"]
    assert (kept["policyName"], kept["policyDocument"]) == ("p", document)
    assert [p["policyName"] for p in logs.describe_resource_policies()["resourcePolicies"]] == ["p"]
    logs.delete_resource_policy(policyName="p")
    assert error_of(logs.delete_resource_policy, policyName="p") == (
        "ResourceNotFoundException", "Policy with name [p] does not exist.",
    )
    for name in range(10):
        logs.put_resource_policy(policyName=str(name), policyDocument=document)
    assert error_of(logs.put_resource_policy, policyName="11", policyDocument=document) == (
        "LimitExceededException", "Resource limit exceeded.",
    )
    for name in range(10):
        logs.delete_resource_policy(policyName=str(name))
