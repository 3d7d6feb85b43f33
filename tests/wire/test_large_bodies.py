"""Bodies and answers of more than a megabyte: who may send them, that they arrive whole, and that they are read in pieces."""

import json
import os
import socket

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

MB = 1024 * 1024


def keys_of(server):
    found = server.environment()
    return found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"]


def head_of(server, keys, service, method, path, body, headers):
    """The signed head of a request, as bytes."""
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    request = botocore.awsrequest.AWSRequest(method, server.url + path, data=body, headers=dict(headers))
    signer(botocore.credentials.Credentials(*keys), service, "us-east-1").add_auth(request)
    lines = [f"{method} {path} HTTP/1.1", f"Host: {server.url.split('/')[2]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items() if name != "Host"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def answer_to(server, sent):
    """Status and body of the answer to these bytes, of which there may be fewer than announced."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(sent)
        with connection.makefile("rb") as stream:
            status = int(stream.readline().split()[1])
            length = 0
            while (line := stream.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            return status, stream.read(length).decode()


PUT_ITEM = {"X-Amz-Target": "DynamoDB_20120810.PutItem", "Content-Type": "application/x-amz-json-1.0"}

# Heads whose signature cannot be good: service, method, path, headers, what is wrong with the key, the answer.
REFUSED = [
    ("dynamodb", "POST", "/", PUT_ITEM, "unknown", 400, "UnrecognizedClientException"),
    ("s3", "PUT", "/skylite-artifacts/x", {}, "unknown", 403, "InvalidAccessKeyId"),
    ("s3", "PUT", "/skylite-artifacts/x", {}, "wrong secret", 403, "SignatureDoesNotMatch"),
    ("lambda", "POST", "/2015-03-31/functions", {}, "unknown", 403, "The security token included in the request"),
    ("iam", "POST", "/", {"Content-Type": "application/x-www-form-urlencoded"}, "unknown", 403, "InvalidClientTokenId"),
]


@pytest.mark.parametrize("service, method, path, headers, wrong, status, code", REFUSED)
def test_a_hopeless_head_is_answered_before_its_body(server, service, method, path, headers, wrong, status, code):
    keys = ("AKIAUNKNOWNUNKNOWN00", "x" * 40) if wrong == "unknown" else (keys_of(server)[0], "x" * 40)
    head = head_of(server, keys, service, method, path, b"x" * (2 * MB), headers)
    got, text = answer_to(server, head)
    assert (got, code in text) == (status, True), text


def test_a_body_that_is_not_what_was_signed_is_refused(server):
    """The head does not say the body's hash, so it passes; the body is judged when it is there."""
    body = json.dumps({"TableName": "Notes", "Filler": "x" * (2 * MB)}).encode()
    head = head_of(server, keys_of(server), "dynamodb", "POST", "/", body, PUT_ITEM)
    status, text = answer_to(server, head + body.replace(b"xxx", b"xyx", 1))
    assert status == 400 and "InvalidSignatureException" in text, text


def test_a_body_without_any_signature_has_a_megabyte(server):
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {MB + 1}\r\n\r\n".encode()
    assert answer_to(server, head)[0] == 413


@pytest.fixture(scope="module")
def stored(server):
    """An object of 5 MB and a bit, its bytes, and the client."""
    client = server.client("s3")
    body = os.urandom(5 * MB + 12345)
    client.put_object(Bucket="skylite-artifacts", Key="large", Body=body)
    yield client, body
    client.delete_object(Bucket="skylite-artifacts", Key="large")


@pytest.mark.parametrize("first, last", [(0, 0), (65535, 65536), (65536, 131071), (100, 4 * MB), (5 * MB, 5 * MB + 12344)])
def test_ranges_of_an_object_are_cut_at_any_byte(stored, first, last):
    client, body = stored
    got = client.get_object(Bucket="skylite-artifacts", Key="large", Range=f"bytes={first}-{last}")
    assert got["Body"].read() == body[first : last + 1]
    assert got["ContentLength"] == last + 1 - first


def test_an_object_comes_back_whole_and_its_head_tells_its_size(stored):
    client, body = stored
    assert client.get_object(Bucket="skylite-artifacts", Key="large")["Body"].read() == body
    assert client.head_object(Bucket="skylite-artifacts", Key="large")["ContentLength"] == len(body)


def test_an_object_of_parts_comes_back_whole(server):
    client = server.client("s3")
    parts = [os.urandom(5 * MB + 1), os.urandom(MB), b"end"]
    where = {"Bucket": "skylite-artifacts", "Key": "parts"}
    upload = client.create_multipart_upload(**where)["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": client.upload_part(**where, UploadId=upload, PartNumber=number, Body=part)["ETag"],
        }
        for number, part in enumerate(parts, 1)
    ]
    client.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": done})
    assert client.get_object(**where)["Body"].read() == b"".join(parts)
    across = client.get_object(**where, Range=f"bytes={5 * MB - 10}-{6 * MB + 2}")
    assert across["Body"].read() == b"".join(parts)[5 * MB - 10 : 6 * MB + 3]
    client.delete_object(**where)
