"""A full disk: what was acknowledged stays and is read, what has no room is refused with a reason, and service returns by itself."""

import os
import threading

import disk
import functions
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


def test_jobs_go_on_when_there_is_room(tmp_path):
    """A backup and an index, which copy what is there, wait for space and are finished without a restart."""
    with disk.small_disk(tmp_path / "disk") as small:
        ballast = disk.Ballast(small)
        with hosting.server_as("root", below=small) as server:
            items = disk.Items(server)
            for number in range(40):
                items.put(items.table, f"a-{number}", 200_000)
            assert len(items.kept) == 40
            ballast.leave(9 * disk.MIB)
            arn = items.table.create_backup(TableName="Siege", BackupName="kept")["BackupDetails"]["BackupArn"]
            index = {"IndexName": "copy", "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
            definitions = [{"AttributeName": "id", "AttributeType": "S"}]
            items.table.update_table(
                TableName="Siege", AttributeDefinitions=definitions, GlobalSecondaryIndexUpdates=[{"Create": index}]
            )

            def states():
                backup = items.table.describe_backup(BackupArn=arn)["BackupDescription"]["BackupDetails"]
                table = items.table.describe_table(TableName="Siege")["Table"]
                return backup["BackupStatus"], table["GlobalSecondaryIndexes"][0]["IndexStatus"]

            assert states() == ("CREATING", "CREATING")
            disk.wait_for_health(server, 200)
            ballast.give_back_now()
            disk.wait_until(lambda: states() == ("AVAILABLE", "ACTIVE"))
            found = items.table.scan(TableName="Siege", IndexName="copy", Select="COUNT")
            while "LastEvaluatedKey" in found:
                more = items.table.scan(
                    TableName="Siege", IndexName="copy", Select="COUNT", ExclusiveStartKey=found["LastEvaluatedKey"]
                )
                found = {**more, "Count": found["Count"] + more["Count"]}
            assert found["Count"] == 40
            items.check()


TALKER = """
import os
def handler(event, context):
    for _ in range(30):
        print(os.urandom(50_000).hex(), flush=True)
"""


def test_the_output_of_a_function_fills_the_disk_only_so_far(tmp_path):
    """Its lines are dropped first: notes are written as before."""
    with disk.small_disk(tmp_path / "disk") as small:
        ballast = disk.Ballast(small)
        with hosting.server_as("root", below=small) as server:
            role = functions.make_role(server, "talker")
            server.client("lambda").create_function(
                FunctionName="talker",
                Runtime="python3.12",
                Handler="index.handler",
                Role=role,
                Timeout=30,
                Code={"ZipFile": functions.zip_of({"index.py": TALKER})},
            )
            items = disk.Items(server)
            ballast.leave(40 * disk.MIB)
            for _ in range(100):
                assert functions.invoke(server, "talker", {})[1] is None
                if "events were lost" in server.log or "were dropped" in server.log:
                    break
            else:
                raise AssertionError(server.log)
            for number in range(10):
                items.put(items.table, f"a-{number}", 20_000)
            assert len(items.kept) == 10
            assert disk.health(server)[0] == 200
            items.check()
