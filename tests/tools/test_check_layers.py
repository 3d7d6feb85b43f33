"""tools/check_layers.py on small trees: what is allowed passes, each kind of violation is told with its place."""

import pathlib
import subprocess

import pytest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "check_layers.py"

FILES = {
    "src/base/str.h": "",
    "src/store/store.h": '#include "base/str.h"\n',
    "src/store/store.c": "#include <rocksdb/c.h>\n",
    "src/core/request.h": '#include "store/store.h"\n',
    "src/services/lambda/lambda.h": '#include "core/request.h"\n',
    "src/services/lambda/secret.h": "",
    "src/services/iam/iam.h": "",
    "src/cli/serve.c": '#include "services/lambda/lambda.h"\n',
    "src/io/http_client.h": "",
    "src/io/loop.h": "",
    "sdk/runtime.c": '#include "io/http_client.h"\n',
    "apps/notes/get.c": "#include <yyjson.h>\n",
}

VIOLATIONS = [
    ("src/base/bad.c", '\n#include "store/store.h"\n', 2, "may not include src/store/store.h"),
    ("src/store/bad.c", '#include "core/request.h"\n', 1, "may not include"),
    ("src/services/iam/bad.c", '#include "services/lambda/lambda.h"\n', 1, "may not include"),
    ("src/cli/bad.c", '#include "services/lambda/secret.h"\n', 1, "may not include"),
    ("src/core/bad.c", "#include <rocksdb/c.h>\n", 1, "fenced into src/store"),
    ("src/services/iam/bad.c", "#include <uv.h>\n", 1, "fenced"),
    ("sdk/bad.c", '#include "io/loop.h"\n', 1, "may not include"),
    ("apps/notes/bad.c", '#include "io/loop.h"\n', 1, "may not include"),
]


def run(tree):
    return subprocess.run(["/usr/bin/python3", TOOL, tree], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_tree_in_order_passes(tree):
    done = run(tree)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name,text,line,why", VIOLATIONS)
def test_a_violation_is_told_with_its_place(tree, name, text, line, why):
    (tree / name).write_text(text)
    done = run(tree)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{name}:{line}: ")
    assert why in done.stdout
