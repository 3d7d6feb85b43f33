"""Signatures that a tenant holds, or has seen, used for what they were not made for."""

import json

import pytest
from signing import Connection, Key, Request, Signer

SCAN = {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "DynamoDB_20120810.Scan"}
BODY = json.dumps({"TableName": "Notes"}).encode()


class Tenant:
    """Who has a key, and makes requests with it."""

    def __init__(self, host):
        environment = host.environment()
        self.key = Key(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
        self.region, self.address = host.region, f"127.0.0.1:{host.port}"

    def signer(self, **options):
        return Signer(self.key, **{"region": self.region, **options})

    def scan(self, **options):
        request = Request("dynamodb", "POST", "/", headers=SCAN.items(), body=BODY)
        return self.signer(**options).by_header(request.set("Host", self.address))

    def presigned_object(self):
        return self.signer().presigned(Request("s3", "GET", "/skylite-artifacts/any").set("Host", self.address))

    def chunks(self):
        request = Request("s3", "PUT", "/skylite-artifacts/any").set("Host", self.address)
        return self.signer().chunked(request, [b"a" * 8192, b"end"])


def object_url_as_scan(tenant):
    request = tenant.presigned_object()
    request.method, request.path, request.body = "POST", "/", BODY
    for name, value in SCAN.items():
        request.set(name, value)
    return request


def presigned_scan(tenant):
    request = Request("dynamodb", "POST", "/", headers=SCAN.items(), body=BODY)
    return tenant.signer().presigned(request.set("Host", tenant.address))


def other_body(tenant):
    request = tenant.scan()
    request.body = BODY.replace(b"}", b', "Limit": 1}')
    return request


def unsigned_target(tenant):
    listing = Request("dynamodb", "POST", "/", headers={**SCAN, "X-Amz-Target": "DynamoDB_20120810.ListTables"}.items(), body=BODY)
    request = tenant.signer(unsigned=("x-amz-target",)).by_header(listing.set("Host", tenant.address))
    return request.set("X-Amz-Target", SCAN["X-Amz-Target"])


def exchanged_chunk(tenant):
    request = tenant.chunks()
    request.body = request.body.replace(b"aaaa", b"evil", 1)
    return request


# What is tried, and what must be said.
PROBES = [
    ("an object's URL reads a table", object_url_as_scan, "MissingAuthenticationToken"),
    ("a table is read by a URL", presigned_scan, "MissingAuthenticationToken"),
    ("a signature for another region", lambda tenant: tenant.scan(region="eu-west-1"), "valid region"),
    ("a signature for no region", lambda tenant: tenant.scan(region=""), "valid region"),
    ("a signature for another service", lambda tenant: tenant.scan(service="s3"), "correct service: 'dynamodb'"),
    ("a signature of another day", lambda tenant: tenant.scan(day="20200101"), "Date in Credential scope"),
    ("another terminator", lambda tenant: tenant.scan(terminator="aws4"), "valid terminator"),
    ("another body", other_body, "does not match"),
    ("a body that is not signed", lambda tenant: tenant.scan(payload="UNSIGNED-PAYLOAD"), "does not match"),
    ("a body in chunks", lambda tenant: tenant.scan(payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER"), "does not match"),
    ("an operation that is not signed", unsigned_target, "must be a 'SignedHeader'"),
    ("a token that is not signed", lambda tenant: tenant.scan().set("X-Amz-Security-Token", "x"), "must be a 'SignedHeader'"),
    ("another chunk", exchanged_chunk, "SignatureDoesNotMatch"),
    ("another scheme", lambda tenant: tenant.scan().set("Authorization", "Bearer x"), "MissingAuthenticationToken"),
]


@pytest.mark.parametrize("request_of, said", [probe[1:] for probe in PROBES], ids=[probe[0] for probe in PROBES])
def test_a_signature_is_for_one_request(host, request_of, said):
    tenant = Tenant(host)
    answer = Connection(host.port).send(request_of(tenant))
    assert (answer.status in (400, 403), said in answer.text) == (True, True), answer.text
    assert Connection(host.port).send(tenant.scan()).status == 200
