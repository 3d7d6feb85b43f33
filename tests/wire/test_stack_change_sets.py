"""Change sets: looked at, then executed."""

import json

import pytest

from stacks import CAPABILITIES, TRUST, create, delete, events, physical, refused, wait

TEMPLATE = {
    "Parameters": {"Rate": {"Type": "Number", "Default": 5}, "Mode": {"Type": "String", "Default": "a", "AllowedValues": ["a", "b"]}},
    "Resources": {
        "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "sets"}},
        "Part": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {
                "RestApiId": {"Ref": "Api"},
                "ParentId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
                "PathPart": "a",
            },
        },
        "Child": {
            "Type": "AWS::ApiGateway::Resource",
            "Properties": {"RestApiId": {"Ref": "Api"}, "ParentId": {"Ref": "Part"}, "PathPart": "b"},
        },
        "Plan": {
            "Type": "AWS::ApiGateway::UsagePlan",
            "Properties": {"UsagePlanName": "p", "Throttle": {"RateLimit": {"Ref": "Rate"}, "BurstLimit": 10}},
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    },
}


@pytest.fixture
def stacks(server):
    return server.client("cloudformation")


@pytest.fixture
def stack(stacks, request):
    name = "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    yield name
    delete(stacks, name)


def propose(stacks, stack, template, kind="UPDATE", name="set-1", **arguments):
    arguments.setdefault("Capabilities", CAPABILITIES)
    stacks.create_change_set(
        StackName=stack, ChangeSetName=name, ChangeSetType=kind, TemplateBody=json.dumps(template), **arguments
    )
    return stacks.describe_change_set(StackName=stack, ChangeSetName=name)


def changes(found):
    return {c["ResourceChange"]["LogicalResourceId"]: c["ResourceChange"] for c in found["Changes"]}


def changed(**resources):
    template = json.loads(json.dumps(TEMPLATE))
    for name, properties in resources.items():
        template["Resources"][name]["Properties"].update(properties)
    return template


