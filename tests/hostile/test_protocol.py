"""Protocol: what no client sends. The server stays up, answers everyone else, and keeps its memory."""

import contextlib
import io
import pathlib
import re
import socket
import zipfile

import botocore.exceptions
import gateway_api
import notes_api
import pytest

WAIT_S = 10
GROWTH_MB = 100


def resident_mb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024


@pytest.fixture
def unharmed(host):
    """The neighbour still reads its note afterwards, and the server has not grown."""
    api = notes_api.notes_of(host)
    path = "/notes/" + api.call("POST", "/notes", {"title": "Neighbour", "content": "quiet"}).json["noteId"]
    before = resident_mb(host)
    yield host
    assert host.process.poll() is None
    api.close()  # it may have been idle for long
    assert api.call("GET", path).status == 200
    assert resident_mb(host) - before <= GROWTH_MB
    api.close()


def talk(host, *pieces):
    """Sends bytes and returns all that comes back until the server closes or is silent."""
    got = b""
    with socket.create_connection(("127.0.0.1", host.port), timeout=WAIT_S) as peer, contextlib.suppress(OSError):
        for piece in pieces:
            peer.sendall(piece)
        peer.settimeout(1)
        while part := peer.recv(65536):
            got += part
    return got


def statuses(answer):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


HOST = b"Host: x\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"

# What is sent, and the statuses that may come back: refused, or closed without a word ([]).
REFUSED = [[], [400], [408], [411], [413], [414], [431], [501], [505], [403], [404]]
HEADS = {
    "a header of a megabyte": b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"x" * 2**20 + b"\r\n\r\n",
    "a hundred thousand headers": b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * 100000 + b"\r\n",
    "a target of a megabyte": b"GET /" + b"x" * 2**20 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a length and chunks": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
    "two lengths in one": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n\r\nabcde",
    "a length below nothing": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n",
    "a length beyond all numbers": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n",
    "a length with a sign": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nabcde",
    "chunks that are not": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks twice": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "a chunk beyond all numbers": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nFFFFFFFFFFFFFFFFF\r\nx",
    "a chunk of an exabyte": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\nFFFFFFFFFFFFFFF\r\nx",
    "a chunk whose end is missing": b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n1\r\nxxx\r\n0\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "a NUL in the target": b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a space before the colon": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n\r\nabcde",
    "a folded header": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "a lone carriage return": b"GET / HTTP/1.1\rX: y\r\n" + HOST + b"\r\n",
    "another version": b"GET / HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"GET /\r\n\r\n",
    "an absolute target": b"GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\n" + HOST + b"\r\n",
    "a tunnel": b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n" + HOST + b"\r\n",
    "no words at all": bytes(range(256)) * 64,
}


@pytest.mark.parametrize("what", HEADS)
def test_a_head_that_no_client_sends(unharmed, what):
    answer = statuses(talk(unharmed, HEADS[what]))
    assert answer[:1] in REFUSED, answer
    assert 200 not in answer


# What hides a second request in the body of a first one.
@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: 40\r\n" + CHUNKED,
        CHUNKED + b"Content-Length: 40\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding:\x0bchunked\r\nContent-Length: 40\r\n",
    ],
)
def test_no_request_is_smuggled(unharmed, framing):
    hidden = b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n"
    answer = statuses(talk(unharmed, b"POST / HTTP/1.1\r\n" + HOST + framing + b"\r\n0\r\n\r\n" + hidden))
    assert 200 not in answer


def test_a_thousand_requests_in_one_piece(unharmed):
    count = 1000
    answer = statuses(talk(unharmed, (b"GET /health HTTP/1.1\r\n" + HOST + b"\r\n") * count))
    assert answer == [200] * count


def test_half_open_connections(unharmed):
    with contextlib.ExitStack() as stack:
        for i in range(200):
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", unharmed.port), timeout=WAIT_S))
            peer.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n" + b"x" * (i % 3))
            if i % 2:
                peer.shutdown(socket.SHUT_WR)
        assert statuses(talk(unharmed, b"GET /health HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")) == [200]


def deep(opening, closing, middle="", depth=200000):
    return opening * depth + middle + closing * depth


