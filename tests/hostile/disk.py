"""Small disks, disks that fail, and what was acknowledged before they did."""

import contextlib
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request

import botocore.exceptions
import conftest

MIB = 1 << 20
FAIL_IO = conftest.BUILD / "tests" / "faults" / "libfail_io.so"


@contextlib.contextmanager
def small_disk(folder, size_mib=96):
    """A file system of its own that any account may use; only root may mount it."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=1777", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Ballast:
    """Somebody else's file on the disk."""

    def __init__(self, folder):
        self.path = folder / "ballast"
        self.path.touch()
        self.held = 0

    def add(self, count):
        """Takes some of the disk for good."""
        with open(self.path, "ab", buffering=0) as file:
            os.posix_fallocate(file.fileno(), self.held, count)
        self.held += count

    def leave(self, count):
        """Takes all but so much."""
        disk = os.statvfs(self.path)
        self.add(disk.f_bavail * disk.f_frsize - count)

    def give_back_now(self):
        os.truncate(self.path, 0)
        self.held = 0

    def give_back(self, count):
        """Keeps so much less, from the end of `filling` on."""
        self.held -= count

    @contextlib.contextmanager
    def filling(self):
        """Takes all that is left, at once, and all that becomes free, to the last block. In the end it keeps what it `held`."""
        is_over = threading.Event()
        free = os.statvfs(self.path).f_bavail * os.statvfs(self.path).f_frsize

        def fill():
            with open(self.path, "ab", buffering=0) as file:
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), self.held, free)
                while not is_over.is_set():
                    try:
                        file.write(bytes(4096))
                    except OSError:
                        is_over.wait(0.005)

        thread = threading.Thread(target=fill)
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()
            os.truncate(self.path, self.held)


def fail_io_prefix(order, below):
    """Runs a server whose calls fail on files below a folder while `order` names them."""
    return ("env", f"LD_PRELOAD={FAIL_IO}", f"FAIL_IO_ORDER={order}", f"FAIL_IO_BELOW={below}")


@contextlib.contextmanager
def failing(order, calls):
    new = order.with_suffix(".new")
    new.write_text(calls)
    new.rename(order)
    try:
        yield
    finally:
        order.unlink()


def health(server):
    try:
        with urllib.request.urlopen(server.url + "/health", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_until(is_true):
    for _ in range(600):
        if is_true():
            return
        time.sleep(0.1)
    raise AssertionError("it has not come true")


def wait_for_health(server, status):
    for _ in range(600):
        got, body = health(server)
        if got == status:
            return body
        time.sleep(0.1)
    raise AssertionError(health(server))


def check(data):
    """Runs `skylite check`; returns (is it whole, the keys that it read)."""
    done = subprocess.run([conftest.SKYLITE, "check", data], capture_output=True, text=True, timeout=60)
    return done.returncode == 0, sum(int(line.split()[1]) for line in done.stdout.splitlines() if " keys " in line)


class Items:
    """Items in a table of their own, and which of them were acknowledged."""

    def __init__(self, server):
        self.server = server
        self.kept = {}  # key: value
        self.refusals = []
        self.times_ms = []
        self.reopen()
        self.table.create_table(
            TableName="Siege",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    def reopen(self):
        """After a restart, which may have another port."""
        self.table = self.server.client("dynamodb")

    def put(self, table, key, size):
        value = os.urandom(size // 2).hex()
        started = time.monotonic()
        try:
            table.put_item(TableName="Siege", Item={"id": {"S": key}, "value": {"S": value}})
        except botocore.exceptions.ClientError as error:
            self.refusals.append(error.response)
        else:
            self.kept[key] = value
        self.times_ms.append((time.monotonic() - started) * 1000)

    def put_until_refused(self, name, size=100_000, limit=4000):
        table = self.server.client("dynamodb")
        had = len(self.refusals)
        for number in range(limit):
            self.put(table, f"{name}-{number}", size)
            if len(self.refusals) > had:
                return

    def delete(self, key):
        self.table.delete_item(TableName="Siege", Key={"id": {"S": key}})
        del self.kept[key]

    def is_there(self, key):
        item = self.table.get_item(TableName="Siege", Key={"id": {"S": key}}).get("Item")
        return item is not None and item["value"]["S"] == self.kept[key]

    def missing(self, newest=None):
        """What was acknowledged and is not there, among the newest so many, or all."""
        keys = list(self.kept)
        return [key for key in keys[-newest if newest else 0 :] if not self.is_there(key)]

    def check(self):
        assert not self.missing()
