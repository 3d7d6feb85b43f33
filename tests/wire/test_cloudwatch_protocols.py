"""The Monitoring API by hand: each protocol as bytes, signed, plain and packed with gzip."""

import gzip
import json
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

TARGET = "GraniteServiceVersion20100801"


class Tagged:
    def __init__(self, tag, value):
        self.tag, self.value = tag, value


class Raw(bytes):
    """CBOR as it is."""


def head(major, number):
    for size, code, width in ((24, None, "B"), (1 << 8, 24, "B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if number < size:
            return bytes([major << 5 | (number if code is None else code)]) + (b"" if code is None else struct.pack(width, number))
    raise ValueError(number)


def encode(value):
    if isinstance(value, Raw):
        return bytes(value)
    if isinstance(value, bool):
        return b"\xf5" if value else b"\xf4"
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, dict):
        return head(5, len(value)) + b"".join(encode(key) + encode(item) for key, item in value.items())
    if isinstance(value, Tagged):
        return head(6, value.tag) + encode(value.value)
    raise TypeError(value)


def decode(data):
    value, rest = decode_one(data)
    assert not rest
    return value


def decode_one(data):
    major, minor, data = data[0] >> 5, data[0] & 31, data[1:]
    if major == 7:
        if minor == 27:
            return struct.unpack(">d", data[:8])[0], data[8:]
        return {20: False, 21: True, 22: None}[minor], data
    if minor >= 24:
        size = 1 << (minor - 24)
        minor, data = int.from_bytes(data[:size], "big"), data[size:]
    if major == 0:
        return minor, data
    if major == 1:
        return -1 - minor, data
    if major == 2:
        return data[:minor], data[minor:]
    if major == 3:
        return data[:minor].decode(), data[minor:]
    if major == 6:
        value, data = decode_one(data)
        return Tagged(minor, value), data
    items = []
    for _ in range(minor * (2 if major == 5 else 1)):
        value, data = decode_one(data)
        items.append(value)
    return (dict(zip(items[::2], items[1::2])) if major == 5 else items), data


def post(url, headers, body):
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, body, headers, method="POST"))
    except urllib.error.HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read()


@pytest.fixture
def send(server):
    """A function that signs and sends one request, and returns its status, headers and body."""
    environment = server.environment()
    credentials = botocore.credentials.Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def run(path, headers, body):
        request = botocore.awsrequest.AWSRequest("POST", server.url + path, data=body, headers=headers)
        botocore.auth.SigV4Auth(credentials, "monitoring", "us-east-1").add_auth(request)
        return post(server.url + path, dict(request.headers), body)

    return run


@pytest.fixture
def cbor(send):
    def call(operation, value, **headers):
        body = value if isinstance(value, bytes) else encode(value)
        sent = {"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor", "Accept": "application/cbor", **headers}
        status, answered, body = send(f"/service/{TARGET}/operation/{operation}", sent, body)
        assert answered["smithy-protocol"] == "rpc-v2-cbor"
        assert answered["Content-Type"] == "application/cbor"
        return status, answered, decode(body)

    return call


@pytest.fixture
def aws_json(send):
    def call(operation, value, pack=False):
        body = json.dumps(value).encode()
        headers = {"X-Amz-Target": f"{TARGET}.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        if pack:
            body, headers["Content-Encoding"] = gzip.compress(body), "gzip"
        status, answered, body = send("/", headers, body)
        return status, answered, json.loads(body)

    return call


def statistics(name, now):
    return {
        "Namespace": "Protocols",
        "MetricName": name,
        "StartTime": now - 300,
        "EndTime": now + 300,
        "Period": 60,
        "Statistics": ["Sum", "SampleCount"],
        "ExtendedStatistics": ["p50"],
    }


def test_cbor_carries_times_numbers_and_lists(cbor):
    now = int(time.time()) // 60 * 60
    half = Raw(b"\xf9\x3e\x00")  # 1.5
    data = {"MetricName": "cbor", "Timestamp": Tagged(1, float(now)), "Values": [half, 2, 3.0], "Counts": [1, 1, 2], "Unit": "Count"}
    assert cbor("PutMetricData", {"Namespace": "Protocols", "MetricData": [data]})[0] == 200
    query = statistics("cbor", now)
    query["StartTime"], query["EndTime"] = Tagged(1, query["StartTime"]), Tagged(1, query["EndTime"])
    status, _, answer = cbor("GetMetricStatistics", query)
    assert (status, answer["Label"]) == (200, "cbor")
    (point,) = answer["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Unit"]) == (9.5, 4, "Count")
    assert 1.9 < point["ExtendedStatistics"]["p50"] < 2.1
    assert (point["Timestamp"].tag, point["Timestamp"].value) == (1, now)


def test_cbor_may_be_of_indefinite_length(cbor):
    chunks = b"\x7f" + encode("Proto") + encode("cols") + b"\xff"
    one = b"\xbf" + encode("MetricName") + encode("open") + encode("Value") + encode(7) + b"\xff"
    body = b"\xbf" + encode("Namespace") + chunks + encode("MetricData") + b"\x9f" + one + b"\xff\xff"
    assert cbor("PutMetricData", body)[0] == 200
    _, _, answer = cbor("ListMetrics", {"Namespace": "Protocols", "MetricName": "open"})
    assert answer["Metrics"] == [{"Namespace": "Protocols", "MetricName": "open", "Dimensions": []}]


