"""What the services count of themselves in CloudWatch, with AWS's names and dimensions."""

import datetime
import json
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

import functions

CODE = """
def handler(event, context):
    if event == "fail":
        raise ValueError("as asked")
    return event
"""


class Metrics:
    def __init__(self, server):
        self.client = server.client("cloudwatch")

    def __call__(self, namespace, name, statistic="Sum", **dimensions):
        """A statistic of the last minutes; None when there is nothing."""
        now = datetime.datetime.now(datetime.timezone.utc)
        points = self.client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - datetime.timedelta(minutes=10),
            EndTime=now + datetime.timedelta(minutes=2),
            Period=3600,
            Statistics=[statistic],
        )["Datapoints"]
        return points[0][statistic] if points else None

    def unit(self, namespace, name, **dimensions):
        now = datetime.datetime.now(datetime.timezone.utc)
        return self.client.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=now - datetime.timedelta(minutes=10),
            EndTime=now + datetime.timedelta(minutes=2),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"][0]["Unit"]


@pytest.fixture
def own(own_server):
    """A server of its own, whose counts start at nothing."""
    return own_server()


@pytest.fixture
def metrics(own):
    return Metrics(own)


@pytest.fixture
def function(own):
    role = functions.make_role(own, "counted")
    client = own.client("lambda")
    client.create_function(
        FunctionName="counted",
        Runtime="python3.12",
        Handler="code.handler",
        Role=role,
        Code={"ZipFile": functions.zip_of({"code.py": CODE})},
    )
    return client


def test_lambda_counts_by_function_version_and_alias(own, function, metrics):
    version = function.publish_version(FunctionName="counted")["Version"]
    function.create_alias(FunctionName="counted", Name="live", FunctionVersion=version)
    functions.invoke(own, "counted", 1)
    functions.invoke(own, "counted", "fail")
    functions.invoke(own, "counted:live", 2)
    functions.invoke(own, "counted:1", 3)
    assert metrics("AWS/Lambda", "Invocations") == 4
    assert metrics("AWS/Lambda", "Invocations", FunctionName="counted") == 4
    assert metrics("AWS/Lambda", "Invocations", FunctionName="counted", Resource="counted") == 2
    assert metrics("AWS/Lambda", "Invocations", FunctionName="counted", Resource="counted:live") == 1
    assert metrics("AWS/Lambda", "Invocations", FunctionName="counted", Resource="counted:1") == 1
    assert metrics("AWS/Lambda", "Errors", FunctionName="counted") == 1
    assert metrics("AWS/Lambda", "Errors", "Average", FunctionName="counted") == 0.25
    assert metrics("AWS/Lambda", "Duration", "SampleCount", FunctionName="counted") == 4
    assert metrics("AWS/Lambda", "ConcurrentExecutions", "Maximum") == 1
    assert metrics.unit("AWS/Lambda", "Duration", FunctionName="counted") == "Milliseconds"
    assert metrics.unit("AWS/Lambda", "Errors", FunctionName="counted") == "Count"


def test_lambda_counts_throttles_and_they_are_no_invocations(function, metrics):
    function.put_function_concurrency(FunctionName="counted", ReservedConcurrentExecutions=0)
    for _ in range(3):
        with pytest.raises(botocore.exceptions.ClientError) as error:
            function.invoke(FunctionName="counted", Payload=json.dumps(1))
        assert error.value.response["Error"]["Code"] == "TooManyRequestsException"
    assert metrics("AWS/Lambda", "Throttles", FunctionName="counted") == 3
    assert metrics("AWS/Lambda", "Invocations", FunctionName="counted") is None
    assert metrics("AWS/Lambda", "Errors", FunctionName="counted") is None


