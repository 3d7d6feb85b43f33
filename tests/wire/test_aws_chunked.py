"""Objects that are sent in chunks: each chunk's signature, the trailer's, lengths and checksums."""

import base64
import hashlib
import zlib

import pytest

from signing import Connection, Request, Signer
from test_signature_errors import S3_MISMATCH, read
from test_signatures import BUCKET, stand  # noqa: F401 (a fixture)

PIECES = [b"a" * 9000, b"b" * 8192, b"the end"]
BYTES = b"".join(PIECES)
CRC = "x-amz-checksum-crc32"
TRAILER = (400, "MalformedTrailerError")


def encoded(sum):
    return base64.b64encode(sum).decode()


def crc(bits, polynomial):
    """Of BYTES, bit by bit."""
    ones = (1 << bits) - 1
    sum = ones
    for byte in BYTES:
        sum ^= byte
        for _ in range(8):
            sum = sum >> 1 ^ (polynomial if sum & 1 else 0)
    return encoded((sum ^ ones).to_bytes(bits // 8, "big"))


CRC32 = encoded(zlib.crc32(BYTES).to_bytes(4, "big"))
CHECKSUMS = {
    "crc32": CRC32,
    "crc32c": crc(32, 0x82F63B78),
    "crc64nvme": crc(64, 0x9A6C9329AC4BC9B5),
    "sha1": encoded(hashlib.sha1(BYTES).digest()),
    "sha256": encoded(hashlib.sha256(BYTES).digest()),
}


@pytest.fixture
def put(stand):
    """Sends an object in chunks, changed behind the signature; returns what is wrong, or None when it is kept whole."""

    def send(change=None, trailers=None, is_signed=True):
        connection = Connection(stand.port)
        request = Request("s3", "PUT", f"/{BUCKET}/chunked").set("Host", stand.host)
        signed = Signer(stand.user, stand.region).chunked(request, PIECES, trailers, is_signed)
        if change:
            change(signed)
        answer = connection.send(signed)
        if answer.status != 200:
            return read(answer)
        get = Signer(stand.user, stand.region).by_header(Request("s3", "GET", request.path).set("Host", stand.host))
        assert connection.send(get).body == BYTES
        return None

    return send


def replace(old, new, count=1):
    def change(request):
        assert old in request.body
        request.body = request.body.replace(old, new, count)

    return change


def signatures(request):
    """Where the signatures of the chunks begin."""
    mark, found, at = b"chunk-signature=", [], -1
    while (at := request.body.find(mark, at + 1)) >= 0:
        found.append(at + len(mark))
    return found


def test_chunks_are_taken_apart(put):
    assert put() is None
    assert put(is_signed=False, trailers={CRC: CRC32}) is None


@pytest.mark.parametrize("kind", CHECKSUMS)
@pytest.mark.parametrize("is_signed", [True, False])
def test_each_kind_of_checksum_is_compared(put, kind, is_signed):
    name = f"x-amz-checksum-{kind}"
    assert put(trailers={name: CHECKSUMS[kind]}, is_signed=is_signed) is None
    wrong = encoded(bytes(len(base64.b64decode(CHECKSUMS[kind]))))
    assert put(trailers={name: wrong}, is_signed=is_signed)[:2] == (400, "BadDigest")


@pytest.mark.parametrize("which", range(4))
def test_each_chunk_has_its_signature(put, which):
    def change(request):
        at = signatures(request)[which]
        request.body = request.body[:at] + (b"1" if request.body[at : at + 1] == b"0" else b"0") + request.body[at + 1 :]

    assert put(change) == (403, "SignatureDoesNotMatch", S3_MISMATCH)


@pytest.mark.parametrize("which", range(4))
def test_no_chunk_goes_without_one(put, which):
    def change(request):
        start = signatures(request)[which] - len(";chunk-signature=")
        request.body = request.body[:start] + request.body[request.body.index(b"\r\n", start) :]

    assert put(change) == (403, "SignatureDoesNotMatch", S3_MISMATCH)


def test_a_byte_of_a_chunk_counts(put):
    assert put(replace(b"bbbb", b"bxbb")) == (403, "SignatureDoesNotMatch", S3_MISMATCH)


def test_chunks_stay_in_their_order(put):
    def change(request):
        ends = [at + 64 for at in signatures(request)]
        first, second = ends[0] + 2 + 9000 + 2, ends[1] + 2 + 8192 + 2
        body = request.body
        request.body = body[first:second] + body[:first] + body[second:]

    assert put(change) == (403, "SignatureDoesNotMatch", S3_MISMATCH)


def test_the_last_chunk_cannot_be_cut_off(put):
    def change(request):
        last = request.body.rindex(b"7;chunk-signature=")
        request.body = request.body[:last] + request.body[request.body.rindex(b"0;chunk-signature=") :]

    assert put(change) == (403, "SignatureDoesNotMatch", S3_MISMATCH)


def test_the_trailer_is_signed(put):
    def other(request):
        request.body = request.body.replace(CRC32.encode(), b"AAAAAA==")

    def cut(request):
        request.body = request.body[: request.body.index(b"x-amz-checksum")] + b"\r\n"

    def unsigned(request):
        request.body = request.body[: request.body.index(b"x-amz-trailer-signature")] + b"\r\n"

    assert put(other, {CRC: CRC32}) == (403, "SignatureDoesNotMatch", S3_MISMATCH)
    assert put(unsigned, {CRC: CRC32}) == (403, "SignatureDoesNotMatch", S3_MISMATCH)
    assert put(cut, {CRC: CRC32})[:2] == TRAILER


def test_what_is_announced_must_come(put):
    def cut(request):
        request.body = request.body[: request.body.index(b"x-amz-checksum")] + b"\r\n"

    assert put(cut, {CRC: CRC32}, is_signed=False)[:2] == TRAILER
    assert put(replace(b"crc32:", b"crc32 "), {CRC: CRC32}, is_signed=False)[:2] == TRAILER
    assert put(trailers={"x-amz-meta-owner": "me"}) == (
        400,
        "InvalidRequest",
        "The value specified in the x-amz-trailer header is not supported",
    )


@pytest.mark.parametrize("cut", [1, 2, 3, 100, 8192])
def test_a_body_that_ends_early(put, cut):
    def change(request):
        request.body = request.body[:-cut]

    assert put(change)[:2] == (400, "IncompleteBody")


def test_a_body_that_does_not_end(put):
    def change(request):
        request.body += b"more"

    assert put(change)[:2] == (400, "IncompleteBody")


def test_the_length_that_is_said(stand):
    for length, expected in (("5", (400, "IncompleteBody")), ("x", (411, "MissingContentLength"))):
        request = Request("s3", "PUT", f"/{BUCKET}/chunked").set("Host", stand.host)
        signer = Signer(stand.user, stand.region)
        chunked = signer.chunked(request, PIECES, {CRC: CRC32}, is_signed=False)
        resigned = request.set("X-Amz-Decoded-Content-Length", length).set("X-Amz-Trailer", CRC)
        signer.payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        resigned = signer.by_header(resigned)
        resigned.body = chunked.body
        assert read(Connection(stand.port).send(resigned))[:2] == expected
