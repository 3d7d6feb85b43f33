"""Functions in Python: handlers, context, errors, logs, and boto3 inside."""

import base64
import json
import subprocess
import textwrap
import urllib.request

import botocore.exceptions
import pytest

import functions

HANDLER = "lambda_function.lambda_handler"
TABLE = "PythonNotes"


@pytest.fixture(scope="module")
def sources(server):
    role = functions.make_role(server, "python-role")
    made = functions.Sources(server, role, "python3.12", HANDLER)
    yield made
    made.remove()
    server.client("iam").delete_role(RoleName="python-role")


@pytest.fixture(scope="module")
def make(sources):
    """Makes a function of the text of its only file, or of a dictionary of files."""

    def make(source, **settings):
        files = source if isinstance(source, dict) else {"lambda_function.py": textwrap.dedent(source)}
        return sources.make(files, **settings)

    return make


@pytest.fixture(scope="module")
def basic(make):
    """Does what its event says."""
    return make(
        """
        import logging
        import os
        import sys
        import time

        count = 0

        def read(path):
            try:
                return os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1).decode("latin-1")
            except OSError as error:
                return f"refused: {error.strerror}"

        def fail(event):
            items = {}
            return items["missing"]

        def lambda_handler(event, context):
            global count
            count += 1
            todo = event["do"]
            if todo == "context":
                names = ["aws_request_id", "log_group_name", "log_stream_name", "function_name", "function_version",
                         "memory_limit_in_mb", "invoked_function_arn"]
                left = context.get_remaining_time_in_millis()
                return {name: getattr(context, name) for name in names} | {"left": left}
            if todo == "client":
                client = context.client_context
                return [client.custom, client.env, client.client.app_title, context.identity.cognito_identity_id]
            if todo == "print":
                print("printed", event["text"])
                sys.stderr.write("on standard error\\n")
                sys.stdout.write("without an end")
            if todo == "log":
                logging.warning("a warning\\nof two lines")
                logging.info("not shown")
                logging.getLogger("mine").error("an error %d", 7)
            if todo == "fail":
                return fail(event)
            if todo == "exit":
                sys.exit(3)
            if todo == "sleep":
                time.sleep(60)
            if todo == "read":
                return {path: read(path) for path in event["paths"]}
            if todo == "return":
                return eval(event["expression"])
            if todo == "count":
                return count
        """,
        Timeout=2,
    )


def test_its_answer_is_what_the_handler_returns(basic):
    outcome = basic({"do": "return", "expression": "{'a': [1, 2.5, None, True, 'é']}"})
    assert (outcome.error, outcome.answer) == (None, {"a": [1, 2.5, None, True, "é"]})


def test_numbers_of_dynamodb_are_numbers(basic):
    expression = "[__import__('decimal').Decimal(text) for text in ('1.5', '3', '123456789012345678901')]"
    assert basic({"do": "return", "expression": expression}).text == "[1.5, 3, 123456789012345678901]"


def test_bytes_are_the_answer_as_they_are(basic):
    assert basic({"do": "return", "expression": "b'[1,2]'"}).text == "[1,2]"


def test_a_warm_instance_keeps_its_globals(basic):
    first = basic({"do": "count"}).answer
    assert basic({"do": "count"}).answer == first + 1


def test_the_context_is_lambdas(basic):
    outcome = basic({"do": "context"})
    context = outcome.answer
    assert 0 < context.pop("left") <= 2000
    assert context.pop("log_stream_name").find("/[$LATEST]") == len("2026/01/31")
    assert context == {
        "aws_request_id": outcome.log.split("START RequestId: ")[1].split()[0],
        "log_group_name": f"/aws/lambda/{basic.name}",
        "function_name": basic.name,
        "function_version": "$LATEST",
        "memory_limit_in_mb": "128",
        "invoked_function_arn": f"arn:aws:lambda:us-east-1:000000000000:function:{basic.name}",
    }


def test_the_client_context_is_passed_on(basic):
    client = {"custom": {"a": "é"}, "env": {"b": "c"}, "client": {"app_title": "notes"}}
    encoded = base64.b64encode(json.dumps(client).encode()).decode()
    assert basic({"do": "client"}, ClientContext=encoded).answer == [{"a": "é"}, {"b": "c"}, "notes", None]


