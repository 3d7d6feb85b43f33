"""Rights: a user of API Gateway, Lambda, CloudFormation and STS who goes after a table that he has no right to."""

import json

import botocore.exceptions
import functions
import gateway_api
import pytest

ACCOUNT = "000000000000"
SCAN = gateway_api.action_uri("dynamodb", "Scan")
FUNCTION = gateway_api.lambda_uri(f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:notes-get")
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/rights-admin"
OTHERS = f"arn:aws:iam::{ACCOUNT}:role/rights-others"
AS_CALLER = "arn:aws:iam::*:user/*"
NO_ROLE = "Role ARN must be specified for AWS integrations"
NO_PASS = "is not authorized to perform: iam:PassRole on resource: " + ADMIN
NOT_TRUSTED = "is not authorized to perform: sts:AssumeRole on resource: "
TABLE = {"application/json": '{"TableName": "Notes"}'}


def put(t, uri=SCAN, **more):
    return t.gateway.put_integration(
        **t.method, type="AWS", integrationHttpMethod="POST", uri=uri, requestTemplates=TABLE, **more
    )


def patch(t, path, value, before):
    put(t, **before)
    operation = {"op": "replace", "path": path, "value": value}
    return t.gateway.update_integration(**t.method, patchOperations=[operation])


def document(**integration):
    integration = {"type": "aws", "httpMethod": "POST", "uri": SCAN, "responses": {}, **integration}
    operation = {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}
    return json.dumps({"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/": {"post": operation}}})


def call_as_nobody(t):
    """An integration with the caller's credentials, whom nobody has signed."""
    put(t, credentials=AS_CALLER)
    t.gateway.put_method_response(**t.method, statusCode="200")
    t.gateway.put_integration_response(**t.method, statusCode="200")
    trial = t.gateway.test_invoke_method(**t.method, body="{}")
    assert trial["status"] == 500, trial
    raise RuntimeError(trial["body"])


def stack(t, **more):
    template = {"Resources": {"Table": {"Type": "AWS::Logs::LogGroup"}}}
    return t.stacks.create_stack(StackName="rights", TemplateBody=json.dumps(template), **more)


# What is tried, and what must be said.
PROBES = {
    "scan without a role": (lambda t: put(t), NO_ROLE),
    "scan without a role, by a stage variable": (
        lambda t: put(t, uri="arn:aws:apigateway:us-east-1:${stageVariables.s}:action/Scan"),
        NO_ROLE,
    ),
    "scan in place of a function": (lambda t: patch(t, "/uri", SCAN, {"uri": FUNCTION}), NO_ROLE),
    "take the credentials away": (lambda t: patch(t, "/credentials", "", {"credentials": AS_CALLER}), NO_ROLE),
    "scan as an import": (lambda t: t.gateway.import_rest_api(body=document()), NO_ROLE),
    "scan as an admin's role": (lambda t: put(t, credentials=ADMIN), NO_PASS),
    "become the admin's role later": (
        lambda t: patch(t, "/credentials", ADMIN, {"uri": FUNCTION}),
        NO_PASS,
    ),
    "import the admin's role": (lambda t: t.gateway.import_rest_api(body=document(credentials=ADMIN)), NO_PASS),
    "scan as whoever calls": (call_as_nobody, "Internal server error"),
    "log as the admin's role": (
        lambda t: t.gateway.update_account(
            patchOperations=[{"op": "replace", "path": "/cloudwatchRoleArn", "value": ADMIN}]
        ),
        NO_PASS,
    ),
    "run a function as the admin's role": (
        lambda t: t.functions.create_function(
            FunctionName="rights", Runtime="provided.al2023", Handler="x", Role=ADMIN, Code={"ZipFile": t.package}
        ),
        NO_PASS,
    ),
    "give a function the admin's role": (
        lambda t: t.functions.update_function_configuration(FunctionName="notes-get", Role=ADMIN),
        NO_PASS,
    ),
    "deploy as the admin's role": (lambda t: stack(t, RoleARN=ADMIN), NO_PASS),
    "delete as the admin's role": (lambda t: t.stacks.delete_stack(StackName="notes", RoleARN=ADMIN), NO_PASS),
    "assume the services' role": (
        lambda t: t.sts.assume_role(RoleArn=ADMIN, RoleSessionName="rights"),
        NOT_TRUSTED + ADMIN,
    ),
    "assume another's role": (
        lambda t: t.sts.assume_role(RoleArn=OTHERS, RoleSessionName="rights"),
        NOT_TRUSTED + OTHERS,
    ),
    "guess the external id": (
        lambda t: t.sts.assume_role(RoleArn=OTHERS, RoleSessionName="rights", ExternalId="guess"),
        NOT_TRUSTED + OTHERS,
    ),
    "assume a role that is not there": (
        lambda t: t.sts.assume_role(RoleArn=OTHERS + "-none", RoleSessionName="rights"),
        NOT_TRUSTED + OTHERS,
    ),
}


class Tenant:
    def __init__(self, host):
        iam = host.client("iam")
        may = ["apigateway:*", "lambda:*", "cloudformation:*", "sts:*", "logs:*"]
        policy = {"Effect": "Allow", "Action": may, "Resource": "*"}
        everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        services = [f"{name}.amazonaws.com" for name in ("apigateway", "lambda", "cloudformation")]
        external = {"StringEquals": {"sts:ExternalId": "secret"}}
        user = iam.create_user(UserName="rights-tenant")["User"]["Arn"]
        iam.create_user(UserName="rights-other")
        for name, trust in (
            ("rights-admin", [{"Principal": {"Service": services}}]),
            (
                "rights-others",
                [
                    {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/rights-other"}},
                    {"Principal": {"AWS": user}, "Condition": external},
                ],
            ),
        ):
            statements = [{"Effect": "Allow", "Action": "sts:AssumeRole", **statement} for statement in trust]
            iam.create_role(RoleName=name, AssumeRolePolicyDocument=self.document(*statements))
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=self.document(everything))
        iam.put_user_policy(UserName="rights-tenant", PolicyName="p", PolicyDocument=self.document(policy))
        key = iam.create_access_key(UserName="rights-tenant")["AccessKey"]
        self.gateway, self.functions, self.stacks, self.sts = (
            host.client(service, key["AccessKeyId"], key["SecretAccessKey"])
            for service in ("apigateway", "lambda", "cloudformation", "sts")
        )
        self.package = functions.zip_of({"bootstrap": "#!/bin/sh"})
        api = self.gateway.create_rest_api(name="rights")["id"]
        root = self.gateway.get_resources(restApiId=api)["items"][0]["id"]
        self.method = {"restApiId": api, "resourceId": root, "httpMethod": "POST"}
        self.gateway.put_method(**self.method, authorizationType="NONE")

    @staticmethod
    def document(*statements):
        return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def tenant(host):
    return Tenant(host)


@pytest.mark.parametrize("probe", PROBES)
def test_right(tenant, probe):
    attempt, expected = PROBES[probe]
    with pytest.raises((botocore.exceptions.ClientError, RuntimeError)) as caught:
        attempt(tenant)
    assert expected in str(caught.value)