def bomb(size=300 * 2**20):
    """A zip of a file that unpacks to more than Lambda takes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("bootstrap", "w") as entry:
        for _ in range(size // 2**20):
            entry.write(bytes(2**20))
    return packed.getvalue()


def slip(name):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(name, b"#!/bin/sh\n")
        archive.writestr("bootstrap", b"#!/bin/sh\n")
    return packed.getvalue()


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)


def make_function(host, code):
    role = host.client("iam").list_roles()["Roles"][0]["Arn"]
    host.client("lambda").create_function(
        FunctionName="bomb", Runtime="provided.al2023", Handler="x", Role=role, Code={"ZipFile": code}
    )


def item(value):
    return lambda host: host.client("dynamodb").put_item(TableName="Notes", Item={"noteId": {"S": "bomb"}, "v": value})


def nested(depth):
    value = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]}
    return value


def object_at(key):
    def put(host):
        s3 = host.client("s3")
        with contextlib.suppress(botocore.exceptions.ClientError):
            s3.create_bucket(Bucket="traversal")
        s3.put_object(Bucket="traversal", Key=key, Body=b"x")
        assert s3.get_object(Bucket="traversal", Key=key)["Body"].read() == b"x"
        assert not (host.data.parent / "escaped").exists() and not (host.data / "escaped").exists()

    return put


# What a signed caller sends. It is refused with an error of AWS's kind (4xx), or done.
CALLS = {
    "an item as deep as 100": item(nested(100)),
    "a number of a million digits": item({"N": "1" * 1000000}),
    "a number with a large exponent": item({"N": "1e999999999"}),
    "a template that laughs": lambda host: host.client("cloudformation").validate_template(TemplateBody=LAUGHS),
    "a template as deep as it is long": lambda host: host.client("cloudformation").validate_template(
        TemplateBody=deep("[", "]", depth=25000)
    ),
    "a policy as deep as it is long": lambda host: host.client("iam").create_policy(
        PolicyName="bomb", PolicyDocument=deep("[", "]", depth=3000)
    ),
    "an expression as deep as it is long": lambda host: host.client("dynamodb").scan(
        TableName="Notes", FilterExpression=deep("(", ")", "attribute_exists(noteId)", 2000)
    ),
    "a statement as deep as it is long": lambda host: host.client("dynamodb").execute_statement(
        Statement='SELECT * FROM "Notes" WHERE ' + deep("(", ")", "noteId = 'x'", 3900)
    ),
    "a filter as deep as it is long": lambda host: host.client("logs").filter_log_events(
        logGroupName="/aws/lambda/notes-get", filterPattern="{ " + deep("(", ")", "$.a = 1", 400) + " }"
    ),
    "a zip bomb": lambda host: make_function(host, bomb()),
    "a zip that climbs": lambda host: make_function(host, slip("../../../../escaped")),
    "a zip with an absolute path": lambda host: make_function(host, slip("/tmp/escaped")),
    "an object that climbs": object_at("../../escaped"),
    "an object that climbs by codes": object_at("%2e%2e/%2e%2e/escaped"),
    "an object named like a folder": object_at("a/./b//c/"),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_call_that_no_client_makes(unharmed, what):
    try:
        CALLS[what](unharmed)
    except botocore.exceptions.ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert 400 <= status < 500, error
    finally:
        with contextlib.suppress(botocore.exceptions.ClientError):
            unharmed.client("lambda").delete_function(FunctionName="bomb")


# Mapping templates that would run, or grow, without end.
TEMPLATES = {
    "loops that say much": "#foreach($i in [1..100000])#foreach($j in [1..100000])x#end#end",
    "loops that say nothing": "#foreach($i in [1..100000])#foreach($j in [1..100000])#set($k = $i)#end#end",
    "a text that doubles": '#set($s = "xxxxxxxxxx")#foreach($i in [1..60])#set($s = "$s$s")#end',
    "a macro that calls itself": "#macro(a)#a()#end#a()",
    "a range without end": "#set($r = [1..2000000000])$r.size()",
    "an expression that tries all ways": '#set($s = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")$s.matches("(a+)+b")',
    "a replacement that tries all ways": '#set($s = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")$s.replaceAll("(a*)*b", "x")',
    "a path that goes everywhere": "$input.path('$" + "..*" * 30 + "')",
}
BODY = '{"a":' + deep("[", "]", '{"b": [1, 2, 3, 4, 5, 6, 7, 8, 9]}', 60) + "}"


@pytest.fixture(scope="module")
def templates(host):
    """An API with a method for each of the templates."""
    gateway = gateway_api.Gateway(host, "templates")
    for number, template in enumerate(TEMPLATES.values()):
        integration = {"type": "MOCK", "requestTemplates": {"application/json": template + '{"statusCode": 200}'}}
        gateway.method(gateway.resource(f"t{number}"), "POST", integration, responses={"200": {}})
    yield gateway.deploy()
    gateway.delete()


@pytest.mark.parametrize("what", TEMPLATES)
def test_a_template_without_end(unharmed, templates, what):
    path = f"/t{list(TEMPLATES).index(what)}"
    assert templates.call("POST", path, BODY, {"Content-Type": "application/json"}).status == 500
    templates.close()
