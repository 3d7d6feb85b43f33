"""Requests signed by hand, so that a test can get any part of them wrong, and a connection that sends them as they are."""

import copy
import datetime
import hashlib
import hmac
import socket
import urllib.parse

EMPTY_HASH = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


class Key:
    """An access key, of a session when it has a token."""

    def __init__(self, id, secret, token=None):
        self.id, self.secret, self.token = id, secret, token


class Request:
    """What is to be sent. `headers` is a list of [name, value]; `query` of (name, value), decoded."""

    def __init__(self, service, method, path, query=(), headers=(), body=b""):
        self.service, self.method, self.path = service, method, path
        self.query = [tuple(pair) for pair in query]
        self.headers = [list(header) for header in headers]
        self.body = body

    def copy(self):
        return copy.deepcopy(self)

    def header(self, name):
        return next((value for have, value in self.headers if have.lower() == name.lower()), None)

    def set(self, name, value):
        """Replaces a header; None takes it away."""
        self.headers = [header for header in self.headers if header[0].lower() != name.lower()]
        if value is not None:
            self.headers.append([name, value])
        return self

    def parameter(self, name, value):
        """The same for the query."""
        self.query = [pair for pair in self.query if pair[0] != name]
        if value is not None:
            self.query.append((name, value))
        return self

    def bytes(self):
        query = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in self.query)
        lines = [f"{self.method} {self.path}{'?' + query if query else ''} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + self.body


class Signer:
    """Signs with a key; what it says of itself may be other than the truth."""

    def __init__(self, key, region, service=None, date=None, day=None, terminator="aws4_request", unsigned=(), payload=None):
        self.key, self.region, self.service, self.terminator = key, region, service, terminator
        self.date = date or datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        self.day = self.date[:8] if day is None else day
        self.unsigned = unsigned  # names of headers to leave out
        self.payload = payload  # in the place of the body's hash

    def scope(self, request):
        return "/".join((self.day, self.region, request.service if self.service is None else self.service, self.terminator))

    def signing_key(self, request):
        key = ("AWS4" + self.key.secret).encode()
        for part in self.scope(request).split("/"):
            key = _hmac(key, part)
        return key

    def signature(self, request, names, payload):
        path = request.path if request.service == "s3" else _quote(request.path, "-_.~/")
        query = "&".join(f"{_quote(name)}={_quote(value)}" for name, value in sorted(request.query))
        values = {name: ",".join(v.strip() for have, v in request.headers if have.lower() == name) for name in names}
        headers = "".join(f"{name}:{values[name]}\n" for name in names)
        canonical = "\n".join((request.method, path, query, headers, ";".join(names), payload))
        digest = hashlib.sha256(canonical.encode("latin-1")).hexdigest()
        return self.sign(request, "\n".join(("AWS4-HMAC-SHA256", self.date, self.scope(request), digest)))

    def sign(self, request, text):
        return _hmac(self.signing_key(request), text).hex()

    def _names(self, request):
        return sorted({name.lower() for name, _ in request.headers})

    def by_header(self, request):
        """A signed copy."""
        request = request.copy()
        payload = self.payload or hashlib.sha256(request.body).hexdigest()
        request.set("X-Amz-Date", self.date)
        if self.key.token:
            request.set("X-Amz-Security-Token", self.key.token)
        if request.service == "s3" or self.payload:
            request.set("X-Amz-Content-Sha256", payload)
        names = [name for name in self._names(request) if name not in self.unsigned]
        signature = self.signature(request, names, payload)
        credential = f"{self.key.id}/{self.scope(request)}"
        return request.set(
            "Authorization",
            f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={';'.join(names)}, Signature={signature}",
        )

    def presigned(self, request, expires=60):
        request = request.copy()
        names = [name for name in self._names(request) if name not in self.unsigned]
        payload = self.payload or (UNSIGNED if request.service == "s3" else hashlib.sha256(request.body).hexdigest())
        request.query += [
            ("X-Amz-Algorithm", "AWS4-HMAC-SHA256"),
            ("X-Amz-Credential", f"{self.key.id}/{self.scope(request)}"),
            ("X-Amz-Date", self.date),
            ("X-Amz-Expires", str(expires)),
            ("X-Amz-SignedHeaders", ";".join(names)),
        ]
        if self.key.token:
            request.query.append(("X-Amz-Security-Token", self.key.token))
        request.query.append(("X-Amz-Signature", self.signature(request, names, payload)))
        return request

    def chunked(self, request, pieces, trailers=None, is_signed=True):
        """A signed copy with an aws-chunked body of the pieces, and trailers {name: value}."""
        kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" if is_signed else "STREAMING-UNSIGNED-PAYLOAD"
        kind += "-TRAILER" if trailers else ""
        request = request.copy().set("X-Amz-Decoded-Content-Length", str(sum(map(len, pieces))))
        if trailers:
            request.set("X-Amz-Trailer", ",".join(trailers))
        self.payload, kept = kind, self.payload
        request = self.by_header(request)
        self.payload = kept
        previous = request.header("Authorization").rsplit("=", 1)[1]
        body = b""
        for piece in (*pieces, b""):
            extension = ""
            if is_signed:
                digest = hashlib.sha256(piece).hexdigest()
                head = ("AWS4-HMAC-SHA256-PAYLOAD", self.date, self.scope(request), previous, EMPTY_HASH, digest)
                previous = self.sign(request, "\n".join(head))
                extension = f";chunk-signature={previous}"
            body += f"{len(piece):x}{extension}\r\n".encode() + (piece + b"\r\n" if piece else b"")
        lines = "".join(f"{name}:{value}\n" for name, value in (trailers or {}).items())
        body += lines.replace("\n", "\r\n").encode()
        if trailers and is_signed:
            digest = hashlib.sha256(lines.encode()).hexdigest()
            head = ("AWS4-HMAC-SHA256-TRAILER", self.date, self.scope(request), previous, digest)
            body += f"x-amz-trailer-signature:{self.sign(request, chr(10).join(head))}\r\n".encode()
        request.body = body + b"\r\n"
        return request


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")


class Connection:
    """One connection that stays open between requests."""

    def __init__(self, port):
        self.port, self.socket, self.rest = port, None, b""

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise ConnectionError
        self.rest += data

    def _read(self, is_head):
        while b"\r\n\r\n" not in self.rest:
            self._receive()
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = 0 if is_head else int(headers.get("content-length", 0))
        while len(self.rest) < length:
            self._receive()
        body, self.rest = self.rest[:length], self.rest[length:]
        if headers.get("connection") == "close":
            self.close()
        return Answer(int(lines[0].split()[1]), headers, body)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket, self.rest = None, b""

    def send(self, request):
        """Sends a Request as it is and returns its Answer."""
        is_kept = self.socket is not None
        if not is_kept:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        try:
            self.socket.sendall(request.bytes())
            return self._read(request.method == "HEAD")
        except (ConnectionError, BrokenPipeError):
            self.close()
            if not is_kept:
                raise
            return self.send(request)
