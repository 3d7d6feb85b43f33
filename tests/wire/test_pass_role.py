"""Who gives a service a role must be allowed to pass it: every operation that takes one, in every service."""

import json
import re

import botocore.exceptions
import botocore.session
import pytest

import conftest
import functions
import gateway_api

ACCOUNT = "000000000000"
FUNCTION = gateway_api.lambda_uri(f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:none")
SCAN = gateway_api.action_uri("dynamodb", "Scan")
TEMPLATE = json.dumps({"Resources": {"Table": {"Type": "AWS::Logs::LogGroup"}}})
PACKAGE = functions.zip_of({"bootstrap": "#!/bin/sh"})
SERVICES = ("lambda", "apigateway", "cloudformation")


def replaced(path, value):
    return [{"op": "replace", "path": path, "value": value}]


def document(**parts):
    """An OpenAPI document with an integration or an authorizer that has the role."""
    integration = {"type": "aws", "httpMethod": "POST", "uri": SCAN, "responses": {}, **parts.get("integration", {})}
    operation = {"responses": {"200": {"description": "ok"}}, "x-amazon-apigateway-integration": integration}
    made = {"openapi": "3.0.1", "info": {"title": "x", "version": "1"}, "paths": {"/imported": {"post": operation}}}
    if "authorizer" in parts:
        integration.update(type="mock")
        authorizer = {"type": "token", "authorizerUri": FUNCTION, **parts["authorizer"]}
        scheme = {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": authorizer,
        }
        made["components"] = {"securitySchemes": {"imported": scheme}}
        operation["security"] = [{"imported": []}]
    return json.dumps(made)



# Operation: the service that gets the role, and a call of it with a client for that service and the world it is in.
CALLS = {
    "lambda.CreateFunction": lambda c, w: c.create_function(
        FunctionName="passed", Runtime="provided.al2023", Handler="x", Role=w.role, Code={"ZipFile": PACKAGE}
    ),
    "lambda.UpdateFunctionConfiguration": lambda c, w: c.update_function_configuration(
        FunctionName="given", Role=w.role
    ),
    "apigateway.PutIntegration": lambda c, w: c.put_integration(
        **w.method, type="AWS", integrationHttpMethod="POST", uri=SCAN, credentials=w.role
    ),
    "apigateway.PutIntegration of a function": lambda c, w: c.put_integration(
        **w.method, type="AWS_PROXY", integrationHttpMethod="POST", uri=FUNCTION, credentials=w.role
    ),
    "apigateway.UpdateIntegration": lambda c, w: c.update_integration(
        **w.integration, patchOperations=replaced("/credentials", w.role)
    ),
    "apigateway.CreateAuthorizer": lambda c, w: c.create_authorizer(
        restApiId=w.api,
        name="passed",
        type="TOKEN",
        authorizerUri=FUNCTION,
        identitySource="method.request.header.Authorization",
        authorizerCredentials=w.role,
    ),
    "apigateway.UpdateAuthorizer": lambda c, w: c.update_authorizer(
        restApiId=w.api, authorizerId=w.authorizer, patchOperations=replaced("/authorizerCredentials", w.role)
    ),
    "apigateway.UpdateAccount": lambda c, w: c.update_account(patchOperations=replaced("/cloudwatchRoleArn", w.role)),
    "apigateway.ImportRestApi": lambda c, w: c.import_rest_api(
        body=document(integration={"credentials": w.role})
    ),
    "apigateway.ImportRestApi of an authorizer": lambda c, w: c.import_rest_api(
        body=document(authorizer={"authorizerCredentials": w.role})
    ),
    "apigateway.PutRestApi": lambda c, w: c.put_rest_api(
        restApiId=w.api, mode="merge", body=document(integration={"credentials": w.role})
    ),
    "cloudformation.CreateStack": lambda c, w: c.create_stack(
        StackName=w.new_name(), TemplateBody=TEMPLATE, RoleARN=w.role
    ),
    "cloudformation.UpdateStack": lambda c, w: c.update_stack(
        StackName=w.stack_name, TemplateBody=TEMPLATE, RoleARN=w.role, Tags=[{"Key": "n", "Value": w.new_name()}]
    ),
    "cloudformation.CreateChangeSet": lambda c, w: c.create_change_set(
        StackName=w.new_name(), ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=TEMPLATE, RoleARN=w.role
    ),
    "cloudformation.ContinueUpdateRollback": lambda c, w: c.continue_update_rollback(
        StackName=w.stack_name, RoleARN=w.role
    ),
    "cloudformation.DeleteStack": lambda c, w: c.delete_stack(StackName=w.stack_name, RoleARN=w.role),
}

# Resources of templates that take a role; their stacks are made with the author's rights.
RESOURCES = {
    "lambda, AWS::Lambda::Function": lambda w: {
        "F": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Role": w.role,
                "Runtime": "nodejs20.x",
                "Handler": "index.handler",
                "Code": {"ZipFile": "exports.handler = async () => 1"},
            },
        }
    },
    "apigateway, AWS::ApiGateway::Method": lambda w: {
        "M": {
            "Type": "AWS::ApiGateway::Method",
            "Properties": {
                "RestApiId": w.api,
                "ResourceId": w.method["resourceId"],
                "HttpMethod": "PATCH",
                "AuthorizationType": "NONE",
                "Integration": {"Type": "AWS", "IntegrationHttpMethod": "POST", "Uri": SCAN, "Credentials": w.role},
            },
        }
    },
    "apigateway, AWS::ApiGateway::Authorizer": lambda w: {
        "A": {
            "Type": "AWS::ApiGateway::Authorizer",
            "Properties": {
                "RestApiId": w.api,
                "Name": "stacked",
                "Type": "TOKEN",
                "AuthorizerUri": FUNCTION,
                "IdentitySource": "method.request.header.Authorization",
                "AuthorizerCredentials": w.role,
            },
        }
    },
    "apigateway, AWS::ApiGateway::Account": lambda w: {
        "A": {"Type": "AWS::ApiGateway::Account", "Properties": {"CloudWatchRoleArn": w.role}}
    },
    "apigateway, a body of AWS::ApiGateway::RestApi": lambda w: {
        "A": {
            "Type": "AWS::ApiGateway::RestApi",
            "Properties": {"Body": json.loads(document(integration={"credentials": w.role}))},
        }
    },
}

