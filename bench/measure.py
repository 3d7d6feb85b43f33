"""What every benchmark needs: servers to start, CPU time of whole process trees, load from wrk, a table of results."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

import boto3

ROOT = pathlib.Path(__file__).resolve().parents[1]
SKYLITE = ROOT / "build" / "skylite"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stat_of(pid):
    """Parent and CPU microseconds (its own and those of children it has waited for), or None when it is gone."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(fields[1]), sum(map(int, fields[11:15])) * 1_000_000 // TICKS_PER_S


def tree_of(root):
    """The process and all below it, as {pid: CPU microseconds}."""
    stats = {int(p.name): stat_of(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()}
    tree = {root}
    grew = True
    while grew:
        more = {pid for pid, stat in stats.items() if stat and stat[0] in tree} - tree
        tree |= more
        grew = bool(more)
    return {pid: stats[pid][1] for pid in tree if stats.get(pid)}


def cpu_us(root):
    return sum(tree_of(root).values())


def memory_kib(root):
    """Proportional resident memory of the whole tree."""
    total = 0
    for pid in tree_of(root):
        with contextlib.suppress(OSError):
            text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE).group(1))
    return total


def peak_memory_kib(pid):
    """The most that the process itself was resident."""
    return int(re.search(r"^VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.MULTILINE).group(1))


class Result:
    def __init__(self, name, requests, seconds, p50, p99, errors, cpu):
        self.name, self.requests, self.seconds = name, requests, seconds
        self.p50, self.p99, self.errors, self.cpu = p50, p99, errors, cpu

    def row(self):
        per_request = self.cpu / self.requests if self.requests else 0
        return (
            f"{self.name:<44} {self.requests / self.seconds:>9.0f} {self.p50:>9} {self.p99:>9} "
            f"{per_request:>9.1f} {self.errors:>7}"
        )


HEADER = f"{'':<44} {'req/s':>9} {'p50':>9} {'p99':>9} {'CPU us':>9} {'errors':>7}"


def wrk(name, server_pid, url, seconds, connections, headers=None, script=None):
    """Loads `url` for `seconds`, counting the CPU time that the server's processes spend meanwhile."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    for header, value in (headers or {}).items():
        command += ["-H", f"{header}: {value}"]
    if script:
        command += ["-s", script]
    before = cpu_us(server_pid)
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    cpu = cpu_us(server_pid) - before
    requests, took = re.search(r"(\d+) requests in ([\d.]+)s", done).groups()
    p50 = re.search(r"^\s+50%\s+(\S+)", done, re.MULTILINE).group(1)
    p99 = re.search(r"^\s+99%\s+(\S+)", done, re.MULTILINE).group(1)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", done)
    return Result(name, int(requests), float(took), p50, p99, int(failed.group(1)) if failed else 0, cpu)


@contextlib.contextmanager
def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="skylite-bench-"))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def skylite(data, *arguments, program=SKYLITE):
    """A running server; yields (process, url, seconds until it was ready)."""
    started = time.monotonic()
    process = subprocess.Popen(
        [program, "serve", "--data", data, "--listen", "127.0.0.1:0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        for line in process.stdout:
            if line.startswith("skylite: ready on "):
                yield process, line.split()[-1], time.monotonic() - started
                break
        else:
            raise RuntimeError("the server did not start")
    finally:
        process.terminate()
        process.wait(timeout=30)


def skylite_command(data, *arguments):
    return subprocess.run(
        [SKYLITE, *arguments, "--data", data], capture_output=True, text=True, check=True
    ).stdout


def aws_client(service, url, data):
    """A boto3 client with the root key of the server whose data folder is `data`."""
    environment = dict(
        line.removeprefix("export ").rstrip(";").split("=", 1)
        for line in skylite_command(data, "env").splitlines()
        if line.startswith("export ")
    )
    return boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def settle(pid, seconds=30):
    """Waits until the process rests: what was stored before is compacted in the background."""
    for _ in range(seconds):
        before = cpu_us(pid)
        time.sleep(1)
        if cpu_us(pid) - before <= 20_000:
            return


def lift_account_throttle(gateway):
    """The account's default of 10,000 requests a second would be what is measured."""
    gateway.update_account(
        patchOperations=[
            {"op": "replace", "path": "/throttleSettings/rateLimit", "value": "10000000"},
            {"op": "replace", "path": "/throttleSettings/burstLimit", "value": "10000000"},
        ]
    )


@contextlib.contextmanager
def nginx(where, http):
    """nginx with that http section, two workers, no logs; yields the master's pid."""
    config = where / "nginx.conf"
    config.write_text(
        f"""daemon off; worker_processes 2; pid {where}/nginx.pid; error_log {where}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off; keepalive_requests 100000000; sendfile on; tcp_nopush on;
    client_body_temp_path {where}/body; proxy_temp_path {where}/proxy; fastcgi_temp_path {where}/fastcgi;
    uwsgi_temp_path {where}/uwsgi; scgi_temp_path {where}/scgi;
    {http}
}}"""
    )
    os.chmod(where, 0o755)
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", where, "-c", config], stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)
