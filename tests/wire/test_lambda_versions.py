"""Versions, aliases, tags, asynchronous invocations and waiters, with boto3."""

import concurrent.futures
import json
import time

import botocore.exceptions
import pytest

import functions

TABLE = {
    "TableName": "Events",
    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}


@pytest.fixture
def function(server):
    role = functions.make_role(server, "versions-role")
    functions.make_function(server, "versions", functions.PROBE, "probe", role)
    yield server.client("lambda")
    server.client("lambda").delete_function(FunctionName="versions")
    server.client("iam").delete_role(RoleName="versions-role")


def test_a_published_version_keeps_its_settings(function):
    function.get_waiter("function_active_v2").wait(FunctionName="versions")
    first = function.publish_version(FunctionName="versions", Description="the first")
    assert first["Version"] == "1" and first["FunctionArn"].endswith(":versions:1")
    function.update_function_configuration(FunctionName="versions", MemorySize=256)
    function.get_waiter("function_updated_v2").wait(FunctionName="versions")
    assert function.publish_version(FunctionName="versions")["Version"] == "2"

    old = function.get_function_configuration(FunctionName="versions", Qualifier="1")
    assert (old["MemorySize"], old["Description"]) == (128, "the first")
    listed = function.list_versions_by_function(FunctionName="versions")["Versions"]
    assert [version["Version"] for version in listed] == ["$LATEST", "1", "2"]
    everything = function.list_functions(FunctionVersion="ALL")["Functions"]
    assert [f["Version"] for f in everything if f["FunctionName"] == "versions"] == ["$LATEST", "1", "2"]


def test_an_alias_is_invoked_by_name_and_by_arn(function):
    function.publish_version(FunctionName="versions")
    alias = function.create_alias(FunctionName="versions", Name="live", FunctionVersion="1")
    for name in ({"FunctionName": "versions", "Qualifier": "live"}, {"FunctionName": alias["AliasArn"]}):
        answer = function.invoke(Payload=json.dumps({"do": "answer", "with": 1}), **name)
        assert answer["ExecutedVersion"] == "1" and json.load(answer["Payload"]) == 1
    assert function.get_function(FunctionName="versions:live")["Configuration"]["FunctionArn"] == alias["AliasArn"]
    function.delete_alias(FunctionName="versions", Name="live")
    assert function.list_aliases(FunctionName="versions")["Aliases"] == []


def test_the_policy_of_an_alias_is_its_own(function):
    function.publish_version(FunctionName="versions")
    function.create_alias(FunctionName="versions", Name="live", FunctionVersion="1")
    function.add_permission(
        FunctionName="versions", Qualifier="live", StatementId="s", Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    policy = json.loads(function.get_policy(FunctionName="versions", Qualifier="live")["Policy"])
    assert policy["Statement"][0]["Resource"].endswith(":versions:live")
    with pytest.raises(function.exceptions.ResourceNotFoundException):
        function.get_policy(FunctionName="versions")
    function.remove_permission(FunctionName="versions", Qualifier="live", StatementId="s")


def test_tags_are_shown_with_the_function(function):
    arn = function.get_function(FunctionName="versions")["Configuration"]["FunctionArn"]
    function.tag_resource(Resource=arn, Tags={"team": "notes", "stage": "test"})
    function.untag_resource(Resource=arn, TagKeys=["stage"])
    assert function.list_tags(Resource=arn)["Tags"] == {"team": "notes"}
    assert function.get_function(FunctionName="versions")["Tags"] == {"team": "notes"}


def test_account_settings_count_functions_and_what_they_reserve(function):
    function.put_function_concurrency(FunctionName="versions", ReservedConcurrentExecutions=7)
    settings = function.get_account_settings()
    assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 993
    assert settings["AccountUsage"]["FunctionCount"] >= 1
    with pytest.raises(function.exceptions.InvalidParameterValueException, match="below its minimum value of"):
        function.put_function_concurrency(FunctionName="versions", ReservedConcurrentExecutions=901)


def test_an_event_that_is_too_large_is_refused(function):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        function.invoke(FunctionName="versions", InvocationType="Event", Payload=json.dumps("x" * 1100000))
    assert error.value.response["Error"]["Code"] == "RequestTooLargeException"


def test_event_invoke_config(function):
    function.put_function_event_invoke_config(FunctionName="versions", MaximumRetryAttempts=0)
    config = function.update_function_event_invoke_config(FunctionName="versions", MaximumEventAgeInSeconds=60)
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 60)
    assert config["FunctionArn"].endswith(":versions:$LATEST")
    assert len(function.list_function_event_invoke_configs(FunctionName="versions")["FunctionEventInvokeConfigs"]) == 1
    function.delete_function_event_invoke_config(FunctionName="versions")
    with pytest.raises(function.exceptions.ResourceNotFoundException, match="doesn't have an EventInvokeConfig"):
        function.get_function_event_invoke_config(FunctionName="versions")


