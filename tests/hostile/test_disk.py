"""A full disk: what was acknowledged stays and is read, what has no room is refused with a reason, and service returns by itself."""

import contextlib
import os
import subprocess
import threading
import time
import urllib.error
import urllib.request

import botocore.exceptions
import conftest
import hosting
import pytest

MIB = 1 << 20
SIZE_MIB = 96

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small file system")


@contextlib.contextmanager
def small_disk(folder):
    folder.mkdir()
    folder.chmod(0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=1777", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


class Ballast:
    """Somebody else's file on the disk."""

    def __init__(self, folder):
        self.path = folder / "ballast"
        self.path.touch()

    def add(self, count):
        with open(self.path, "ab", buffering=0) as file:
            os.posix_fallocate(file.fileno(), self.path.stat().st_size, count)

    @contextlib.contextmanager
    def filling(self):
        """Takes all that is left and all that becomes free, to the last block, and gives it back in the end."""
        is_over = threading.Event()

        def fill():
            with open(self.path, "ab", buffering=0) as file:
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
            os.truncate(self.path, 0)


def health(server):
    try:
        with urllib.request.urlopen(server.url + "/health", timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for_health(server, status):
    for _ in range(600):
        if health(server)[0] == status:
            return health(server)[1]
        time.sleep(0.1)
    raise AssertionError(health(server))


class Items:
    """Items in a table of their own, and which of them were acknowledged."""

    def __init__(self, server):
        self.server = server
        self.table = server.client("dynamodb")
        self.table.create_table(
            TableName="Filling",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        self.kept = {}
        self.refusals = []

    def put(self, table, key, size):
        value = os.urandom(size // 2).hex()
        try:
            table.put_item(TableName="Filling", Item={"id": {"S": key}, "value": {"S": value}})
        except botocore.exceptions.ClientError as error:
            self.refusals.append(error.response)
        else:
            self.kept[key] = value

    def put_until_refused(self, name, size=100_000):
        table = self.server.client("dynamodb")
        had = len(self.refusals)
        for number in range(4000):
            self.put(table, f"{name}-{number}", size)
            if len(self.refusals) > had:
                return

    def delete(self, key):
        self.table.delete_item(TableName="Filling", Key={"id": {"S": key}})
        del self.kept[key]

    def reopen(self):
        self.table = self.server.client("dynamodb")

    def check(self):
        for key, value in self.kept.items():
            item = self.table.get_item(TableName="Filling", Key={"id": {"S": key}}).get("Item")
            assert item and item["value"]["S"] == value, f"{key} is lost"


@pytest.mark.parametrize("account", hosting.ACCOUNTS)
def test_a_full_disk_loses_nothing_and_refuses_with_a_reason(tmp_path_factory, account):
    folder = tmp_path_factory.mktemp("disk")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # the ordinary user goes through
    with small_disk(folder / "disk") as disk:
        ballast = Ballast(disk)
        ballast.add(40 * MIB)
        with hosting.server_as(account, below=disk) as server:
            items = Items(server)
            writers = [threading.Thread(target=items.put_until_refused, args=(name,)) for name in "abc"]
            for writer in writers:
                writer.start()
            for writer in writers:
                writer.join()
            assert len(items.kept) > 20
            for refusal in items.refusals:
                assert refusal["ResponseMetadata"]["HTTPStatusCode"] == 500
                assert refusal["Error"]["Code"] == "InternalServerError"
                assert "disk" in refusal["Error"]["Message"] and "full" in refusal["Error"]["Message"]
            items.check()

            with ballast.filling():
                assert "the disk is full" in wait_for_health(server, 503)
                items.check()

                server.kill()
                server.start()
                items.reopen()
                assert "the disk is full" in wait_for_health(server, 503)
                items.check()
                items.put_until_refused("late")
                assert len(items.refusals) == 4
                items.check()

            wait_for_health(server, 200)
            items.put(items.table, "in time", 100_000)
            assert "in time" in items.kept
            items.check()
            assert server.stop() == 0
            server.start()
            items.reopen()
            items.check()


def test_deletions_have_room_when_puts_have_none(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        ballast = Ballast(disk)
        ballast.add(40 * MIB)
        with hosting.server_as("root", below=disk) as server:
            items = Items(server)
            items.put_until_refused("a")
            for key in list(items.kept)[:20]:
                items.delete(key)
            items.check()
            items.table.delete_table(TableName="Filling")
            items.kept.clear()
            # The table's space comes back without a restart and without anything else being deleted.
            wait_for_health(server, 200)
            server.client("dynamodb").describe_limits()
