"""What is said of a signature that is not good, in the words of the service that was asked."""

import base64
import hashlib
import json

import pytest

from signing import Connection, Key, Request, Signer
from test_signatures import BUCKET, ago, calls, stand  # noqa: F401 (a fixture)

MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
S3_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your key and signing method."
)
REGION = "Credential should be scoped to a valid region. "
MISSING = "Request is missing Authentication Token"
INVALID_TOKEN = "The security token included in the request is invalid."
UNSIGNED_HEADERS = "There were headers present in the request which were not signed"


def element(text, name):
    return text.split(f"<{name}>")[1].split(f"</{name}>")[0] if f"<{name}>" in text else None


def read(answer):
    """(status, type, message) of any protocol's error."""
    if answer.body.startswith(b"<"):
        plain = answer.text.replace("&apos;", "'").replace("&#39;", "'").replace("&quot;", '"')
        return answer.status, element(plain, "Code"), element(plain, "Message")
    if "x-amzn-errortype" in answer.headers:
        error = json.loads(answer.body)
        return answer.status, answer.headers["x-amzn-errortype"], error.get("message", error.get("Message"))
    error = json.loads(answer.body)
    return answer.status, error["__type"].rsplit("#", 1)[-1], error["message"]


# The six ways in which a service words its errors: what of a call, by which name and status.
SCOPED = {
    "dynamodb": (400, "InvalidSignatureException", "dynamodb"),
    "iam": (403, "SignatureDoesNotMatch", "iam"),
    "cloudformation": (403, "SignatureDoesNotMatch", "cloudformation"),
    "lambda": (403, "InvalidSignatureException", "lambda"),
    "apigateway": (403, "InvalidSignatureException", "apigateway"),
    "execute-api": (403, "InvalidSignatureException", "execute-api"),
}


def send(stand, name, **options):
    request, key, how = calls(stand)[name]
    key = options.pop("key", key)
    return Connection(stand.port).send(how(Signer(key, **{"region": stand.region, **options}), request))


@pytest.mark.parametrize("name", SCOPED)
def test_a_scope_of_elsewhere(stand, name):
    status, code, _ = SCOPED[name]
    assert read(send(stand, name, region="eu-west-1")) == (status, code, REGION)
    assert read(send(stand, name, terminator="aws4")) == (
        status,
        code,
        "Credential should be scoped with a valid terminator: 'aws4_request'. ",
    )
    date = ago(0)
    assert read(send(stand, name, date=date, day="20200101")) == (
        status,
        code,
        f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != "
        f"'{date[:8]}', from '{date}'.",
    )


@pytest.mark.parametrize("name", ["dynamodb", "lambda", "execute-api", "cloudwatch"])
def test_a_scope_of_another_service(stand, name):
    """Where the request itself names the service. The other calls go where the scope sends them."""
    service = {"cloudwatch": "monitoring"}.get(name, name)
    answer = send(stand, name, service="ssm")
    assert answer.status in (400, 403)
    assert f"Credential should be scoped to correct service: '{service}'. " in answer.text


@pytest.mark.parametrize(
    "name, minutes",
    [("execute-api", 5), ("lambda", 5), ("cloudformation", 5), ("dynamodb", 15), ("iam", 15), ("apigateway", 15)],
)
def test_a_signature_is_good_for_some_minutes(stand, name, minutes):
    status, code, _ = SCOPED[name]
    assert send(stand, name, date=ago(minutes - 1)).status == 200
    assert send(stand, name, date=ago(1 - minutes)).status == 200
    late, early = ago(minutes + 1), ago(-minutes - 1)
    found = read(send(stand, name, date=late))
    assert found[:2] == (status, code)
    assert found[2].startswith(f"Signature expired: {late} is now earlier than ") and found[2].endswith(f" - {minutes} min.)")
    found = read(send(stand, name, date=early))
    assert found[:2] == (status, code)
    assert found[2].startswith(f"Signature not yet current: {early} is still later than ")
    assert found[2].endswith(f" + {minutes} min.)")


@pytest.mark.parametrize("name", SCOPED)
def test_keys_and_signatures_that_are_none(stand, name):
    status, code, _ = SCOPED[name]
    unknown = "InvalidClientTokenId" if code == "SignatureDoesNotMatch" else "UnrecognizedClientException"
    assert read(send(stand, name, key=Key("AKIAAAAAAAAAAAAAAAAA", "x"))) == (status, unknown, INVALID_TOKEN)
    assert read(send(stand, name, key=Key(stand.user.id, "x"))) == (status, code, MISMATCH)


