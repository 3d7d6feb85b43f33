"""Holds answers of the Notes API to apps/notes/openapi.yaml."""

import re

import jsonschema
import yaml

import conftest

DOCUMENT = conftest.ROOT / "apps" / "notes" / "openapi.yaml"


class Contract:
    def __init__(self):
        self.document = yaml.safe_load(DOCUMENT.read_text())
        self.resolver = jsonschema.RefResolver("", self.document)
        self.paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), item) for path, item in self.document["paths"].items()
        ]
        self.seen = set()  # (operationId, status)

    def resolve(self, value):
        while "$ref" in value:
            value = self.resolver.resolve(value["$ref"])[1]
        return value

    def operation(self, method, path):
        path = path.split("?")[0]
        for pattern, item in self.paths:
            if pattern.fullmatch(path):
                return item.get(method.lower())
        return None

    def check(self, method, path, answer):
        """Fails unless the document has this answer of this call."""
        operation = self.operation(method, path)
        if operation is None:
            assert answer.status == 403, f"{method} {path} is not in {DOCUMENT.name}, but answers {answer}"
            return
        name = operation["operationId"]
        assert str(answer.status) in operation["responses"], f"{name} answers {answer}, which {DOCUMENT.name} does not have"
        response = self.resolve(operation["responses"][str(answer.status)])
        self.seen.add((name, answer.status))
        self.check_headers(response, answer)
        content = response.get("content")
        if not content:
            assert answer.body == b"", f"{name} has a body: {answer}"
            return
        kind = answer.headers["Content-Type"].split(";")[0]
        assert kind in content, f"{name} answers {kind}: {answer}"
        validator = jsonschema.Draft4Validator(
            content[kind]["schema"], resolver=self.resolver, format_checker=jsonschema.FormatChecker()
        )
        validator.validate(answer.json)

    def check_headers(self, response, answer):
        for name, header in response.get("headers", {}).items():
            header = self.resolve(header)
            value = answer.headers[name]
            assert value is not None or not header.get("required"), f"no {name} in {answer}"
            if value is not None:
                jsonschema.Draft4Validator(header["schema"], resolver=self.resolver).validate(value)