def test_the_log_says_what_runs_it(basic):
    basic({"do": "count"})
    messages = basic.events("INIT_START Runtime Version: python:3.12.v1", "python3.12 runs on Python 3.")
    assert messages[0].startswith("INIT_START")
    assert "(/usr/bin/python3" in messages[1]


def test_what_it_prints_is_in_its_log(basic):
    log = basic({"do": "print", "text": "é"}).log
    lines = log.splitlines()
    assert lines[1:4] == ["printed é", "on standard error", "without an end"]


def test_logging_is_formatted_as_lambda_does(basic):
    outcome = basic({"do": "log"})
    entries = [line.split("\t") for line in outcome.log.splitlines()]
    request_id = outcome.log.split("START RequestId: ")[1].split()[0]
    assert [entries[1][0], *entries[1][2:]] == ["[WARNING]", request_id, "a warning"]
    assert len(entries[1][1]) == len("2026-01-31T12:00:00.000Z")
    assert entries[2] == ["of two lines"]
    assert [entries[3][0], *entries[3][2:]] == ["[ERROR]", request_id, "an error 7"]
    assert "not shown" not in outcome.log


def test_an_entry_of_several_lines_is_one_event(basic):
    basic({"do": "log"})
    assert any(message.endswith("\ta warning\nof two lines\n") for message in basic.events("a warning"))


def test_an_exception_is_told_with_its_stack_trace(basic):
    outcome = basic({"do": "fail"})
    request_id = outcome.log.split("START RequestId: ")[1].split()[0]
    answer = outcome.answer
    trace = answer.pop("stackTrace")
    assert outcome.error == "Unhandled"
    assert answer == {"errorMessage": "'missing'", "errorType": "KeyError", "requestId": request_id}
    assert [line.split(", in ")[1] for line in trace] == [
        "lambda_handler\n    return fail(event)\n",
        'fail\n    return items["missing"]\n',
    ]
    assert trace[0].startswith('  File "/var/task/lambda_function.py", line ')


def test_an_exception_is_in_the_log_with_its_stack_trace(basic):
    log = basic({"do": "fail"}).log.replace("\u00a0", " ")
    assert "[ERROR] KeyError: 'missing'\nTraceback (most recent call last):\n  File \"/var/task/" in log
    assert log.splitlines()[-3].strip() == 'return items["missing"]'
    messages = basic.events("[ERROR] KeyError")
    assert any(message.startswith("[ERROR] KeyError") and "items[" in message for message in messages)


def test_an_answer_that_is_no_json_is_an_error(basic):
    outcome = basic({"do": "return", "expression": "{1, 2}"})
    assert outcome.error == "Unhandled"
    assert outcome.answer["errorType"] == "Runtime.MarshalError"
    assert outcome.answer["errorMessage"] == "Unable to marshal response: Object of type set is not JSON serializable"


def test_an_answer_over_6_mb_is_refused_and_the_next_works(basic):
    outcome = basic({"do": "return", "expression": "'x' * 7000000"})
    assert outcome.answer["errorType"] == "Function.ResponseSizeTooLarge"
    assert basic({"do": "return", "expression": "1"}).answer == 1


