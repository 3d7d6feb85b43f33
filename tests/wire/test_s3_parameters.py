"""What S3 does not do is refused by name, and nothing is changed: in S3 a parameter chooses the operation, so one that is
passed over turns PutObjectTagging into PutObject."""

import json
import pathlib
import re

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import http.client
import pytest

MODEL = next((pathlib.Path(botocore.__file__).parent / "data" / "s3").glob("*/service-2.json"))
OPERATIONS = json.loads(MODEL.read_text())["operations"]
OFFERED = {
    "AbortMultipartUpload", "CompleteMultipartUpload", "CreateBucket", "CreateMultipartUpload", "DeleteBucket",
    "DeleteObject", "GetBucketLocation", "GetObject", "HeadBucket", "HeadObject", "ListBuckets", "ListObjects",
    "ListObjectsV2", "PutObject", "UploadPart",
}  # fmt: skip
COPIES = {"CopyObject", "UploadPartCopy"}  # told by a header, not by a parameter
NO_PARAMETER = {"ListParts", "WriteGetObjectResponse"}  # GET with ?uploadId below; S3 Object Lambda's own host
BUCKET, KEY = "parameters", "kept"


@pytest.fixture(scope="module")
def bucket(server):
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"kept")
    yield s3
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    s3.delete_bucket(Bucket=BUCKET)


def send(server, method, target, body=b"", headers=None):
    """A signed request as bytes; returns (status, body)."""
    environment = server.environment()
    credentials = botocore.credentials.Credentials(
        environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
    )
    request = botocore.awsrequest.AWSRequest(method, server.url + target, data=body, headers=headers or {})
    botocore.auth.S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    prepared = request.prepare()
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request(method, target, body=body, headers=dict(prepared.headers))
    answer = connection.getresponse()
    status, text = answer.status, answer.read().decode()
    connection.close()
    return status, text


def assert_refused(server, bucket, method, target, name, **rest):
    status, text = send(server, method, target, **rest)
    assert status == 501, text
    if method != "HEAD":
        assert "<Code>NotImplemented</Code>" in text
        assert name in re.search("<Message>(.*)</Message>", text).group(1)
    assert bucket.get_object(Bucket=BUCKET, Key=KEY)["Body"].read() == b"kept"


def test_every_operation_of_the_model_is_offered_or_refused_by_name(server, bucket):
    for name, operation in OPERATIONS.items():
        if name in OFFERED | COPIES | NO_PARAMETER:
            continue
        target = operation["http"]["requestUri"].replace("{Bucket}", BUCKET).replace("{Key+}", KEY)
        parameter = re.search(r"\?([\w-]+)", target).group(1)
        assert_refused(server, bucket, operation["http"]["method"], target, parameter, body=b"<x/>")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "POST"])
@pytest.mark.parametrize("parameter", ["versionId=3", "made-up", "partNumber=1&made-up=1", "tagging=&uploadId=x"])
@pytest.mark.parametrize("place", [f"/{BUCKET}", f"/{BUCKET}/{KEY}"])
def test_unknown_parameters_are_refused(server, bucket, method, parameter, place):
    assert_refused(server, bucket, method, f"{place}?{parameter}", "The parameter")


@pytest.mark.parametrize(
    "header, value",
    [
        ("x-amz-copy-source", f"/{BUCKET}/{KEY}"),
        ("x-amz-tagging", "a=b"),
        ("x-amz-acl", "public-read"),
        ("x-amz-grant-read", "id=1"),
        ("x-amz-object-lock-mode", "GOVERNANCE"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        ("if-none-match", "*"),
    ],
)
def test_headers_that_change_a_write_are_refused(server, bucket, header, value):
    name = "public-read" if header == "x-amz-acl" else header
    assert_refused(server, bucket, "PUT", f"/{BUCKET}/{KEY}", name, body=b"other", headers={header: value})


def test_an_upload_that_copies_is_refused(server, bucket):
    upload = bucket.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    target = f"/{BUCKET}/{KEY}?partNumber=1&uploadId={upload}"
    assert_refused(
        server, bucket, "PUT", target, "x-amz-copy-source", headers={"x-amz-copy-source": f"/{BUCKET}/{KEY}"}
    )
    bucket.abort_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=upload)


def test_what_is_offered_is_still_taken(bucket):
    assert bucket.get_object(Bucket=BUCKET, Key=KEY, VersionId="null")["Body"].read() == b"kept"
    listed = bucket.list_objects_v2(Bucket=BUCKET, Prefix="k", MaxKeys=5, FetchOwner=False)
    assert [item["Key"] for item in listed["Contents"]] == [KEY]
