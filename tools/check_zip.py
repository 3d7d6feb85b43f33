#!/usr/bin/python3
"""Says whether a function's zip runs on Lambda's provided.al2023: no symbol newer than its C library, no library that
neither the zip carries nor AWS documents, and found where the zip has it.

Usage: check_zip.py FILE.zip
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile

import make_zip

GLIBC = (2, 34)
VERSION = re.compile(r"\(?GLIBC_(\d+)\.(\d+)(?:\.\d+)?\)?")


def objdump(option, path):
    return subprocess.run(["objdump", option, path], check=True, capture_output=True, text=True).stdout


def newest_symbols(path):
    """The undefined symbols that need a C library newer than Lambda's."""
    problems = []
    for line in objdump("-T", path).splitlines():
        match = VERSION.search(line)
        if match and "*UND*" in line and tuple(map(int, match.groups())) > GLIBC:
            problems.append(f"{path.name}: {line.split()[-1]} needs {match.group(0).strip('()')}")
    return problems


def missing_libraries(path, carried):
    return [
        f"{path.name}: {name} is neither carried nor documented by AWS"
        for name in make_zip.needed(path)
        if name not in make_zip.PROVIDED and name not in carried
    ]


def check(archive, folder):
    problems = []
    names = {entry.filename: entry for entry in archive.infolist()}
    if "bootstrap" not in names:
        return ["there is no bootstrap"]
    carried = {name.removeprefix("lib/") for name in names if name.startswith("lib/")}
    archive.extractall(folder)
    for name, entry in names.items():
        path = pathlib.Path(folder) / name
        if (entry.external_attr >> 16) & 0o111 != 0o111:
            problems.append(f"{name} is not executable by all")
        problems += newest_symbols(path) + missing_libraries(path, carried)
    if carried and not re.search(r"R(UN)?PATH\s+\$ORIGIN/lib\s", objdump("-p", pathlib.Path(folder) / "bootstrap")):
        problems.append("bootstrap does not look for its libraries in $ORIGIN/lib")
    return problems


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with zipfile.ZipFile(sys.argv[1]) as archive, tempfile.TemporaryDirectory() as folder:
        problems = check(archive, folder)
    for problem in problems:
        print(f"{sys.argv[1]}: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
