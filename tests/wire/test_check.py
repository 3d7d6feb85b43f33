"""`skylite check` reads everything that is stored, beside a running server or of a stopped one, and tells damage."""

import subprocess

import conftest
import disk


def check(data):
    return subprocess.run([conftest.SKYLITE, "check", data], capture_output=True, text=True, timeout=60)


def count_of(output, family):
    return next(int(line.split()[1]) for line in output.splitlines() if line.startswith(family))


def test_a_whole_store_is_told_running_and_stopped(own_server):
    server = own_server()
    items = disk.Items(server)
    for number in range(50):
        items.put(items.table, str(number), 1000)
    running = check(server.data)
    assert running.returncode == 0, running.stderr
    assert count_of(running.stdout, "items") >= 50
    assert "a server runs on it" in running.stdout
    assert server.stop() == 0
    before = {path.name: path.read_bytes() for path in (server.data / "store").iterdir()}
    stopped = check(server.data)
    assert stopped.returncode == 0, stopped.stderr
    assert count_of(stopped.stdout, "items") >= 50
    assert "is whole" in stopped.stdout and "a server runs" not in stopped.stdout
    assert before == {path.name: path.read_bytes() for path in (server.data / "store").iterdir()}


def test_a_flipped_byte_is_told_by_its_file(own_server):
    server = own_server()
    items = disk.Items(server)
    for number in range(50):
        items.put(items.table, str(number), 20_000)
    assert server.stop() == 0
    table = max((server.data / "store").glob("*.sst"), key=lambda path: path.stat().st_size)
    whole = table.read_bytes()
    for place in range(len(whole) // 10, len(whole), len(whole) // 10):
        table.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        checked = check(server.data)
        assert checked.returncode == 1, place
        assert table.name in checked.stderr and "is whole" not in checked.stdout
    # Where the server starts all the same, it does not answer with what is damaged.
    try:
        server.start()
    except RuntimeError as refused:
        assert "is damaged" in str(refused) and "skylite check" in str(refused)
        assert "another process" not in str(refused)


def test_a_folder_without_a_store_is_told(tmp_path):
    checked = check(tmp_path)
    assert checked.returncode == 1 and "cannot read" in checked.stderr
