"""A disk that fails: the server ends with a line that says why, and what it acknowledged is there at the next start."""

import disk
import botocore.exceptions
import pytest

pytestmark = pytest.mark.skipif(not disk.FAIL_IO.exists(), reason="not built, or built with a sanitizer")


@pytest.mark.parametrize("durability", ["sync", "relaxed"])
@pytest.mark.parametrize("calls", ["fdatasync", "write"])
def test_an_io_error_ends_the_server_and_loses_nothing(own_server, tmp_path, calls, durability):
    data = tmp_path / "data"
    server = own_server("--durability", durability, prefix=disk.fail_io_prefix(tmp_path / "order", data / "store"))
    items = disk.Items(server)
    for number in range(20):
        items.put(items.table, f"before-{number}", 1000)
    items.check()
    with disk.failing(tmp_path / "order", calls):
        with pytest.raises(botocore.exceptions.BotoCoreError):
            for number in range(10_000):
                items.put(items.table, f"after-{number}", 1000)
        assert server.process.wait(timeout=60) not in (0, None)
    assert "the store cannot be written" in server.log and "nothing acknowledged is lost" in server.log

    server.start()
    assert disk.health(server)[0] == 200
    items.reopen()
    items.check()
