"""`skylite status`: one screen that shows what was done, for pipes and for terminals."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios

import conftest
import notes_api


def sections(text):
    """Rows by section's first title; each row is a list of cells, which are two blanks or more apart."""
    found, rows = {}, []
    for block in text.split("\n\n"):
        lines = block.rstrip("\n").split("\n")
        rows = [re.split(r" {2,}", line.strip()) for line in lines]
        found[rows[0][0]] = rows[1:]
    return found


def row(rows, name):
    return next(cells for cells in rows if cells[0] == name)


def screen(server, columns):
    """What the command shows on a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    done = subprocess.run([conftest.SKYLITE, "status", "--data", server.data], stdout=slave, timeout=60)
    os.close(slave)
    text = b""
    try:
        while chunk := os.read(master, 65536):
            text += chunk
    except OSError:
        pass  # Linux says so at the end
    os.close(master)
    assert done.returncode == 0
    return text.decode().replace("\r\n", "\n")


def test_status_shows_requests_calls_items_and_keys(own_server):
    server = own_server("--deploy", conftest.TEMPLATE)
    api = notes_api.notes_of(server, "Standard")
    note = api.call("POST", "/notes", {"title": "a", "content": "b"}).json
    for _ in range(4):
        assert api.call("GET", "/notes/" + note["noteId"]).status == 200
    assert api.call("GET", "/notes", key=None).status == 403
    text = server.skylite("status").stdout
    assert re.match(rf"skylite \d+\.\d+\.\d+ at {re.escape(server.url)}, up \d+ s\n", text)
    assert re.search(rf"\ndata {re.escape(str(server.data))} \([\d.]+ [KM]B\), memory [\d.]+ MB", text)
    found = sections(text)
    assert row(found["API"], "notes")[1:5] == ["prod", "6", "1", "0"]
    assert row(found["API"], "notes")[5] + "/notes" == server.outputs("notes")["InvokeUrl"]
    assert [f"http://notes.localhost:{server.port}/"] in found["API"]
    assert row(found["FUNCTION"], "notes-get")[1:5] == ["provided.al2023", "128 MB", "4", "0"]
    assert re.fullmatch(r"[\d.]+ m?s", row(found["FUNCTION"], "notes-get")[6])
    assert row(found["FUNCTION"], "notes-delete")[3:] == ["0", "0", "-", "-"]
    assert row(found["TABLE"], "Notes")[1:3] == ["ACTIVE", "1"]
    assert row(found["PLAN"], "standard-plan")[1:] == ["1.67/s, burst 100", "-", "standard", "5"]
    assert row(found["PLAN"], "premium-plan")[-1] == "0"


def test_status_fits_the_terminal(server):
    for columns in (80, 120):
        lines = screen(server, columns).splitlines()
        assert max(len(line) for line in lines if "://" not in line) <= columns
    assert any(line.startswith("    http://notes.localhost") for line in screen(server, 80).splitlines())


def test_status_of_an_empty_server_says_so(own_server):
    server = own_server()
    text = server.skylite("status").stdout
    assert text.endswith("\n\nno APIs\n\nno functions\n\nno tables\n\nno usage plans\n")


def test_status_pages_through_what_there_is(own_server):
    server = own_server()
    dynamodb, gateway = server.client("dynamodb"), server.client("apigateway")
    for number in range(105):
        dynamodb.create_table(
            TableName=f"t{number:03}",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    gateway.create_rest_api(name="without stages")
    found = sections(server.skylite("status").stdout)
    assert len(found["TABLE"]) == 105
    assert found["API"] == [["without stages", "-", "-", "-", "-"]]


def test_status_without_a_server_fails(tmp_path):
    done = subprocess.run(
        [conftest.SKYLITE, "status", "--data", tmp_path], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "no server runs on" in done.stderr
