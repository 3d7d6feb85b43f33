"""docs/GUIDE.md, every command of it, in order."""

import os

import conftest
import documents


def test_the_guide_works_as_written(own_server, tmp_path):
    # The guide is read in the repository; its own files go to a copy of what it uses.
    work = tmp_path / "repository"
    work.mkdir()
    for name in ("apps", "docs"):
        (work / name).symlink_to(conftest.ROOT / name)
    (work / "build").symlink_to(conftest.BUILD)
    own_server(data=work / "guide-data")
    environment = {"PATH": "/usr/bin:" + os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    documents.run(conftest.ROOT / "docs" / "GUIDE.md", work, environment)
