"""A role is assumed only as its trust policy says, whatever the caller's own policies allow."""

import json

import botocore.exceptions
import pytest

import conftest
import functions

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/trust-target"
ALICE, BOB = (f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("trust-alice", "trust-bob"))
ROOT = f"arn:aws:iam::{ACCOUNT}:root"
VIA = f"arn:aws:iam::{ACCOUNT}:role/trust-via"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/trust-via/one"
LAMBDA = {"Service": "lambda.amazonaws.com"}
MAY = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(principal, effect="Allow", action="sts:AssumeRole", **condition):
    principal = principal if isinstance(principal, dict) else {"AWS": principal}
    made = {"Effect": effect, "Principal": principal, "Action": action}
    return {**made, "Condition": condition} if condition else made


EXTERNAL = trust(ALICE, StringEquals={"sts:ExternalId": "third-party"})
MFA = trust(ROOT, Bool={"aws:MultiFactorAuthPresent": "true"})
HERE = trust(ALICE, IpAddress={"aws:SourceIp": "127.0.0.0/8"})
ELSEWHERE = trust(ALICE, IpAddress={"aws:SourceIp": "203.0.113.0/24"})
OWN_NAME = trust(ROOT, StringEquals={"sts:RoleSessionName": "${aws:username}"})

# Who tries (alice's own policies allow AssumeRole on everything, bob has none; "via" is a session of a role that allows
# it), what the role's trust policy says, further input, whether it works.
CASES = {
    "a service's role": ("alice", [trust(LAMBDA)], {}, False),
    "another user's role": ("alice", [trust(BOB)], {}, False),
    "another account's role": ("alice", [trust("111122223333")], {}, False),
    "tags only": ("alice", [trust(ALICE, action="sts:TagSession")], {}, False),
    "web identities only": ("alice", [trust(ALICE, action="sts:AssumeRoleWithWebIdentity")], {}, False),
    "named": ("bob", [trust(BOB)], {}, True),
    "one of those named": ("bob", [trust([ALICE, BOB])], {}, True),
    "everyone": ("bob", [trust("*")], {}, True),
    "the account's user with the right": ("alice", [trust(ROOT)], {}, True),
    "the account's user by its id": ("alice", [trust(ACCOUNT)], {}, True),
    "the account's user without the right": ("bob", [trust(ROOT)], {}, False),
    "the account's user without the right by its id": ("bob", [trust(ACCOUNT)], {}, False),
    "no external id": ("alice", [EXTERNAL], {}, False),
    "a wrong external id": ("alice", [EXTERNAL], {"ExternalId": "Third-party"}, False),
    "the external id": ("alice", [EXTERNAL], {"ExternalId": "third-party"}, True),
    "no MFA": ("alice", [MFA], {}, False),
    "from here": ("alice", [HERE], {}, True),
    "from elsewhere": ("alice", [ELSEWHERE], {}, False),
    "its own session name": ("alice", [OWN_NAME], {"RoleSessionName": "trust-alice"}, True),
    "another's session name": ("alice", [OWN_NAME], {"RoleSessionName": "trust-bob"}, False),
    "denied beside": ("alice", [trust(ROOT), trust(ALICE, effect="Deny")], {}, False),
    "denied with its account": ("alice", [trust(ALICE), trust(ROOT, effect="Deny")], {}, False),
    "a session of a named role": ("via", [trust(VIA)], {}, True),
    "a named session": ("via", [trust(SESSION)], {}, True),
    "another session": ("via", [trust(SESSION.replace("/one", "/two"))], {}, False),
    "a session of an account's role": ("via", [trust(ROOT)], {}, True),
    "a session of a role that is not trusted": ("via", [trust(ALICE)], {}, False),
    "narrowed by its session policy": ("narrow", [trust(VIA)], {}, False),
    "a named session that its policy narrows": ("narrow", [trust(SESSION)], {}, True),
    "within a boundary": ("bounded", [trust(ROOT)], {}, False),
    "named, within a boundary": ("bounded", [trust(f"arn:aws:iam::{ACCOUNT}:user/trust-bounded")], {}, True),
    "denied by its own policies": ("denied", [trust(f"arn:aws:iam::{ACCOUNT}:user/trust-denied")], {}, False),
}


