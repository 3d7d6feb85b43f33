"""The server is killed in the middle of an operation on a stack: after the next start the stack is what it should be,
and nothing is there that belongs to none."""

import datetime
import json
import time

import botocore.exceptions
import pytest

from stacks import CAPABILITIES, TRUST, wait

COUNT = 80
STACK = "big"


def template(key="id", rate=5, broken=False, parts=COUNT):
    resources = {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "big"}},
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    }
    for i in range(parts):
        resources[f"Part{i}"] = {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": {"Fn::Sub": "%s-part-%d" % (key, i)},
            },
        }
        resources[f"Plan{i}"] = {
            "Type": "AWS::ApiGateway::UsagePlan",
            "Properties": {"UsagePlanName": f"plan-{i}", "Throttle": {"RateLimit": rate, "BurstLimit": 9}},
        }
    if broken:
        resources["Broken"] = {
            "Type": "AWS::ApiGateway::Resource",
            "DependsOn": [f"Plan{parts - 1}", f"Part{parts - 1}", "Table"],
            "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": "none", "PathPart": "x"},
        }
    return json.dumps({"Resources": resources})


class Big:
    """The server, and a stack that is big enough to be interrupted."""

    def __init__(self, server):
        self.server = server
        self.hits = 0  # kills that met an operation under way

    def __getattr__(self, service):
        return self.server.client(service)

    def interrupt(self, operation, delay=0.01, **arguments):
        """Kills the server shortly after the call and returns how the operation ended. On a busy machine it may be over before
        the kill: `hits` counts those that were not."""
        client = self.cloudformation
        stack_id = self.id() if operation != "create_stack" else STACK
        getattr(client, operation)(StackName=STACK, **arguments)
        time.sleep(delay)
        killed = datetime.datetime.now(datetime.timezone.utc)
        self.server.kill()
        self.server.start()
        client = self.cloudformation
        found = wait(client, stack_id)
        events = [e for page in client.get_paginator("describe_stack_events").paginate(StackName=stack_id) for e in page["StackEvents"]]
        self.hits += any(event["Timestamp"] > killed for event in events)
        return found["StackStatus"]

    def id(self):
        return self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]["StackId"]

    def physical(self, logical_id):
        found = self.cloudformation.describe_stack_resource(StackName=STACK, LogicalResourceId=logical_id)
        return found["StackResourceDetail"]["PhysicalResourceId"]

    def check(self, key, rate, parts=COUNT):
        gateway = self.apigateway
        apis = gateway.get_rest_apis(limit=500)["items"]
        assert [api["id"] for api in apis] == [self.physical("Api")]
        paths = {item["path"] for item in gateway.get_resources(restApiId=apis[0]["id"], limit=500)["items"]}
        assert paths == {"/"} | {f"/{key}-part-{i}" for i in range(parts)}
        plans = gateway.get_usage_plans(limit=500)["items"]
        assert sorted(plan["name"] for plan in plans) == sorted(f"plan-{i}" for i in range(parts))
        assert {plan["throttle"]["rateLimit"] for plan in plans} == {float(rate)}
        assert self.dynamodb.list_tables()["TableNames"] == [self.physical("Table")]
        assert [role["RoleName"] for role in self.iam.list_roles()["Roles"]] == [self.physical("Role")]

    def interrupt_rollback(self, failing, body):
        """Kills the server while it takes back what an update did before it failed. That may be over too soon; then again."""
        for delay in (0.1, 0.08, 0.06, 0.05, 0.04, 0.03, 0.02):
            before = self.hits
            assert self.interrupt("update_stack", delay, TemplateBody=failing, **body) == "UPDATE_ROLLBACK_COMPLETE"
            if self.hits > before:
                return

    def cancel_update(self, body):
        """Cancels an update under way, and returns what was before it. An update may be done before it can be cancelled."""
        now = "other", 7
        for attempt in range(10):
            next = f"fourth{attempt}", 100 + attempt
            self.cloudformation.update_stack(StackName=STACK, TemplateBody=template(*next), **body)
            try:
                self.cloudformation.cancel_update_stack(StackName=STACK)
            except botocore.exceptions.ClientError:
                assert wait(self.cloudformation, STACK)["StackStatus"] == "UPDATE_COMPLETE"
                now = next
                continue
            assert wait(self.cloudformation, STACK)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
            return now
        raise AssertionError("every update was done before it was cancelled")

    def check_nothing(self):
        assert self.apigateway.get_rest_apis()["items"] == []
        assert self.apigateway.get_usage_plans()["items"] == []
        assert self.dynamodb.list_tables()["TableNames"] == []
        assert self.iam.list_roles()["Roles"] == []


@pytest.fixture
def big(own_server):
    return Big(own_server())


def test_killed_in_the_middle_of_everything(big):
    body = {"Capabilities": CAPABILITIES}
    assert big.interrupt("create_stack", TemplateBody=template(), **body) == "CREATE_COMPLETE"
    big.check("id", 5)

    assert big.interrupt("update_stack", TemplateBody=template("other", 7), **body) == "UPDATE_COMPLETE"
    big.check("other", 7)

    key, rate = big.cancel_update(body)
    big.check(key, rate)

    big.interrupt_rollback(template("third", 9, broken=True), body)
    big.check(key, rate)

    assert big.interrupt("delete_stack") == "DELETE_COMPLETE"
    big.check_nothing()
    with pytest.raises(botocore.exceptions.ClientError):
        big.id()
    assert big.hits > 0