def test_a_new_stack_is_in_review_until_it_is_executed(stacks, stack):
    found = propose(stacks, stack, TEMPLATE, "CREATE", Description="the first")
    assert (found["Status"], found["ExecutionStatus"], found["Description"]) == ("CREATE_COMPLETE", "AVAILABLE", "the first")
    assert {change["Action"] for change in changes(found).values()} == {"Add"}
    assert stacks.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "REVIEW_IN_PROGRESS"
    stacks.get_waiter("change_set_create_complete").wait(StackName=stack, ChangeSetName="set-1")
    stacks.execute_change_set(StackName=stack, ChangeSetName="set-1")
    done = wait(stacks, stack)
    assert (done["StackStatus"], done["ChangeSetId"]) == ("CREATE_COMPLETE", found["ChangeSetId"])
    assert [status for name, status, _ in events(stacks, stack) if name == stack] == [
        "REVIEW_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
    ]
    found = stacks.describe_change_set(ChangeSetName=found["ChangeSetId"])
    assert found["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_changes_are_told_with_their_reasons(stacks, stack):
    create(stacks, stack, TEMPLATE)
    template = changed(Part={"PathPart": "c"})
    del template["Resources"]["Role"]
    template["Resources"]["Key"] = {"Type": "AWS::ApiGateway::ApiKey"}
    found = propose(stacks, stack, template, Parameters=[{"ParameterKey": "Rate", "ParameterValue": "7"}])
    told = changes(found)
    assert {name: change["Action"] for name, change in told.items()} == {
        "Part": "Modify",
        "Child": "Modify",
        "Plan": "Modify",
        "Key": "Add",
        "Role": "Remove",
    }
    assert told["Role"]["PhysicalResourceId"] == physical(stacks, stack, "Role")
    assert (told["Part"]["Replacement"], told["Part"]["Scope"]) == ("True", ["Properties"])
    assert told["Part"]["Details"] == [
        {
            "Target": {"Attribute": "Properties", "Name": "PathPart", "RequiresRecreation": "Always"},
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]
    assert told["Child"]["Replacement"] == "Conditional"
    assert told["Child"]["Details"] == [
        {
            "Target": {"Attribute": "Properties", "Name": "ParentId", "RequiresRecreation": "Always"},
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceReference",
            "CausingEntity": "Part",
        }
    ]
    assert told["Plan"]["Replacement"] == "False"
    assert told["Plan"]["Details"][0]["ChangeSource"] == "ParameterReference"
    assert told["Plan"]["Details"][0]["CausingEntity"] == "Rate"
    stacks.execute_change_set(StackName=stack, ChangeSetName="set-1")
    assert wait(stacks, stack)["StackStatus"] == "UPDATE_COMPLETE"


def test_no_changes_are_no_change_set(stacks, stack):
    create(stacks, stack, TEMPLATE)
    found = propose(stacks, stack, TEMPLATE)
    assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert found["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    code, _ = refused(stacks.execute_change_set, StackName=stack, ChangeSetName="set-1")
    assert code == "InvalidChangeSetStatus"
    found = propose(stacks, stack, {**TEMPLATE, "Description": "other words"}, name="set-2")
    assert (found["Status"], found["StatusReason"]) == ("FAILED", "No updates are to be performed.")


def test_a_change_set_is_for_the_stack_as_it_was(stacks, stack):
    create(stacks, stack, TEMPLATE)
    for name, rate in (("one", 6), ("two", 7)):
        propose(stacks, stack, changed(Plan={"Description": str(rate)}), name=name)
    summaries = stacks.list_change_sets(StackName=stack)["Summaries"]
    assert [(s["ChangeSetName"], s["ExecutionStatus"]) for s in summaries] == [("one", "AVAILABLE"), ("two", "AVAILABLE")]
    stacks.execute_change_set(StackName=stack, ChangeSetName="one")
    wait(stacks, stack)
    assert [s["ChangeSetName"] for s in stacks.list_change_sets(StackName=stack)["Summaries"]] == ["one"]
    propose(stacks, stack, changed(Plan={"Description": "8"}), name="three")
    stacks.update_stack(StackName=stack, TemplateBody=json.dumps(changed(Plan={"Description": "9"})), Capabilities=CAPABILITIES)
    wait(stacks, stack)
    found = stacks.describe_change_set(StackName=stack, ChangeSetName="three")
    assert found["ExecutionStatus"] == "OBSOLETE"
    stacks.delete_change_set(StackName=stack, ChangeSetName="three")
    code, message = refused(stacks.describe_change_set, StackName=stack, ChangeSetName="three")
    assert (code, message) == ("ChangeSetNotFound", "ChangeSet [three] does not exist")


def test_a_stack_in_review_can_be_deleted(stacks, stack):
    propose(stacks, stack, TEMPLATE, "CREATE")
    message = f"Stack [{stack}] does not exist"
    code, said = refused(stacks.create_stack, StackName=stack, TemplateBody=json.dumps(TEMPLATE), Capabilities=CAPABILITIES)
    assert (code, said) == ("AlreadyExistsException", f"Stack [{stack}] already exists")
    delete(stacks, stack)
    code, said = refused(propose, stacks, stack, TEMPLATE)
    assert (code, said) == ("ValidationError", message)


def test_a_summary_tells_what_a_template_needs(stacks, stack):
    found = stacks.get_template_summary(TemplateBody=json.dumps({**TEMPLATE, "Description": "d"}))
    assert found["Capabilities"] == ["CAPABILITY_IAM"]
    assert found["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"
    assert found["Parameters"][1] == {
        "ParameterKey": "Mode",
        "DefaultValue": "a",
        "ParameterType": "String",
        "NoEcho": False,
        "ParameterConstraints": {"AllowedValues": ["a", "b"]},
    }
    assert "AWS::ApiGateway::UsagePlan" in found["ResourceTypes"]
    create(stacks, stack, {"Resources": {"Key": {"Type": "AWS::ApiGateway::ApiKey"}}})
    assert stacks.get_template_summary(StackName=stack)["Parameters"] == []


def test_a_serverless_template_is_refused_clearly(stacks):
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": {"Type": "AWS::Serverless::Function"}}}
    code, message = refused(stacks.validate_template, TemplateBody=json.dumps(template))
    assert code == "ValidationError"
    assert "AWS::Serverless-2016-10-31, are not supported" in message
