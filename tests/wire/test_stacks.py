"""Stacks: made, changed, taken back and deleted, with what AWS says on the way."""

import copy
import json

import pytest

from stacks import TRUST, create, delete, events, outputs, physical, refused, update, wait

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
    (
        {"Resources": {"K": {"Type": "AWS::ApiGateway::ApiKey", "DeletionPolicy": "Keep"}}},
        "Template format error: Unrecognized DeletionPolicy Keep for resource K",
    ),
    (
        {"Resources": {"K": {"Type": "AWS::ApiGateway::ApiKey", "UpdateReplacePolicy": "Snapshot"}}},
        "resource type AWS::ApiGateway::ApiKey does not support update replace policy Snapshot",
    ),
    (
        {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"K": {"Type": "AWS::Serverless::Function"}}},
        "transforms, such as AWS::Serverless-2016-10-31, are not supported: write the resources themselves",
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


BROKEN_PART = {"PathPart": "{bad"}


def names(server):
    return [plan["name"] for plan in server.client("apigateway").get_usage_plans()["items"]]


def test_events_tell_every_step(stacks, stack):
    create(stacks, stack, TEMPLATE, ClientRequestToken="token-1")
    update(stacks, stack, changed(Part={"PathPart": "others"}))
    told = events(stacks, stack)
    assert told[0] == (stack, "CREATE_IN_PROGRESS", "User Initiated")
    steps = [(status, reason) for name, status, reason in told if name == "Part"]
    assert steps == [
        ("CREATE_IN_PROGRESS", ""),
        ("CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("CREATE_COMPLETE", ""),
        (
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        ),
        ("UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("UPDATE_COMPLETE", ""),
        ("DELETE_IN_PROGRESS", ""),
        ("DELETE_COMPLETE", ""),
    ]
    statuses = [status for name, status, _ in told if name == stack]
    assert statuses[1:] == [
        "CREATE_COMPLETE",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
    ]
    assert stacks.describe_stack_events(StackName=stack)["StackEvents"][-1]["ClientRequestToken"] == "token-1"


def test_without_rollback_a_failed_creation_stays_and_can_be_mended(server, stacks, stack):
    broken = changed(Part=BROKEN_PART)
    broken["Resources"]["Part"]["DependsOn"] = ["Plan", "Table"]
    found = create(stacks, stack, broken, DisableRollback=True)
    assert (found["StackStatus"], found["DisableRollback"]) == ("CREATE_FAILED", True)
    api = physical(stacks, stack, "Api")
    assert update(stacks, stack, TEMPLATE)["StackStatus"] == "UPDATE_COMPLETE"
    assert physical(stacks, stack, "Api") == api


def test_without_rollback_a_failed_update_stays_and_can_be_mended(server, stacks, stack):
    create(stacks, stack, TEMPLATE)
    before = physical(stacks, stack, "Table")
    broken = changed(Part=BROKEN_PART, Table={"KeySchema": [{"AttributeName": "x", "KeyType": "HASH"}]})
    broken["Resources"]["Table"]["Properties"]["AttributeDefinitions"] = [{"AttributeName": "x", "AttributeType": "S"}]
    broken["Resources"]["Part"]["DependsOn"] = "Table"
    found = update(stacks, stack, broken, DisableRollback=True)
    assert found["StackStatus"] == "UPDATE_FAILED", found
    tables = server.client("dynamodb").list_tables()["TableNames"]
    assert before in tables and physical(stacks, stack, "Table") in tables
    broken["Resources"]["Part"]["Properties"]["PathPart"] = "good"
    assert update(stacks, stack, broken)["StackStatus"] == "UPDATE_COMPLETE"
    tables = server.client("dynamodb").list_tables()["TableNames"]
    assert before not in tables and physical(stacks, stack, "Table") in tables


def test_a_failed_creation_can_delete_itself(stacks):
    broken = changed(Part=BROKEN_PART)
    stack_id = stacks.create_stack(
        StackName="t-self", TemplateBody=json.dumps(broken), Capabilities=["CAPABILITY_IAM"], OnFailure="DELETE"
    )["StackId"]
    assert wait(stacks, stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_rolled_back_stack_can_only_be_deleted(stacks, stack):
    create(stacks, stack, changed(Part=BROKEN_PART))
    code, message = refused(update, stacks, stack, TEMPLATE)
    assert code == "ValidationError"
    assert message.endswith("is in ROLLBACK_COMPLETE state and can not be updated.")


def test_a_role_of_its_own_does_the_work(server, stacks, stack):
    iam = server.client("iam")
    trust = copy.deepcopy(TRUST)
    trust["Statement"][0]["Principal"]["Service"] = "cloudformation.amazonaws.com"
    arn = iam.create_role(RoleName="stack-maker", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    try:
        found = create(stacks, stack, TEMPLATE, RoleARN=arn)
        assert (found["StackStatus"], found["RoleARN"]) == ("ROLLBACK_COMPLETE", arn)
        assert any(
            f"assumed-role/stack-maker/AWSCloudFormation is not authorized" in reason
            for _, _, reason in events(stacks, stack)
        )
        allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        iam.put_role_policy(RoleName="stack-maker", PolicyName="p", PolicyDocument=json.dumps(allowed))
        delete(stacks, stack)
        assert create(stacks, stack, TEMPLATE, RoleARN=arn)["StackStatus"] == "CREATE_COMPLETE"
        delete(stacks, stack)
        iam.delete_role_policy(RoleName="stack-maker", PolicyName="p")
    finally:
        iam.delete_role(RoleName="stack-maker")


def test_tags_of_the_stack_are_tags_of_its_resources(server, stacks, stack):
    gateway, iam = server.client("apigateway"), server.client("iam")
    found = create(stacks, stack, TEMPLATE, Tags=[{"Key": "team", "Value": "blue"}])
    assert found["Tags"] == [{"Key": "team", "Value": "blue"}]
    assert gateway.get_rest_api(restApiId=physical(stacks, stack, "Api"))["tags"] == {"team": "blue"}
    role = physical(stacks, stack, "Role")
    assert iam.list_role_tags(RoleName=role)["Tags"] == [{"Key": "team", "Value": "blue"}]
    delete(stacks, stack)
    template = {"Resources": {name: TEMPLATE["Resources"][name] for name in ("Role", "Table")}}
    create(stacks, stack, template, Tags=[{"Key": "team", "Value": "blue"}])
    assert update(stacks, stack, template, Tags=[{"Key": "team", "Value": "red"}])["StackStatus"] == "UPDATE_COMPLETE"
    role = physical(stacks, stack, "Role")
    assert iam.list_role_tags(RoleName=role)["Tags"] == [{"Key": "team", "Value": "red"}]


def test_protected_stacks_cannot_be_deleted(stacks, stack):
    create(stacks, stack, TEMPLATE, EnableTerminationProtection=True)
    assert refused(stacks.delete_stack, StackName=stack) == (
        "ValidationError",
        f"Stack [{stack}] cannot be deleted while TerminationProtection is enabled",
    )
    stacks.update_termination_protection(StackName=stack, EnableTerminationProtection=False)


def test_what_is_replaced_can_be_retained(server, stacks, stack):
    template = copy.deepcopy(TEMPLATE)
    template["Resources"]["Part"]["UpdateReplacePolicy"] = "Retain"
    create(stacks, stack, template)
    template["Resources"]["Part"]["Properties"]["PathPart"] = "others"
    assert update(stacks, stack, template)["StackStatus"] == "UPDATE_COMPLETE"
    items = server.client("apigateway").get_resources(restApiId=physical(stacks, stack, "Api"))["items"]
    assert {item["path"] for item in items} == {"/", "/things", "/others"}


def test_the_same_request_again_has_the_same_answer(stacks, stack):
    body = json.dumps(TEMPLATE)
    wanted = dict(StackName=stack, TemplateBody=body, Capabilities=["CAPABILITY_IAM"], ClientRequestToken="once")
    first = stacks.create_stack(**wanted)["StackId"]
    assert stacks.create_stack(**wanted)["StackId"] == first
    wait(stacks, stack)
