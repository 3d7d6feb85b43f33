"""apps/notes on Lambda's terms: the zip in an empty root with nothing but what provided.al2023 documents, and the
environment that Lambda gives."""

import http.server
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import zipfile

import conftest

ZIP = conftest.BUILD / "apps" / "notes" / "notes.zip"
sys.path.insert(0, str(conftest.ROOT / "tools"))
import make_zip  # noqa: E402


def bare_root(folder):
    """Unpacks the zip below `folder` and puts there the parts of the C library that the program asks for, nothing else."""
    task = folder / "var" / "task"
    task.mkdir(parents=True)
    with zipfile.ZipFile(ZIP) as archive:
        archive.extractall(task)
    for program in task.rglob("*"):
        if program.is_file():
            program.chmod(0o755)
    linked = subprocess.run(["ldd", task / "bootstrap"], capture_output=True, text=True, check=True).stdout
    for path in re.findall(r"(?:=> )?(/\S+) \(0x", linked):
        path = pathlib.Path(path)
        if task in path.parents or (task / "lib" / path.name).exists():
            continue
        assert path.name in make_zip.PROVIDED, f"{path} is neither carried nor provided"
        target = folder / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return folder


class Runtime(http.server.ThreadingHTTPServer):
    """A Runtime API that gives one event and keeps the answer."""

    def __init__(self, event):
        super().__init__(("127.0.0.1", 0), Handler)
        self.event = event
        self.given = False
        self.answered = threading.Event()
        self.answer = None
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def reply(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.server.given:
            threading.Event().wait(30)  # there is no more work
        self.server.given = True
        headers = [("Lambda-Runtime-Aws-Request-Id", "1"), ("Lambda-Runtime-Deadline-Ms", "9999999999999")]
        self.reply(200, json.dumps(self.server.event).encode(), headers)

    def do_POST(self):
        self.server.answer = (self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.reply(202, b"")
        self.server.answered.set()


def environment(runtime, handler):
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime"""
    return {
        "_HANDLER": handler,
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "notes",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/notes",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]00000000000000000000000000000000",
        "AWS_ACCESS_KEY_ID": "ASIAEXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_SESSION_TOKEN": "token",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": "/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    }


def test_the_zip_runs_in_a_bare_root(tmp_path):
    root = bare_root(tmp_path / "root")
    event = {"httpMethod": "POST", "resource": "/notes", "path": "/notes", "body": '{"content": "no title"}'}
    runtime = Runtime(event)
    enter = ["chroot"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "chroot"]
    function = subprocess.Popen(
        [shutil.which(enter[0], path="/usr/sbin:/usr/bin"), *enter[1:], str(root), "/var/task/bootstrap"],
        env=environment(runtime, "notes.insert"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert runtime.answered.wait(10), function.poll()
        path, answer = runtime.answer
        assert path == "/2018-06-01/runtime/invocation/1/response"
        assert answer["statusCode"] == 400 and "title" in answer["body"]
    finally:
        function.kill()
        function.wait()
        runtime.shutdown()
