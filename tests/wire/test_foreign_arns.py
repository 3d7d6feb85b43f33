"""ARNs of another region or account name nothing here. AWS's own models tell which members of which operations take
ARNs; each is given one of elsewhere with the name of something that is here."""

import functools
import json
import re

import botocore.exceptions
import botocore.session
import pytest
from botocore import xform_name

import functions as made
import gateway_api
import stacks

REGION, ACCOUNT, NAME = "us-east-1", "000000000000", "arns-here"
SERVICES = ["dynamodb", "dynamodbstreams", "lambda", "logs", "iam", "sts", "cloudwatch", "apigateway", "cloudformation"]
NOT_OFFERED = {"UnknownOperationException", "InvalidAction", "MissingAuthenticationToken"}

# What a member names here: an ARN, or a function of the fixture `here` for one that is only known then.
LOCAL = {
    ("dynamodb", "TableName"): "table",
    ("dynamodb", "ResourceArn"): "table",
    ("dynamodb", "SourceTableArn"): "table",
    ("dynamodb", "BackupArn"): "backup",
    ("dynamodb", "ExclusiveStartBackupArn"): "backup",
    ("dynamodbstreams", "StreamArn"): "stream",
    ("dynamodbstreams", "ExclusiveStartStreamArn"): "stream",
    ("lambda", "FunctionName"): "function",
    ("lambda", "Resource"): "function",
    ("lambda", "Role"): "role",
    ("logs", "logGroupIdentifier"): "group",
    ("logs", "resourceArn"): "group",
    ("iam", "PolicyArn"): "policy",
    ("iam", "PermissionsBoundary"): "policy",
    ("sts", "RoleArn"): "role",
    ("cloudformation", "StackName"): "stack",
    ("cloudformation", "ChangeSetName"): "change set",
    ("cloudformation", "RoleARN"): "role",
    ("apigateway", "resourceArn"): "api",
    ("apigateway", "credentials"): "role",
    ("apigateway", "authorizerCredentials"): "role",
}

# Members that name nothing of this server, and why an ARN of elsewhere is right in them or does nothing.
ELSEWHERE = {
    ("dynamodb", "KMSMasterKeyId"): "a key is kept as it is given",
    ("lambda", "KMSKeyArn"): "refused",
    ("lambda", "CodeSigningConfigArn"): "refused",
    ("lambda", "Layers"): "refused",
    ("lambda", "Arn"): "of a file system: refused",
    ("lambda", "TargetArn"): "of a dead letter queue: refused",
    ("lambda", "Destination"): "refused",
    ("lambda", "SourceArn"): "of a statement in a policy: any",
    ("logs", "kmsKeyId"): "a key is kept as it is given",
    ("iam", "SAMLProviderArn"): "not offered",
    ("cloudformation", "NotificationARNs"): "there is no SNS",
    ("cloudformation", "Arn"): "of a trigger: refused",
    ("cloudformation", "ResourceTypes"): "names of types",
    ("apigateway", "certificateArn"): "kept as it is given",
    ("apigateway", "regionalCertificateArn"): "kept as it is given",
    ("apigateway", "ownershipVerificationCertificateArn"): "kept as it is given",
    ("apigateway", "targetArns"): "of VPC links: not offered",
    ("apigateway", "providerARNs"): "user pools: not offered",
    ("sts", "PrincipalArn"): "not offered",
    ("sts", "arn"): "of session policies: looked up as a whole",
    ("dynamodb", "AutoScalingRoleArn"): "not offered",
}

# How an ARN of another region is refused where it takes the place of one of here.
REFUSED = {
    "dynamodb": ("ResourceNotFoundException", "Requested resource not found"),
    "dynamodbstreams": ("ResourceNotFoundException", "Requested resource not found"),
    "lambda": ("ResourceNotFoundException", "Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"),
    "logs": ("ResourceNotFoundException", "The specified log group does not exist."),
    "iam": ("InvalidInput", "is not valid."),
    "cloudformation": ("ValidationError", "does not exist"),
    "apigateway": ("BadRequestException", "Invalid ARN specified in the request"),
}

