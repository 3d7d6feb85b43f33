"""A user with a narrow policy is held to it on every service, in AWS's words."""

import json

import botocore.exceptions
import pytest

ARN = "arn:aws:iam::000000000000:user/narrow"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "logs:DescribeLogGroups"], "Resource": "*"},
        {"Effect": "Allow", "Action": "apigateway:GET", "Resource": "arn:aws:apigateway:us-east-1::/usageplans"},
        {"Effect": "Deny", "Action": "logs:DescribeLogGroups", "Resource": "*"},
    ],
}


@pytest.fixture(scope="module")
def narrow(server):
    iam = server.client("iam")
    iam.create_user(UserName="narrow")
    iam.put_user_policy(UserName="narrow", PolicyName="narrow", PolicyDocument=json.dumps(POLICY))
    key = iam.create_access_key(UserName="narrow")["AccessKey"]
    yield lambda service: server.client(service, key["AccessKeyId"], key["SecretAccessKey"])
    iam.delete_access_key(UserName="narrow", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="narrow", PolicyName="narrow")
    iam.delete_user(UserName="narrow")


def test_what_is_allowed_works(narrow):
    assert narrow("sts").get_caller_identity()["Arn"] == ARN
    assert "Item" not in narrow("dynamodb").get_item(TableName="Notes", Key={"noteId": {"S": "x"}})
    assert narrow("apigateway").get_usage_plans()["items"]


@pytest.mark.parametrize(
    "service,call,action,code",
    [
        ("dynamodb", lambda c: c.put_item(TableName="Notes", Item={"noteId": {"S": "x"}}), "dynamodb:PutItem", "AccessDeniedException"),
        ("dynamodb", lambda c: c.scan(TableName="Notes"), "dynamodb:Scan", "AccessDeniedException"),
        ("lambda", lambda c: c.invoke(FunctionName="notes-get", Payload="{}"), "lambda:InvokeFunction", "AccessDeniedException"),
        ("lambda", lambda c: c.list_functions(), "lambda:ListFunctions", "AccessDeniedException"),
        ("apigateway", lambda c: c.get_api_keys(), "apigateway:GET", "AccessDeniedException"),
        ("apigateway", lambda c: c.create_rest_api(name="x"), "apigateway:POST", "AccessDeniedException"),
        ("iam", lambda c: c.create_user(UserName="other"), "iam:CreateUser", "AccessDenied"),
        ("iam", lambda c: c.put_user_policy(UserName="narrow", PolicyName="p", PolicyDocument=json.dumps(POLICY)), "iam:PutUserPolicy", "AccessDenied"),
        ("sts", lambda c: c.assume_role(RoleArn="arn:aws:iam::000000000000:role/none", RoleSessionName="session"), "sts:AssumeRole", "AccessDenied"),
        ("logs", lambda c: c.create_log_group(logGroupName="x"), "logs:CreateLogGroup", "AccessDeniedException"),
        ("cloudwatch", lambda c: c.list_metrics(), "cloudwatch:ListMetrics", "AccessDenied"),
        ("cloudformation", lambda c: c.delete_stack(StackName="notes"), "cloudformation:DeleteStack", "AccessDenied"),
        ("s3", lambda c: c.list_objects_v2(Bucket="skylite-artifacts"), "s3:ListBucket", "AccessDenied"),
    ],
)
def test_all_else_is_refused(narrow, service, call, action, code):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(narrow(service))
    assert error.value.response["Error"]["Code"] == code
    message = error.value.response["Error"]["Message"]
    assert message.startswith(f"User: {ARN} is not authorized to perform: {action} on resource: "), message
    # AssumeRole does not say why: that would tell whether the role is there.
    reason = "" if action == "sts:AssumeRole" else f" because no identity-based policy allows the {action} action"
    assert message.endswith(reason) and (" because" in message) == bool(reason), message


def test_a_deny_is_told_as_one(narrow):
    with pytest.raises(botocore.exceptions.ClientError, match="with an explicit deny in an identity-based policy"):
        narrow("logs").describe_log_groups()
