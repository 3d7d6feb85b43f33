"""The commands: what they say of themselves, where they find the server, and what a shell gets of `skylite env`."""

import os
import re
import subprocess

import conftest
import pytest

COMMANDS = ["serve", "deploy", "delete", "outputs", "logs", "status", "stacks", "functions", "tables", "apis", "import", "export", "check", "env", "version", "help"]


def run(*arguments, **environment):
    return subprocess.run(
        [conftest.SKYLITE, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **environment}
    )


def shell(script, **environment):
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, env={**os.environ, **environment, "SKYLITE": conftest.SKYLITE}
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_takes(command):
    for arguments in ([command, "--help"], ["help", command]):
        done = run(*arguments)
        assert done.returncode == 0, done.stderr
        assert re.search(rf"^usage: skylite {command}\b", done.stdout, re.MULTILINE)


def test_the_help_has_them_all():
    told = re.findall(r"^  (\w+)", run("help").stdout, re.MULTILINE)
    assert told == COMMANDS


@pytest.mark.parametrize("arguments", [["deplyo"], ["help", "deplyo"]])
def test_an_unknown_command_names_those_that_there_are(arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr == "skylite: there is no command deplyo; there are " + ", ".join(COMMANDS) + "\n"


def test_a_variable_names_the_data_folder(server):
    done = run("outputs", "notes", SKYLITE_DATA=str(server.data))
    assert "NotesUrl" in done.stdout, done.stderr


def test_a_port_that_is_in_use_names_the_option(server, tmp_path):
    done = run("serve", "--data", tmp_path / "data", "--listen", f"127.0.0.1:{server.port}")
    assert done.returncode == 1
    assert f"127.0.0.1:{server.port}: Address already in use" in done.stderr
    assert "--listen" in done.stderr


@pytest.mark.parametrize(
    "command, row", [("stacks", "notes +CREATE_COMPLETE"), ("functions", "notes-get +provided.al2023"), ("tables", "Notes"), ("apis", r"notes +\w{10}")]
)
def test_lists(server, command, row):
    done = run(command, "--data", server.data)
    assert done.returncode == 0, done.stderr
    assert re.search(f"^{row}$", done.stdout, re.MULTILINE), done.stdout


@pytest.mark.parametrize(
    "arguments, known",
    [
        (["outputs", "nots"], "; the stacks are "),
        (["delete", "nots"], "; the stacks are "),
        (["logs", "nots"], "; the functions are "),
        (["export", "nots", "/dev/null"], "; the tables are "),
        (["import", "nots", "/dev/null"], "; the tables are "),
    ],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are(server, arguments, known):
    done = run(*arguments, "--data", server.data)
    assert done.returncode == 1
    names = done.stderr.strip().partition(known)[2]
    assert names and "otes" in names, done.stderr


# What would lead a tool elsewhere.
ASTRAY = {
    "AWS_PROFILE": "work",
    "AWS_DEFAULT_PROFILE": "work",
    "AWS_SESSION_TOKEN": "x",
    "AWS_SECURITY_TOKEN": "x",
    "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/dev/null",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
}
PRINT = "/usr/bin/env | grep ^AWS_ | sort"


@pytest.mark.parametrize("evaluated", ['eval "$("$SKYLITE" env)"', 'eval $("$SKYLITE" env)'])
def test_a_shell_talks_to_the_server_whatever_it_was_set_to(server, evaluated):
    done = shell(f"{evaluated} && {PRINT}", SKYLITE_DATA=str(server.data), **ASTRAY)
    assert done.returncode == 0, done.stderr
    set_to = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert not set_to.keys() & ASTRAY.keys()
    assert set_to["AWS_ENDPOINT_URL"] == set_to["AWS_ENDPOINT_URL_S3"] == server.url
    assert set_to["AWS_ACCESS_KEY_ID"] == server.environment()["AWS_ACCESS_KEY_ID"]


@pytest.mark.parametrize("evaluated", ['eval "$("$SKYLITE" env)"', 'eval $("$SKYLITE" env)'])
def test_a_shell_without_a_server_has_no_way_to_the_real_account(tmp_path, evaluated):
    keys = {"AWS_ACCESS_KEY_ID": "real", "AWS_SECRET_ACCESS_KEY": "real"}
    done = shell(f"{evaluated} && echo went on; {PRINT}", SKYLITE_DATA=str(tmp_path), **ASTRAY, **keys)
    assert "no server runs on" in done.stderr
    assert "went on" not in done.stdout
    set_to = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert not set_to.keys() & (ASTRAY.keys() | keys.keys())
    assert set_to["AWS_ENDPOINT_URL"] == set_to["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:9"
    assert shell(f"set -e; {evaluated}; echo went on", SKYLITE_DATA=str(tmp_path)).stdout == ""