@pytest.mark.parametrize("name", SCOPED)
def test_headers_of_aws_must_be_signed(stand, name):
    status, code, _ = SCOPED[name]
    request, key, how = calls(stand)[name]
    signed = how(Signer(key, stand.region), request).set("X-Amz-Invocation-Type", "Event")
    assert read(Connection(stand.port).send(signed)) == (
        status,
        code,
        "'X-Amz-Invocation-Type' must be a 'SignedHeader' in the AWS Authorization.",
    )
    answer = send(stand, name, unsigned=("host",))
    assert read(answer) == (status, code, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")


@pytest.mark.parametrize("name", ["dynamodb", "lambda", "iam", "execute-api"])
def test_only_objects_have_words_for_a_payload(stand, name):
    status, code, _ = SCOPED[name]
    for payload in ("UNSIGNED-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"):
        assert read(send(stand, name, payload=payload)) == (status, code, MISMATCH)


@pytest.mark.parametrize("name", ["dynamodb", "lambda", "apigateway", "cloudformation", "logs"])
def test_presigned_urls_are_for_services_that_have_them(stand, name):
    request, key, _ = calls(stand)[name]
    status, code, message = read(Connection(stand.port).send(Signer(key, stand.region).presigned(request)))
    assert status in (400, 403)
    assert (code.removesuffix("Exception"), message) == ("MissingAuthenticationToken", MISSING)


def hashed(text):
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


NO_PAIR = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '{}'."
NOTHING = (
    "Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "
    "Authorization header requires 'SignedHeaders' parameter. Authorization header requires existence of either a "
    "'X-Amz-Date' or a 'Date' header. (Hashed with SHA-256 and encoded with Base64) Authorization={}"
)


@pytest.mark.parametrize(
    "header, text",
    [
        ("Bearer abc", NO_PAIR),
        ("Basic YTpi", NO_PAIR),
        ("AWS4-HMAC-SHA256 Credential= a/b/c/d/e, SignedHeaders=host, Signature=0", NO_PAIR),
        ("allow", NOTHING),
        ("Bearer a=b", NOTHING),
        ("AWS4-HMAC-SHA256", NOTHING),
    ],
)
def test_headers_that_are_no_signatures(stand, header, text):
    for name, status, code in (
        ("execute-api", 403, "IncompleteSignatureException"),
        ("lambda", 400, "IncompleteSignatureException"),
        ("iam", 400, "IncompleteSignature"),
    ):
        request = calls(stand)[name][0].copy().set("Authorization", header)
        assert read(Connection(stand.port).send(request)) == (status, code, text.format(hashed(header)))


def test_dynamodb_takes_another_scheme_for_no_signature(stand):
    request = calls(stand)["dynamodb"][0].copy().set("Authorization", "Bearer abc")
    assert read(Connection(stand.port).send(request)) == (400, "MissingAuthenticationTokenException", MISSING)


# --- S3 ---


def s3(stand, change=None, **options):
    key = options.pop("key", stand.user)
    request = Signer(key, **{"region": stand.region, **options}).by_header(calls(stand)["s3"][0])
    if change:
        change(request)
    return Connection(stand.port).send(request)


def presigned(stand, change=None, expires=60, **options):
    request = Signer(stand.user, **{"region": stand.region, **options}).presigned(calls(stand)["s3 presigned"][0], expires)
    if change:
        change(request)
    return Connection(stand.port).send(request)


MALFORMED = "The authorization header is malformed; "
PARSING = "Error parsing the X-Amz-Credential parameter; "
REQUIRES = (
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, "
    "X-Amz-SignedHeaders, and X-Amz-Expires parameters."
)


def test_s3_says_which_region_is_right(stand):
    for answer, code, lead in (
        (s3(stand, region="eu-west-1"), "AuthorizationHeaderMalformed", MALFORMED),
        (presigned(stand, region="eu-west-1"), "AuthorizationQueryParametersError", PARSING),
    ):
        assert read(answer) == (400, code, f"{lead}the region 'eu-west-1' is wrong; expecting 'us-east-1'")
        assert element(answer.text, "Region") == "us-east-1"


def test_s3_has_words_of_its_own(stand):
    date = ago(0)
    text = f'{MALFORMED}Invalid credential date "20200101". This date is not the same as X-Amz-Date: "{date[:8]}".'
    assert read(s3(stand, date=date, day="20200101")) == (400, "AuthorizationHeaderMalformed", text)
    text = f'{MALFORMED}incorrect terminal "aws4". This endpoint uses "aws4_request".'
    assert read(s3(stand, terminator="aws4")) == (400, "AuthorizationHeaderMalformed", text)
    assert read(s3(stand, key=Key(stand.user.id, "x"))) == (403, "SignatureDoesNotMatch", S3_MISMATCH)
    text = "The AWS Access Key Id you provided does not exist in our records."
    assert read(s3(stand, key=Key("AKIANOBODY", "x"))) == (403, "InvalidAccessKeyId", text)
    text = "The provided token is malformed or otherwise invalid."
    assert read(s3(stand, key=Key(stand.user.id, "x", "token"))) == (400, "InvalidToken", text)


def test_s3_on_times(stand):
    for minutes in (16, -16):
        answer = s3(stand, date=ago(minutes))
        text = "The difference between the request time and the current time is too large."
        assert read(answer) == (403, "RequestTimeTooSkewed", text)
        assert element(answer.text, "RequestTime") == ago(minutes)[:8] + element(answer.text, "RequestTime")[8:]
        assert element(answer.text, "MaxAllowedSkewMilliseconds") == "900000"
        assert element(answer.text, "ServerTime").endswith("Z")
    assert s3(stand, date=ago(14)).status == 200
    expired = presigned(stand, date=ago(2))
    assert read(expired) == (403, "AccessDenied", "Request has expired")
    assert element(expired.text, "X-Amz-Expires") == "60"
    assert presigned(stand, date=ago(2), expires=180).status == 200
    assert read(presigned(stand, date=ago(-16))) == (403, "AccessDenied", "Request is not valid yet")


@pytest.mark.parametrize(
    "expires, text",
    [
        ("0", "X-Amz-Expires must be non-negative"),
        ("-5", "X-Amz-Expires must be non-negative"),
        ("x", "X-Amz-Expires should be a number"),
        (
            "604801",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            "604800 seconds",
        ),
        (None, REQUIRES),
    ],
)
def test_s3_on_expirations(stand, expires, text):
    answer = presigned(stand, lambda request: request.parameter("X-Amz-Expires", expires))
    assert read(answer) == (400, "AuthorizationQueryParametersError", text)


def test_s3_names_the_header_that_is_not_signed(stand):
    for answer in (
        s3(stand, lambda request: request.set("x-amz-acl", "private")),
        presigned(stand, lambda request: request.set("x-amz-acl", "private")),
    ):
        assert read(answer) == (403, "AccessDenied", UNSIGNED_HEADERS)
        assert element(answer.text, "HeadersNotSigned") == "x-amz-acl"
    assert s3(stand, unsigned=("x-amz-content-sha256",)).status == 200


def test_s3_on_hashes_of_bodies(stand):
    answer = s3(stand, lambda request: request.set("X-Amz-Content-Sha256", None))
    text = "Missing required header for this request: x-amz-content-sha256"
    assert read(answer) == (400, "InvalidRequest", text)
    assert read(s3(stand, payload="0" * 64)) == (
        400,
        "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
    status, code, message = read(s3(stand, payload="STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"))
    assert (status, code) == (400, "InvalidArgument")
    assert message.startswith("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, ")
    assert s3(stand, payload="UNSIGNED-PAYLOAD").status == 200
    status, code, _ = read(s3(stand, payload="STREAMING-AWS4-HMAC-SHA256-PAYLOAD"))
    assert (status, code) == (501, "NotImplemented")  # no object is read in chunks


def test_s3_on_two_claims(stand):
    answer = s3(stand, lambda request: request.parameter("X-Amz-Algorithm", "AWS4-HMAC-SHA256"))
    status, code, message = read(answer)
    assert (status, code, message.startswith("Only one auth mechanism allowed; ")) == (400, "InvalidArgument", True)
    answer = send(stand, "dynamodb", key=stand.user)
    request = Signer(stand.user, stand.region).by_header(calls(stand)["dynamodb"][0])
    request.parameter("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
    text = "Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header."
    assert read(Connection(stand.port).send(request)) == (400, "InvalidSignatureException", text)


def test_the_object_is_there_all_the_same(stand):
    assert s3(stand).body == b"object"
    assert Connection(stand.port).send(Request("s3", "GET", f"/{BUCKET}/a/b%20c").set("Host", stand.host)).status == 403
