"""Answers of IAM and STS as AWS was recorded to give them."""

import json

import botocore.exceptions
import pytest

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:*"}]}
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
ROLE = "arn:aws:iam::000000000000:role/recorded-answers"


@pytest.fixture
def iam(server):
    client = server.client("iam")
    made = client.create_role(RoleName="recorded-answers", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    client.made = made
    yield client
    client.delete_role(RoleName="recorded-answers")


@pytest.fixture
def policy(iam):
    made = iam.create_policy(PolicyName="recorded-answers", Description="d", PolicyDocument=json.dumps(POLICY))["Policy"]
    yield made
    iam.delete_policy(PolicyArn=made["Arn"])


@pytest.fixture
def sts(server):
    user = server.client("iam")
    user.create_user(UserName="recorded-answers")
    user.put_user_policy(UserName="recorded-answers", PolicyName="p", PolicyDocument=json.dumps(POLICY))
    key = user.create_access_key(UserName="recorded-answers")["AccessKey"]
    yield server.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    user.delete_access_key(UserName="recorded-answers", AccessKeyId=key["AccessKeyId"])
    user.delete_user_policy(UserName="recorded-answers", PolicyName="p")
    user.delete_user(UserName="recorded-answers")


def error_of(function, **given):
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        function(**given)
    return raised.value.response["Error"]["Code"], raised.value.response["Error"]["Message"]


def test_a_role_tells_more_when_it_is_asked_for(iam):
    assert set(iam.made) == {"Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"}
    role = iam.get_role(RoleName="recorded-answers")["Role"]
    assert (role["MaxSessionDuration"], role["RoleLastUsed"]) == (3600, {})
    listed = [role for role in iam.list_roles()["Roles"] if role["Arn"] == ROLE][0]
    assert listed["MaxSessionDuration"] == 3600 and "RoleLastUsed" not in listed
    iam.update_role(RoleName="recorded-answers", Description="d")


def test_a_policy_tells_its_description_and_tags_when_it_is_asked_for(iam, policy):
    assert "Description" not in policy and "Tags" not in policy
    got = iam.get_policy(PolicyArn=policy["Arn"])["Policy"]
    assert (got["Description"], got["Tags"]) == ("d", [])


def test_an_arn_that_is_none_is_not_attached(iam):
    name = {"RoleName": "recorded-answers", "PolicyArn": "no-arn-but-a-long-name"}
    assert error_of(iam.attach_role_policy, **name) == ("ValidationError", "Invalid ARN:  Could not be parsed!")


@pytest.mark.parametrize("arn", [
    "nothing-valid-in-here", "arn::b:::something/test-role", "arn:a::::something/test-role", "arn:a:::something/test-role",
    "arn:a:a::aaaaaaaaaa:",
])
def test_a_role_that_is_no_arn_is_not_assumed(sts, arn):
    assert error_of(sts.assume_role, RoleArn=arn, RoleSessionName="s1") == ("ValidationError", f"{arn} is invalid")


WRONG = [
    ({"RoleSessionName": "Session1:2"}, "ValidationError",
     "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy "
     "regular expression pattern: [\\w+=,.@-]*"),
    ({"Tags": [{"Key": "a", "Value": ""}], "TransitiveTagKeys": ["b"]}, "InvalidParameterValue",
     "The specified transitive tag key must be included in the requested tags."),
    ({"Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, "InvalidParameterValue",
     "Duplicate tag keys found. Please note that Tag keys are case insensitive."),
]


@pytest.mark.parametrize("given,code,message", WRONG)
def test_a_session_that_is_refused(iam, sts, given, code, message):
    assert error_of(sts.assume_role, **{"RoleArn": ROLE, "RoleSessionName": "s1", **given}) == (code, message)


def test_a_key_is_of_this_account(sts):
    assert sts.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE")["Account"] == "000000000000"
