"""`aws cloudformation package` and `deploy`, with the CLI of Debian."""

import json
import os
import subprocess

import pytest

from functions import invoke
from stacks import TRUST, delete

STACK = "t-packaged"

SOURCE = "def handler(event, context):\n    return 'hello, %s'\n"

TEMPLATE = f"""
Parameters:
  Memory: {{Type: Number, Default: 128}}
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {json.dumps(TRUST)}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      Runtime: python3.11
      Handler: app.handler
      Role: !GetAtt Role.Arn
      MemorySize: !Ref Memory
      Code: ./source
Outputs:
  Name: {{Value: !Ref Function}}
"""

# What sends the S3 client that `package` makes for itself to the server: this CLI does not know AWS_ENDPOINT_URL, and
# `package` does not pass --endpoint-url on. Newer ones need nothing.
RULES = {
    "version": "1.0",
    "rules": [
        {
            "type": "endpoint",
            "conditions": [{"fn": "isSet", "argv": [{"ref": "Bucket"}]}],
            "endpoint": {"url": "URL/{Bucket}", "properties": {}, "headers": {}},
        },
        {"type": "endpoint", "conditions": [], "endpoint": {"url": "URL", "properties": {}, "headers": {}}},
    ],
}
BUILT_IN = "/usr/lib/python3/dist-packages/botocore/data/s3/2006-03-01/endpoint-rule-set-1.json"


@pytest.fixture
def aws(server, tmp_path):
    """Runs the CLI in the test's folder; returns what it did."""
    with open(BUILT_IN) as file:
        rules = {**RULES, "parameters": json.load(file)["parameters"]}
    folder = tmp_path / "models" / "s3" / "2006-03-01"
    folder.mkdir(parents=True)
    (folder / "endpoint-rule-set-1.json").write_text(json.dumps(rules).replace("URL", server.url))
    environment = {**os.environ, **server.environment(), "AWS_PAGER": "", "HOME": str(tmp_path)}
    environment |= {"PATH": "/usr/bin:/bin", "AWS_DATA_PATH": str(tmp_path / "models")}

    def run(*arguments):
        return subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", server.url, *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=100,
        )

    return run


@pytest.fixture
def project(server, tmp_path):
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "app.py").write_text(SOURCE % "one")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    server.client("s3").create_bucket(Bucket="t-packages")
    yield tmp_path
    delete(server.client("cloudformation"), STACK)


def deploy(aws, *arguments):
    packaged = aws("cloudformation", "package", "--template-file", "template.yaml", "--s3-bucket", "t-packages",
                   "--output-template-file", "packaged.yaml")  # fmt: skip
    assert packaged.returncode == 0, packaged.stderr
    return aws("cloudformation", "deploy", "--template-file", "packaged.yaml", "--stack-name", STACK, "--capabilities",
               "CAPABILITY_IAM", *arguments)  # fmt: skip


def test_a_template_is_validated(aws, project):
    told = aws("cloudformation", "validate-template", "--template-body", "file://template.yaml")
    assert told.returncode == 0, told
    assert [p["ParameterKey"] for p in json.loads(told.stdout)["Parameters"]] == ["Memory"]
    (project / "bad.yaml").write_text("Resources: {A: {Type: 'AWS::Nothing::AtAll'}}")
    told = aws("cloudformation", "validate-template", "--template-body", "file://bad.yaml")
    assert told.returncode == 254
    assert "(ValidationError) when calling the ValidateTemplate operation" in told.stderr


def test_stacks_are_listed(aws, project):
    assert deploy(aws).returncode == 0
    listed = aws("cloudformation", "list-stacks", "--stack-status-filter", "CREATE_COMPLETE", "--query",
                 "StackSummaries[].StackName", "--output", "text")  # fmt: skip
    assert STACK in listed.stdout.split(), listed
    for wanted in ("list-stack-resources", "describe-stack-events", "describe-stack-resources", "get-template"):
        told = aws("cloudformation", wanted, "--stack-name", STACK)
        assert told.returncode == 0, told
    waited = aws("cloudformation", "wait", "stack-create-complete", "--stack-name", STACK)
    assert waited.returncode == 0, waited
    empty = deploy(aws, "--fail-on-empty-changeset")
    assert empty.returncode == 255 and "No changes to deploy" in empty.stderr, empty


def test_package_and_deploy(server, aws, project):
    done = deploy(aws, "--tags", "team=blue")
    assert (done.returncode, done.stderr) == (0, ""), done
    assert f"Successfully created/updated stack - {STACK}" in done.stdout
    described = aws("cloudformation", "describe-stacks", "--stack-name", STACK, "--query", "Stacks[0].Outputs[0].OutputValue",
                    "--output", "text")  # fmt: skip
    name = described.stdout.strip()
    assert invoke(server, name, {}) == ("hello, one", None)

    done = deploy(aws, "--tags", "team=blue")
    assert done.returncode == 0, done
    assert "No changes to deploy" in done.stdout

    (project / "source" / "app.py").write_text(SOURCE % "two")
    done = deploy(aws, "--tags", "team=blue", "--parameter-overrides", "Memory=256", "--s3-bucket", "t-packages")
    assert done.returncode == 0, done
    assert invoke(server, name, {}) == ("hello, two", None)
    assert server.client("lambda").get_function_configuration(FunctionName=name)["MemorySize"] == 256
    assert server.client("lambda").list_tags(Resource=f"arn:aws:lambda:us-east-1:000000000000:function:{name}")["Tags"] == {
        "team": "blue"
    }
    gone = aws("cloudformation", "delete-stack", "--stack-name", STACK)
    assert gone.returncode == 0, gone
    waited = aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", STACK)
    assert waited.returncode == 0, waited
