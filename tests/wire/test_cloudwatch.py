"""CloudWatch metrics: values put and read with boto3 and the AWS CLI, and what the services count themselves."""

import datetime
import json
import subprocess
import time

import botocore.exceptions
import pytest

import functions
import node
import notes_api

NOW = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)


def hour():
    """From an hour before this file was read until after what the server counts now: other files may run for long between."""
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
    return {"StartTime": NOW - datetime.timedelta(hours=1), "EndTime": end}


@pytest.fixture(scope="module")
def cloudwatch(server):
    return server.client("cloudwatch")


def put(cloudwatch, name, *values, minutes_ago=0, **more):
    data = [{"MetricName": name, "Value": value, "Timestamp": NOW - datetime.timedelta(minutes=minutes_ago), **more} for value in values]
    cloudwatch.put_metric_data(Namespace="Test", MetricData=data)


def statistics(cloudwatch, name, namespace="Test", period=3600, **more):
    return cloudwatch.get_metric_statistics(
        Namespace=namespace, MetricName=name, Period=period, **{**hour(), "Statistics": ["Sum", "SampleCount", "Minimum", "Maximum", "Average"], **more}
    )["Datapoints"]


def test_values_are_counted_into_periods(cloudwatch):
    put(cloudwatch, "periods", 1, 2, 3, minutes_ago=30, Unit="Count")
    put(cloudwatch, "periods", 10, minutes_ago=20, Unit="Count")
    points = sorted(statistics(cloudwatch, "periods", period=600), key=lambda point: point["Timestamp"])
    assert [(p["Sum"], p["SampleCount"], p["Average"], p["Unit"]) for p in points] == [(6, 3, 2, "Count"), (10, 1, 10, "Count")]
    assert points[0]["Timestamp"] == NOW - datetime.timedelta(minutes=30)


def test_percentiles_are_within_a_little_more_than_one_percent(cloudwatch):
    values = [float(i) for i in range(1, 1001)]
    for i in range(0, 1000, 100):
        cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "spread", "Values": values[i : i + 100], "Timestamp": NOW}])
    point = statistics(cloudwatch, "spread", Statistics=[], ExtendedStatistics=["p50", "p99", "p99.9", "p100"])[0]["ExtendedStatistics"]
    for name, exact in (("p50", 500), ("p99", 990), ("p99.9", 999), ("p100", 1000)):
        assert point[name] == pytest.approx(exact, rel=0.0125)


def test_statistic_sets_have_no_percentiles(cloudwatch):
    sets = {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4}
    cloudwatch.put_metric_data(Namespace="Test", MetricData=[{"MetricName": "sets", "StatisticValues": sets, "Timestamp": NOW}])
    point = statistics(cloudwatch, "sets")[0]
    assert (point["Average"], point["Minimum"], point["Maximum"]) == (2.5, 1, 4)
    assert "ExtendedStatistics" not in statistics(cloudwatch, "sets", Statistics=[], ExtendedStatistics=["p50"])[0]


def test_list_metrics_filters_by_dimension(cloudwatch):
    for stage in ("prod", "test"):
        put(cloudwatch, "listed", 1, Dimensions=[{"Name": "Stage", "Value": stage}, {"Name": "Api", "Value": "a"}])
    found = cloudwatch.list_metrics(Namespace="Test", MetricName="listed", Dimensions=[{"Name": "Stage"}])["Metrics"]
    assert [metric["Dimensions"][1]["Value"] for metric in found] == ["prod", "test"]
    found = cloudwatch.list_metrics(Namespace="Test", Dimensions=[{"Name": "Stage", "Value": "prod"}], RecentlyActive="PT3H")
    assert len(found["Metrics"]) == 1


def test_get_metric_data_has_expressions(cloudwatch):
    put(cloudwatch, "errors", 1, minutes_ago=10)
    put(cloudwatch, "calls", 4, minutes_ago=10)

    def query(id, name):
        metric = {"Namespace": "Test", "MetricName": name}
        return {"Id": id, "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": id == "e"}

    answer = cloudwatch.get_metric_data(
        MetricDataQueries=[
            query("e", "errors"),
            query("c", "calls"),
            {"Id": "rate", "Expression": "100 * e / c", "Label": "percent"},
            {"Id": "all", "Expression": "SUM(METRICS())"},
        ],
        **hour(),
    )
    results = {result["Id"]: result for result in answer["MetricDataResults"]}
    assert set(results) == {"e", "rate", "all"}
    assert (results["rate"]["Label"], results["rate"]["Values"]) == ("percent", [25])
    assert results["rate"]["Timestamps"] == [NOW - datetime.timedelta(minutes=10)]
    assert 5 in results["all"]["Values"]


