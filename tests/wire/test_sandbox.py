"""What contains a function: time, memory, processes, files, network, rights."""

import json
import subprocess
import threading
import time

import botocore.exceptions
import pytest

import conftest
import functions

FUNCTION = "probe"


@pytest.fixture(scope="module")
def probe(server):
    """Has the probe function do something; returns (answer, function error)."""
    role = functions.make_role(server, "probe-role")
    functions.make_function(
        server, FUNCTION, functions.PROBE, "probe", role, Timeout=2, MemorySize=128
    )
    yield lambda **event: functions.invoke(server, FUNCTION, event)
    server.client("lambda").delete_function(FunctionName=FUNCTION)
    server.client("iam").delete_role(RoleName="probe-role")


def test_a_warm_instance_serves_again(probe):
    answers = {probe(do="nothing")[0] for _ in range(6)}
    assert all(answer.startswith("pid ") for answer in answers)


@pytest.mark.parametrize("path", ["/etc/shadow", "/var/lib/dpkg/status", "/proc/1/environ", "/dev/mem", "/dev/vda"])
def test_the_hosts_files_cannot_be_read(probe, path):
    answer, error = probe(do="read", path=path)
    assert error is None
    assert answer.startswith("refused"), answer


def test_the_servers_data_cannot_be_read(server, probe):
    for name in ("credentials", "endpoint", "store/CURRENT"):
        assert probe(do="read", path=str(server.data / name))[0].startswith("refused")


@pytest.mark.parametrize("path", ["/x", "/usr/x", "/var/task/x", "/etc/x", "/opt/x"])
def test_nothing_but_tmp_can_be_written(probe, path):
    assert probe(do="write", path=path)[0].startswith("refused")


def test_tmp_can_be_written(probe):
    assert probe(do="write", path="/tmp/x")[0] == "written: 1"


def test_the_hosts_network_cannot_be_reached(server, probe):
    assert probe(do="connect", path="127.0.0.1", number=server.port)[0].startswith("refused")
    assert probe(do="connect", path="8.8.8.8", number=53)[0].startswith("refused")


def test_a_loop_ends_with_its_time(probe):
    started = time.monotonic()
    answer, error = probe(do="loop")
    assert error == "Unhandled"
    assert "Task timed out after 2.0" in answer["errorMessage"]
    assert 1.9 < time.monotonic() - started < 6


def test_after_a_time_out_the_next_call_works(probe):
    assert probe(do="nothing")[1] is None


def test_an_exit_is_told(probe):
    answer, error = probe(do="exit", number=3)
    assert error == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError"
    assert answer["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")


def test_a_crash_is_told(probe):
    answer, error = probe(do="crash")
    assert (error, answer["errorType"]) == ("Unhandled", "Runtime.ExitError")
    assert "signal: aborted" in answer["errorMessage"]


def test_memory_is_bounded(probe):
    answer, error = probe(do="allocate")
    assert error == "Unhandled", answer
    assert probe(do="nothing")[1] is None


def test_processes_are_bounded(server, probe):
    """A thousand forks take longer than the two seconds of the others where the machine is busy."""
    client = server.client("lambda")
    client.update_function_configuration(FunctionName=FUNCTION, Timeout=60)
    answer, error = probe(do="fork")
    client.update_function_configuration(FunctionName=FUNCTION, Timeout=2)
    assert error is None, answer
    assert int(answer) < 1100
    assert probe(do="nothing")[1] is None


def test_an_error_of_the_handler_is_told(probe):
    answer, error = probe(do="fail")
    assert error == "Unhandled"
    assert answer["errorMessage"] == "told to fail"


def test_an_answer_over_6_mb_is_refused(probe):
    limit = 6291556  # 6 MiB and 100 bytes, as Lambda's message says
    fits, error = probe(do="big", number=limit)
    assert error is None
    assert len(fits) == limit - 2
    answer, error = probe(do="big", number=limit + 1)
    assert error == "Unhandled"
    assert answer["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_request_over_6_mb_is_refused(server, probe):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        server.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps("x" * (6 * 1024 * 1024)))
    assert caught.value.response["Error"]["Code"] == "RequestEntityTooLargeException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_what_it_prints_is_in_its_log(server, probe):
    probe(do="print", path="a line of its own")
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        text = server.skylite("logs", FUNCTION).stdout
        if "a line of its own" in text:
            break
        time.sleep(0.1)
    assert "a line of its own" in text
    for word in ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ", "Task timed out"):
        assert word in text


def test_without_rights_to_the_table_it_is_refused(server, probe):
    answer, error = probe(do="table", operation="GetItem", input={"TableName": "Notes", "Key": {"noteId": {"S": "x"}}})
    assert error == "Unhandled"
    assert "is not authorized to perform: dynamodb:GetItem on resource:" in answer["errorMessage"]
    assert ":assumed-role/probe-role/" in answer["errorMessage"]


def test_with_the_right_it_is_let_and_no_further(server):
    table = "arn:aws:dynamodb:us-east-1:000000000000:table/Notes"
    role = functions.make_role(
        server, "reader-role", [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": table}]
    )
    functions.make_function(server, "reader", functions.PROBE, "probe", role)
    key = {"noteId": {"S": "x"}}
    event = {"do": "table", "operation": "GetItem", "input": {"TableName": "Notes", "Key": key}}
    assert functions.invoke(server, "reader", event) == ({}, None)
    event = {"do": "table", "operation": "DeleteItem", "input": {"TableName": "Notes", "Key": key}}
    answer, error = functions.invoke(server, "reader", event)
    assert "not authorized to perform: dynamodb:DeleteItem" in answer["errorMessage"]
    server.client("lambda").delete_function(FunctionName="reader")
    server.client("iam").delete_role_policy(RoleName="reader-role", PolicyName="inline")
    server.client("iam").delete_role(RoleName="reader-role")


def test_its_log_can_be_followed(server, probe):
    follow = subprocess.Popen(
        [conftest.SKYLITE, "logs", FUNCTION, "--follow", "--since", "1m", "--data", server.data],
        stdout=subprocess.PIPE,
        text=True,
    )
    timer = threading.Timer(15, follow.kill)
    timer.start()
    probe(do="print", path="followed line")
    assert any("followed line" in line for line in follow.stdout)
    timer.cancel()
    follow.kill()
    follow.wait()
