#!/usr/bin/python3
"""Packs a program as a Lambda function's zip: `bootstrap`, stripped, and below lib/ the shared libraries that Lambda's
provided.al2023 does not have. The same input gives the same bytes.

Usage: make_zip.py OUTPUT.zip PROGRAM [--strip PROGRAM]
"""

import argparse
import pathlib
import subprocess
import tempfile
import zipfile

# What provided.al2023 documents, and is safe to expect: the C library's parts and gcc's support library.
# https://docs.aws.amazon.com/lambda/latest/dg/runtimes-provided.html
PROVIDED = {
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
    "librt.so.1",
    "libresolv.so.2",
    "libgcc_s.so.1",
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
}
OLDEST_DATE = (1980, 1, 1, 0, 0, 0)
PROGRAM_MODE = 0o100755


def needed(path):
    """The shared libraries that a program or library names itself."""
    lines = subprocess.run(["objdump", "-p", path], check=True, capture_output=True, text=True).stdout.splitlines()
    return [line.split()[1] for line in lines if line.split()[:1] == ["NEEDED"]]


def libraries(program):
    """Name and path of each library that must be carried, libraries of libraries included."""
    found = {}
    for line in subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout.splitlines():
        name, arrow, rest = line.strip().partition(" => ")
        if arrow:
            found[pathlib.Path(name).name] = pathlib.Path(rest.split()[0])
    carried = {}
    waiting = needed(program)
    while waiting:
        name = waiting.pop()
        if name in PROVIDED or name in carried:
            continue
        carried[name] = found[name]
        waiting += needed(found[name])
    return sorted(carried.items())


def stripped(program, strip):
    if not strip:
        return pathlib.Path(program).read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "bootstrap"
        subprocess.run([strip, "-o", copy, program], check=True)
        return copy.read_bytes()


def add(archive, name, content):
    entry = zipfile.ZipInfo(name, OLDEST_DATE)
    entry.create_system = 3  # Unix: the mode counts
    entry.external_attr = PROGRAM_MODE << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content, compresslevel=9)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("program")
    parser.add_argument("--strip", help="the program that strips")
    options = parser.parse_args()
    with zipfile.ZipFile(options.output, "w") as archive:
        add(archive, "bootstrap", stripped(options.program, options.strip))
        for name, path in libraries(options.program):
            add(archive, "lib/" + name, path.read_bytes())


if __name__ == "__main__":
    main()