# What a call needs to be whole, where the type alone does not say it.
VALUES = {
    "TableName": NAME,
    "TargetTableName": "arns-restored",
    "BackupName": "arns-other",
    "Key": {"id": {"S": "1"}},
    "Item": {"id": {"S": "1"}},
    "KeyConditionExpression": "id = :id",
    "ExpressionAttributeValues": {":id": {"S": "1"}},
    "UpdateExpression": "REMOVE x",
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False},
    "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "ttl"},
    "Policy": '{"Version":"2012-10-17","Statement":[]}',
    "PolicyDocument": json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    ),
    "AssumeRolePolicyDocument": json.dumps(made.TRUST),
    "ShardIteratorType": "LATEST",
    "TemplateBody": json.dumps({"Resources": {"G": {"Type": "AWS::Logs::LogGroup"}}}),
    "logGroupName": NAME,
    "tags": {"k": "v"},
    "RoleSessionName": "session",
    "VersionId": "v1",
    "FunctionName": NAME,
    "RoleName": NAME,
    "UserName": NAME,
    "StackName": NAME,
    "ChangeSetName": "arns-set",
    "Runtime": "provided.al2023",
    "Handler": "x",
    "Action": "lambda:InvokeFunction",
    "Principal": "s3.amazonaws.com",
    "FunctionVersion": "1",
    "Name": "alias",
    "StatementId": "s",
    "ConditionExpression": "attribute_exists(id)",
}


TEMPLATE = {"TemplateBody": VALUES["TemplateBody"]}
FUNCTION_URI = gateway_api.lambda_uri(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}")
WHOLE = {
    ("dynamodb", "TagResource"): {"Tags": [{"Key": "k", "Value": "v"}]},
    ("dynamodbstreams", "GetShardIterator"): {"ShardId": "shardId-00000000000000000000-00000000"},
    ("lambda", "CreateFunction"): {"Runtime": "provided.al2023", "Handler": "x", "Code": {"ZipFile": b"x"}},
    ("apigateway", "CreateAuthorizer"): {"type": "TOKEN", "authorizerUri": FUNCTION_URI, "identitySource": "method.request.header.Auth"},
    ("apigateway", "PutIntegration"): {"httpMethod": "GET", "type": "AWS_PROXY", "uri": FUNCTION_URI, "integrationHttpMethod": "POST"},
    ("cloudformation", "CreateStack"): {"StackName": "arns-new", **TEMPLATE},
    ("cloudformation", "UpdateStack"): TEMPLATE,
    ("cloudformation", "CreateChangeSet"): TEMPLATE,
}

# Refused before the ARN is looked at.
EARLIER = {
    ("dynamodb", "CreateTable"): "new tables have names, not ARNs",
    ("cloudformation", "ContinueUpdateRollback", "RoleARN"): "the stack is in no state for it",
}


def example(name, shape, depth=0):
    """A value of the shape with what is required in it."""
    if name in VALUES and shape.type_name in ("string", "map", "structure"):
        return VALUES[name]
    if shape.type_name == "structure":
        return {member: example(member, shape.members[member], depth + 1) for member in shape.required_members}
    if shape.type_name == "list":
        return [example(name, shape.member, depth + 1)]
    if shape.type_name == "map":
        return {"k": example(name, shape.value, depth + 1)}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else "x"
    return {"integer": 1, "long": 1, "double": 1.0, "float": 1.0, "boolean": True, "blob": b"{}"}.get(shape.type_name)


def takes_arns(service, name, shape):
    if (service, name) in LOCAL or (service, name) in ELSEWHERE:
        return True
    return "arn" in name.lower().replace("warn", "").replace("learn", "") or "arn" in shape.name.lower().replace("warn", "")


def places(service, shape, path=()):
    """Paths to the texts that take ARNs."""
    for name, member in shape.members.items():
        if member.name in [part[1] for part in path]:
            continue
        here = (*path, (name, member.name))
        if member.type_name == "structure":
            yield from places(service, member, here)
        elif member.type_name == "list" and member.member.type_name == "structure":
            yield from places(service, member.member, here)
        elif member.type_name in ("string", "list") and takes_arns(service, name, member):
            yield [part[0] for part in here]


