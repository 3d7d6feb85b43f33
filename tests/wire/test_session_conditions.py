"""What conditions see of temporary credentials, and of calls that services make for somebody."""

import json

import botocore.exceptions
import pytest

ACCOUNT = "000000000000"
TEAM = [{"Key": "team", "Value": "blue"}]
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": ACCOUNT, "Service": "cloudformation.amazonaws.com"},
                "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
            }
        ],
    }
)


def allow(*denials):
    statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition} for action, condition in denials]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def is_denied(call):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        return "AccessDenied" in error.response["Error"]["Code"]
    return False


@pytest.fixture(scope="module")
def caller(server):
    """A user, and two roles that it may assume, one after the other. The first has a tag and a policy to change."""
    iam = server.client("iam")
    iam.create_user(UserName="chained")
    iam.put_user_policy(UserName="chained", PolicyName="p", PolicyDocument=allow())
    key = iam.create_access_key(UserName="chained")["AccessKey"]
    for role in ("chain-1", "chain-2"):
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST, Tags=TEAM)
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=allow())
    yield lambda service: server.client(service, key["AccessKeyId"], key["SecretAccessKey"])
    for role in ("chain-1", "chain-2"):
        iam.delete_role_policy(RoleName=role, PolicyName="p")
        iam.delete_role(RoleName=role)
    iam.delete_access_key(UserName="chained", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="chained", PolicyName="p")
    iam.delete_user(UserName="chained")


@pytest.fixture
def assume(server):
    def assume(sts, role="chain-1", **more):
        answer = sts.assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{role}", RoleSessionName="one", **more)
        key = answer["Credentials"]
        return lambda service: server.client(service, key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])

    return assume


# Conditions that hold for a session of the role with the tag colour=red.
HOLD = [
    {"Null": {"aws:TokenIssueTime": "false"}},
    {"DateGreaterThan": {"aws:TokenIssueTime": "2020-01-01T00:00:00Z"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
    {"Null": {"aws:MultiFactorAuthAge": "true"}},
    {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/chain-1"}},
    {"StringEquals": {"aws:PrincipalType": "AssumedRole"}},
    {"StringLike": {"aws:userid": "AROA*:one"}},
    {"Null": {"aws:username": "true"}},
    {"StringEquals": {"aws:PrincipalTag/team": "blue"}},
    {"StringEquals": {"aws:PrincipalTag/colour": "red"}},
    {"StringEquals": {"aws:SourceIdentity": "me"}},
    {"Bool": {"aws:ViaAWSService": "false"}},
    {"Null": {"lambda:SourceFunctionArn": "true"}},
]


@pytest.mark.parametrize("condition", HOLD, ids=json.dumps)
def test_what_a_session_is_is_a_condition(server, caller, assume, condition):
    session = assume(caller("sts"), Tags=[{"Key": "colour", "Value": "red"}], SourceIdentity="me")
    iam = server.client("iam")
    iam.put_role_policy(RoleName="chain-1", PolicyName="p", PolicyDocument=allow())
    assert not is_denied(session("logs").describe_log_groups)
    iam.put_role_policy(RoleName="chain-1", PolicyName="p", PolicyDocument=allow(("logs:*", condition)))
    assert is_denied(session("logs").describe_log_groups)


def test_transitive_tags_and_source_identities_stay_along_the_chain(server, caller, assume):
    iam = server.client("iam")
    iam.put_role_policy(RoleName="chain-1", PolicyName="p", PolicyDocument=allow())
    tags = [{"Key": "team", "Value": "red"}, {"Key": "gone", "Value": "x"}]
    first = assume(caller("sts"), Tags=tags, TransitiveTagKeys=["team"], SourceIdentity="me")
    second = assume(first("sts"), "chain-2")
    denials = [
        ({"StringEquals": {"aws:PrincipalTag/team": "red"}}, True),
        ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, False),  # the role's own
        ({"Null": {"aws:PrincipalTag/gone": "false"}}, False),
        ({"StringEquals": {"aws:SourceIdentity": "me"}}, True),
    ]
    for condition, expected in denials:
        iam.put_role_policy(RoleName="chain-2", PolicyName="p", PolicyDocument=allow(("logs:*", condition)))
        assert is_denied(second("logs").describe_log_groups) == expected, condition
    with pytest.raises(botocore.exceptions.ClientError, match="conflicts with a transitive tag key"):
        assume(first("sts"), "chain-2", Tags=[{"Key": "Team", "Value": "green"}])
    with pytest.raises(botocore.exceptions.ClientError, match="source identity"):
        assume(first("sts"), "chain-2", SourceIdentity="other")


@pytest.mark.parametrize(
    "more", [{"Tags": TEAM}, {"SourceIdentity": "me"}, {"Tags": TEAM, "TransitiveTagKeys": ["other"]}], ids=["tags", "identity", "key"]
)
def test_a_session_has_only_what_the_role_lets_it_have(server, caller, assume, more):
    iam = server.client("iam")
    trust = json.loads(TRUST)
    trust["Statement"][0]["Action"] = "sts:AssumeRole"
    iam.update_assume_role_policy(RoleName="chain-2", PolicyDocument=json.dumps(trust))
    try:
        assume(caller("sts"), "chain-2")
        with pytest.raises(botocore.exceptions.ClientError, match="sts:TagSession|sts:SetSourceIdentity|transitive tag key must be"):
            assume(caller("sts"), "chain-2", **more)
    finally:
        iam.update_assume_role_policy(RoleName="chain-2", PolicyDocument=TRUST)


# --- Calls that services make ---

TEMPLATE = json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "called-via"}}}})