@pytest.mark.parametrize(
    "call,code,message",
    [
        (lambda c: c.put_metric_data(MetricData=[]), "MissingParameter", "The parameter Namespace is required."),
        (lambda c: c.put_metric_data(Namespace="N"), "MissingParameter", "The parameter MetricData is required."),
        (lambda c: c.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1, "Unit": "Apples"}]), "InvalidParameterValue", "Apples"),
        (lambda c: c.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": 0}]), "InvalidParameterValue", "The parameter MetricData.member.1.Timestamp must specify a time within the past two weeks."),
        (lambda c: c.put_metric_data(Namespace="N", MetricData=[{"MetricName": "m", "Value": float("nan")}]), "InvalidParameterValue", "Value"),
        (lambda c: statistics(c, "m", period=61), "InvalidParameterValue", "multiple of 60"),
        (lambda c: statistics(c, "m", StartTime=NOW - datetime.timedelta(days=2), period=60), "InvalidParameterCombination", "exceeds the limit of 1440"),
        (lambda c: statistics(c, "m", Statistics=["Median"]), "InvalidParameterValue", "Median"),
    ],
)
def test_refusals_are_worded_as_aws_does(cloudwatch, call, code, message):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(cloudwatch)
    assert error.value.response["Error"]["Code"] == code
    assert message in error.value.response["Error"]["Message"]


def test_values_that_were_acknowledged_survive_kill_9(own_server):
    server = own_server()
    put(server.client("cloudwatch"), "kept", 7)
    server.kill()
    server.start()
    assert statistics(server.client("cloudwatch"), "kept")[0]["Sum"] == 7


def test_the_services_count_their_calls(server, cloudwatch):
    api = notes_api.notes_of(server)
    note = api.call("POST", "/notes", {"title": "x", "content": ""}).json
    api.call("GET", "/notes/" + note["noteId"])
    api.call("GET", "/notes/missing")
    api.call("GET", "/notes", key=None)
    stage = [{"Name": "ApiName", "Value": "notes"}, {"Name": "Stage", "Value": "prod"}]

    def total(namespace, name, dimensions, statistic="Sum"):
        points = statistics(cloudwatch, name, namespace, 3900, Dimensions=dimensions)
        return sum(point[statistic] for point in points)

    # A call is counted when it has been answered: the client may ask before that.
    deadline = time.monotonic() + 30
    while total("AWS/ApiGateway", "4XXError", stage) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert total("AWS/ApiGateway", "Count", stage) >= 4
    assert total("AWS/ApiGateway", "Count", stage[:1]) == total("AWS/ApiGateway", "Count", stage)
    assert total("AWS/ApiGateway", "4XXError", stage) >= 2
    assert total("AWS/ApiGateway", "Latency", stage, "Maximum") > 0
    function = [{"Name": "FunctionName", "Value": "notes-get"}]
    assert total("AWS/Lambda", "Invocations", function) >= 2
    assert total("AWS/Lambda", "Errors", function) == 0
    assert total("AWS/Lambda", "Duration", function, "Maximum") > 0
    table = [{"Name": "TableName", "Value": "Notes"}]
    assert total("AWS/DynamoDB", "ConsumedWriteCapacityUnits", table) >= 1
    assert total("AWS/DynamoDB", "SuccessfulRequestLatency", table + [{"Name": "Operation", "Value": "GetItem"}], "SampleCount") >= 2
    api.call("DELETE", "/notes/" + note["noteId"])


def test_the_cli_shows_statistics(server):
    start = (NOW - datetime.timedelta(hours=1)).isoformat()
    end = (NOW + datetime.timedelta(minutes=5)).isoformat()
    command = ["/usr/bin/aws", "--endpoint-url", server.url, "cloudwatch", "get-metric-statistics", "--namespace", "Test"]
    command += ["--metric-name", "periods", "--start-time", start, "--end-time", end, "--period", "3600", "--statistics", "Sum"]
    printed = subprocess.run(command, env={**server.environment(), "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed)["Datapoints"][0]["Sum"] == 16


@pytest.mark.parametrize("protocol", ["query", "json", "cbor"])
def test_sdk_v3_in_each_protocol(server, protocol):
    assert node.run("cloudwatch.mjs", protocol, environment=server.environment()).endswith("ok\n")