def test_dynamodb_counts_by_operation_and_index(own, metrics):
    dynamodb = own.client("dynamodb")
    dynamodb.create_table(
        TableName="Things",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {"IndexName": "Gsi", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    for number in range(3):
        dynamodb.put_item(TableName="Things", Item={"k": {"S": str(number)}, "g": {"S": "x"}, "Count": {"N": "77"}})
    dynamodb.batch_write_item(RequestItems={"Things": [{"PutRequest": {"Item": {"k": {"S": "9"}}}}]})
    dynamodb.transact_get_items(TransactItems=[{"Get": {"TableName": "Things", "Key": {"k": {"S": "9"}}}}])
    dynamodb.scan(TableName="Things")
    dynamodb.query(
        TableName="Things", IndexName="Gsi", KeyConditionExpression="g = :g", ExpressionAttributeValues={":g": {"S": "x"}}
    )
    with pytest.raises(botocore.exceptions.ClientError):
        dynamodb.put_item(TableName="Things", Item={"k": {"S": "1"}}, ConditionExpression="attribute_not_exists(k)")
    with pytest.raises(botocore.exceptions.ClientError):
        dynamodb.put_item(TableName="Things", Item={"no-key": {"S": "1"}})

    def of(name, statistic="Sum", **more):
        return metrics("AWS/DynamoDB", name, statistic, TableName="Things", **more)

    assert of("SuccessfulRequestLatency", "SampleCount", Operation="PutItem") == 3
    assert of("SuccessfulRequestLatency", "SampleCount", Operation="BatchWriteItem") == 1
    assert of("SuccessfulRequestLatency", "SampleCount", Operation="TransactGetItems") == 1
    assert of("SuccessfulRequestLatency", "SampleCount", Operation="CreateTable") is None
    assert of("ReturnedItemCount", Operation="Scan") == 4
    assert of("ReturnedItemCount", Operation="Query") == 3
    assert of("ConsumedWriteCapacityUnits") == 4
    assert of("ConsumedWriteCapacityUnits", GlobalSecondaryIndexName="Gsi") == 3
    assert of("ConsumedReadCapacityUnits", GlobalSecondaryIndexName="Gsi") == 0.5
    assert of("ConsumedReadCapacityUnits") == 2.5
    assert of("ConditionalCheckFailedRequests") == 1
    assert metrics("AWS/DynamoDB", "UserErrors") == 1


def test_api_gateway_counts_by_method_where_the_stage_says_so(own, metrics):
    gateway = own.client("apigateway")
    api = gateway.create_rest_api(name="mocks")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    made = gateway.create_resource(restApiId=api, parentId=root, pathPart="things")["id"]
    method = {"restApiId": api, "resourceId": made, "httpMethod": "GET"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_method_response(**method, statusCode="200")
    gateway.put_integration(**method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'})
    gateway.put_integration_response(**method, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="s")
    gateway.update_stage(
        restApiId=api, stageName="s", patchOperations=[{"op": "replace", "path": "/*/*/metrics/enabled", "value": "true"}]
    )

    for path in ("things", "things", "nothing"):
        try:
            urllib.request.urlopen(f"{own.url}/restapis/{api}/s/_user_request_/{path}").read()
        except urllib.error.HTTPError as error:
            assert error.code == 403
    assert metrics("AWS/ApiGateway", "Count", ApiName="mocks") == 3
    assert metrics("AWS/ApiGateway", "Count", ApiName="mocks", Stage="s") == 3
    assert metrics("AWS/ApiGateway", "4XXError", "Average", ApiName="mocks", Stage="s") == pytest.approx(1 / 3)
    by_method = {"ApiName": "mocks", "Stage": "s", "Method": "GET", "Resource": "/things"}
    assert metrics("AWS/ApiGateway", "Count", **by_method) == 2
    assert metrics("AWS/ApiGateway", "5XXError", **by_method) == 0
    assert metrics("AWS/ApiGateway", "Latency", "Maximum", **by_method) > 0
    assert metrics.unit("AWS/ApiGateway", "Latency", **by_method) == "Milliseconds"


def test_logs_count_what_comes_in(own, metrics):
    logs = own.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    now = int(datetime.datetime.now().timestamp() * 1000)
    events = [{"timestamp": now, "message": "12345"}, {"timestamp": now, "message": "1234567890"}]
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=events)
    assert metrics("AWS/Logs", "IncomingLogEvents", LogGroupName="g") == 2
    assert metrics("AWS/Logs", "IncomingBytes", LogGroupName="g") == 15 + 2 * 26
    assert metrics("AWS/Logs", "IncomingBytes") == 15 + 2 * 26
    assert metrics.unit("AWS/Logs", "IncomingBytes", LogGroupName="g") == "Bytes"
