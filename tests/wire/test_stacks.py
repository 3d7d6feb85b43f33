"""Stacks: made, changed, taken back and deleted, with what AWS says on the way."""

import copy
import json

import pytest

from stacks import TRUST, create, delete, outputs, refused, update, wait

TEMPLATE = {
    "Parameters": {
        "Rate": {"Type": "Number", "Default": 5, "MaxValue": 100},
        "Secret": {"Type": "String", "Default": "hidden", "NoEcho": True},
        "Kind": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]},
    },
    "Conditions": {"IsB": {"Fn::Equals": [{"Ref": "Kind"}, "b"]}},
    "Resources": {
        "Table": {
            "Type": "AWS::DynamoDB::Table",
            "Properties": {
                "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                "BillingMode": "PAY_PER_REQUEST",
            },
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": {"Fn::Sub": "${AWS::StackName}-api"}}},
        "Part": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "things",
            },
        },
        "Plan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "Properties": {"UsagePlanName": "p", "Throttle": {"RateLimit": {"Ref": "Rate"}, "BurstLimit": 10}},
        },
        "OnlyB": {"Type": "AWS::ApiGateway::ApiKey", "Condition": "IsB", "Properties": {"Name": "b", "Enabled": True}},
    },
    "Outputs": {"TableName": {"Value": {"Ref": "Table"}}, "PartId": {"Value": {"Ref": "Part"}}},
}


@pytest.fixture
def stacks(server):
    return server.client("cloudformation")


@pytest.fixture
def stack(stacks, request):
    """A name for this test's stack, which is deleted behind it."""
    name = "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    yield name
    delete(stacks, name)


def changed(**resources):
    template = copy.deepcopy(TEMPLATE)
    for name, properties in resources.items():
        template["Resources"][name]["Properties"].update(properties)
    return template


def test_create_describes_what_it_made(server, stacks, stack):
    found = create(stacks, stack, TEMPLATE)
    assert found["StackStatus"] == "CREATE_COMPLETE", found
    assert outputs(found)["TableName"] in server.client("dynamodb").list_tables()["TableNames"]
    assert {"ParameterKey": "Secret", "ParameterValue": "****"} in found["Parameters"]
    resources = stacks.describe_stack_resources(StackName=stack)["StackResources"]
    assert {resource["LogicalResourceId"] for resource in resources} == set(TEMPLATE["Resources"]) - {"OnlyB"}
    events = stacks.describe_stack_events(StackName=stack)["StackEvents"]
    assert (events[0]["LogicalResourceId"], events[0]["ResourceStatus"]) == (stack, "CREATE_COMPLETE")
    assert events[-1]["ResourceStatus"] == "CREATE_IN_PROGRESS"


