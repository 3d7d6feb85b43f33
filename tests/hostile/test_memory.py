"""Memory of the server: what clients and functions have it hold stays within its budget, and nobody else notices."""

import concurrent.futures
import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.request

import boto3
import botocore.config
import functions
import hosting
import pytest

BUDGET_MB = 256
SPARE_MB = 100  # of the store and the program itself
FLOOD = os.path.join(os.path.dirname(__file__), "flood.py")
MB = 1024 * 1024


@pytest.fixture(scope="module", params=hosting.ACCOUNTS)
def small(request):
    """A server with a small budget, and what the floods ask of it."""
    with hosting.server_as(request.param, "--memory", f"{BUDGET_MB}M") as server:
        role = functions.make_role(server, "hostile")
        functions.make_function(server, "hostile", functions.PROBE, "probe", role, Timeout=20, MemorySize=128)
        functions.invoke(server, "hostile", {"do": "pid"})
        server.s3 = s3_of(server)
        server.s3.put_object(Bucket="skylite-artifacts", Key="big", Body=os.urandom(40 * MB))
        yield server


def s3_of(server):
    keys = server.environment()
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=botocore.config.Config(
            signature_version="s3v4", retries={"max_attempts": 0}, s3={"addressing_style": "path"}
        ),
    )


def signed_path(server, key, method="get_object"):
    url = server.s3.generate_presigned_url(method, Params={"Bucket": "skylite-artifacts", "Key": key}, ExpiresIn=600)
    return url.removeprefix(server.url)


def api_head(server, size):
    """A call of the Notes API, which anyone may send a body."""
    host = server.outputs("notes")["NotesUrl"].split("/")[2].split(":")[0]
    return f"POST /notes HTTP/1.1\\nHost: {host}\\nContent-Length: {size}\\n\\n"


# What is sent on each connection and never finished or never read: how many connections, the head, the bytes behind it.
FLOODS = {
    "large bodies with a meaningless signature": lambda server: (
        60,
        "POST / HTTP/1.1\\nHost: x\\nAuthorization: x\\nContent-Length: 75000000\\n\\n",
        74_999_999,
    ),
    "large bodies without length and with a meaningless signature": lambda server: (
        60,
        "POST / HTTP/1.1\\nHost: x\\nAuthorization: x\\nTransfer-Encoding: chunked\\n\\n47868C0\\n",
        74_999_999,
    ),
    "bodies of a megabyte without a signature": lambda server: (
        600,
        "POST / HTTP/1.1\\nHost: x\\nContent-Length: 1000000\\n\\n",
        999_999,
    ),
    "small bodies without a signature": lambda server: (
        3000,
        "POST / HTTP/1.1\\nHost: x\\nContent-Length: 60000\\n\\n",
        59_999,
    ),
    "bodies for a deployed API": lambda server: (60, api_head(server, 10_000_000), 9_999_999),
    "heads without an end": lambda server: (3000, "GET / HTTP/1.1\\nX: " + "x" * 60_000, 0),
    "large bodies with a good signature": lambda server: (
        20,
        f"PUT {signed_path(server, 'parked', 'put_object')} HTTP/1.1\\nHost: 127.0.0.1:{server.port}\\n"
        "Content-Length: 40000000\\n\\n",
        39_999_999,
    ),
    "readers of a large object who do not read": lambda server: (
        100,
        f"GET {signed_path(server, 'big')} HTTP/1.1\\nHost: 127.0.0.1:{server.port}\\n\\n",
        0,
    ),
}

# Those that the neighbour is measured under; the others differ from them in what the bytes are for.
MEASURED = ["large bodies with a meaningless signature", "readers of a large object who do not read"]


def prepare(server, name):
    """The flood's program, started and waiting for its word: the start of an interpreter is no part of a flood."""
    count, head, size = FLOODS[name](server)
    return subprocess.Popen(
        [sys.executable, FLOOD, str(server.port), str(count), head, str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@contextlib.contextmanager
def running(flood):
    """While the program holds the flood's connections. Gives what it says of them."""
    try:
        flood.stdin.write("\n")
        flood.stdin.flush()
        yield flood.stdout.readline()
    finally:
        flood.stdin.close()
        flood.wait()


def flooded(server, name):
    return running(prepare(server, name))


def slowdown(server, name, tries=5):
    """How many times slower the neighbour's calls are under the flood."""
    prepared = [prepare(server, name) for _ in range(tries)]
    neighbour = hosting.Neighbour(server)

    def flood(stop):
        with running(prepared.pop()):
            stop.wait()

    try:
        return neighbour.slowdown(flood, seconds=1.5, tries=tries)
    finally:
        for unused in prepared:
            unused.stdin.close()
            unused.wait()


def memory_mb(server, field):
    with open(f"/proc/{server.process.pid}/status") as status:
        return int(re.search(rf"{field}:\s*(\d+)", status.read())[1]) // 1024


def forget_peak(server):
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as refs:
        refs.write("5")


def is_healthy(server):
    with urllib.request.urlopen(server.url + "/health", timeout=10) as answer:
        return answer.status == 200


def falls_to(server, limit_mb, seconds=10):
    until = time.monotonic() + seconds
    while memory_mb(server, "VmRSS") > limit_mb and time.monotonic() < until:
        time.sleep(0.1)
    return memory_mb(server, "VmRSS")


@pytest.mark.parametrize("name", FLOODS)
def test_what_clients_park_stays_within_the_budget(small, name):
    before = memory_mb(small, "VmRSS")
    forget_peak(small)
    with flooded(small, name):
        assert is_healthy(small)
        answer = small.client("dynamodb").list_tables()
        assert answer["TableNames"]
    assert memory_mb(small, "VmHWM") <= BUDGET_MB + SPARE_MB
    assert falls_to(small, before + 32) <= before + 32


@pytest.mark.parametrize("name", MEASURED)
def test_the_neighbour_does_not_notice_what_clients_park(small, name):
    assert slowdown(small, name) <= 3


def test_half_sent_answers_of_a_function_stay_within_the_budget(small):
    forget_peak(small)
    answer, error = functions.invoke(small, "hostile", {"do": "park_answers", "number": 60})
    assert error is None and answer.startswith("60 connections"), answer
    assert is_healthy(small)
    assert memory_mb(small, "VmHWM") <= BUDGET_MB + SPARE_MB
    functions.invoke(small, "hostile", {"do": "park_answers", "number": 0})


def test_a_head_whose_signature_cannot_be_good_is_refused_before_its_body(small):
    with flooded(small, "large bodies with a meaningless signature") as said:
        assert said == "0 taken, 60 answered\n"


def test_large_uploads_get_through_one_after_the_other(small):
    """Together they would need more than there is: they wait in files."""
    body = os.urandom(24 * MB)
    forget_peak(small)
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda i: small.s3.put_object(Bucket="skylite-artifacts", Key=f"up-{i}", Body=body), range(6)))
    assert small.s3.get_object(Bucket="skylite-artifacts", Key="up-5")["Body"].read() == body
    assert memory_mb(small, "VmHWM") <= BUDGET_MB + SPARE_MB

