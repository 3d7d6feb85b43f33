"""The Runtime API over one connection that stays open. The module http.client would cost 30 ms at each start."""

import socket

PREFIX = "/2018-06-01/runtime/"
CHUNK = 256 * 1024


class Invocation:
    def __init__(self, headers, body):
        self.request_id = headers["lambda-runtime-aws-request-id"]
        self.deadline_ms = int(headers["lambda-runtime-deadline-ms"])
        self.function_arn = headers["lambda-runtime-invoked-function-arn"]
        self.trace_id = headers.get("lambda-runtime-trace-id")
        self.client_context = headers.get("lambda-runtime-client-context")
        self.identity = headers.get("lambda-runtime-cognito-identity")
        self.body = body


class RuntimeApi:
    def __init__(self, address):
        self._address = address
        self._answer = b""
        self._connect()

    def _connect(self):
        host, port = self._address.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()

    def next(self):
        """Sends the answer to the last invocation, if there was one, and waits for the next."""
        request = self._request("GET", "invocation/next")
        try:
            self._socket.sendall(self._answer + request)
            if self._answer:
                self._receive_reply()
            status, headers, body = self._receive_reply()
        except OSError:
            # An answer that is too large is refused, and the connection closed behind it.
            self._connect()
            self._socket.sendall(request)
            status, headers, body = self._receive_reply()
        self._answer = b""
        if status != 200:
            raise RuntimeError(f"the Runtime API has no next invocation: {status} {body.decode()}")
        return Invocation(headers, body)

    def answer(self, request_id, body):
        """Keeps the answer until `next` is called."""
        self._answer = self._request("POST", f"invocation/{request_id}/response", body)

    def fail(self, request_id, body):
        self._answer = self._request("POST", f"invocation/{request_id}/error", body)

    def fail_init(self, body):
        self._socket.sendall(self._request("POST", "init/error", body))
        self._receive_reply()

    def _request(self, method, path, body=b""):
        head = f"{method} {PREFIX}{path} HTTP/1.1\r\nHost: {self._address}\r\nContent-Length: {len(body)}\r\n\r\n"
        return head.encode() + body

    def _receive(self):
        chunk = self._socket.recv(CHUNK)
        if not chunk:
            raise ConnectionError("the Runtime API has closed the connection")
        self._received += chunk

    def _receive_reply(self):
        while (end := self._received.find(b"\r\n\r\n")) < 0:
            self._receive()
        first, *lines = self._received[:end].decode(errors="replace").split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        headers = {name.lower(): value.strip() for name, value in pairs}
        start = end + len(b"\r\n\r\n")
        size = start + int(headers.get("content-length", 0))
        while len(self._received) < size:
            self._receive()
        body = bytes(self._received[start:size])
        del self._received[:size]
        return int(first.split(" ", 2)[1]), headers, body