def test_accepted_events_are_run_after_kill_9(own_server):
    server = own_server()
    server.client("dynamodb").create_table(**TABLE)
    role = functions.make_role(
        server, "events-role", [{"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": "*"}]
    )
    functions.make_function(server, "events", functions.PROBE, "probe", role, Timeout=10)
    client = server.client("lambda")
    client.put_function_concurrency(FunctionName="events", ReservedConcurrentExecutions=1)

    # One that occupies the only place, and behind it those that must not be lost.
    client.invoke(FunctionName="events", InvocationType="Event", Payload=json.dumps({"do": "sleep", "number": 1500}))
    accepted = [f"event-{i}" for i in range(20)]
    for name in accepted:
        put = {"do": "table", "operation": "PutItem", "input": {"TableName": "Events", "Item": {"id": {"S": name}}}}
        answer = client.invoke(FunctionName="events", InvocationType="Event", Payload=json.dumps(put))
        assert answer["StatusCode"] == 202 and answer["Payload"].read() == b""
    server.kill()
    server.start()

    server.client("lambda").delete_function_concurrency(FunctionName="events")
    deadline = time.monotonic() + 20
    written = set()
    while written != set(accepted) and time.monotonic() < deadline:
        time.sleep(0.2)
        items = server.client("dynamodb").scan(TableName="Events")["Items"]
        written = {item["id"]["S"] for item in items}
    assert written == set(accepted)


def test_events_of_a_function_that_is_deleted_meanwhile_are_dropped(own_server):
    server = own_server()
    functions.make_function(server, "gone", functions.PROBE, "probe", functions.make_role(server, "gone-role"), Timeout=10)
    client = server.client("lambda")
    client.put_function_concurrency(FunctionName="gone", ReservedConcurrentExecutions=1)
    deadline = time.monotonic() + 30

    def occupy():
        while time.monotonic() < deadline:
            try:
                return functions.invoke(server, "gone", {"do": "sleep", "number": 3000})
            except client.exceptions.ClientError as error:
                assert error.response["Error"]["Code"] == "TooManyRequestsException"

    with concurrent.futures.ThreadPoolExecutor() as pool:
        occupying = pool.submit(occupy)
        with pytest.raises(botocore.exceptions.ClientError, match="TooManyRequestsException"):  # once the only place is taken
            while time.monotonic() < deadline:
                functions.invoke(server, "gone", {"do": "nothing"})
                time.sleep(0.05)  # lets the other have it
        client.invoke(FunctionName="gone", InvocationType="Event", Payload=b"{}")  # waits for the place
        client.delete_function(FunctionName="gone")
        occupying.exception()
    while "the event is dropped: its function was deleted" not in server.log:
        assert time.monotonic() < deadline and server.process.poll() is None, server.log
        time.sleep(0.05)
    assert client.list_functions()["Functions"] == []
