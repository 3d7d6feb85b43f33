"""Functions for tests: roles, packages, calls."""

import base64
import io
import json
import pathlib
import re
import subprocess
import time
import zipfile

import conftest

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


def package(program):
    """A zip with the program as its bootstrap and the shared libraries that Amazon Linux lacks."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        add(archive, "bootstrap", pathlib.Path(program))
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for name, path in re.findall(r"(libyyjson\S+) => (\S+)", linked):
            add(archive, "lib/" + name, pathlib.Path(path))
    return data.getvalue()


def add(archive, name, path):
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o100755 << 16
    archive.writestr(entry, path.read_bytes())


def zip_of(files):
    """A zip of {name: text or bytes}."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def make_role(server, name, statements=()):
    """A role for functions with an inline policy; returns its ARN."""
    iam = server.client("iam")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    if statements:
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return arn


def make_function(server, name, program, handler, role, **settings):
    server.client("lambda").create_function(
        FunctionName=name,
        Runtime="provided.al2023",
        Handler=handler,
        Role=role,
        Code={"ZipFile": package(program)},
        **settings,
    )


def invoke(server, name, event):
    """Returns (the answer, the function error or None)."""
    result = server.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(result["Payload"].read()), result.get("FunctionError")


class Sources:
    """Functions made of source files, all with one role; `remove` takes them away again."""

    def __init__(self, server, role, runtime, handler):
        self.server = server
        self.client = server.client("lambda")  # one connection, so that warm instances are met again
        self.role = role
        self.runtime = runtime
        self.handler = handler
        self.names = []

    def make(self, files, runtime=None, handler=None, role=None, **settings):
        """Creates a function; returns what invokes it: a function of the event that returns an Outcome."""
        name = f"{self.role.rsplit('/', 1)[1]}-{len(self.names)}"
        package = files if isinstance(files, bytes) else zip_of(files)
        self.client.create_function(
            FunctionName=name,
            Runtime=runtime or self.runtime,
            Handler=handler or self.handler,
            Role=role or self.role,
            Code={"ZipFile": package},
            **settings,
        )
        self.names.append(name)
        return Function(self.server, self.client, name)

    def remove(self):
        for name in self.names:
            self.client.delete_function(FunctionName=name)


class Function:
    def __init__(self, server, client, name):
        self.server = server
        self.client = client
        self.name = name

    def __call__(self, event=None, **parameters):
        result = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail", **parameters)
        return Outcome(result)

    def events(self, *expected):
        """The messages in its log, once all of the expected texts are there."""
        logs = self.server.client("logs")
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                found = logs.filter_log_events(logGroupName=f"/aws/lambda/{self.name}")["events"]
            except logs.exceptions.ResourceNotFoundException:
                found = []
            messages = [event["message"] for event in found]
            if all(any(text in message for message in messages) for text in expected):
                return messages
            time.sleep(0.1)
        raise AssertionError(f"not all of {expected} are in {messages}")


class Outcome:
    """What one invocation has given."""

    def __init__(self, result):
        self.text = result["Payload"].read().decode()
        self.error = result.get("FunctionError")
        self.log = base64.b64decode(result["LogResult"]).decode()
        self.id = result["ResponseMetadata"]["RequestId"]

    @property
    def answer(self):
        return json.loads(self.text)


PROBE = conftest.BUILD / "tests" / "functions" / "probe"
