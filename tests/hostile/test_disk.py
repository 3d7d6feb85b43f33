"""A full disk: what was acknowledged stays and is read, what has no room is refused with a reason, and service returns by itself."""

import os
import threading

import disk
import hosting
import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a small file system")


@pytest.mark.parametrize("account", hosting.ACCOUNTS)
def test_a_full_disk_loses_nothing_and_refuses_with_a_reason(tmp_path_factory, account):
    folder = tmp_path_factory.mktemp("disk")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # the ordinary user goes through
    with disk.small_disk(folder / "disk") as small:
        ballast = disk.Ballast(small)
        ballast.add(40 * disk.MIB)
        with hosting.server_as(account, below=small) as server:
            items = disk.Items(server)
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
                assert "the disk is full" in disk.wait_for_health(server, 503)
                items.check()

                server.kill()
                server.start()
                items.reopen()
                assert "the disk is full" in disk.wait_for_health(server, 503)
                items.check()
                items.refusals.clear()
                items.put_until_refused("late")
                assert len(items.refusals) == 1
                items.check()
                ballast.give_back(24 * disk.MIB)

            disk.wait_for_health(server, 200)
            items.put(items.table, "in time", 100_000)
            assert "in time" in items.kept
            items.check()
            assert server.stop() == 0
            server.start()
            items.reopen()
            items.check()


def test_deletions_have_room_when_puts_have_none(tmp_path):
    with disk.small_disk(tmp_path / "disk") as small:
        ballast = disk.Ballast(small)
        ballast.add(40 * disk.MIB)
        with hosting.server_as("root", below=small) as server:
            items = disk.Items(server)
            items.put_until_refused("a")
            for key in list(items.kept)[:20]:
                items.delete(key)
            items.check()
            items.table.delete_table(TableName="Siege")
            items.kept.clear()
            # The table's space comes back without a restart and without anything else being deleted.
            disk.wait_for_health(server, 200)
            server.client("dynamodb").describe_limits()
