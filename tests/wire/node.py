"""Runs programs of npm: what script/bootstrap has put into tests/node."""

import json
import pathlib
import re
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "node"


def run(*command, environment=None, timeout=60):
    """Runs node with the arguments in tests/node; returns what it prints, or fails with it."""
    done = subprocess.run(
        ["/usr/bin/node", *command],
        cwd=FOLDER,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(environment or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def claims(program):
    """The names of what a program of tests/node claims by claims.mjs."""
    return re.findall(r'^  async "(.+)"\(\) \{$', (FOLDER / program).read_text(), re.MULTILINE)


def errors(program, environment):
    """Runs such a program; returns what is wrong with each claim, or None, by its name."""
    answers = map(json.loads, run(program, environment=environment).splitlines())
    return {answer["claim"]: answer["error"] for answer in answers}