def operations():
    session = botocore.session.get_session()
    for service in SERVICES:
        model = session.get_service_model(service)
        for operation in model.operation_names:
            shape = model.operation_model(operation).input_shape
            for path in places(service, shape) if shape else ():
                yield pytest.param(service, operation, path, id=f"{service}-{operation}-{'.'.join(path)}")


@pytest.fixture(scope="module")
def clients(server):
    return functools.cache(server.client)


@pytest.fixture(scope="module")
def here(server):
    """Something of each kind, all of one name: {kind: its ARN}."""
    dynamodb, iam, lambdas = server.client("dynamodb"), server.client("iam"), server.client("lambda")
    logs, formation, gateway = server.client("logs"), server.client("cloudformation"), server.client("apigateway")
    table = dynamodb.create_table(
        TableName=NAME,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]
    dynamodb.get_waiter("table_exists").wait(TableName=NAME)
    dynamodb.put_item(TableName=NAME, Item={"id": {"S": "1"}, "kept": {"S": "yes"}})
    found = {"table": table["TableArn"], "stream": table["LatestStreamArn"]}
    found["backup"] = dynamodb.create_backup(TableName=NAME, BackupName="kept")["BackupDetails"]["BackupArn"]
    found["role"] = made.make_role(server, NAME)
    iam.create_user(UserName=NAME)
    found["policy"] = iam.create_policy(PolicyName=NAME, PolicyDocument=VALUES["PolicyDocument"])["Policy"]["Arn"]
    made.make_function(server, NAME, made.PROBE, "probe", found["role"])
    found["function"] = lambdas.get_function(FunctionName=NAME)["Configuration"]["FunctionArn"]
    logs.create_log_group(logGroupName=NAME)
    found["group"] = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{NAME}"
    template = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": NAME + "-stack"}}}}
    found["stack"] = stacks.create(formation, NAME, template)["StackId"]
    template["Resources"]["Other"] = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": NAME + "-other"}}
    changes = formation.create_change_set(StackName=NAME, ChangeSetName="kept", TemplateBody=json.dumps(template))
    found["change set"] = changes["Id"]
    found["api id"] = gateway.create_rest_api(name=NAME, tags={"kept": "yes"})["id"]
    found["api"] = f"arn:aws:apigateway:{REGION}::/restapis/{found['api id']}"
    yield found
    gateway.delete_rest_api(restApiId=found["api id"])
    formation.delete_change_set(ChangeSetName=found["change set"])
    stacks.delete(formation, NAME)
    logs.delete_log_group(logGroupName=NAME)
    lambdas.delete_function(FunctionName=NAME)
    iam.delete_policy(PolicyArn=found["policy"])
    iam.delete_user(UserName=NAME)
    iam.delete_role(RoleName=NAME)
    dynamodb.delete_backup(BackupArn=found["backup"])
    dynamodb.delete_table(TableName=NAME)


