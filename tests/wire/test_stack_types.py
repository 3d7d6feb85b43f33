"""Resources of stacks: what a change of the template does to each, without a new resource where AWS needs none."""

import json

import pytest

from dynamodb_wire import Wire, type_of
from functions import invoke
from stacks import TRUST, create, delete, events, outputs, physical, update, wait

ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@pytest.fixture
def stacks(server):
    return server.client("cloudformation")


@pytest.fixture
def stack(stacks, request):
    name = "t-" + "".join(c if c.isalnum() else "-" for c in request.node.name)[:60]
    yield name
    delete(stacks, name)


def template(**resources):
    return {"Resources": {name: {"Type": "AWS::" + kind, "Properties": p} for name, (kind, p) in resources.items()}}


def method(**integration):
    return {
        "RestApiId": {"Ref": "Api"},
        "ResourceId": {"Fn::GetAtt": ["Api", "RootResourceId"]},
        "HttpMethod": "GET",
        "Integration": {"Type": "MOCK", "RequestTemplates": {"application/json": '{"statusCode": 200}'}, **integration},
    }


def api(**more):
    return template(
        Api=("ApiGateway::RestApi", {"Name": "types"}), Get=("ApiGateway::Method", method()), **more
    )


def done(found, status="UPDATE_COMPLETE"):
    assert found["StackStatus"] == status, found
    return found


def test_a_stage_that_moved_on_outlives_its_first_deployment(server, stacks, stack):
    gateway = server.client("apigateway")
    deployment = {"RestApiId": {"Ref": "Api"}, "StageName": "prod"}
    for logical_id in ("First", "Second"):
        wanted = api(**{logical_id: ("ApiGateway::Deployment", deployment)})
        wanted["Resources"][logical_id]["DependsOn"] = "Get"
        if logical_id == "First":
            done(create(stacks, stack, wanted), "CREATE_COMPLETE")
        else:
            done(update(stacks, stack, wanted))
    stage = gateway.get_stage(restApiId=physical(stacks, stack, "Api"), stageName="prod")
    assert stage["deploymentId"] == physical(stacks, stack, "Second")
    found = gateway.get_deployments(restApiId=physical(stacks, stack, "Api"))["items"]
    assert [item["id"] for item in found] == [stage["deploymentId"]]


def test_a_deployment_describes_its_stage(server, stacks, stack):
    wanted = api(
        Go=(
            "ApiGateway::Deployment",
            {
                "RestApiId": {"Ref": "Api"},
                "StageName": "prod",
                "StageDescription": {"Variables": {"v": "1"}, "ThrottlingRateLimit": 5, "ThrottlingBurstLimit": 6},
            },
        )
    )
    wanted["Resources"]["Go"]["DependsOn"] = "Get"
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    stage = server.client("apigateway").get_stage(restApiId=physical(stacks, stack, "Api"), stageName="prod")
    assert stage["variables"] == {"v": "1"}
    assert stage["methodSettings"]["*/*"]["throttlingRateLimit"] == 5


def test_a_stage_has_a_canary(server, stacks, stack):
    gateway = server.client("apigateway")
    deployment = ("ApiGateway::Deployment", {"RestApiId": {"Ref": "Api"}})
    canary = {"DeploymentId": {"Ref": "Next"}, "PercentTraffic": "12.5", "StageVariableOverrides": {"Name": "b"}}
    stage = {"RestApiId": {"Ref": "Api"}, "DeploymentId": {"Ref": "Now"}, "StageName": "prod", "CanarySetting": canary}
    wanted = api(Now=deployment, Next=deployment, Prod=("ApiGateway::Stage", stage))
    wanted["Resources"]["Now"]["DependsOn"] = wanted["Resources"]["Next"]["DependsOn"] = "Get"
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    prod = {"restApiId": physical(stacks, stack, "Api"), "stageName": "prod"}
    assert gateway.get_stage(**prod)["canarySettings"] == {
        "deploymentId": physical(stacks, stack, "Next"),
        "percentTraffic": 12.5,
        "stageVariableOverrides": {"Name": "b"},
        "useStageCache": False,
    }
    del stage["CanarySetting"]
    done(update(stacks, stack, wanted))
    assert "canarySettings" not in gateway.get_stage(**prod)


