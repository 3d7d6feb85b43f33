"""A signature is good for one request of one service in one region on one day: seeded mutations of all its parts, none of
which may be accepted, and what is said to those who send them."""

import base64
import collections
import datetime
import json
import random
import zlib

import pytest

import gateway_api
from signing import UNSIGNED, Connection, Key, Request, Signer

SEED = 20260131
MUTATIONS = 5000
FORM = "application/x-www-form-urlencoded; charset=utf-8"
BUCKET = "signed"


# --- Requests that are accepted ---


def json_call(service, target, body="{}", version="1.0"):
    headers = [("Content-Type", f"application/x-amz-json-{version}"), ("X-Amz-Target", target)]
    return Request(service, "POST", "/", headers=headers, body=body.encode())


def query_call(service, action, version):
    return Request(
        service, "POST", "/", headers=[("Content-Type", FORM)], body=f"Action={action}&Version={version}".encode()
    )


@pytest.fixture(scope="module")
def stand(server):
    """Keys, a bucket with an object and an API whose method asks for a signature."""
    environment = server.environment()
    root = Key(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    iam = server.client("iam")
    iam.create_user(UserName="signer")
    made = iam.create_access_key(UserName="signer")["AccessKey"]
    user = Key(made["AccessKeyId"], made["SecretAccessKey"])
    iam.put_user_policy(
        UserName="signer",
        PolicyName="all",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        ),
    )
    given = server.client("sts", user.id, user.secret).get_session_token()["Credentials"]
    session = Key(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="a/b c", Body=b"object")
    gateway = gateway_api.Gateway(server)
    gateway.method(
        gateway.resource("x"),
        verb="GET",
        authorizationType="AWS_IAM",
        integration={"type": "MOCK", "requestTemplates": {"application/json": '{"statusCode": 200}'}},
        responses={"200": {}},
    )
    api = gateway.deploy()
    stand = collections.namedtuple("Stand", "port host region root user session api")
    yield stand(server.port, f"127.0.0.1:{server.port}", server.region, root, user, session, api)
    gateway.delete()
    for name in [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]:
        s3.delete_object(Bucket=BUCKET, Key=name)
    s3.delete_bucket(Bucket=BUCKET)
    iam.delete_user_policy(UserName="signer", PolicyName="all")
    iam.delete_access_key(UserName="signer", AccessKeyId=user.id)
    iam.delete_user(UserName="signer")


def calls(stand):
    """{name: (request, key, how it is signed)}."""
    header, presigned = Signer.by_header, Signer.presigned
    chunks = [b"c" * 8192, b"rest"]
    checksum = base64.b64encode(zlib.crc32(b"".join(chunks)).to_bytes(4, "big")).decode()
    cbor = [("Content-Type", "application/cbor"), ("Smithy-Protocol", "rpc-v2-cbor")]
    found = {
        "dynamodb": (json_call("dynamodb", "DynamoDB_20120810.ListTables", '{"Limit":3}'), stand.user, header),
        "dynamodb of a session": (json_call("dynamodb", "DynamoDB_20120810.ListTables"), stand.session, header),
        "logs": (json_call("logs", "Logs_20140328.DescribeLogGroups", version="1.1"), stand.user, header),
        "iam": (query_call("iam", "ListUsers", "2010-05-08"), stand.user, header),
        "sts presigned": (
            Request("sts", "GET", "/", [("Action", "GetCallerIdentity"), ("Version", "2011-06-15")]),
            stand.session,
            presigned,
        ),
        "cloudformation": (query_call("cloudformation", "ListStacks", "2010-05-15"), stand.root, header),
        "cloudwatch": (
            Request(
                "monitoring",
                "POST",
                "/service/GraniteServiceVersion20100801/operation/ListMetrics",
                headers=cbor,
                body=b"\xa1\x69Namespace\x6aAWS/Lambda",
            ),
            stand.user,
            header,
        ),
        "lambda": (Request("lambda", "GET", "/2015-03-31/functions", [("MaxItems", "5")]), stand.session, header),
        "apigateway": (Request("apigateway", "GET", "/restapis", [("limit", "5")]), stand.user, header),
        "s3": (Request("s3", "GET", f"/{BUCKET}/a/b%20c", [("x-id", "GetObject")]), stand.session, header),
        "s3 put": (Request("s3", "PUT", f"/{BUCKET}/put", body=b"some bytes"), stand.user, header),
        "s3 presigned": (Request("s3", "GET", f"/{BUCKET}/a/b%20c"), stand.session, presigned),
        "s3 chunks": (
            Request("s3", "PUT", f"/{BUCKET}/chunks"),
            stand.user,
            lambda signer, request: signer.chunked(request, chunks),
        ),
        "s3 trailer": (
            Request("s3", "PUT", f"/{BUCKET}/trailer"),
            stand.user,
            lambda signer, request: signer.chunked(request, chunks, {"x-amz-checksum-crc32": checksum}),
        ),
        "execute-api": (Request("execute-api", "GET", f"{stand.api.prefix}/x", [("q", "1")]), stand.user, header),
        "execute-api presigned": (Request("execute-api", "GET", f"{stand.api.prefix}/x"), stand.session, presigned),
    }
    for request, _, _ in found.values():
        request.set("Host", stand.api.host if request.service == "execute-api" else stand.host)
    return found