def state(server, here):
    """All that the calls might have changed."""
    dynamodb, iam, lambdas = server.client("dynamodb"), server.client("iam"), server.client("lambda")
    logs, formation, gateway = server.client("logs"), server.client("cloudformation"), server.client("apigateway")
    answers = [
        dynamodb.list_tables(),
        dynamodb.scan(TableName=NAME),
        dynamodb.describe_table(TableName=NAME),
        dynamodb.describe_continuous_backups(TableName=NAME),
        dynamodb.describe_time_to_live(TableName=NAME),
        dynamodb.list_tags_of_resource(ResourceArn=here["table"]),
        dynamodb.list_backups(),
        lambdas.list_functions(),
        lambdas.get_function(FunctionName=NAME)["Configuration"],
        lambdas.list_aliases(FunctionName=NAME),
        lambdas.list_versions_by_function(FunctionName=NAME),
        lambdas.list_tags(Resource=here["function"]),
        lambdas.get_function_concurrency(FunctionName=NAME),
        lambdas.list_function_event_invoke_configs(FunctionName=NAME),
        logs.describe_log_groups(logGroupNamePrefix=NAME),
        logs.list_tags_for_resource(resourceArn=here["group"]),
        iam.list_policies(Scope="Local"),
        iam.list_policy_versions(PolicyArn=here["policy"]),
        iam.list_attached_role_policies(RoleName=NAME),
        iam.list_attached_user_policies(UserName=NAME),
        iam.get_role(RoleName=NAME),
        iam.get_user(UserName=NAME),
        formation.list_stacks(),
        formation.describe_stacks(StackName=NAME),
        formation.list_change_sets(StackName=NAME),
        gateway.get_rest_api(restApiId=here["api id"]),
        gateway.get_tags(resourceArn=here["api"]),
    ]
    for answer in answers:
        answer.pop("ResponseMetadata", None)
    return re.sub('"RevisionId": "[^"]*"', "", json.dumps(answers, default=str))


def put(params, shape, path, value):
    """Sets the value behind the path, whose lists have one element."""
    *outer, last = path
    for name in outer:
        shape = shape.members[name]
        params = params.setdefault(name, example(name, shape))
        if shape.type_name == "list":
            shape = shape.member
            params[:] = params[:1] or [example(name, shape)]
            params = params[0]
    params[last] = [value] if shape.members[last].type_name == "list" else value


def error_of(call, **params):
    try:
        call(**params)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    return None, None


def ask(client, operation, path, value):
    shape = client.meta.service_model.operation_model(operation).input_shape
    params = {name: example(name, shape.members[name]) for name in shape.required_members}
    whole = WHOLE.get((client.meta.service_model.service_name, operation), {})
    params.update({name: given for name, given in whole.items() if name != path[0]})
    put(params, shape, path, value)
    return error_of(getattr(client, xform_name(operation)), **params)


def foreign(arn, region=None, account=None):
    parts = arn.split(":", 5)
    parts[3], parts[4] = region or parts[3], account or parts[4]
    return ":".join(parts)


@pytest.fixture(scope="module")
def unchanged(server, here):
    """What is here is afterwards as it was before."""
    before = state(server, here)
    yield
    assert state(server, here) == before


@pytest.mark.parametrize(("service", "operation", "path"), operations())
def test_member(clients, here, unchanged, service, operation, path):
    name = path[-1]
    if (service, name) in ELSEWHERE:
        return
    arn = here[LOCAL.get((service, name), "table")]
    kind = arn.split(":")[2]
    code, message = ask(clients(service), operation, path, foreign(arn, account="999999999999"))
    if code in NOT_OFFERED or message in ("Not Found", "Missing Authentication Token"):
        pytest.skip("not offered here")
    if {(service, operation), (service, operation, name)} & EARLIER.keys():
        assert code
        return
    assert (service, name) in LOCAL, "say in LOCAL or ELSEWHERE what this member names"
    if service == "apigateway" and name == "resourceArn":
        assert code == "BadRequestException"
    else:
        assert code in ("AccessDenied", "AccessDeniedException"), (code, message)
    if kind == "iam" and service not in REFUSED or name in ("Role", "RoleARN", "credentials", "authorizerCredentials"):
        return  # roles are of no region
    code, message = ask(clients(service), operation, path, foreign(arn, region="eu-west-1"))
    expected = REFUSED[service] if name != "ChangeSetName" else ("ChangeSetNotFound", "does not exist")
    assert (code, message) == expected or (code == expected[0] and message.endswith(expected[1])), (code, message)


