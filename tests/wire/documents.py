"""Runs the commands of a document, as a reader would, and compares what they print with what it shows.

A document is Markdown. Of its fenced blocks
- `sh` is run, in the same shell as those before it; every command in it has to succeed;
- `sh fails` is run, and its commands have to fail;
- `text` behind such a block is what it prints; "..." stands for anything;
- any other block behind a line "File `name`:" is that file.
"""

import dataclasses
import pathlib
import re
import subprocess

FENCE = re.compile(r"^```(.*)$")
FILE = re.compile(r"^File `([^`]+)`:$")


@dataclasses.dataclass
class Block:
    line: int
    kind: str
    text: str
    file: str = ""
    expected: str = None


def blocks(path):
    """The blocks that are run and the files that are made, in order."""
    found, file, current = [], "", None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        fence = FENCE.match(line)
        if fence and current is None:
            current = Block(number, fence.group(1), "", file)
            file = ""
        elif fence:
            if current.kind == "text" and found and found[-1].expected is None and not found[-1].file:
                found[-1].expected = current.text
            elif current.kind in ("sh", "sh fails") or current.file:
                found.append(current)
            current = None
        elif current is not None:
            current.text += line + "\n"
        elif FILE.match(line):
            file = FILE.match(line).group(1)
    return found


def pattern(expected):
    """What is shown as a regular expression: "..." is anything, blank lines do not count."""
    lines = [line.rstrip() for line in expected.splitlines() if line.strip()]
    return r"\n".join(".*".join(re.escape(part) for part in line.split("...")) for line in lines)


def printed(text):
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


class Shell:
    """A bash that runs one block after the other."""

    END = "=== end of block "

    def __init__(self, folder, environment):
        self.process = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.run("failed=0; trap 'failed=1' ERR")

    def run(self, text):
        """Returns what the block prints, whether a command failed, and the folder behind it."""
        self.process.stdin.write(f"failed=0\n{text}\necho; echo '{self.END}'$failed $PWD\n")
        self.process.stdin.flush()
        output = ""
        for line in self.process.stdout:
            if line.startswith(self.END):
                failed, folder = line[len(self.END) :].split(maxsplit=1)
                return output, failed == "1", pathlib.Path(folder.strip())
            output += line
        raise AssertionError("the shell ended:\n" + output)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def run(path, folder, environment):
    """Runs the document in `folder`."""
    shell = Shell(folder, environment)
    try:
        for block in blocks(path):
            where = f"{path.name}:{block.line}"
            if block.file:
                target = folder / block.file
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(block.text)
                continue
            output, failed, folder = shell.run(block.text)
            assert failed == (block.kind == "sh fails"), f"{where}:\n{block.text}\nprinted\n{output}"
            if block.expected is not None:
                assert re.fullmatch(pattern(block.expected), printed(output), re.DOTALL), (
                    f"{where} shows\n{block.expected}\nbut it prints\n{output}"
                )
    finally:
        shell.close()
