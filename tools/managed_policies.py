#!/usr/bin/env python3
"""Writes AWS's managed policies (one JSON file each) as a C table for the server.

managed_policies.py OUTPUT.c INPUT.json...
"""
import json
import pathlib
import sys

HEAD = """/* Made from src/services/iam/managed/ by tools/managed_policies.py. */
#include "services/iam/internal.h"

const struct managed_policy iam_managed_policies[] = {
"""
TAIL = """};

const size_t iam_managed_policy_count =
    sizeof(iam_managed_policies) / sizeof(iam_managed_policies[0]);
"""


def c_string(text):
    """A C string literal, cut into pieces so that no line is longer than compilers must take."""
    pieces = [text[at : at + 1000] for at in range(0, len(text), 1000)]
    return "\n        ".join(json.dumps(piece, ensure_ascii=True) for piece in pieces)


def row(path):
    policy = json.loads(path.read_text())
    document = json.dumps(policy["Document"], separators=(",", ":"))
    fields = [path.stem, policy["Path"], policy["CreateDate"], policy["UpdateDate"], policy["DefaultVersionId"], document]
    return "    {" + ", ".join(c_string(field) for field in fields) + "},\n"


def main():
    output, *inputs = map(pathlib.Path, sys.argv[1:])
    rows = [row(path) for path in sorted(inputs, key=lambda path: path.stem)]
    output.write_text(HEAD + "".join(rows) + TAIL)


main()