def test_delete_leaves_nothing(server, stacks):
    create(stacks, "t-gone", TEMPLATE)
    before = stacks.describe_stacks(StackName="t-gone")["Stacks"][0]
    stacks.delete_stack(StackName="t-gone")
    assert wait(stacks, before["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert outputs(before)["TableName"] not in server.client("dynamodb").list_tables()["TableNames"]
    assert not [role for role in server.client("iam").list_roles()["Roles"] if role["RoleName"].startswith("t-gone")]
    names = [api["name"] for api in server.client("apigateway").get_rest_apis()["items"]]
    assert "t-gone-api" not in names


def test_update_in_place_keeps_the_resource(server, stacks, stack):
    create(stacks, stack, TEMPLATE)
    found = update(stacks, stack, TEMPLATE, Parameters=[{"ParameterKey": "Rate", "ParameterValue": "7"}])
    assert found["StackStatus"] == "UPDATE_COMPLETE", found
    plan = stacks.describe_stack_resource(StackName=stack, LogicalResourceId="Plan")["StackResourceDetail"]
    limits = server.client("apigateway").get_usage_plan(usagePlanId=plan["PhysicalResourceId"])["throttle"]
    assert limits == {"rateLimit": 7.0, "burstLimit": 10}


def test_a_previous_value_stays_when_the_default_changes(stacks, stack):
    create(stacks, stack, TEMPLATE)
    template = changed()
    template["Parameters"]["Rate"]["Default"] = 8
    previous = [{"ParameterKey": "Rate", "UsePreviousValue": True}, {"ParameterKey": "Kind", "ParameterValue": "b"}]
    found = update(stacks, stack, template, Parameters=previous)
    assert {"ParameterKey": "Rate", "ParameterValue": "5"} in found["Parameters"]
    new = [{"ParameterKey": "New", "UsePreviousValue": True}]
    assert "not in the previous template" in refused(update, stacks, stack, template, Parameters=new)[1]


def test_update_with_replacement_makes_a_new_one_and_deletes_the_old(server, stacks, stack):
    before = outputs(create(stacks, stack, TEMPLATE))
    found = update(stacks, stack, changed(Part={"PathPart": "others"}))
    assert found["StackStatus"] == "UPDATE_COMPLETE", found
    assert outputs(found)["PartId"] != before["PartId"]
    api = stacks.describe_stack_resource(StackName=stack, LogicalResourceId="Api")["StackResourceDetail"]
    items = server.client("apigateway").get_resources(restApiId=api["PhysicalResourceId"])["items"]
    assert {item["path"] for item in items} == {"/", "/others"}


def test_update_adds_and_removes_by_condition(server, stacks, stack):
    create(stacks, stack, TEMPLATE)
    for kind, count in (("b", 1), ("a", 0)):
        found = update(stacks, stack, TEMPLATE, Parameters=[{"ParameterKey": "Kind", "ParameterValue": kind}])
        assert found["StackStatus"] == "UPDATE_COMPLETE", found
        keys = server.client("apigateway").get_api_keys(nameQuery="b")["items"]
        assert len([key for key in keys if key["name"] == "b"]) == count


def test_nothing_to_update_is_told(stacks, stack):
    create(stacks, stack, TEMPLATE)
    assert refused(update, stacks, stack, TEMPLATE) == ("ValidationError", "No updates are to be performed.")


def test_a_failing_create_is_rolled_back(server, stacks, stack):
    found = create(stacks, stack, changed(Role={"ManagedPolicyArns": ["arn:aws:iam::aws:policy/NoSuchPolicy"]}))
    assert found["StackStatus"] == "ROLLBACK_COMPLETE", found
    assert "[Role]" in found["StackStatusReason"]
    assert stacks.describe_stack_resources(StackName=stack)["StackResources"] == []
    assert not [role for role in server.client("iam").list_roles()["Roles"] if role["RoleName"].startswith(stack[:20])]
    failed = [e for e in stacks.describe_stack_events(StackName=stack)["StackEvents"] if "FAILED" in e["ResourceStatus"]]
    assert "NoSuchPolicy" in failed[-1]["ResourceStatusReason"]


def test_a_failing_update_is_rolled_back(server, stacks, stack):
    before = outputs(create(stacks, stack, TEMPLATE))
    broken = changed(
        Plan={"Throttle": {"RateLimit": 9, "BurstLimit": 10}}, Part={"PathPart": "{bad"}
    )
    broken["Resources"]["Part"]["DependsOn"] = "Plan"
    found = update(stacks, stack, broken, Parameters=[{"ParameterKey": "Rate", "ParameterValue": "6"}])
    assert found["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE", found
    assert outputs(found) == before
    assert stacks.get_template(StackName=stack)["TemplateBody"] == TEMPLATE
    assert {"ParameterKey": "Rate", "ParameterValue": "5"} in found["Parameters"]
    plan = stacks.describe_stack_resource(StackName=stack, LogicalResourceId="Plan")["StackResourceDetail"]
    limits = server.client("apigateway").get_usage_plan(usagePlanId=plan["PhysicalResourceId"])["throttle"]
    assert limits["rateLimit"] == 5.0


def test_what_is_retained_stays(server, stacks):
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Table"]["DeletionPolicy"] = "Retain"
    found = create(stacks, "t-retain", template)
    table = outputs(found)["TableName"]
    stacks.delete_stack(StackName="t-retain")
    assert wait(stacks, found["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    server.client("dynamodb").delete_table(TableName=table)


BAD = [
    ({"Resources": {}}, "At least one Resources member must be defined."),
    ({"Resources": {"X": {"Type": "AWS::No::Type"}}}, "Unrecognized resource types: [AWS::No::Type]"),
    (
        {"Resources": {"X": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": {"Ref": "Nothing"}}}}},
        "Unresolved resource dependencies [Nothing] in the Resources block of the template",
    ),
    (
        {
            "Resources": {
                "A": {"Type": "AWS::ApiGateway::ApiKey", "DependsOn": "B"},
                "B": {"Type": "AWS::ApiGateway::ApiKey", "DependsOn": "A"},
            }
        },
        "Circular dependency between resources",
    ),
    (
        {
            "Parameters": {"P": {"Type": "String"}, "Q": {"Type": "Number"}},
            "Resources": {"K": {"Type": "AWS::ApiGateway::ApiKey"}},
        },
        "Parameters: [P, Q] must have values",
    ),
    (
        {"Resources": {"K": {"Type": "AWS::ApiGateway::ApiKey"}}, "Outputs": {"X": {"Value": {"Ref": "Nothing"}}}},
        "Unresolved resource dependencies [Nothing] in the Outputs block of the template",
    ),
    (
        {
            "Resources": {"K": {"Type": "AWS::ApiGateway::ApiKey"}},
            "Outputs": {"X": {"Value": {"Fn::GetAtt": ["K", "Arn"]}}},
        },
        "Template error: resource K does not support attribute type Arn in Fn::GetAtt",
    ),
]


@pytest.mark.parametrize("template,message", BAD)
def test_a_bad_template_is_refused(stacks, template, message):
    code, said = refused(create, stacks, "t-bad", template)
    assert code == "ValidationError"
    assert message in said


def test_parameters_are_checked(stacks):
    for key, value in (("Rate", "x"), ("Rate", "101"), ("Kind", "c"), ("Nothing", "1")):
        parameters = [{"ParameterKey": key, "ParameterValue": value}]
        assert refused(create, stacks, "t-bad", TEMPLATE, Parameters=parameters)[0] == "ValidationError"


def test_roles_need_a_capability(stacks):
    assert refused(create, stacks, "t-bad", TEMPLATE, Capabilities=[]) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_IAM]",
    )


def test_a_name_is_taken_once(stacks, stack):
    create(stacks, stack, TEMPLATE)
    assert refused(create, stacks, stack, TEMPLATE) == ("AlreadyExistsException", f"Stack [{stack}] already exists")


def test_a_stack_may_do_what_its_author_may(server, stacks, stack):
    iam = server.client("iam")
    iam.create_user(UserName="builder")
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": ["cloudformation:*", "apigateway:*", "iam:*"], "Resource": "*"}
        ],
    }
    iam.put_user_policy(UserName="builder", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="builder")["AccessKey"]
    theirs = server.client("cloudformation", key["AccessKeyId"], key["SecretAccessKey"])
    found = create(theirs, stack, TEMPLATE)
    assert found["StackStatus"] == "ROLLBACK_COMPLETE", found
    events = theirs.describe_stack_events(StackName=stack)["StackEvents"]
    assert any(
        "user/builder is not authorized to perform: dynamodb:CreateTable" in e.get("ResourceStatusReason", "")
        for e in events
    )
    iam.delete_access_key(UserName="builder", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="builder", PolicyName="p")
    iam.delete_user(UserName="builder")