def test_a_deployment_is_a_canary(server, stacks, stack):
    gateway = server.client("apigateway")
    deployment = {"RestApiId": {"Ref": "Api"}, "StageName": "prod"}
    canary = {"PercentTraffic": 10, "UseStageCache": "true"}
    wanted = api(Now=("ApiGateway::Deployment", deployment))
    wanted["Resources"]["Now"]["DependsOn"] = "Get"
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    more = template(Next=("ApiGateway::Deployment", {**deployment, "DeploymentCanarySettings": canary}))
    more["Resources"]["Next"]["DependsOn"] = "Now"
    done(update(stacks, stack, {"Resources": wanted["Resources"] | more["Resources"]}))
    prod = {"restApiId": physical(stacks, stack, "Api"), "stageName": "prod"}
    found = gateway.get_stage(**prod)["canarySettings"]
    assert (found["deploymentId"], found["useStageCache"]) == (physical(stacks, stack, "Next"), True)
    done(update(stacks, stack, wanted))
    assert "canarySettings" not in gateway.get_stage(**prod)


def test_settings_of_api_and_stage_change_in_place(server, stacks, stack):
    gateway = server.client("apigateway")
    stage = {
        "RestApiId": {"Ref": "Api"},
        "DeploymentId": {"Ref": "Go"},
        "StageName": "prod",
        "Description": "d",
        "Variables": {"a": "1", "b": "2"},
        "MethodSettings": [{"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingRateLimit": 5}],
    }
    wanted = api(Go=("ApiGateway::Deployment", {"RestApiId": {"Ref": "Api"}}), Prod=("ApiGateway::Stage", stage))
    wanted["Resources"]["Go"]["DependsOn"] = "Get"
    wanted["Resources"]["Api"]["Properties"].update(Description="d", BinaryMediaTypes=["image/png", "a/b"])
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    api_id = physical(stacks, stack, "Api")

    for name in ("Description", "MethodSettings"):
        del stage[name]
    stage["Variables"] = {"b": "3"}
    wanted["Resources"]["Api"]["Properties"] = {"Name": "types", "BinaryMediaTypes": ["a/b", "*/*"]}
    wanted["Resources"]["Api"]["Properties"]["EndpointConfiguration"] = {"Types": ["REGIONAL"]}
    done(update(stacks, stack, wanted))
    assert physical(stacks, stack, "Api") == api_id
    found = gateway.get_rest_api(restApiId=api_id)
    assert sorted(found["binaryMediaTypes"]) == ["*/*", "a/b"]
    assert found["endpointConfiguration"]["types"] == ["REGIONAL"]
    assert not found.get("description")
    found = gateway.get_stage(restApiId=api_id, stageName="prod")
    assert (found["variables"], found["methodSettings"], found.get("description", "")) == ({"b": "3"}, {}, "")


def test_unknown_members_are_refused_at_every_depth(stacks, stack):
    wanted = api()
    wanted["Resources"]["Get"]["Properties"] = method(Nothing=1)
    done(create(stacks, stack, wanted), "ROLLBACK_COMPLETE")
    assert ("Get", "CREATE_FAILED", "Encountered unsupported property Nothing") in events(stacks, stack)


DOCUMENT = {
    "openapi": "3.0.1",
    "info": {"title": "from the document", "version": "1"},
    "paths": {
        "/a": {"get": {"x-amazon-apigateway-integration": {"type": "mock"}}},
    },
}


def paths_of(gateway, api_id):
    return sorted(item["path"] for item in gateway.get_resources(restApiId=api_id)["items"])


def test_an_api_is_a_document(server, stacks, stack):
    gateway = server.client("apigateway")
    wanted = template(Api=("ApiGateway::RestApi", {"Body": DOCUMENT, "Mode": "overwrite"}))
    wanted["Outputs"] = {"Root": {"Value": {"Fn::GetAtt": ["Api", "RootResourceId"]}}}
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    api_id = physical(stacks, stack, "Api")
    assert gateway.get_rest_api(restApiId=api_id)["name"] == "from the document"
    assert paths_of(gateway, api_id) == ["/", "/a"]

    changed = json.loads(json.dumps(DOCUMENT).replace('"/a"', '"/b"'))
    wanted["Resources"]["Api"]["Properties"] |= {"Body": changed, "Name": "mine", "BinaryMediaTypes": ["a/b"]}
    done(update(stacks, stack, wanted))
    found = gateway.get_rest_api(restApiId=api_id)
    assert (found["name"], found["binaryMediaTypes"]) == ("mine", ["a/b"])
    assert paths_of(gateway, api_id) == ["/", "/b"]