# --- What no member's name shows ---


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("batch_get_item", {"RequestItems": {"TABLE": {"Keys": [{"id": {"S": "1"}}]}}}),
        ("batch_write_item", {"RequestItems": {"TABLE": [{"DeleteRequest": {"Key": {"id": {"S": "1"}}}}]}}),
        ("execute_statement", {"Statement": 'SELECT * FROM "TABLE"'}),
        ("execute_statement", {"Statement": """DELETE FROM "TABLE" WHERE id = '1'"""}),
        ("execute_transaction", {"TransactStatements": [{"Statement": """DELETE FROM "TABLE" WHERE id = '1'"""}]}),
    ],
)
def test_tables_in_keys_and_statements(clients, here, unchanged, operation, arguments):
    for arn, codes in (
        (foreign(here["table"], account="999999999999"), ("AccessDeniedException",)),
        (foreign(here["table"], region="eu-west-1"), ("ResourceNotFoundException", "ValidationException")),
    ):
        given = json.loads(json.dumps(arguments).replace("TABLE", arn))
        assert error_of(getattr(clients("dynamodb"), operation), **given)[0] in codes


def test_a_batch_of_statements(clients, here, unchanged):
    for arn in (foreign(here["table"], account="999999999999"), foreign(here["table"], region="eu-west-1")):
        statement = {"Statement": f"""SELECT * FROM "{arn}" WHERE id = '1'"""}
        [answer] = clients("dynamodb").batch_execute_statement(Statements=[statement])["Responses"]
        assert answer["Error"] and "Item" not in answer


def test_parts_of_arns_name_functions_of_an_account_too(clients, here, unchanged):
    lambdas = clients("lambda")
    for name in (f"999999999999:function:{NAME}", f"999999999999:{NAME}"):
        assert error_of(lambdas.delete_function, FunctionName=name)[0] == "AccessDeniedException"
        assert error_of(lambdas.invoke, FunctionName=name)[0] == "AccessDeniedException"
    assert lambdas.get_function(FunctionName=f"{ACCOUNT}:function:{NAME}")["Configuration"]["FunctionName"] == NAME


@pytest.fixture
def gateway(server):
    gateway = gateway_api.Gateway(server, "arns")
    yield gateway
    gateway.delete()


@pytest.mark.parametrize("kind", ["AWS", "AWS_PROXY"])
@pytest.mark.parametrize("place", [{"region": "eu-west-1"}, {"account": "999999999999"}])
def test_an_integration_with_a_function_of_elsewhere(server, here, gateway, kind, place):
    """API Gateway takes it, since there may be such a function; it is not the one of that name here."""
    uri = gateway_api.lambda_uri(foreign(here["function"], **place))
    answers(server, here, gateway, kind, uri)


def test_an_integration_by_an_account_and_a_name(server, here, gateway):
    answers(server, here, gateway, "AWS_PROXY", gateway_api.lambda_uri(f"999999999999:function:{NAME}"))


def test_an_integration_with_lambda_of_another_region(server, here, gateway):
    uri = gateway_api.lambda_uri(here["function"]).replace("apigateway:us-east-1", "apigateway:eu-west-1")
    answers(server, here, gateway, "AWS_PROXY", uri)


def answers(server, here, gateway, kind, uri):
    permission = server.client("lambda")
    permission.add_permission(
        FunctionName=NAME, StatementId="gateway", Action="lambda:InvokeFunction", Principal="apigateway.amazonaws.com"
    )
    try:
        resource = gateway.resource("r")
        gateway.method(resource, integration={"type": kind, "integrationHttpMethod": "POST", "uri": uri}, responses={"200": {}})
        answer = gateway.client.test_invoke_method(restApiId=gateway.id, resourceId=resource, httpMethod="GET")
        assert (answer["status"], answer["body"]) == (500, '{"message": "Internal server error"}')
    finally:
        permission.remove_permission(FunctionName=NAME, StatementId="gateway")


@pytest.mark.parametrize("place", [{"region": "eu-west-1"}, {"account": "999999999999"}])
def test_an_access_log_of_elsewhere(here, gateway, place):
    gateway.method(gateway.root, integration={"type": "MOCK"})
    gateway.deploy()
    operation = {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": foreign(here["group"], **place)}
    code, message = error_of(
        gateway.client.update_stage, restApiId=gateway.id, stageName="dev", patchOperations=[operation]
    )
    assert code == "BadRequestException" and message.startswith("Invalid ARN specified in the request")
