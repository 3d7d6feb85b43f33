"""Runtimes of languages on machines of all kinds: without rights, without sandboxes, without the program."""

import os
import subprocess
import tempfile

import botocore.exceptions
import pytest

import conftest
import functions

PYTHON = {"lambda_function.py": "def lambda_handler(event, context): return __file__"}
NODE = {"index.js": "exports.handler = async () => __filename"}
THREADS = {
    "lambda_function.py": """
import threading

def lambda_handler(event, context):
    barrier = threading.Barrier(51)
    for _ in range(50):
        threading.Thread(target=barrier.wait).start()
    barrier.wait()
    return 50
"""
}
USER = 12345

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user or hide files")


ROLE = "arn:aws:iam::000000000000:role/runtimes-role"


def sources_of(server):
    functions.make_role(server, "runtimes-role")
    return functions.Sources(server, ROLE, None, None)


def make_python(sources):
    return sources.make(PYTHON, runtime="python3.12", handler="lambda_function.lambda_handler")


def make_node(sources):
    return sources.make(NODE, runtime="nodejs20.x", handler="index.handler")


def hiding(program):
    """A command that runs another on a machine that seems to lack the program."""
    path = os.path.realpath(program)
    script = f'mount --bind /dev/null {path} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


def test_without_sandboxes(own_server):
    sources = sources_of(own_server("--sandbox", "none"))
    assert make_python(sources)().answer.endswith("/lambda_function.py")
    assert make_node(sources)().answer.endswith("/index.js")


def test_a_trace_without_a_sandbox_begins_in_the_handler(own_server):
    sources = sources_of(own_server("--sandbox", "none"))
    files = {"lambda_function.py": "def lambda_handler(event, context): return 1 / 0"}
    function = sources.make(files, runtime="python3.12", handler="lambda_function.lambda_handler")
    [frame] = function().answer["stackTrace"]
    assert "in lambda_handler" in frame


@needs_root
def test_as_an_ordinary_user(own_server):
    prefix = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
    if subprocess.run([*prefix, "test", "-x", conftest.SKYLITE]).returncode:
        pytest.skip("other users cannot reach the build folder")
    with tempfile.TemporaryDirectory(prefix="skylite-") as data:
        os.chown(data, USER, USER)
        server = own_server(data=data, prefix=prefix)
        sources = sources_of(server)
        assert make_python(sources)().answer == "/var/task/lambda_function.py"
        assert sources.make(THREADS, runtime="python3.12", handler="lambda_function.lambda_handler")().answer == 50
        assert make_node(sources)().answer == "/var/task/index.js"
        server.stop()


@needs_root
@pytest.mark.parametrize(
    "program, make, language, package",
    [
        ("/usr/bin/python3", make_python, "Python", "python3"),
        ("/usr/bin/node", make_node, "Node.js", "nodejs"),
    ],
)
def test_a_program_that_the_machine_lacks_is_named(own_server, program, make, language, package):
    server = own_server()
    function = make(sources_of(server))
    assert function().error is None
    server.stop()

    server = own_server(prefix=hiding(program))
    sources = functions.Sources(server, ROLE, None, None)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        make(sources)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    wanted = f"needs {language}, which this machine does not have: install the package {package}"
    assert wanted in caught.value.response["Error"]["Message"]

    function = functions.Function(server, sources.client, function.name)
    outcome = function()
    assert outcome.answer["errorType"] == "Runtime.InvalidEntrypoint"
    assert wanted in outcome.answer["errorMessage"]
    function.events(wanted)