def make_stack(client, **more):
    """Makes and deletes the stack; returns whether making it succeeded."""
    client.create_stack(StackName="called-via", TemplateBody=TEMPLATE, **more)
    client.get_waiter("stack_exists").wait(StackName="called-via")
    while (status := client.describe_stacks(StackName="called-via")["Stacks"][0]["StackStatus"]).endswith("IN_PROGRESS"):
        pass
    client.delete_stack(StackName="called-via")
    client.get_waiter("stack_delete_complete").wait(StackName="called-via", WaiterConfig={"Delay": 1})
    return status == "CREATE_COMPLETE"


VIA = {"ForAnyValue:StringEquals": {"aws:CalledVia": "cloudformation.amazonaws.com"}}


@pytest.mark.parametrize(
    "condition",
    [VIA, {"StringEquals": {"aws:CalledViaFirst": "cloudformation.amazonaws.com"}}, {"Bool": {"aws:ViaAWSService": "true"}}],
    ids=json.dumps,
)
def test_calls_of_cloudformation_say_whose_they_are(server, caller, condition):
    iam = server.client("iam")
    iam.put_user_policy(UserName="chained", PolicyName="p", PolicyDocument=allow(("logs:CreateLogGroup", condition)))
    try:
        caller("logs").create_log_group(logGroupName="called-via")
        caller("logs").delete_log_group(logGroupName="called-via")
        assert not make_stack(caller("cloudformation"))
        # With a role of its own it calls for itself.
        assert make_stack(caller("cloudformation"), RoleARN=f"arn:aws:iam::{ACCOUNT}:role/chain-2")
    finally:
        iam.put_user_policy(UserName="chained", PolicyName="p", PolicyDocument=allow())


def test_what_a_function_calls_is_of_the_function(server):
    """The Notes functions share a role; a denial by lambda:SourceFunctionArn meets one of them."""
    iam, fn = server.client("iam"), server.client("lambda")
    role = fn.get_function_configuration(FunctionName="notes-get")["Role"].rpartition("/")[2]
    event = json.dumps({"httpMethod": "GET", "path": "/notes/x", "resource": "/notes/{id}", "pathParameters": {"id": "x"}})

    def status(function):
        return json.load(fn.invoke(FunctionName=function, Payload=event)["Payload"])["statusCode"]

    condition = {"ArnLike": {"lambda:SourceFunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:notes-get"}}
    document = {"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*", "Condition": condition}
    assert (status("notes-get"), status("notes-list")) == (404, 200)
    iam.put_role_policy(RoleName=role, PolicyName="source", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [document]}))
    try:
        assert (status("notes-get"), status("notes-list")) == (500, 200)
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="source")
