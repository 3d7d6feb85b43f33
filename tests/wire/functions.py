"""Functions for tests: roles, packages, calls."""

import io
import json
import pathlib
import re
import subprocess
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


PROBE = conftest.BUILD / "tests" / "functions" / "probe"
