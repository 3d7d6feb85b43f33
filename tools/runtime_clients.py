#!/usr/bin/env python3
"""Writes the runtime clients of Lambda's languages as a C table for the server.

runtime_clients.py OUTPUT.c FOLDER INPUT...      the table's paths are those of the inputs below FOLDER
"""
import pathlib
import sys

HEAD = """/* Made from src/services/lambda/runtimes/ by tools/runtime_clients.py. */
#include "services/lambda/runtime.h"

const struct runtime_file runtime_files[] = {
"""
TAIL = """};

const size_t runtime_file_count = sizeof(runtime_files) / sizeof(runtime_files[0]);
"""


def c_byte(byte):
    char = chr(byte)
    return char if char.isprintable() and byte < 128 and char not in '"\\?' else f"\\{byte:03o}"


def c_string(text):
    """A C string literal with a line for each line of the text."""
    lines = text.encode().splitlines(keepends=True)
    return "\n     ".join('"' + "".join(map(c_byte, line)) + '"' for line in lines)


def main():
    output, folder, *inputs = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    rows = (
        f'    {{"{path.relative_to(folder)}",\n     {c_string(path.read_text(encoding="utf-8"))}}},\n'
        for path in inputs
    )
    output.write_text(HEAD + "".join(rows) + TAIL)


main()