def test_the_document_of_an_api_may_be_in_a_bucket(server, stacks, stack):
    s3 = server.client("s3")
    s3.create_bucket(Bucket="documents")
    s3.put_object(Bucket="documents", Key="api.json", Body=json.dumps(DOCUMENT))
    location = {"Bucket": "documents", "Key": "api.json"}
    wanted = template(Api=("ApiGateway::RestApi", {"Name": "n", "BodyS3Location": location}))
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    assert paths_of(server.client("apigateway"), physical(stacks, stack, "Api")) == ["/", "/a"]
    s3.delete_object(Bucket="documents", Key="api.json")
    s3.delete_bucket(Bucket="documents")


def test_a_document_in_a_bucket_is_read_as_its_author(server, stacks, stack):
    iam = server.client("iam")
    iam.create_user(UserName="drafter")
    allowed = {"Effect": "Allow", "Action": ["cloudformation:*", "apigateway:*"], "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allowed]}
    iam.put_user_policy(UserName="drafter", PolicyName="p", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName="drafter")["AccessKey"]
    theirs = server.client("cloudformation", key["AccessKeyId"], key["SecretAccessKey"])
    wanted = template(Api=("ApiGateway::RestApi", {"Name": "n", "BodyS3Location": {"Bucket": "b", "Key": "k"}}))
    done(create(theirs, stack, wanted), "ROLLBACK_COMPLETE")
    reasons = [reason for name, status, reason in events(stacks, stack) if (name, status) == ("Api", "CREATE_FAILED")]
    assert "user/drafter is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k" in reasons[0]
    iam.delete_access_key(UserName="drafter", AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName="drafter", PolicyName="p")
    iam.delete_user(UserName="drafter")


def test_an_api_whose_document_is_none_is_deleted(server, stacks, stack):
    wanted = template(Api=("ApiGateway::RestApi", {"Name": "undone", "Body": {"openapi": "3.0.1"}, "Mode": "none"}))
    done(create(stacks, stack, wanted), "ROLLBACK_COMPLETE")
    assert "undone" not in [api["name"] for api in server.client("apigateway").get_rest_apis(limit=500)["items"]]


def test_an_api_has_a_policy(server, stacks, stack):
    gateway = server.client("apigateway")
    statement = {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"}
    wanted = api()
    wanted["Resources"]["Api"]["Properties"]["Policy"] = {"Version": "2012-10-17", "Statement": [statement]}
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    api_id = physical(stacks, stack, "Api")
    assert "execute-api" in gateway.get_rest_api(restApiId=api_id)["policy"]
    del wanted["Resources"]["Api"]["Properties"]["Policy"]
    done(update(stacks, stack, wanted))
    assert not gateway.get_rest_api(restApiId=api_id).get("policy")


def test_methods_check_their_requests(server, stacks, stack):
    gateway = server.client("apigateway")
    wanted = api(
        Note=("ApiGateway::Model", {"RestApiId": {"Ref": "Api"}, "Schema": {"type": "object", "required": ["title"]}}),
        Check=("ApiGateway::RequestValidator", {"RestApiId": {"Ref": "Api"}, "ValidateRequestBody": True}),
    )
    wanted["Resources"]["Get"]["Properties"] |= {
        "RequestValidatorId": {"Ref": "Check"},
        "RequestModels": {"application/json": {"Ref": "Note"}},
    }
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    api_id = physical(stacks, stack, "Api")
    model = {"restApiId": api_id, "modelName": physical(stacks, stack, "Note")}
    wanted["Resources"]["Note"]["Properties"]["Schema"]["required"] = ["text"]
    wanted["Resources"]["Check"]["Properties"]["ValidateRequestParameters"] = "true"
    done(update(stacks, stack, wanted))
    assert json.loads(gateway.get_model(**model)["schema"])["required"] == ["text"]
    validator = gateway.get_request_validator(restApiId=api_id, requestValidatorId=physical(stacks, stack, "Check"))
    assert (validator["validateRequestBody"], validator["validateRequestParameters"]) == (True, True)


def test_authorizers_change_in_place(server, stacks, stack):
    gateway = server.client("apigateway")
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    guard = {
        "RestApiId": {"Ref": "Api"},
        "Name": "guard",
        "Type": "TOKEN",
        "AuthorizerUri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations",
        "IdentitySource": "method.request.header.Authorization",
        "IdentityValidationExpression": "Bearer .+",
        "AuthorizerResultTtlInSeconds": "0",
    }
    wanted = api(Guard=("ApiGateway::Authorizer", guard))
    wanted["Resources"]["Get"]["Properties"] |= {
        "AuthorizationType": "CUSTOM",
        "AuthorizerId": {"Fn::GetAtt": ["Guard", "AuthorizerId"]},
        "ApiKeyRequired": "true",
    }
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    ids = {"restApiId": physical(stacks, stack, "Api"), "authorizerId": physical(stacks, stack, "Guard")}
    assert gateway.get_authorizer(**ids)["authorizerResultTtlInSeconds"] == 0
    root = gateway.get_resources(restApiId=ids["restApiId"])["items"][0]["id"]
    method = gateway.get_method(restApiId=ids["restApiId"], resourceId=root, httpMethod="GET")
    assert (method["authorizerId"], method["apiKeyRequired"]) == (ids["authorizerId"], True)

    del guard["AuthorizerResultTtlInSeconds"], guard["IdentityValidationExpression"]
    guard["Name"] = "other"
    done(update(stacks, stack, wanted))
    found = gateway.get_authorizer(**ids)
    assert (found["name"], found["authorizerResultTtlInSeconds"]) == ("other", 300)
    assert not found.get("identityValidationExpression")


def test_numbers_and_truth_values_may_be_text(server, stacks, stack):
    plan = {"Throttle": {"RateLimit": "2.5", "BurstLimit": "3"}, "Quota": {"Limit": "9", "Period": "DAY"}}
    role = {"AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": "7200"}
    wanted = template(
        Key=("ApiGateway::ApiKey", {"Enabled": "true"}), Plan=("ApiGateway::UsagePlan", plan), Role=("IAM::Role", role)
    )
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    gateway = server.client("apigateway")
    assert gateway.get_api_key(apiKey=physical(stacks, stack, "Key"))["enabled"] is True
    found = gateway.get_usage_plan(usagePlanId=physical(stacks, stack, "Plan"))
    assert found["throttle"] == {"rateLimit": 2.5, "burstLimit": 3}
    assert found["quota"]["limit"] == 9
    found = server.client("iam").get_role(RoleName=physical(stacks, stack, "Role"))["Role"]
    assert found["MaxSessionDuration"] == 7200


def test_keys_have_stages(server, stacks, stack):
    gateway = server.client("apigateway")

    def key(*names):
        stage_keys = [{"RestApiId": {"Ref": "Api"}, "StageName": name} for name in names]
        return template(
            Api=("ApiGateway::RestApi", {"Name": "keyed"}), Key=("ApiGateway::ApiKey", {"StageKeys": stage_keys})
        )

    done(create(stacks, stack, key("one", "two")), "CREATE_COMPLETE")
    id, api_id = physical(stacks, stack, "Key"), physical(stacks, stack, "Api")
    assert gateway.get_api_key(apiKey=id)["stageKeys"] == [f"{api_id}/one", f"{api_id}/two"]
    done(update(stacks, stack, key("two", "three")))
    assert physical(stacks, stack, "Key") == id
    assert gateway.get_api_key(apiKey=id)["stageKeys"] == [f"{api_id}/two", f"{api_id}/three"]


def test_a_table_has_a_policy_and_warm_throughput(server, stacks, stack):
    principal = {"AWS": "arn:aws:iam::000000000000:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "dynamodb:GetItem", "Resource": "*"}
    table = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
        "ResourcePolicy": {"PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]}},
        "WarmThroughput": {"ReadUnitsPerSecond": "13000", "WriteUnitsPerSecond": 5000},
    }
    wanted = template(Table=("DynamoDB::Table", table))
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    wire = Wire(server)
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/" + physical(stacks, stack, "Table")
    assert json.loads(wire("GetResourcePolicy", ResourceArn=arn)["Policy"])["Statement"] == [statement]
    warm = wire("DescribeTable", TableName=arn)["Table"]["WarmThroughput"]
    assert warm == {"ReadUnitsPerSecond": 13000, "WriteUnitsPerSecond": 5000, "Status": "ACTIVE"}
    table["WarmThroughput"]["ReadUnitsPerSecond"] = 14000
    del table["ResourcePolicy"]
    done(update(stacks, stack, wanted))
    assert type_of(wire("GetResourcePolicy", ResourceArn=arn)) == "PolicyNotFoundException"
    assert wire("DescribeTable", TableName=arn)["Table"]["WarmThroughput"]["ReadUnitsPerSecond"] == 14000


def test_roles_and_policies_change_in_place(server, stacks, stack):
    iam = server.client("iam")
    role = {"AssumeRolePolicyDocument": TRUST, "Description": "d", "Policies": [{"PolicyName": "p", "PolicyDocument": ALLOW}]}
    policy = {"PolicyDocument": ALLOW, "Roles": [{"Ref": "Role"}]}
    wanted = template(Role=("IAM::Role", role), Managed=("IAM::ManagedPolicy", policy))
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    name, arn = physical(stacks, stack, "Role"), physical(stacks, stack, "Managed")

    for actions in ("sqs:*", "sns:*"):
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        policy["PolicyDocument"] = {"Version": "2012-10-17", "Statement": [statement]}
        role.pop("Description", None)
        role["Policies"][0]["PolicyName"] = "q"
        done(update(stacks, stack, wanted))
    assert (physical(stacks, stack, "Role"), physical(stacks, stack, "Managed")) == (name, arn)
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["q"]
    assert not iam.get_role(RoleName=name)["Role"].get("Description")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert len(versions) == 1
    document = iam.get_policy_version(PolicyArn=arn, VersionId=versions[0]["VersionId"])["PolicyVersion"]["Document"]
    assert document["Statement"][0]["Action"] == "sns:*"


def test_users_have_keys_that_work(server, stacks, stack):
    policy = {"PolicyName": "p", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}}
    wanted = template(
        User=("IAM::User", {"Policies": [dict(policy, PolicyDocument=ALLOW)]}),
        Key=("IAM::AccessKey", {"UserName": {"Ref": "User"}}),
    )
    wanted["Outputs"] = {"Id": {"Value": {"Ref": "Key"}}, "Secret": {"Value": {"Fn::GetAtt": ["Key", "SecretAccessKey"]}}}
    found = outputs(done(create(stacks, stack, wanted), "CREATE_COMPLETE"))
    identity = server.client("sts", found["Id"], found["Secret"]).get_caller_identity()
    assert identity["Arn"].endswith("user/" + physical(stacks, stack, "User"))


def test_tables_change_in_place(server, stacks, stack):
    dynamodb = server.client("dynamodb")
    keys = {
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
    }
    throughput = {"ReadCapacityUnits": {"Ref": "Units"}, "WriteCapacityUnits": 1}
    wanted = template(Table=("DynamoDB::Table", {**keys, "ProvisionedThroughput": throughput}))
    wanted["Parameters"] = {"Units": {"Type": "Number", "Default": 2}}
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    name = physical(stacks, stack, "Table")
    dynamodb.put_item(TableName=name, Item={"id": {"S": "1"}})

    index = {
        "IndexName": "by-kind",
        "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    wanted["Resources"]["Table"]["Properties"] = {
        **keys,
        "AttributeDefinitions": [*keys["AttributeDefinitions"], {"AttributeName": "kind", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
        "GlobalSecondaryIndexes": [index],
        "TimeToLiveSpecification": {"AttributeName": "gone", "Enabled": True},
        "Tags": [{"Key": "k", "Value": "v"}],
    }
    done(update(stacks, stack, wanted))
    assert physical(stacks, stack, "Table") == name
    table = dynamodb.describe_table(TableName=name)["Table"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert [i["IndexName"] for i in table["GlobalSecondaryIndexes"]] == ["by-kind"]
    assert dynamodb.get_item(TableName=name, Key={"id": {"S": "1"}})["Item"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    assert ttl["AttributeName"] == "gone"
    assert dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"] == [{"Key": "k", "Value": "v"}]


def function(source, **more):
    properties = {
        "Runtime": "python3.11",
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": source},
        **more,
    }
    return template(
        Role=("IAM::Role", {"AssumeRolePolicyDocument": TRUST}), Function=("Lambda::Function", properties)
    )


def test_functions_have_their_code_in_the_template(server, stacks, stack):
    source = "import os\ndef handler(event, context):\n    return os.environ.get('WORD', 'none')\n"
    wanted = function(source, Environment={"Variables": {"WORD": 7}}, Description="d", MemorySize=256)
    wanted["Resources"]["Version"] = {"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": {"Ref": "Function"}}}
    wanted["Resources"]["Live"] = {
        "Type": "AWS::Lambda::Alias",
        "Properties": {
            "FunctionName": {"Ref": "Function"},
            "Name": "live",
            "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
        },
    }
    done(create(stacks, stack, wanted), "CREATE_COMPLETE")
    name = physical(stacks, stack, "Function")
    assert invoke(server, name + ":live", {}) == ("7", None)

    wanted["Resources"]["Function"]["Properties"] = function(source.replace("none", "nothing"))["Resources"]["Function"][
        "Properties"
    ]
    done(update(stacks, stack, wanted))
    assert invoke(server, name, {}) == ("nothing", None)
    settings = server.client("lambda").get_function_configuration(FunctionName=name)
    assert (settings["MemorySize"], settings["Description"], settings.get("Environment")) == (128, "", None)
    assert invoke(server, name + ":live", {}) == ("7", None)
