"""The Notes API as its clients see it: plain HTTP with an API key."""

import http.client
import json
import urllib.parse

import openapi

CONTRACT = openapi.Contract()


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:300]!r}>"


class Api:
    """A deployed API under a base URL such as http://notes.localhost:4566. DNS is not asked for names under .localhost."""

    def __init__(self, base_url, key=None, contract=None):
        parts = urllib.parse.urlsplit(base_url)
        self.host = parts.netloc
        self.port = parts.port
        self.prefix = parts.path.rstrip("/")
        self.key = key
        self.contract = contract
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=40)

    def call(self, method, path, body=None, headers=None, key=...):
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
        sent = {"Host": self.host, **(headers or {})}
        key = self.key if key is ... else key
        if key:
            sent["x-api-key"] = key
        self.connection.request(method, self.prefix + path, body=body, headers=sent)
        response = self.connection.getresponse()
        answer = Answer(response.status, response.headers, response.read())
        if self.contract:
            self.contract.check(method, path, answer)
        return answer

    def close(self):
        self.connection.close()


def notes_of(server, plan="Premium"):
    """The Notes API of a server with that stack, under its custom domain and with the key of a plan. Every answer is held
    to its OpenAPI document."""
    outputs = server.outputs("notes")
    url = outputs["NotesUrl"]
    return Api(url.removesuffix("/notes"), outputs[plan + "Key"], CONTRACT)