# --- Mutations behind the signature ---
#
# Each takes a signed request and random numbers and changes it in place; False where there is nothing to change.


def other_text(random, text):
    at = random.randrange(len(text))
    return text[:at] + random.choice([c for c in "abcxyz019" if c != text[at]]) + text[at + 1 :]


def change_method(request, random):
    request.method = random.choice([m for m in ("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH") if m != request.method])


def change_path(request, random):
    # Not by slashes and dots: the canonical form is free of them but for S3.
    request.path = random.choice(
        [request.path + "x", request.path.rstrip("/") + "/x", "/" + other_text(random, request.path[1:] or "x")]
    )


def add_parameter(request, random):
    request.query.insert(random.randrange(len(request.query) + 1), random.choice([("a", "1"), ("Action", "ListRoles"), ("acl", "")]))


def change_parameter(request, random):
    names = [name for name, value in request.query if value]
    if not names:
        return False
    name = random.choice(names)
    request.query = [(n, other_text(random, v) if n == name else v) for n, v in request.query]


def drop_parameter(request, random):
    if not request.query:
        return False
    del request.query[random.randrange(len(request.query))]


def change_header(request, random):
    header = random.choice([header for header in request.headers if header[0] != "Authorization"])
    header[1] = other_text(random, header[1])


def drop_header(request, random):
    del request.headers[random.randrange(len(request.headers))]


def double_header(request, random):
    header = random.choice([header for header in request.headers if header[0] != "Authorization"])
    request.headers.append([header[0], other_text(random, header[1])])


def add_header(request, random):
    name, value = random.choice(
        [
            ("X-Amz-Target", "DynamoDB_20120810.Scan"),
            ("X-Amz-Security-Token", "token"),
            ("X-Amz-Acl", "public-read"),
            ("X-Amz-Copy-Source", "/other/object"),
            ("X-Amz-Meta-Owner", "other"),
            ("x-amz-invocation-type", "Event"),
            ("X-AMZ-CLIENT-CONTEXT", "e30="),
            ("x-amz-", "nothing"),
        ]
    )
    if request.header(name) is not None:
        return False
    request.headers.append([name, value])


def change_body(request, random):
    if not request.body:
        request.body = b"{}"
        return request.service != "s3" or request.header("Authorization") is not None  # a presigned object has any body
    at = random.randrange(len(request.body))
    kind = random.randrange(3)
    if kind == 0:
        request.body = request.body[:at] + bytes([request.body[at] ^ 1 << random.randrange(8)]) + request.body[at + 1 :]
    elif kind == 1:
        request.body = request.body[:at]
    else:
        request.body = request.body[:at] + b"x" + request.body[at:]


def credential_of(request):
    """Where the credential stands, and its five parts."""
    value = dict(request.query).get("X-Amz-Credential")
    return value or request.header("Authorization").split("Credential=")[1].split(",")[0]


def put_credential(request, credential):
    old = credential_of(request)
    if "X-Amz-Credential" in dict(request.query):
        request.query = [(name, credential if name == "X-Amz-Credential" else value) for name, value in request.query]
    else:
        request.set("Authorization", request.header("Authorization").replace(old, credential))


