"""The documents that a reader works through, every command of them, in order."""

import os

import pytest

import conftest
import documents


@pytest.fixture
def repository(tmp_path, own_server):
    """A function that makes a copy of what a reader has, with a server whose data is in the folder given."""

    def make(data):
        folder = tmp_path / "repository"
        folder.mkdir()
        for name in ("apps", "docs", "sdk", "src", "tools"):
            (folder / name).symlink_to(conftest.ROOT / name)
        (folder / "build").symlink_to(conftest.BUILD)
        own_server(data=folder / data)
        return folder

    return make


def run(document, folder):
    environment = {"PATH": "/usr/bin:" + os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
    documents.run(conftest.ROOT / document, folder, environment)


def test_the_guide_works_as_written(repository):
    run("docs/GUIDE.md", repository("guide-data"))


def test_the_sdks_tutorial_works_as_written(repository):
    run("sdk/README.md", repository("tutorial-data"))