# What of AWS takes a role, and is not to be had here: called with it, it is refused.
ELSEWHERE = {
    "cloudformation.ActivateType",
    "cloudformation.CreateStackSet",
    "cloudformation.RegisterType",
    "cloudformation.RollbackStack",
    "cloudformation.UpdateStackSet",
    "logs.PutDestination",
    "logs.PutSubscriptionFilter",
    "dynamodb.UpdateGlobalTableSettings",
    "dynamodb.UpdateTableReplicaAutoScaling",
    "cloudwatch.PutMetricStream",
    "s3.PutBucketNotification",
    "s3.PutBucketReplication",
    "sts.AssumeRoleWithSAML",
    "sts.AssumeRoleWithWebIdentity",
}
NOT_PASSED = {"sts.AssumeRole"}  # the caller takes the role himself


class World:
    """A server with all that the calls are about, and a user for each case."""

    def __init__(self, server):
        self.server = server
        self.iam = server.client("iam")
        principals = {"Service": [f"{service}.amazonaws.com" for service in SERVICES]}
        trust = {"Effect": "Allow", "Principal": principals, "Action": "sts:AssumeRole"}
        policy = {"Version": "2012-10-17", "Statement": [trust]}
        role = self.iam.create_role(RoleName="passed", AssumeRolePolicyDocument=json.dumps(policy))["Role"]
        self.role = role["Arn"]
        everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        self.iam.put_role_policy(RoleName="passed", PolicyName="p", PolicyDocument=json.dumps(everything))
        server.client("lambda").create_function(
            FunctionName="given", Runtime="provided.al2023", Handler="x", Role=self.role, Code={"ZipFile": PACKAGE}
        )
        gateway = gateway_api.Gateway(server)
        self.api = gateway.id
        self.method, self.integration = (
            {"restApiId": gateway.id, "resourceId": gateway.root, "httpMethod": verb} for verb in ("POST", "PUT")
        )
        for method in (self.method, self.integration):
            gateway.client.put_method(**method, authorizationType="NONE")
        gateway.client.put_integration(**self.integration, type="AWS", integrationHttpMethod="POST", uri=FUNCTION)
        self.authorizer = gateway.client.create_authorizer(
            restApiId=gateway.id,
            name="given",
            type="TOKEN",
            authorizerUri=FUNCTION,
            identitySource="method.request.header.Authorization",
        )["id"]
        self.count = 0
        self.stack_name = self.new_name()
        self.stacks = server.client("cloudformation")
        self.stacks.create_stack(StackName=self.stack_name, TemplateBody=TEMPLATE)
        self.wait(self.stack_name)
        self.users = {}

    def new_name(self):
        self.count += 1
        return f"passing-{self.count}"

    def wait(self, name):
        while True:
            found = self.stacks.describe_stacks(StackName=name)["Stacks"][0]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                return found["StackStatus"]

    def user(self, name, *statements):
        """The keys of a user who may do everything but pass roles, and what the statements allow."""
        if name not in self.users:
            own = {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}
            policy = {"Version": "2012-10-17", "Statement": [own, *statements]}
            self.iam.create_user(UserName=name)
            self.iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
            self.users[name] = self.iam.create_access_key(UserName=name)["AccessKey"]
        return self.users[name]

    def stack(self, client, template):
        """Why a stack of the template fails; None when it is made. It is gone afterwards."""
        name = self.new_name()
        client.create_stack(StackName=name, TemplateBody=json.dumps(template))
        status = self.wait(name)
        events = self.stacks.describe_stack_events(StackName=name)["StackEvents"]
        reasons = [event.get("ResourceStatusReason", "") for event in events]
        self.stacks.delete_stack(StackName=name)
        return None if status == "CREATE_COMPLETE" else " ".join(reasons)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    server = conftest.Server(tmp_path_factory.mktemp("pass") / "data").start()
    yield World(server)
    server.stop()


