#!/usr/bin/python3
"""Holds the architecture: which folder may include which, which folder may know which library, and who may act as the
server or its owner.

Usage: tools/check_layers.py [ROOT]     prints each violation as FILE:LINE: WHY, and exits 1 when there is one
"""

import pathlib
import re
import sys

# A folder and what it may include besides itself. A service is "src/services/NAME".
LAYERS = {
    "src/base": [],
    "src/wire": ["src/base"],
    "src/store": ["src/base"],
    "src/io": ["src/base", "src/wire"],
    "src/core": ["src/base", "src/wire", "src/store", "src/io"],
    "src/services/*": ["src/base", "src/wire", "src/store", "src/io", "src/core"],
    "src/cli": ["src/base", "src/wire", "src/store", "src/io", "src/core", "src/services/*"],
    "src": ["src/cli"],
    "sdk": ["src/base", "src/wire", "src/io/http.h", "src/io/http_client.h"],
    "apps": ["sdk", "src/base", "src/wire"],
}

# What of a service others may include (cli does): headers of these names, "NAME" being the service's.
PUBLIC_OF_SERVICES = {"NAME.h", "launcher.h"}

# A library's headers and the folders that may include them. yyjson may go anywhere.
FENCES = {
    r"rocksdb/": ["src/store"],
    r"(uv\.h|llhttp\.h|openssl/(ssl|x509.*|err)\.h)": ["src/io", "sdk"],
    r"curl/": ["src/io"],
    r"(yaml|cbor|pcre2)\.h": ["src/wire"],
    r"zip\.h": ["src/services/lambda", "src/cli"],
    r"(seccomp|linux/landlock)\.h": ["src/services/lambda"],
    r"openssl/": ["sdk", "src/io", "src/wire", "src/services/iam", "src/services/lambda", "src/services/s3"],
}

# Principals that stand for the server or its owner, and the only files that may make one. Whoever else wants to call
# something is judged as who it is, or named in core/own_call.h.
PRINCIPALS = re.compile(r"\.?\bkind\s*=\s*(PRINCIPAL_(?:ROOT|SERVICE))\b")
MAKERS = {
    "PRINCIPAL_ROOT": ["src/core/authenticate.c", "src/services/iam/session.c"],
    "PRINCIPAL_SERVICE": ["src/services/iam/session.c", "src/services/apigateway/plane/plane.c"],
}

# Which roots an include of the form "folder/file.h" is looked for in.
ROOTS = ["src", "sdk/include", "sdk", "."]

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)')


def folder_of(path):
    """The folder of LAYERS that a file (relative to the root) is in, services told apart."""
    parts = path.parts
    if parts[:2] == ("src", "services") and len(parts) > 3:
        return "/".join(parts[:3])
    if parts[0] == "src":
        return "/".join(parts[:2]) if len(parts) > 2 else "src"
    return parts[0]


def rule_of(folder):
    return "src/services/*" if folder.startswith("src/services/") else folder


def find(root, path, name):
    """The file that an include means, relative to the root; None for a library's."""
    for place in [path.parent, *(pathlib.PurePath(base) for base in ROOTS)]:
        if (root / place / name).is_file():
            return pathlib.PurePath((root / place / name).resolve().relative_to(root.resolve()))
    return None


def may_include(path, target):
    here, there = folder_of(path), folder_of(target)
    if here == there:
        return True
    allowed = LAYERS.get(rule_of(here))
    if allowed is None:
        return True  # tests may include anything
    if rule_of(there) not in allowed:
        return str(target) in allowed
    if rule_of(there) == "src/services/*":
        name = there.rsplit("/", 1)[1]
        return target.name in {public.replace("NAME", name) for public in PUBLIC_OF_SERVICES}
    return True


def check_fence(path, header):
    for pattern, folders in FENCES.items():
        if re.match(pattern, header):
            if rule_of(folder_of(path)) not in LAYERS or folder_of(path) in folders:
                return None
            return f"<{header}> is fenced into {', '.join(folders)}"
    return None


def check_file(root, path):
    """Yields (line, why) for each violation in one file."""
    for number, line in enumerate((root / path).read_text().splitlines(), 1):
        made = PRINCIPALS.search(line)
        if made and str(path) not in MAKERS[made.group(1)]:
            yield number, f"{made.group(1)} is made by {', '.join(MAKERS[made.group(1)])} alone"
        match = INCLUDE.match(line)
        if not match:
            continue
        target = find(root, path, match.group(1)) if match.group(1) else None
        if target is None:
            why = check_fence(path, match.group(1) or match.group(2))
        elif not may_include(path, target):
            why = f"{folder_of(path)} may not include {target}"
        else:
            why = None
        if why:
            yield number, why


def main(root):
    failed = False
    for top in ("src", "sdk", "apps"):
        for path in sorted((root / top).rglob("*.[ch]")):
            relative = pathlib.PurePath(path.relative_to(root))
            for number, why in check_file(root, relative):
                print(f"{relative}:{number}: {why}")
                failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
