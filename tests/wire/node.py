"""Runs programs of npm: what script/bootstrap has put into tests/node."""

import pathlib
import subprocess

FOLDER = pathlib.Path(__file__).resolve().parents[1] / "node"


def run(*command, environment=None, timeout=60):
    """Runs node with the arguments in tests/node; returns what it prints, or fails with it."""
    done = subprocess.run(
        ["/usr/bin/node", *command],
        cwd=FOLDER,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