def allowed_for(service):
    return {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": "*",
        "Condition": {"StringEquals": {"iam:PassedToService": f"{service}.amazonaws.com"}},
    }


def refusal(world, service, name, call):
    """What a call by that user is refused with; None when it works."""
    other = next(candidate for candidate in SERVICES if candidate != service)
    statements = {
        "none": [],
        "other": [allowed_for(other)],
        "role": [{**allowed_for(service), "Resource": f"arn:aws:iam::{ACCOUNT}:role/other"}],
        "right": [allowed_for(service)],
    }
    key = world.user(f"{service}-{name}", *statements[name])
    try:
        return call(lambda kind: world.server.client(kind, key["AccessKeyId"], key["SecretAccessKey"]))
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Message"]


def check(world, service, call):
    for name in ("none", "other", "role"):
        message = refusal(world, service, name, call) or ""
        user = f"User: arn:aws:iam::{ACCOUNT}:user/{service}-{name}"
        assert f"{user} is not authorized to perform: iam:PassRole on resource: {world.role}" in message, (name, message)
    assert "iam:PassRole" not in (refusal(world, service, "right", call) or "")


@pytest.mark.parametrize("operation", CALLS)
def test_an_operation_that_takes_a_role_asks_for_the_right_to_pass_it(world, operation):
    service = operation.split(".")[0]

    def call(client):
        CALLS[operation](client(service), world)

    check(world, service, call)


@pytest.mark.parametrize("resource", RESOURCES)
def test_a_template_that_takes_a_role_asks_for_the_right_to_pass_it(world, resource):
    service = resource.split(",")[0]
    check(world, service, lambda client: world.stack(client("cloudformation"), {"Resources": RESOURCES[resource](world)}))


ROLE = re.compile(r"role|credentials|authorizercredentials|\w*rolearn|executionrolename|invocationrole", re.IGNORECASE)


def members(shape, depth=0):
    if shape.type_name == "structure" and depth < 6:
        for name, member in shape.members.items():
            yield name
            yield from members(member, depth + 1)
    elif shape.type_name == "list":
        yield from members(shape.member, depth + 1)


def test_no_operation_that_takes_a_role_is_left_out():
    session = botocore.session.get_session()
    found = set()
    for service in (*SERVICES, "logs", "dynamodb", "cloudwatch", "s3", "sts"):
        model = session.get_service_model(service)
        for name in model.operation_names:
            shape = model.operation_model(name).input_shape
            if shape and any(ROLE.fullmatch(member) for member in members(shape)):
                found.add(f"{service}.{name}")
    # Roles that are in patches and documents are in no member of their own.
    inside = {
        "apigateway.UpdateIntegration",
        "apigateway.UpdateAuthorizer",
        "apigateway.UpdateAccount",
        "apigateway.ImportRestApi",
        "apigateway.PutRestApi",
    }
    tried = {name.split(" ")[0] for name in CALLS}
    assert found | inside == tried | ELSEWHERE | NOT_PASSED


@pytest.mark.parametrize("operation", sorted(ELSEWHERE))
def test_what_is_not_to_be_had_takes_no_role(world, operation):
    service, name = operation.split(".")
    client = world.server.client(service)
    model = client.meta.service_model.operation_model(name)
    shape = model.input_shape
    needed = {member for member in shape.members if member in shape.required_members or ROLE.fullmatch(member)}
    texts = {member for member in needed if shape.members[member].type_name == "string"}
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        client._make_api_call(name, {member: world.role if ROLE.fullmatch(member) else "name" for member in texts})
    assert caught.value.response["Error"]["Code"] in (
        "InvalidAction",
        "UnknownOperationException",
        "NotImplemented",
        "MissingAuthenticationToken",  # of an unsigned operation, as any that is not known
    )