@pytest.fixture(scope="module")
def callers(tmp_path_factory):
    """STS clients of all who try, on a server of this file's own."""
    server = conftest.Server(tmp_path_factory.mktemp("trust") / "data").start()
    iam = server.client("iam")
    deny = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}
    only_s3 = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    boundary = iam.create_policy(PolicyName="trust-boundary", PolicyDocument=document(only_s3))["Policy"]["Arn"]
    made = {"iam": iam, "lambda": server.client("lambda")}
    for name, statements in (("alice", [MAY]), ("bob", []), ("denied", [MAY, deny]), ("bounded", [MAY])):
        iam.create_user(UserName="trust-" + name, **({"PermissionsBoundary": boundary} if name == "bounded" else {}))
        if statements:
            iam.put_user_policy(UserName="trust-" + name, PolicyName="p", PolicyDocument=document(*statements))
        key = iam.create_access_key(UserName="trust-" + name)["AccessKey"]
        made[name] = server.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    iam.create_role(RoleName="trust-via", AssumeRolePolicyDocument=document(trust(ALICE)))
    iam.put_role_policy(RoleName="trust-via", PolicyName="p", PolicyDocument=document(MAY))
    for name, further in (("via", {}), ("narrow", {"Policy": document(only_s3)})):
        session = made["alice"].assume_role(RoleArn=VIA, RoleSessionName="one", **further)["Credentials"]
        made[name] = server.client("sts", session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    iam.create_role(RoleName="trust-target", AssumeRolePolicyDocument=document(trust(LAMBDA)))
    yield made
    server.stop()


@pytest.mark.parametrize("case", CASES)
def test_a_role_is_assumed_as_its_trust_policy_says(callers, case):
    who, statements, further, is_allowed = CASES[case]
    callers["iam"].update_assume_role_policy(RoleName="trust-target", PolicyDocument=document(*statements))
    sts = callers[who]
    arguments = {"RoleArn": ROLE, "RoleSessionName": "session", **further}
    if is_allowed:
        assert sts.assume_role(**arguments)["AssumedRoleUser"]["Arn"].startswith(
            f"arn:aws:sts::{ACCOUNT}:assumed-role/trust-target/"
        )
        return
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        sts.assume_role(**arguments)
    caller = sts.get_caller_identity()["Arn"]
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert (
        caught.value.response["Error"]["Message"]
        == f"User: {caller} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
    )


SOURCE = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}


def function_is(name):
    return {"ArnLike": {"aws:SourceArn": f"arn:aws:lambda:*:{ACCOUNT}:function:{name}"}}


@pytest.mark.parametrize(
    "statements, is_allowed",
    [
        ([trust(LAMBDA)], True),
        ([trust({"Service": "apigateway.amazonaws.com"})], False),
        ([trust(ROOT), trust("*", effect="Deny")], False),
        ([trust(LAMBDA, action="sts:TagSession")], False),
        ([trust(LAMBDA), trust(LAMBDA, effect="Deny")], False),
        ([trust(LAMBDA, **SOURCE)], True),
        ([trust(LAMBDA, StringEquals={"aws:SourceAccount": "111122223333"})], False),
        ([trust(LAMBDA, **function_is("trusted"))], True),
        ([trust(LAMBDA, **function_is("other"))], False),
        ([trust(LAMBDA, StringEquals={"sts:ExternalId": "x"})], False),
    ],
)
def test_a_service_assumes_a_role_as_its_trust_policy_says(callers, statements, is_allowed):
    iam = callers["iam"]
    iam.update_assume_role_policy(RoleName="trust-target", PolicyDocument=document(*statements))
    client, package = callers["lambda"], functions.zip_of({"bootstrap": "#!/bin/sh"})
    create = {"FunctionName": "trusted", "Runtime": "provided.al2023", "Handler": "x", "Role": ROLE}
    if is_allowed:
        client.create_function(**create, Code={"ZipFile": package})
        client.delete_function(FunctionName="trusted")
        return
    with pytest.raises(client.exceptions.InvalidParameterValueException) as caught:
        client.create_function(**create, Code={"ZipFile": package})
    assert "The role defined for the function cannot be assumed by Lambda." in str(caught.value)
