"""An acknowledged note survives kill -9; a server ends cleanly when it is asked to."""

import subprocess
import threading
import time

import conftest
import notes_api


def write_until_it_fails(server, acknowledged):
    api = notes_api.notes_of(server)
    try:
        for number in range(400):
            answer = api.call("POST", "/notes", {"title": f"n{number}", "content": "x" * 100})
            if answer.status == 201:
                acknowledged.append(answer.json)
    except (OSError, ValueError, notes_api.http.client.HTTPException):
        pass


def test_every_acknowledged_note_survives_kill_9(own_server, tmp_path):
    server = own_server("--deploy", conftest.TEMPLATE)
    acknowledged = []
    writers = [threading.Thread(target=write_until_it_fails, args=(server, acknowledged)) for _ in range(3)]
    for writer in writers:
        writer.start()
    while len(acknowledged) < 60:
        time.sleep(0.01)
        assert any(writer.is_alive() for writer in writers)
    server.kill()
    for writer in writers:
        writer.join()

    again = own_server("--deploy", conftest.TEMPLATE, data=server.data)
    table = again.client("dynamodb")
    for note in acknowledged:
        item = table.get_item(TableName="Notes", Key={"noteId": {"S": note["noteId"]}})["Item"]
        assert item == {name: {"S": value} for name, value in note.items()}


def test_sigterm_ends_it_with_status_0_and_leaves_no_process(own_server):
    server = own_server("--deploy", conftest.TEMPLATE)
    assert notes_api.notes_of(server).call("GET", "/notes").status == 200
    group = server.process.pid
    assert server.stop() == 0
    assert not [pid for pid in processes() if parent_of(pid) == group]


def processes():
    import pathlib

    return [int(path.name) for path in pathlib.Path("/proc").iterdir() if path.name.isdigit()]


def parent_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return int(stat.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return None


def test_a_second_start_keeps_keys_and_notes(own_server):
    first = own_server("--deploy", conftest.TEMPLATE)
    api = notes_api.notes_of(first)
    note = api.call("POST", "/notes", {"title": "kept", "content": ""}).json
    credentials = first.environment()
    assert first.stop() == 0

    second = own_server("--deploy", conftest.TEMPLATE, data=first.data)
    assert second.environment()["AWS_ACCESS_KEY_ID"] == credentials["AWS_ACCESS_KEY_ID"]
    again = notes_api.notes_of(second)
    assert again.key == api.key
    assert again.call("GET", "/notes/" + note["noteId"]).json == note


def test_a_taken_port_and_a_taken_folder_are_told(own_server, tmp_path):
    first = own_server()
    for arguments, why in (
        (["--data", tmp_path / "other", "--listen", f"127.0.0.1:{first.port}"], "Address already in use"),
        (["--data", first.data, "--listen", "127.0.0.1:0"], "in use by another process"),
    ):
        done = subprocess.run([conftest.SKYLITE, "serve", *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode == 1
        assert why in done.stderr