def test_an_exit_is_told(basic):
    outcome = basic({"do": "exit"})
    assert outcome.answer["errorType"] == "Runtime.ExitError"
    assert outcome.answer["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_it_ends_with_its_time_and_the_next_works(basic):
    outcome = basic({"do": "sleep"})
    assert outcome.answer["errorMessage"].endswith("Task timed out after 2.00 seconds")
    assert basic({"do": "return", "expression": "1"}).answer == 1


def test_the_hosts_files_cannot_be_read(server, basic):
    hidden = ["/etc/shadow", "/etc/ssl/private", "/root", "/var/lib/dpkg/status", "/proc/1/environ"]
    hidden += [str(server.data), str(server.data / "credentials")]
    answer = basic({"do": "read", "paths": hidden}).answer
    assert all(text.startswith("refused") for text in answer.values()), answer
    empty = ["/home", "/opt", "/tmp"]
    assert basic({"do": "read", "paths": empty}).answer == {path: [] for path in empty}


def test_what_administrators_add_to_usr_is_hidden(basic):
    answer = basic({"do": "read", "paths": ["/usr/local/etc", "/usr/src"]}).answer
    assert all(content == [] or content.startswith("refused") for content in answer.values())


# --- Starting ---


@pytest.mark.parametrize(
    "source, handler, kind, message",
    [
        (
            "import no_such_module",
            HANDLER,
            "Runtime.ImportModuleError",
            "Unable to import module 'lambda_function': No module named 'no_such_module'",
        ),
        ("", "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
        ("", HANDLER, "Runtime.HandlerNotFound", "Handler 'lambda_handler' missing on module 'lambda_function'"),
        (
            "",
            "lambda_function",
            "Runtime.MalformedHandlerName",
            "Bad handler 'lambda_function': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "def lambda_handler(:",
            HANDLER,
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'lambda_function': invalid syntax (lambda_function.py, line 1)",
        ),
        ("raise ValueError('at start')", HANDLER, "ValueError", "at start"),
    ],
)
def test_a_failed_start_is_told(make, source, handler, kind, message):
    function = make(source, handler=handler)
    outcome = function({})
    assert outcome.error == "Unhandled"
    assert (outcome.answer["errorType"], outcome.answer["errorMessage"]) == (kind, message)
    function.events(f"[ERROR] {kind}: {message}", f"Phase: init\tStatus: error\tError Type: {kind}")


def test_boto3_that_is_missing_is_advised(make):
    source = """
        import sys
        sys.path[:] = [path for path in sys.path if not path.endswith("-packages")]
        import boto3
        """
    function = make(source)
    assert function().answer["errorType"] == "Runtime.ImportModuleError"
    function.events("install the package python3-boto3")


def test_a_syntax_error_says_where(make):
    trace = make("\nx = (\n")({}).answer["stackTrace"]
    assert trace == ['  File "/var/task/lambda_function.py" Line 2\n    x = (\n']


@pytest.mark.parametrize("handler", ["api/v1/notes.get", "api.v1.notes.get"])
def test_handlers_are_found_in_folders(make, handler):
    files = {"api/v1/notes.py": "def get(event, context): return __name__"}
    assert make(files, handler=handler)({}).answer == "api.v1.notes"


def test_modules_of_the_package_win(make):
    """Also over those of the machine and those of the runtime client."""
    files = {
        "lambda_function.py": """
import boto3, errors, handler, requests
def lambda_handler(event, context): return [boto3.name, errors.name, handler.name, requests.get()]
""",
        "boto3.py": "name = 'my boto3'",
        "errors.py": "name = 'my errors'",
        "handler.py": "name = 'my handler'",
        "requests/__init__.py": "from .api import get",
        "requests/api.py": "def get(): return 'vendored'",
    }
    assert make(files)({}).answer == ["my boto3", "my errors", "my handler", "vendored"]


def test_a_package_made_with_zip_runs(sources, tmp_path):
    (tmp_path / "lambda_function.py").write_text("def lambda_handler(event, context): return 'zipped'")
    subprocess.run(["zip", "-q", "function.zip", "lambda_function.py"], cwd=tmp_path, check=True)
    package = (tmp_path / "function.zip").read_bytes()
    assert sources.make(package)({}).answer == "zipped"


@pytest.mark.parametrize("runtime", ["python3.9", "python3.10", "python3.11", "python3.13", "python3.14"])
def test_every_version_is_run(make, runtime):
    source = "import os\ndef lambda_handler(event, context): return os.environ['AWS_EXECUTION_ENV']"
    assert make(source, runtime=runtime)({}).answer == f"AWS_Lambda_{runtime}"


def test_runtimes_that_are_not_there_are_refused(make):
    for runtime, message in [
        ("ruby3.3", "The runtime ruby3.3 is not available on this server."),
        ("python2.7", "The runtime parameter of python2.7 is no longer supported"),
        ("python4.0", "Value python4.0 at 'runtime' failed to satisfy constraint"),
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            make("", runtime=runtime)
        assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
        assert message in caught.value.response["Error"]["Message"]


def test_structured_logs_are_json(make):
    variables = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}
    function = make(
        """
        import logging
        def lambda_handler(event, context):
            logging.info("one\\ntwo", extra={"order": 5})
            logging.debug("not shown")
            raise RuntimeError("no")
        """,
        Environment={"Variables": variables},
    )
    entries = [json.loads(line) for line in function({}).log.splitlines() if line.startswith("{")]
    assert [entry["level"] for entry in entries] == ["INFO", "ERROR"]
    assert (entries[0]["message"], entries[0]["order"], entries[0]["logger"]) == ("one\ntwo", 5, "root")
    assert (entries[1]["errorType"], entries[1]["errorMessage"]) == ("RuntimeError", "no")


# --- boto3 ---


@pytest.fixture(scope="module")
def table(server):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield TABLE
    dynamodb.delete_table(TableName=TABLE)


BOTO = f"""
import boto3
from decimal import Decimal

table = boto3.resource("dynamodb").Table("{TABLE}")
client = boto3.client("dynamodb")

def lambda_handler(event, context):
    table.put_item(Item={{"id": "a", "price": Decimal("1.25"), "count": 2}})
    by_client = client.get_item(TableName="{TABLE}", Key={{"id": {{"S": "a"}}}})["Item"]
    caller = boto3.client("sts").get_caller_identity()["Arn"]
    return [table.get_item(Key={{"id": "a"}})["Item"], by_client["price"], caller]
"""


def test_boto3_works_with_the_roles_rights(server, make, table):
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
    actions = ["dynamodb:PutItem", "dynamodb:GetItem"]
    role = functions.make_role(server, "python-writer", [{"Effect": "Allow", "Action": actions, "Resource": arn}])
    function = make(BOTO, role=role, Timeout=10)
    outcome = function({})
    caller = f"arn:aws:sts::000000000000:assumed-role/python-writer/{function.name}"
    assert outcome.answer == [{"id": "a", "price": 1.25, "count": 2}, {"N": "1.25"}, caller]
    server.client("iam").delete_role_policy(RoleName="python-writer", PolicyName="inline")
    server.client("iam").delete_role(RoleName="python-writer")


def test_boto3_is_denied_what_the_role_does_not_allow(make, table):
    outcome = make(BOTO, Timeout=10)({})
    assert (outcome.error, outcome.answer["errorType"]) == ("Unhandled", "ClientError")
    message = outcome.answer["errorMessage"]
    assert "(AccessDeniedException) when calling the PutItem operation" in message
    assert ":assumed-role/python-role/" in message and "dynamodb:PutItem" in message


def test_an_endpoint_of_ones_own_is_kept(make):
    source = """
        import boto3
        def lambda_handler(event, context):
            return [boto3.client("sqs", endpoint_url="http://example.test").meta.endpoint_url,
                    boto3.session.Session().client("s3").meta.endpoint_url]
        """
    assert make(source, Timeout=10)({}).answer == ["http://example.test", "http://127.0.0.1:4566"]


# --- Behind API Gateway ---


def test_it_answers_an_api(server, make):
    function = make(
        """
        import json
        def lambda_handler(event, context):
            name = event["pathParameters"]["name"]
            body = json.dumps({"hello": name, "query": event["queryStringParameters"], "method": event["httpMethod"]})
            return {"statusCode": 201, "headers": {"X-Greeting": "yes"}, "body": body}
        """
    )
    api = server.client("apigateway")
    api_id = api.create_rest_api(name="python")["id"]
    root = api.get_resources(restApiId=api_id)["items"][0]["id"]
    resource = api.create_resource(restApiId=api_id, parentId=root, pathPart="{name}")["id"]
    call = {"restApiId": api_id, "resourceId": resource, "httpMethod": "GET"}
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function.name}"
    api.put_method(**call, authorizationType="NONE")
    api.put_integration(
        **call,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    )
    api.create_deployment(restApiId=api_id, stageName="prod")
    server.client("lambda").add_permission(
        FunctionName=function.name,
        StatementId="api",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*/GET/*",
    )
    url = f"{server.url}/restapis/{api_id}/prod/_user_request_/world?a=1"
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert (answer.status, answer.headers["X-Greeting"]) == (201, "yes")
        assert json.load(answer) == {"hello": "world", "query": {"a": "1"}, "method": "GET"}
    api.delete_rest_api(restApiId=api_id)
