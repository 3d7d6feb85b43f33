"""Policies that AWS calls malformed are refused in its words, wherever one is given (all cases: unit test_malformed.c)."""

import json

import botocore.exceptions
import pytest

from dynamodb_wire import Wire

READ = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::b"}
LEGACY = "The policy failed legacy parsing"
NO_DATE = {"DateGreaterThan": {"aws:CurrentTime": "soon"}}
IAM_PATH = (
    'IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, '
    "server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/."
)
CASES = [
    ({"Resource": "arn:aws:s3::b"}, LEGACY),
    ({"Resource": "arn:aws:s3:us-east-1::b"}, "Resource arn:aws:s3:us-east-1::b can not contain region information."),
    ({"Resource": "arn:aws:iam:::b"}, IAM_PATH),
    ({"Condition": NO_DATE}, LEGACY),
    (
        {"Sid": "a-b"},
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*",
    ),
    ({"Effect": "allow"}, LEGACY),
    ({"Effect": "Perhaps"}, "Syntax errors in policy."),
    ({"Resource": []}, "Policy statement must contain resources."),
    ({"Action": "invalid"}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
]


def text(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}

# Where an identity policy is given.
IDENTITY = {
    "CreatePolicy": lambda w, p: w["iam"].create_policy(PolicyName="grammar-new", PolicyDocument=p),
    "CreatePolicyVersion": lambda w, p: w["iam"].create_policy_version(PolicyArn=w["policy"], PolicyDocument=p),
    "PutRolePolicy": lambda w, p: w["iam"].put_role_policy(RoleName="grammar", PolicyName="p", PolicyDocument=p),
    "PutUserPolicy": lambda w, p: w["iam"].put_user_policy(UserName="grammar", PolicyName="p", PolicyDocument=p),
    "AssumeRole": lambda w, p: w["sts"].assume_role(RoleArn=w["role"], RoleSessionName="grammar", Policy=p),
}
# And a trust policy.
TRUSTED = {
    "CreateRole": lambda w, p: w["iam"].create_role(RoleName="grammar-new", AssumeRolePolicyDocument=p),
    "UpdateAssumeRolePolicy": lambda w, p: w["iam"].update_assume_role_policy(RoleName="grammar", PolicyDocument=p),
}


@pytest.fixture(scope="module")
def world(server):
    iam = server.client("iam")
    user = iam.create_user(UserName="grammar")["User"]["Arn"]
    trust = {**TRUST, "Principal": {"AWS": user}}
    role = iam.create_role(RoleName="grammar", AssumeRolePolicyDocument=text(trust))["Role"]["Arn"]
    policy = iam.create_policy(PolicyName="grammar", PolicyDocument=text(READ))["Policy"]["Arn"]
    key = iam.create_access_key(UserName="grammar")["AccessKey"]
    sts = server.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    yield {"iam": iam, "sts": sts, "role": role, "policy": policy}
    iam.delete_access_key(UserName="grammar", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="grammar")
    iam.delete_policy(PolicyArn=policy)
    iam.delete_role(RoleName="grammar")


def refused(call, world, policy):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(world, policy)
    error = caught.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("MalformedPolicyDocument", 400)
    return error["Error"]["Message"]


@pytest.mark.parametrize("operation", IDENTITY)
def test_identity_policies(world, operation):
    for change, message in CASES:
        assert refused(IDENTITY[operation], world, text({**READ, **change})) == message, change


@pytest.mark.parametrize("operation", TRUSTED)
def test_trust_policies(world, operation):
    call = TRUSTED[operation]
    assert refused(call, world, "{") == "This policy contains invalid Json"
    assert refused(call, world, text({**TRUST, "Effect": "allow"})) == LEGACY
    assert refused(call, world, text({**TRUST, "Condition": NO_DATE})) == LEGACY
    assert refused(call, world, text({**TRUST, "Resource": "*"})) == "Has prohibited field Resource"
    nobody = {**TRUST, "Principal": {"Service": "lambda"}}
    assert refused(call, world, text(nobody)) == 'Invalid principal in policy: "SERVICE":"lambda"'


@pytest.mark.parametrize(
    "change, message",
    [
        ({"Effect": "allow"}, LEGACY),
        ({"Condition": NO_DATE}, LEGACY),
        ({"Principal": {"AWS": "Alice"}}, 'Invalid principal in policy: "AWS":"Alice"'),
        ({"Resource": []}, "Policy statement must contain resources."),
    ],
)
def test_policies_of_resources(server, change, message):
    dynamodb, gateway = server.client("dynamodb"), server.client("apigateway")
    arn = dynamodb.describe_table(TableName="Notes")["Table"]["TableArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "dynamodb:GetItem", "Resource": arn, **change}
    answer = Wire(server)("PutResourcePolicy", ResourceArn=arn, Policy=text(statement))
    assert answer["message"] == "Invalid policy document: " + message
    statement.update({"Action": "execute-api:Invoke", **({} if "Resource" in change else {"Resource": "execute-api:/*"})})
    with pytest.raises(gateway.exceptions.BadRequestException, match="Invalid policy document."):
        gateway.create_rest_api(name="grammar", policy=text(statement))