def test_cbor_errors_name_their_shape_and_the_old_code(cbor):
    status, headers, answer = cbor("PutMetricData", {"MetricData": []})
    assert status == 400
    assert answer["__type"].endswith("#MissingRequiredParameterException")
    assert answer["message"] == "The parameter Namespace is required."
    assert headers["x-amzn-query-error"] == "MissingParameter;Sender"


@pytest.mark.parametrize("body", [b"\xbf", b"\xff", b"\x80", b"\xa1\x01\x02", b"\x9b" + b"\xff" * 8, b"\xa0\xa0", encode({"a": float("nan")})[:-1]])
def test_cbor_that_is_no_map_is_refused(cbor, body):
    status, _, answer = cbor("ListMetrics", body)
    assert (status, answer["__type"].split("#")[1]) == (400, "SerializationException")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), -(2.0**361)])
def test_cbor_numbers_that_are_no_values_are_refused(cbor, number):
    data = [{"MetricName": "m", "Value": number}]
    status, headers, _ = cbor("PutMetricData", {"Namespace": "Protocols", "MetricData": data})
    assert (status, headers["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender")


def test_cbor_takes_numbers_that_are_not_finite_for_no_times(cbor):
    metric = {"Namespace": "Protocols", "MetricName": "m", "x": float("nan")}
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
    for start in (float("nan"), float("inf"), -1e300):
        status, headers, _ = cbor("GetMetricData", {"MetricDataQueries": [query], "StartTime": Tagged(1, start), "EndTime": 1})
        assert (status, headers["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender")


def test_cbor_names_an_operation_that_is_there(cbor):
    status, _, answer = cbor("DescribeInsightRules", {})
    assert (status, answer["__type"].split("#")[1]) == (400, "UnknownOperationException")


def test_json_has_numbers_for_times(aws_json):
    now = int(time.time()) // 60 * 60
    data = [{"MetricName": "json", "Timestamp": now, "StatisticValues": {"SampleCount": 2, "Sum": 4, "Minimum": 2, "Maximum": 2}}]
    assert aws_json("PutMetricData", {"Namespace": "Protocols", "MetricData": data})[::2] == (200, {})
    status, _, answer = aws_json("GetMetricStatistics", statistics("json", now))
    assert status == 200
    assert answer["Datapoints"] == [
        {"Timestamp": now, "Sum": 4.0, "SampleCount": 2.0, "ExtendedStatistics": {"p50": 2.0}, "Unit": "None"}
    ]


def test_json_errors_name_their_shape_and_the_old_code(aws_json):
    status, headers, answer = aws_json("GetMetricStatistics", {**statistics("m", 0), "Period": 61})
    assert (status, headers["x-amzn-query-error"]) == (400, "InvalidParameterValue;Sender")
    assert answer["__type"] == "com.amazonaws.cloudwatch#InvalidParameterValueException"
    assert answer["message"] == "The parameter Period must be a multiple of 60."


def many(name):
    return [{"MetricName": name, "Value": i} for i in range(1000)]


def total(aws_json, name):
    now = int(time.time()) // 60 * 60
    points = aws_json("GetMetricStatistics", statistics(name, now))[2]["Datapoints"]
    return sum(point["Sum"] for point in points)


def test_packed_json_is_read(aws_json):
    assert aws_json("PutMetricData", {"Namespace": "Protocols", "MetricData": many("packed-json")}, pack=True)[0] == 200
    assert total(aws_json, "packed-json") == 499500


def test_packed_cbor_is_read(cbor, aws_json):
    body = gzip.compress(encode({"Namespace": "Protocols", "MetricData": many("packed-cbor")}))
    assert cbor("PutMetricData", body, **{"Content-Encoding": "gzip"})[0] == 200
    assert total(aws_json, "packed-cbor") == 499500


FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def test_a_packed_form_is_read(send, aws_json):
    form = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": "Protocols"}
    for i in range(1, 101):
        form |= {f"MetricData.member.{i}.MetricName": "packed-form", f"MetricData.member.{i}.Value": str(i)}
    body = gzip.compress(urllib.parse.urlencode(form).encode())
    status, headers, body = send("/", {**FORM, "Content-Encoding": "gzip"}, body)
    assert (status, headers["Content-Type"]) == (200, "text/xml")
    assert b"<PutMetricDataResponse" in body
    assert total(aws_json, "packed-form") == 5050


def test_what_is_not_packed_as_it_says_is_refused(send):
    packed = gzip.compress(b"Action=ListMetrics&Version=2010-08-01")
    for body in (b"Action=ListMetrics", packed[:-4], packed + b"x"):
        status, _, answer = send("/", {**FORM, "Content-Encoding": "gzip"}, body)
        assert (status, b"<Code>SerializationException</Code>" in answer) == (400, True)


def test_what_unpacks_to_too_much_is_refused(send):
    body = gzip.compress(b"Action=ListMetrics&x=" + b"0" * (17 * 1024 * 1024))
    assert send("/", {**FORM, "Content-Encoding": "gzip"}, body)[0] == 400


def test_packed_bodies_of_strangers_are_not_unpacked(server):
    body = gzip.compress(b"0" * (64 * 1024 * 1024))
    status, _, answer = post(server.url + "/", {**FORM, "Content-Encoding": "gzip"}, body)
    assert (status, b"Missing" in answer) == (403, True)
