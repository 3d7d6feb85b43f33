"""Conditions of policies on every service: a Deny bites where its condition key has the value, and spares where it has not.
What AWS documents is in tests/unit/services/condition_keys.def; every key of it that a call can have is tried here or, of
DynamoDB's items, in test_dynamodb_conditions.py."""

import json
import pathlib
import re
import urllib.request

import boto3
import botocore.config
import botocore.exceptions
import pytest

ACCOUNT = "000000000000"
REGION = "us-east-1"
TEAM = {"team": "blue"}
TAG = [{"Key": "team", "Value": "blue"}]


def trust(principal):
    statement = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


TRUST = trust({"AWS": ACCOUNT})
LOGS_POLICY = "arn:aws:iam::aws:policy/CloudWatchLogsFullAccess"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/keyed"
GROUP = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:keyed"
TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Keyed"
STACK = json.dumps({"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "keyed-stack"}}}})
OPENAPI = json.dumps(
    {
        "openapi": "3.0.1",
        "info": {"title": "imported", "version": "1"},
        "paths": {"/x": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}, "responses": {}}}},
    }
)


@pytest.fixture(scope="module")
def world(server):
    """What the rows are about, with the tag team=blue on everything that can have one."""
    iam, logs, ddb, fn, api, cfn, s3 = (
        server.client(name) for name in ("iam", "logs", "dynamodb", "lambda", "apigateway", "cloudformation", "s3")
    )
    names = {"function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:notes-get"}
    iam.create_role(RoleName="keyed", AssumeRolePolicyDocument=TRUST, Tags=TAG, PermissionsBoundary=READ_ONLY)
    iam.create_role(RoleName="keyed-logs", AssumeRolePolicyDocument=trust({"Service": "apigateway.amazonaws.com"}))
    iam.create_user(UserName="keyed-other", Tags=TAG, PermissionsBoundary=READ_ONLY)
    names["policy"] = iam.create_policy(PolicyName="keyed", PolicyDocument=allow(), Tags=TAG)["Policy"]["Arn"]
    logs.create_log_group(logGroupName="keyed", tags=TEAM)
    make_table(ddb, Tags=TAG)
    fn.tag_resource(Resource=names["function"], Tags=TEAM)
    fn.add_permission(FunctionName="notes-get", StatementId="keyed", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com")
    names["api"] = api.create_rest_api(name="keyed", tags=TEAM, disableExecuteApiEndpoint=True)["id"]
    names["root"] = api.get_resources(restApiId=names["api"])["items"][0]["id"]
    api.put_method(restApiId=names["api"], resourceId=names["root"], httpMethod="GET", authorizationType="NONE", apiKeyRequired=True)
    api.put_integration(restApiId=names["api"], resourceId=names["root"], httpMethod="GET", type="MOCK")
    api.create_deployment(restApiId=names["api"], stageName="keyed")
    before = api.get_account().get("cloudwatchRoleArn", "")
    api.update_account(patchOperations=patch("/cloudwatchRoleArn", ROLE + "-logs"))
    api.update_stage(restApiId=names["api"], stageName="keyed", patchOperations=log_patches(GROUP, "$context.requestId"))
    names["authorizer"] = api.create_authorizer(
        restApiId=names["api"], name="a", type="TOKEN", identitySource="method.request.header.a", authorizerUri=lambda_uri(names)
    )["id"]
    api.create_domain_name(domainName="keyed.localhost", endpointConfiguration={"types": ["REGIONAL"]}, tags=TEAM)
    cfn.create_stack(StackName="keyed", TemplateBody=STACK, Tags=TAG)
    cfn.get_waiter("stack_create_complete").wait(StackName="keyed", WaiterConfig={"Delay": 1})
    s3.create_bucket(Bucket="keyed")
    s3.put_object(Bucket="keyed", Key="a/b", Body=b"x")
    yield names
    s3.delete_object(Bucket="keyed", Key="a/b")
    s3.delete_bucket(Bucket="keyed")
    cfn.delete_stack(StackName="keyed")
    cfn.get_waiter("stack_delete_complete").wait(StackName="keyed", WaiterConfig={"Delay": 1})
    api.delete_domain_name(domainName="keyed.localhost")
    api.delete_rest_api(restApiId=names["api"])
    api.update_account(patchOperations=patch("/cloudwatchRoleArn", before))
    fn.remove_permission(FunctionName="notes-get", StatementId="keyed")
    fn.untag_resource(Resource=names["function"], TagKeys=["team"])
    ddb.delete_table(TableName="Keyed")
    logs.delete_log_group(logGroupName="keyed")
    iam.delete_policy(PolicyArn=names["policy"])
    iam.delete_user(UserName="keyed-other")
    iam.delete_role(RoleName="keyed-logs")
    iam.delete_role(RoleName="keyed")


def allow(*denials):
    """A policy that allows everything but what the denials say: pairs of actions and conditions."""
    statements = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    statements += [{"Effect": "Deny", "Action": actions, "Resource": "*", "Condition": condition} for actions, condition in denials]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def lambda_uri(names):
    return f"arn:aws:apigateway:{REGION}:lambda:path/2015-03-31/functions/{names['function']}/invocations"


def log_patches(group, form):
    values = {"/accessLogSettings/destinationArn": group, "/accessLogSettings/format": form}
    return [{"op": "replace", "path": path, "value": value} for path, value in values.items()]


@pytest.fixture(scope="module")
def keyed(server, world):
    """The user that the policies are given to: its clients by service, and the policy."""
    iam = server.client("iam")
    iam.create_user(UserName="keyed", Tags=TAG)
    key = iam.create_access_key(UserName="keyed")["AccessKey"]
    clients = {}

    def client(service):
        if service not in clients:
            clients[service] = server.client(service, key["AccessKeyId"], key["SecretAccessKey"])
        return clients[service]

    def deny(*denials):
        iam.put_user_policy(UserName="keyed", PolicyName="p", PolicyDocument=allow(*denials))

    client.deny = deny
    client.credentials = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    yield client
    iam.delete_user_policy(UserName="keyed", PolicyName="p")
    iam.delete_access_key(UserName="keyed", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="keyed")


def is_denied(call):
    try:
        call()
    except botocore.exceptions.ClientError as error:
        code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
        return code in ("AccessDenied", "AccessDeniedException", "403") and status in (400, 403)
    return False


def equals(key, value):
    return {"StringEquals": {key: value}}


def boolean(key, value):
    return {"Bool": {key: value}}


def any_equals(key, value):
    return {"ForAnyValue:StringEquals": {key: value}}


def patch(path, value, op="replace"):
    return [{"op": op, "path": path, "value": value}]


def make_table(c, **more):
    """One that there is, so that none is left."""
    c.create_table(
        TableName="Keyed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        **more,
    )


def nothing(c, w):
    """In the place of a call that is spared, where all calls have the key."""


# Service, action, condition, a call that it denies, a call of the same action that it spares. Calls get client and world.
ROWS = [
    # --- IAM ---
    ("iam", "iam:CreateUser", equals("aws:RequestTag/team", "red"), lambda c, w: c.create_user(UserName="kx", Tags=[{"Key": "Team", "Value": "red"}]), lambda c, w: c.create_user(UserName="k x")),
    ("iam", "iam:CreateRole", any_equals("aws:TagKeys", "team"), lambda c, w: c.create_role(RoleName="kx", AssumeRolePolicyDocument=TRUST, Tags=TAG), lambda c, w: c.create_role(RoleName="k x", AssumeRolePolicyDocument=TRUST)),
    ("iam", "iam:TagRole", equals("aws:RequestTag/team", "red"), lambda c, w: c.tag_role(RoleName="keyed", Tags=[{"Key": "team", "Value": "red"}]), lambda c, w: c.tag_role(RoleName="keyed", Tags=TAG)),
    ("iam", "iam:UntagUser", any_equals("aws:TagKeys", "team"), lambda c, w: c.untag_user(UserName="keyed-other", TagKeys=["x", "team"]), lambda c, w: c.untag_user(UserName="keyed-other", TagKeys=["x"])),
    ("iam", "iam:CreatePolicy", any_equals("aws:TagKeys", "team"), lambda c, w: c.create_policy(PolicyName="kx", PolicyDocument=allow(), Tags=TAG), lambda c, w: c.create_policy(PolicyName="k x", PolicyDocument=allow())),
    ("iam", "iam:GetRole", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_role(RoleName="keyed"), lambda c, w: c.get_role(RoleName="none")),
    ("iam", "iam:GetUser", equals("iam:ResourceTag/team", "blue"), lambda c, w: c.get_user(UserName="keyed-other"), lambda c, w: c.get_user(UserName="none")),
    ("iam", "iam:GetPolicy", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_policy(PolicyArn=w["policy"]), lambda c, w: c.get_policy(PolicyArn=READ_ONLY)),
    ("iam", "iam:AttachUserPolicy", {"ArnEquals": {"iam:PolicyARN": LOGS_POLICY}}, lambda c, w: c.attach_user_policy(UserName="keyed-other", PolicyArn=LOGS_POLICY), lambda c, w: c.attach_user_policy(UserName="none", PolicyArn=READ_ONLY)),
    ("iam", "iam:DetachRolePolicy", {"ArnLike": {"iam:PolicyARN": "arn:aws:iam::aws:policy/*"}}, lambda c, w: c.detach_role_policy(RoleName="keyed", PolicyArn=LOGS_POLICY), lambda c, w: c.detach_role_policy(RoleName="keyed", PolicyArn=w["policy"])),
    ("iam", "iam:CreateUser", {"StringNotEquals": {"iam:PermissionsBoundary": READ_ONLY}}, lambda c, w: c.create_user(UserName="kx"), lambda c, w: c.create_user(UserName="k x", PermissionsBoundary=READ_ONLY)),
    ("iam", "iam:PutRolePermissionsBoundary", {"StringNotEquals": {"iam:PermissionsBoundary": READ_ONLY}}, lambda c, w: c.put_role_permissions_boundary(RoleName="keyed", PermissionsBoundary=LOGS_POLICY), lambda c, w: c.put_role_permissions_boundary(RoleName="keyed", PermissionsBoundary=READ_ONLY)),
    ("iam", "iam:DeleteUserPermissionsBoundary", equals("iam:PermissionsBoundary", READ_ONLY), lambda c, w: c.delete_user_permissions_boundary(UserName="keyed-other"), lambda c, w: c.delete_user_permissions_boundary(UserName="none")),
    ("iam", "iam:UpdateAssumeRolePolicy", equals("iam:PermissionsBoundary", READ_ONLY), lambda c, w: c.update_assume_role_policy(RoleName="keyed", PolicyDocument=TRUST), lambda c, w: c.update_assume_role_policy(RoleName="none", PolicyDocument=TRUST)),
    ("lambda", "iam:PassRole", equals("iam:PassedToService", "lambda.amazonaws.com"), lambda c, w: c.update_function_configuration(FunctionName="notes-get", Role=ROLE), nothing),
    ("lambda", "iam:PassRole", {"ArnLike": {"iam:AssociatedResourceArn": "arn:aws:lambda:*:*:function:notes-get"}}, lambda c, w: c.update_function_configuration(FunctionName="notes-get", Role=ROLE), lambda c, w: c.update_function_configuration(FunctionName="none", Role=ROLE)),
    ("lambda", "iam:PassRole", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.update_function_configuration(FunctionName="notes-get", Role=ROLE), lambda c, w: c.update_function_configuration(FunctionName="notes-get", Role=ROLE + "-none")),
    ("apigateway", "iam:PassRole", equals("iam:PassedToService", "apigateway.amazonaws.com"), lambda c, w: c.put_integration(restApiId=w["api"], resourceId=w["root"], httpMethod="GET", type="AWS", integrationHttpMethod="POST", uri=f"arn:aws:apigateway:{REGION}:dynamodb:action/GetItem", credentials=ROLE), nothing),
    ("cloudformation", "iam:PassRole", {"ArnLike": {"iam:AssociatedResourceArn": "arn:aws:cloudformation:*:*:stack/keyed/*"}}, lambda c, w: c.update_stack(StackName="keyed", TemplateBody=STACK, RoleARN=ROLE), lambda c, w: c.create_stack(StackName="kx-1", TemplateBody="{}", RoleARN=ROLE)),
    # --- STS ---
    ("sts", "sts:AssumeRole", equals("sts:ExternalId", "x-1"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s1", ExternalId="x-1"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s1")),
    ("sts", "sts:AssumeRole", equals("sts:RoleSessionName", "s2"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s1")),
    ("sts", "sts:AssumeRole", equals("iam:ResourceTag/team", "blue"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2"), nothing),
    ("sts", "sts:AssumeRole", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2"), nothing),
    ("sts", "sts:AssumeRole", any_equals("aws:TagKeys", "team"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2", Tags=TAG), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2")),
    ("sts", "sts:AssumeRole", equals("aws:RequestTag/team", "blue"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2", Tags=TAG), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2")),
    ("sts", "sts:AssumeRole", any_equals("sts:TransitiveTagKeys", "team"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2", Tags=TAG, TransitiveTagKeys=["team"]), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2")),
    ("sts", "sts:AssumeRole", equals("sts:SourceIdentity", "me"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2", SourceIdentity="me"), lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s2")),
    # --- S3 ---
    ("s3", "s3:ListBucket", {"StringNotLike": {"s3:prefix": "a/*"}}, lambda c, w: c.list_objects_v2(Bucket="keyed"), lambda c, w: c.list_objects_v2(Bucket="keyed", Prefix="a/x")),
    ("s3", "s3:ListBucket", equals("s3:delimiter", "/"), lambda c, w: c.list_objects(Bucket="keyed", Delimiter="/"), lambda c, w: c.list_objects(Bucket="keyed")),
    ("s3", "s3:ListBucket", {"NumericGreaterThan": {"s3:max-keys": "10"}}, lambda c, w: c.list_objects_v2(Bucket="keyed", MaxKeys=11), lambda c, w: c.list_objects_v2(Bucket="keyed", MaxKeys=10)),
    ("s3", "s3:CreateBucket", equals("s3:locationconstraint", "eu-west-1"), lambda c, w: c.create_bucket(Bucket="keyed", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}), lambda c, w: c.create_bucket(Bucket="keyed")),
    ("s3", "s3:PutObject", equals("s3:x-amz-acl", "private"), lambda c, w: c.put_object(Bucket="keyed", Key="a/b", ACL="private"), lambda c, w: c.put_object(Bucket="keyed", Key="a/b")),
    ("s3", "s3:PutObject", boolean("s3:ObjectCreationOperation", "true"), lambda c, w: c.put_object(Bucket="keyed", Key="a/b"), lambda c, w: c.upload_part(Bucket="keyed", Key="a/b", UploadId="none", PartNumber=1)),
    ("s3", "s3:GetObject", equals("s3:authType", "REST-HEADER"), lambda c, w: c.get_object(Bucket="keyed", Key="a/b"), nothing),
    ("s3", "s3:HeadBucket s3:ListBucket".split(), equals("s3:signatureversion", "AWS4-HMAC-SHA256"), lambda c, w: c.head_bucket(Bucket="keyed"), nothing),
    ("s3", "s3:DeleteObject", equals("s3:ResourceAccount", ACCOUNT), lambda c, w: c.delete_object(Bucket="keyed", Key="a/b"), nothing),
    ("s3", "s3:GetBucketLocation", {"Null": {"s3:x-amz-content-sha256": "false"}}, lambda c, w: c.get_bucket_location(Bucket="keyed"), nothing),
    # --- Lambda ---
    ("lambda", "lambda:AddPermission", equals("lambda:Principal", "s3.amazonaws.com"), lambda c, w: c.add_permission(FunctionName="notes-get", StatementId="x", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com"), lambda c, w: c.add_permission(FunctionName="none", StatementId="x", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com")),
    ("lambda", "lambda:RemovePermission", equals("lambda:Principal", "s3.amazonaws.com"), lambda c, w: c.remove_permission(FunctionName="notes-get", StatementId="keyed"), lambda c, w: c.remove_permission(FunctionName="notes-get", StatementId="none")),
    ("lambda", "lambda:AddPermission", equals("lambda:FunctionUrlAuthType", "NONE"), lambda c, w: c.add_permission(FunctionName="notes-get", StatementId="x", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE"), lambda c, w: c.add_permission(FunctionName="none", StatementId="x", Action="lambda:InvokeFunction", Principal="*")),
    ("lambda", "lambda:GetFunction", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_function(FunctionName="notes-get"), lambda c, w: c.get_function(FunctionName="notes-list")),
    ("lambda", "lambda:InvokeFunction", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.invoke(FunctionName="notes-get", Payload=b"{}"), lambda c, w: c.invoke(FunctionName="notes-list", Payload=b"{}")),
    ("lambda", "lambda:TagResource", equals("aws:RequestTag/team", "red"), lambda c, w: c.tag_resource(Resource=w["function"], Tags={"team": "red"}), lambda c, w: c.tag_resource(Resource=w["function"], Tags=TEAM)),
    ("lambda", "lambda:UntagResource", any_equals("aws:TagKeys", "team"), lambda c, w: c.untag_resource(Resource=w["function"], TagKeys=["team"]), lambda c, w: c.untag_resource(Resource=w["function"], TagKeys=["x", "y"])),
    ("lambda", "lambda:UpdateFunctionConfiguration", {"ForAnyValue:StringLike": {"lambda:Layer": "*:layer:x:*"}}, lambda c, w: c.update_function_configuration(FunctionName="none", Layers=[f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:x:1"]), lambda c, w: c.update_function_configuration(FunctionName="none")),
    ("lambda", "lambda:CreateFunction", any_equals("lambda:SubnetIds", "subnet-1"), lambda c, w: c.create_function(FunctionName="kx", Role=ROLE, Code={}, VpcConfig={"SubnetIds": ["subnet-1"]}), lambda c, w: c.create_function(FunctionName="k x", Role=ROLE, Code={})),
    ("lambda", "lambda:CreateFunction", any_equals("lambda:SecurityGroupIds", "sg-1"), lambda c, w: c.create_function(FunctionName="kx", Role=ROLE, Code={}, VpcConfig={"SecurityGroupIds": ["sg-1"]}), lambda c, w: c.create_function(FunctionName="k x", Role=ROLE, Code={})),
    ("lambda", "lambda:CreateFunction", {"ArnLike": {"lambda:CodeSigningConfigArn": "*"}}, lambda c, w: c.create_function(FunctionName="kx", Role=ROLE, Code={}, CodeSigningConfigArn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-0"), lambda c, w: c.create_function(FunctionName="k x", Role=ROLE, Code={})),
    ("lambda", "lambda:CreateFunction", {"Null": {"lambda:VpcIds": "true"}}, lambda c, w: c.create_function(FunctionName="kx", Role=ROLE, Code={}), nothing),
    # --- DynamoDB, but for items ---
    ("dynamodb", "dynamodb:CreateTable", equals("aws:RequestTag/team", "red"), lambda c, w: make_table(c, Tags=[{"Key": "team", "Value": "red"}]), lambda c, w: make_table(c, Tags=TAG)),
    ("dynamodb", "dynamodb:TagResource", any_equals("aws:TagKeys", "team"), lambda c, w: c.tag_resource(ResourceArn=TABLE, Tags=TAG), lambda c, w: c.tag_resource(ResourceArn=TABLE, Tags=[{"Key": "x", "Value": "x"}])),
    ("dynamodb", "dynamodb:UntagResource", any_equals("aws:TagKeys", "team"), lambda c, w: c.untag_resource(ResourceArn=TABLE, TagKeys=["team"]), lambda c, w: c.untag_resource(ResourceArn=TABLE, TagKeys=["x"])),
    ("dynamodb", "dynamodb:GetItem", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_item(TableName="Keyed", Key={"pk": {"S": "x"}}), lambda c, w: c.get_item(TableName="Notes", Key={"noteId": {"S": "x"}})),
    # --- CloudWatch and Logs ---
    ("cloudwatch", "cloudwatch:PutMetricData", equals("cloudwatch:namespace", "Mine"), lambda c, w: c.put_metric_data(Namespace="Mine", MetricData=[{"MetricName": "x", "Value": 1}]), lambda c, w: c.put_metric_data(Namespace="Other", MetricData=[{"MetricName": "x", "Value": 1}])),
    ("logs", "logs:CreateLogGroup", equals("aws:RequestTag/team", "red"), lambda c, w: c.create_log_group(logGroupName="kx", tags={"team": "red"}), lambda c, w: c.create_log_group(logGroupName="keyed")),
    ("logs", "logs:TagLogGroup", any_equals("aws:TagKeys", "x"), lambda c, w: c.tag_log_group(logGroupName="keyed", tags={"x": "y"}), lambda c, w: c.tag_log_group(logGroupName="keyed", tags=TEAM)),
    ("logs", "logs:UntagLogGroup", any_equals("aws:TagKeys", "team"), lambda c, w: c.untag_log_group(logGroupName="keyed", tags=["team"]), lambda c, w: c.untag_log_group(logGroupName="keyed", tags=["x"])),
    ("logs", "logs:PutRetentionPolicy", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.put_retention_policy(logGroupName="keyed", retentionInDays=1), lambda c, w: c.put_retention_policy(logGroupName="none", retentionInDays=1)),
    ("logs", "logs:GetLogEvents", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_log_events(logGroupName="keyed", logStreamName="x"), lambda c, w: c.get_log_events(logGroupName="none", logStreamName="x")),
    # --- CloudFormation ---
    ("cloudformation", "cloudformation:UpdateStack", {"StringLike": {"cloudformation:TemplateUrl": "https://s3.amazonaws.com/keyed/*"}}, lambda c, w: c.update_stack(StackName="keyed", TemplateURL="https://s3.amazonaws.com/keyed/t"), lambda c, w: c.update_stack(StackName="keyed", TemplateBody="x")),
    ("cloudformation", "cloudformation:CreateStack", any_equals("cloudformation:ResourceTypes", "AWS::IAM::Role"), lambda c, w: c.create_stack(StackName="kx", TemplateBody="x", ResourceTypes=["AWS::S3::*", "AWS::IAM::Role"]), lambda c, w: c.create_stack(StackName="kx", TemplateBody="x")),
    ("cloudformation", "cloudformation:CreateChangeSet", any_equals("cloudformation:ImportResourceTypes", "AWS::IAM::Role"), lambda c, w: c.create_change_set(StackName="keyed", ChangeSetName="x", ChangeSetType="IMPORT", ResourcesToImport=[{"ResourceType": "AWS::IAM::Role", "LogicalResourceId": "x", "ResourceIdentifier": {}}]), lambda c, w: c.create_change_set(StackName="keyed", ChangeSetName="x", TemplateBody="x")),
    ("cloudformation", "cloudformation:DeleteStack", {"ArnEquals": {"cloudformation:RoleArn": ROLE}}, lambda c, w: c.delete_stack(StackName="none", RoleARN=ROLE), lambda c, w: c.delete_stack(StackName="none")),
    ("cloudformation", "cloudformation:CreateStack", {"StringLike": {"cloudformation:StackPolicyUrl": "*"}}, lambda c, w: c.create_stack(StackName="kx", TemplateBody="x", StackPolicyURL="https://s3.amazonaws.com/keyed/p"), lambda c, w: c.create_stack(StackName="kx", TemplateBody="x")),
    ("cloudformation", "cloudformation:DescribeChangeSet", equals("cloudformation:ChangeSetName", "mine"), lambda c, w: c.describe_change_set(StackName="keyed", ChangeSetName="mine"), lambda c, w: c.describe_change_set(StackName="keyed", ChangeSetName="other")),
    ("cloudformation", "cloudformation:ExecuteChangeSet", equals("cloudformation:ChangeSetName", "mine"), lambda c, w: c.execute_change_set(ChangeSetName=f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/mine/1"), lambda c, w: c.execute_change_set(StackName="keyed", ChangeSetName="other")),
    ("cloudformation", "cloudformation:UpdateStack", equals("aws:RequestTag/team", "red"), lambda c, w: c.update_stack(StackName="keyed", TemplateBody="x", Tags=[{"Key": "team", "Value": "red"}]), lambda c, w: c.update_stack(StackName="keyed", TemplateBody="x")),
    ("cloudformation", "cloudformation:CreateStack", any_equals("aws:TagKeys", "team"), lambda c, w: c.create_stack(StackName="kx", TemplateBody="x", Tags=TAG), lambda c, w: c.create_stack(StackName="kx", TemplateBody="x")),
    ("cloudformation", "cloudformation:DescribeStacks", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.describe_stacks(StackName="keyed"), lambda c, w: c.describe_stacks(StackName="notes")),
    # --- API Gateway ---
    ("apigateway", "apigateway:POST", equals("apigateway:Request/ApiName", "mine"), lambda c, w: c.create_rest_api(name="mine"), lambda c, w: c.create_rest_api(name="")),
    ("apigateway", "apigateway:PATCH", equals("apigateway:Request/ApiName", "mine"), lambda c, w: c.update_rest_api(restApiId=w["api"], patchOperations=patch("/name", "mine")), lambda c, w: c.update_rest_api(restApiId=w["api"], patchOperations=patch("/description", "mine"))),
    ("apigateway", "apigateway:PUT", equals("apigateway:Request/ApiName", "imported"), lambda c, w: c.put_rest_api(restApiId=w["api"], body=OPENAPI), lambda c, w: c.put_rest_api(restApiId=w["api"], body="x")),
    ("apigateway", "apigateway:POST", any_equals("apigateway:Request/EndpointType", "EDGE"), lambda c, w: c.create_rest_api(name="x"), lambda c, w: c.create_rest_api(name="", endpointConfiguration={"types": ["REGIONAL"]})),
    ("apigateway", "apigateway:POST", any_equals("apigateway:Request/EndpointType", "REGIONAL"), lambda c, w: c.import_rest_api(body=OPENAPI, parameters={"endpointConfigurationTypes": "REGIONAL"}), lambda c, w: c.import_rest_api(body="x")),
    ("apigateway", "apigateway:PATCH", any_equals("apigateway:Request/EndpointType", "PRIVATE"), lambda c, w: c.update_rest_api(restApiId=w["api"], patchOperations=patch("/endpointConfiguration/types/EDGE", "PRIVATE")), lambda c, w: c.update_rest_api(restApiId=w["api"], patchOperations=patch("/endpointConfiguration/types/EDGE", "x"))),
    ("apigateway", "apigateway:POST", boolean("apigateway:Request/DisableExecuteApiEndpoint", "false"), lambda c, w: c.create_rest_api(name="x"), lambda c, w: c.create_rest_api(name="", disableExecuteApiEndpoint=True)),
    ("apigateway", "apigateway:PUT", {"ForAnyValue:Bool": {"apigateway:Request/ApiKeyRequired": "false"}}, lambda c, w: c.put_method(restApiId=w["api"], resourceId=w["root"], httpMethod="PUT", authorizationType="NONE"), lambda c, w: c.put_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET", authorizationType="NONE", apiKeyRequired=True)),
    ("apigateway", "apigateway:PUT", {"ForAnyValue:Bool": {"apigateway:Request/ApiKeyRequired": "false"}}, lambda c, w: c.put_rest_api(restApiId=w["api"], body=OPENAPI), lambda c, w: c.put_rest_api(restApiId=w["api"], body="x")),
    ("apigateway", "apigateway:PUT", any_equals("apigateway:Request/RouteAuthorizationType", "NONE"), lambda c, w: c.put_method(restApiId=w["api"], resourceId=w["root"], httpMethod="PUT", authorizationType="NONE"), lambda c, w: c.put_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET", authorizationType="AWS_IAM")),
    ("apigateway", "apigateway:POST", any_equals("apigateway:Request/RouteAuthorizationType", "NONE"), lambda c, w: c.import_rest_api(body=OPENAPI), lambda c, w: c.import_rest_api(body="x")),
    ("apigateway", "apigateway:PATCH", any_equals("apigateway:Request/RouteAuthorizationType", "NONE"), lambda c, w: c.update_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET", patchOperations=patch("/authorizationType", "NONE")), lambda c, w: c.update_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET", patchOperations=patch("/operationName", "x"))),
    ("apigateway", "apigateway:POST", any_equals("apigateway:Request/AuthorizerType", "TOKEN"), lambda c, w: c.create_authorizer(restApiId=w["api"], name="x", type="TOKEN"), lambda c, w: c.create_authorizer(restApiId=w["api"], name="x", type="REQUEST")),
    ("apigateway", "apigateway:POST", equals("apigateway:Request/StageName", "prod"), lambda c, w: c.create_deployment(restApiId=w["api"], stageName="prod"), lambda c, w: c.create_deployment(restApiId="none", stageName="x")),
    ("apigateway", "apigateway:PATCH", {"StringLike": {"apigateway:Request/AccessLoggingDestination": "*:other"}}, lambda c, w: c.update_stage(restApiId=w["api"], stageName="keyed", patchOperations=log_patches(GROUP + ":other", "x")), lambda c, w: c.update_stage(restApiId=w["api"], stageName="keyed", patchOperations=log_patches(GROUP, "$context.requestId"))),
    ("apigateway", "apigateway:PATCH", equals("apigateway:Request/AccessLoggingFormat", "x"), lambda c, w: c.update_stage(restApiId=w["api"], stageName="keyed", patchOperations=log_patches(GROUP, "x")), lambda c, w: c.update_stage(restApiId=w["api"], stageName="keyed", patchOperations=log_patches(GROUP, "$context.requestId"))),
    ("apigateway", "apigateway:POST", any_equals("apigateway:Request/SecurityPolicy", "TLS_1_0"), lambda c, w: c.create_domain_name(domainName="kx.localhost", securityPolicy="TLS_1_0"), lambda c, w: c.create_domain_name(domainName="keyed.localhost")),
    ("apigateway", "apigateway:POST", {"StringLike": {"apigateway:Request/MtlsTrustStoreUri": "s3://*"}}, lambda c, w: c.create_domain_name(domainName="kx.localhost", mutualTlsAuthentication={"truststoreUri": "s3://x/y"}), lambda c, w: c.create_domain_name(domainName="keyed.localhost")),
    ("apigateway", "apigateway:PATCH", equals("apigateway:Request/MtlsTrustStoreVersion", "1"), lambda c, w: c.update_domain_name(domainName="keyed.localhost", patchOperations=patch("/mutualTlsAuthentication/truststoreVersion", "1")), lambda c, w: c.update_domain_name(domainName="none.localhost", patchOperations=patch("/securityPolicy", "1"))),
    ("apigateway", "apigateway:POST", equals("apigateway:Request/RoutingMode", "BASE_PATH_MAPPING_ONLY"), lambda c, w: c.create_domain_name(domainName="kx.localhost"), nothing),
    ("apigateway", "apigateway:DELETE", equals("apigateway:Resource/ApiName", "keyed"), lambda c, w: c.delete_rest_api(restApiId=w["api"]), lambda c, w: c.delete_rest_api(restApiId="none")),
    ("apigateway", "apigateway:DELETE", boolean("apigateway:Resource/DisableExecuteApiEndpoint", "true"), lambda c, w: c.delete_rest_api(restApiId=w["api"]), lambda c, w: c.delete_rest_api(restApiId="none")),
    ("apigateway", "apigateway:PATCH", any_equals("apigateway:Resource/EndpointType", "EDGE"), lambda c, w: c.update_rest_api(restApiId=w["api"], patchOperations=[]), lambda c, w: c.update_rest_api(restApiId="none", patchOperations=[])),
    ("apigateway", "apigateway:DELETE", any_equals("apigateway:Resource/EndpointType", "REGIONAL"), lambda c, w: c.delete_domain_name(domainName="Keyed.localhost"), lambda c, w: c.delete_domain_name(domainName="none.localhost")),
    ("apigateway", "apigateway:DELETE", {"ForAnyValue:Bool": {"apigateway:Resource/ApiKeyRequired": "true"}}, lambda c, w: c.delete_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET"), lambda c, w: c.delete_method(restApiId=w["api"], resourceId=w["root"], httpMethod="PUT")),
    ("apigateway", "apigateway:PUT", {"ForAnyValue:Bool": {"apigateway:Resource/ApiKeyRequired": "true"}}, lambda c, w: c.put_rest_api(restApiId=w["api"], body=OPENAPI), lambda c, w: c.put_rest_api(restApiId="none", body=OPENAPI)),
    ("apigateway", "apigateway:DELETE", any_equals("apigateway:Resource/RouteAuthorizationType", "NONE"), lambda c, w: c.delete_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET"), lambda c, w: c.delete_method(restApiId=w["api"], resourceId=w["root"], httpMethod="PUT")),
    ("apigateway", "apigateway:DELETE", any_equals("apigateway:Resource/AuthorizerType", "TOKEN"), lambda c, w: c.delete_authorizer(restApiId=w["api"], authorizerId=w["authorizer"]), lambda c, w: c.delete_authorizer(restApiId=w["api"], authorizerId="none")),
    ("apigateway", "apigateway:PUT", any_equals("apigateway:Resource/AuthorizerType", "TOKEN"), lambda c, w: c.put_rest_api(restApiId=w["api"], body=OPENAPI), lambda c, w: c.put_rest_api(restApiId="none", body=OPENAPI)),
    ("apigateway", "apigateway:DELETE", equals("apigateway:Resource/AccessLoggingDestination", GROUP), lambda c, w: c.delete_stage(restApiId=w["api"], stageName="keyed"), lambda c, w: c.delete_stage(restApiId=w["api"], stageName="none")),
    ("apigateway", "apigateway:DELETE", equals("apigateway:Resource/AccessLoggingFormat", "$context.requestId"), lambda c, w: c.delete_stage(restApiId=w["api"], stageName="keyed"), lambda c, w: c.delete_stage(restApiId=w["api"], stageName="none")),
    ("apigateway", "apigateway:DELETE", any_equals("apigateway:Resource/SecurityPolicy", "TLS_1_2"), lambda c, w: c.delete_domain_name(domainName="keyed.localhost"), lambda c, w: c.delete_domain_name(domainName="none.localhost")),
    ("apigateway", "apigateway:DELETE", equals("apigateway:Resource/RoutingMode", "BASE_PATH_MAPPING_ONLY"), lambda c, w: c.delete_domain_name(domainName="keyed.localhost"), lambda c, w: c.delete_domain_name(domainName="none.localhost")),
    ("apigateway", "apigateway:POST", equals("aws:RequestTag/team", "red"), lambda c, w: c.create_api_key(name="x", tags={"team": "red"}), lambda c, w: c.create_usage_plan(name="")),
    ("apigateway", "apigateway:DELETE", any_equals("aws:TagKeys", "team"), lambda c, w: c.untag_resource(resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/{w['api']}", tagKeys=["team"]), lambda c, w: c.untag_resource(resourceArn=f"arn:aws:apigateway:{REGION}::/restapis/{w['api']}", tagKeys=["x", "y"])),
    ("apigateway", "apigateway:GET", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_method(restApiId=w["api"], resourceId=w["root"], httpMethod="GET"), lambda c, w: c.get_rest_api(restApiId="none")),
    ("apigateway", "apigateway:GET", equals("aws:ResourceTag/team", "blue"), lambda c, w: c.get_domain_name(domainName="keyed.localhost"), lambda c, w: c.get_domain_name(domainName="none.localhost")),
    # --- Keys of every call ---
    ("sts", "sts:AssumeRole", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, lambda c, w: c.assume_role(RoleArn=ROLE, RoleSessionName="s1"), nothing),
    ("logs", "logs:*", boolean("aws:SecureTransport", "false"), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"StringLike": {"aws:UserAgent": "Boto3/*"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"StringNotEquals": {"aws:Referer": "https://example.com/"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:RequestedRegion", REGION), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:ResourceAccount", ACCOUNT), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", boolean("aws:ViaAWSService", "false"), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"Null": {"aws:CalledVia": "true"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"Null": {"aws:TokenIssueTime": "true", "aws:MultiFactorAuthPresent": "true"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"Null": {"aws:VpcSourceIp": "true", "aws:SourceVpc": "true", "aws:SourceVpce": "true"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"Null": {"aws:PrincipalOrgID": "true", "aws:SourceArn": "true", "aws:SourceAccount": "true"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/keyed"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:PrincipalAccount", ACCOUNT), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:PrincipalType", "User"), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"StringLike": {"aws:userid": "AIDA*"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:username", "keyed"), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", equals("aws:PrincipalTag/team", "blue"), lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}}, lambda c, w: c.describe_log_groups(), nothing),
    ("logs", "logs:*", {"NumericGreaterThan": {"aws:EpochTime": "1577836800"}}, lambda c, w: c.describe_log_groups(), nothing),
]  # fmt: skip


def keys_of(condition):
    return [key for values in condition.values() for key in values]


@pytest.mark.parametrize("row", range(len(ROWS)), ids=[f"{row[1] if isinstance(row[1], str) else row[1][0]} {keys_of(row[2])[0]}" for row in ROWS])
def test_a_denial_bites_where_its_condition_holds(keyed, world, row):
    service, action, condition, denied, spared = ROWS[row]
    keyed.deny((action, condition))
    assert is_denied(lambda: denied(keyed(service), world))
    assert not is_denied(lambda: spared(keyed(service), world))


# Keys that are not tried above: no request can have them (the tables say why), or their headers are refused first.
NEVER = re.compile(
    r"s3:(AccessGrants|AccessPoint|BucketTag|DataAccessPoint|ExistingObjectTag|RequestObjectTag|TlsVersion|object-lock|if-|x-amz-(grant"
    r"|copy|metadata|server|storage|website|bucket|object)|signatureAge).*"
    r"|accounts\.google.*|cognito-identity.*|graph\.facebook.*|saml:.*|www\.amazon.*|apigateway:Request/(AccessAssociation|DomainNameArn).*"
    r"|apigateway:Resource/Mtls.*|lambda:(EventSourceToken|InvokedViaFunctionUrl)|execute-api:viaDomainArn|dynamodb:.*"
)


def test_all_keys_that_aws_documents_are_tried():
    documented = pathlib.Path(__file__).parents[1] / "unit/services/condition_keys.def"
    keys = set(re.findall(r"[a-z.0-9-]+:[\w./-]+", re.sub(r'ACTION\("[^"]*"|/\*.*?\*/', "", documented.read_text(), flags=re.S)))
    tried = {re.sub(r"Tag/team$", "Tag/", key) for row in ROWS for key in keys_of(row[2])}
    assert {key for key in keys - tried if not NEVER.fullmatch(key)} == set()


# --- What the call itself is ---


def test_the_age_of_a_presigned_request_is_a_condition(server, keyed):
    config = botocore.config.Config(signature_version="s3v4", s3={"addressing_style": "path"})
    signer = boto3.client("s3", endpoint_url=server.url, region_name=REGION, config=config, **keyed.credentials)
    url = signer.generate_presigned_url("get_object", {"Bucket": "keyed", "Key": "a/b"})
    keyed.deny(("s3:GetObject", {"NumericGreaterThan": {"s3:signatureAge": "600000"}}))
    assert urllib.request.urlopen(url).status == 200
    keyed.deny(("s3:GetObject", {"NumericGreaterThanEquals": {"s3:signatureAge": "0"}}))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)
    keyed.deny(("s3:GetObject", equals("s3:authType", "REST-QUERY-STRING")))
    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(url)
    assert not is_denied(lambda: keyed("s3").get_object(Bucket="keyed", Key="a/b"))
