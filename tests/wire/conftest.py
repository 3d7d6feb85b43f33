"""A running server for the wire tests, and the clients that talk to it."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading

import boto3
import botocore.config
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SKYLITE_BUILD", ROOT / "build"))
SKYLITE = BUILD / "skylite"
TEMPLATE = ROOT / "apps" / "notes" / "template.yaml"
START_TIMEOUT_S = 60


class Server:
    """One `skylite serve` on a port of its own, with a data folder of its own."""

    def __init__(self, data, *arguments, prefix=()):
        self.data = pathlib.Path(data)
        self.arguments = arguments
        self.prefix = prefix  # a command that runs the server
        self.process = None
        self.drain = None  # the thread that reads what it prints
        self.url = None
        self.output = []

    def start(self):
        self.process = subprocess.Popen(
            [*self.prefix, SKYLITE, "serve", "--data", self.data, "--listen", "127.0.0.1:0", *self.arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        timer = threading.Timer(START_TIMEOUT_S, self.process.kill)
        timer.start()
        for line in self.process.stdout:
            self.output.append(line)
            if line.startswith("skylite: ready on "):
                self.url = line.split()[-1]
                break
        timer.cancel()
        if not self.url:
            self.process.wait()
            raise RuntimeError("the server did not start:\n" + "".join(self.output))
        self.drain = threading.Thread(target=self._drain, args=(self.process.stdout,), daemon=True)
        self.drain.start()
        return self

    def _drain(self, stream):
        for line in stream:
            self.output.append(line)

    @property
    def port(self):
        return int(self.url.rsplit(":", 1)[1])

    @property
    def region(self):
        return (self.data / "endpoint").read_text().split()[1]

    @property
    def log(self):
        """What it has printed; all of it once it has ended."""
        if self.drain and self.process.poll() is not None:
            self.drain.join(timeout=30)
        return "".join(self.output)

    def kill(self):
        """Ends it as a power cut would."""
        self.process.kill()
        self.process.wait()
        self.url = None

    def stop(self):
        """Ends it as an administrator would, and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.url = None
        return status

    def skylite(self, *arguments, check=True):
        """Runs a command of `skylite` against this server and returns what it prints."""
        done = subprocess.run(
            [SKYLITE, *arguments, "--data", self.data],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        if check and done.returncode:
            raise RuntimeError(f"skylite {arguments} failed: {done.stdout}{done.stderr}")
        return done

    def environment(self):
        """What `eval $(skylite env)` sets."""
        lines = self.skylite("env").stdout.splitlines()
        pairs = (line.removeprefix("export ").rstrip(";").split("=", 1) for line in lines if line.startswith("export "))
        return dict(pairs)

    def client(self, service, access_key=None, secret_key=None, session_token=None):
        """A boto3 client with the root key, or with the key given."""
        if access_key is None:
            environment = self.environment()
            access_key = environment["AWS_ACCESS_KEY_ID"]
            secret_key = environment["AWS_SECRET_ACCESS_KEY"]
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session_token,
            config=botocore.config.Config(
                retries={"max_attempts": 0}, s3={"addressing_style": "path"}, parameter_validation=False
            ),
        )

    def outputs(self, stack):
        lines = self.skylite("outputs", stack).stdout.splitlines()
        return dict(line.split("\t", 1) for line in lines)


@pytest.fixture(scope="session")
def server():
    """A server with the Notes stack, shared by all tests: leave it as you found it."""
    with tempfile.TemporaryDirectory(prefix="skylite-") as data:
        # Tests of HTTP integrations have their backends on this machine.
        running = Server(data, "--deploy", TEMPLATE, "--allow-integration", "127.0.0.1").start()
        yield running
        running.stop()


@pytest.fixture
def own_server(tmp_path):
    """A function that starts servers of this test's own."""
    started = []

    def start(*arguments, data=tmp_path / "data", prefix=()):
        running = Server(data, *arguments, prefix=prefix).start()
        started.append(running)
        return running

    yield start
    for running in started:
        if running.process.poll() is None:
            running.kill()


@pytest.fixture
def dynamodb(server):
    return server.client("dynamodb")


@pytest.fixture
def aws(server, tmp_path):
    """Runs the AWS CLI of Debian; returns its JSON answer, or its text."""
    environment = {**os.environ, **server.environment(), "AWS_PAGER": "", "HOME": str(tmp_path)}
    environment["PATH"] = "/usr/bin:/bin"

    def run(*arguments, check=True):
        done = subprocess.run(
            ["/usr/bin/aws", "--endpoint-url", server.url, "--output", "json", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
        )
        if not check:
            return done
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run