def change_scope(request, random):
    parts = credential_of(request).split("/")
    at = random.randrange(1, 5)
    others = {
        1: ("20200101", "", parts[1] + "0"),
        2: ("eu-west-1", "nowhere", "", "US-EAST-1"),
        3: ("dynamodb", "s3", "iam", "sts", "lambda", "execute-api", "nothing", ""),
        4: ("aws4", "", "aws4_requests", "AWS4_REQUEST"),
    }[at]
    parts[at] = random.choice([other for other in others if other != parts[at]])
    put_credential(request, "/".join(parts))


def change_key(request, random):
    parts = credential_of(request).split("/")
    parts[0] = random.choice([other_text(random, parts[0]), "", "AKIDEXAMPLE", parts[0].lower()])
    put_credential(request, "/".join(parts))


def cut_credential(request, random):
    parts = credential_of(request).split("/")
    del parts[random.randrange(5)]
    put_credential(request, "/".join(parts))


def change_signature(request, random):
    query = dict(request.query)
    old = query.get("X-Amz-Signature") or request.header("Authorization").rsplit("=", 1)[1]
    new = random.choice([other_text(random, old), old[:-1], old + "0", old.upper() + "A", ""])
    if "X-Amz-Signature" in query:
        request.query = [(name, new if name == "X-Amz-Signature" else value) for name, value in request.query]
    else:
        request.set("Authorization", request.header("Authorization").replace(old, new))


def change_signed_headers(request, random):
    query = dict(request.query)
    old = query.get("X-Amz-SignedHeaders") or request.header("Authorization").split("SignedHeaders=")[1].split(",")[0]
    names = old.split(";")
    kind = random.randrange(3)
    if kind == 0:
        names.remove(random.choice(names))
    elif kind == 1:
        names.append(random.choice(["user-agent", "x-amz-acl", "accept"]))
    else:
        names = [name.upper() for name in names]
    new = ";".join(names)
    if "X-Amz-SignedHeaders" in query:
        request.query = [(name, new if name == "X-Amz-SignedHeaders" else value) for name, value in request.query]
    else:
        request.set("Authorization", request.header("Authorization").replace(f"SignedHeaders={old}", f"SignedHeaders={new}"))


def change_algorithm(request, random):
    new = random.choice(["AWS4-HMAC-SHA1", "AWS4-HMAC-SHA256X", "AWS4-ECDSA-P256-SHA256", "Bearer", "AWS"])
    if "X-Amz-Algorithm" in dict(request.query):
        request.query = [(name, new if name == "X-Amz-Algorithm" else value) for name, value in request.query]
    else:
        request.set("Authorization", request.header("Authorization").replace("AWS4-HMAC-SHA256", new, 1))


def mark_payload(request, random):
    markers = [UNSIGNED, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "0" * 64, "x"]
    marker = random.choice([marker for marker in markers if marker != request.header("X-Amz-Content-Sha256")])
    if request.service == "s3" and "X-Amz-Algorithm" in dict(request.query) and marker == UNSIGNED:
        return False  # as it was
    request.set("X-Amz-Content-Sha256", marker)


def say_it_twice(request, random):
    """The claim in header and query."""
    if "X-Amz-Algorithm" in dict(request.query):
        request.set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=0")
    else:
        request.query.append(("X-Amz-Algorithm", "AWS4-HMAC-SHA256"))


BEHIND = [
    change_method,
    change_path,
    add_parameter,
    change_parameter,
    drop_parameter,
    change_header,
    drop_header,
    double_header,
    add_header,
    change_body,
    change_scope,
    change_key,
    cut_credential,
    change_signature,
    change_signed_headers,
    change_algorithm,
    mark_payload,
    say_it_twice,
]


# --- Well signed, and yet not for this request ---


def ago(minutes):
    return (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=minutes)).strftime("%Y%m%dT%H%M%SZ")


def sign_for_another_region(random):
    return {"region": random.choice(["eu-west-1", "nowhere", "", "us-east-2", "us-east-1 "])}


def sign_for_another_service(random):
    return {"service": random.choice(["ssm", "ec2", "", "dynamodb ", "S3"])}


def sign_with_another_terminator(random):
    return {"terminator": random.choice(["aws4", "", "aws4_request2"])}


def sign_for_another_day(random):
    return {"day": random.choice(["20200101", "", "2026", ago(24 * 60)[:8]])}


def sign_too_early_or_late(random):
    return {"date": ago(random.choice([16, 60, 24 * 60, -16, -24 * 60]))}


def sign_no_date(random):
    return {"date": random.choice(["20260131", "2026-01-31T00:00:00Z", "yesterday", "20261331T000000"])}


def sign_without_the_host(random):
    return {"unsigned": ("host",)}


def sign_without_a_header(random):
    return {"unsigned": (random.choice(["x-amz-date", "x-amz-target", "x-amz-security-token", "x-amz-decoded-content-length"]),)}


def sign_a_word_for_the_payload(random):
    return {"payload": random.choice([UNSIGNED, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x"])}


OTHERWISE = [
    sign_for_another_region,
    sign_for_another_service,
    sign_with_another_terminator,
    sign_for_another_day,
    sign_too_early_or_late,
    sign_no_date,
    sign_without_the_host,
    sign_without_a_header,
    sign_a_word_for_the_payload,
]


def changes_nothing(request, options):
    """S3 has words for a payload, and a header that is not there cannot be left unsigned."""
    if "payload" in options:
        return request.service == "s3"
    return "unsigned" in options and request.header(options["unsigned"][0]) is None


# --- The tests ---


def test_what_is_signed_rightly_is_accepted(stand):
    connection = Connection(stand.port)
    for name, (request, key, how) in calls(stand).items():
        answer = connection.send(how(Signer(key, stand.region), request))
        assert answer.status == 200, (name, answer.status, answer.text)


def test_no_mutated_signature_is_accepted(stand):
    random_numbers = random.Random(SEED)
    connection = Connection(stand.port)
    known = calls(stand)
    signed = {name: how(Signer(key, stand.region), request) for name, (request, key, how) in known.items()}
    tried = collections.Counter()
    while sum(tried.values()) < MUTATIONS:
        name = random_numbers.choice(list(known))
        mutation = random_numbers.choice(BEHIND + OTHERWISE)
        if mutation in BEHIND:
            request = signed[name].copy()
            if mutation(request, random_numbers) is False or request.bytes() == signed[name].bytes():
                continue
        else:
            request, key, how = known[name]
            options = mutation(random_numbers)
            request = how(Signer(key, **{"region": stand.region, **options}), request)
            if changes_nothing(request, options):
                continue
        answer = connection.send(request)
        assert answer.status >= 400, (name, mutation.__name__, request.bytes(), answer.text)
        assert answer.status < 500, (name, mutation.__name__, request.bytes(), answer.text)
        tried[mutation.__name__] += 1
    assert set(tried) == {mutation.__name__ for mutation in BEHIND + OTHERWISE}
    assert min(tried.values()) >= 20


def test_a_claim_is_good_for_no_other_request(stand):
    """Every request with the credentials of every other one."""
    connection = Connection(stand.port)
    signed = {name: how(Signer(key, stand.region), request) for name, (request, key, how) in calls(stand).items()}
    for name, request in signed.items():
        for other_name, other in signed.items():
            if other_name == name:
                continue
            mixed = request.copy().set("Authorization", other.header("Authorization"))
            mixed.query = [pair for pair in mixed.query if not pair[0].startswith("X-Amz-")]
            mixed.query += [pair for pair in other.query if pair[0].startswith("X-Amz-")]
            answer = connection.send(mixed)
            assert answer.status >= 400, (name, other_name, mixed.bytes())


def test_a_presigned_url_of_an_object_reads_no_table(stand):
    request, key, _ = calls(stand)["s3 presigned"]
    stolen = Signer(key, stand.region).presigned(request)
    for method, path in (("GET", stolen.path), ("POST", stolen.path), ("POST", "/")):
        scan = stolen.copy()
        scan.method, scan.path, scan.body = method, path, b'{"TableName":"Notes"}'
        scan.set("X-Amz-Target", "DynamoDB_20120810.Scan").set("Content-Type", "application/x-amz-json-1.0")
        answer = Connection(stand.port).send(scan)
        assert (answer.status, "Items" in answer.text) == (400, False)
