#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every source, script, unit and meson file says its licence in its first lines."""
import sys

from lintlib import Problem, files, main

TAG = "SPDX-License-Identifier: LGPL-2.1-or-later"
SUFFIXES = (".c", ".h", ".py", ".sh", ".xml", ".scd", ".service", ".socket", ".build", ".in")
NAMES = ("meson.build", "meson_options.txt", ".clang-tidy")
# XML needs its declaration and document type first; a script its interpreter.
HEAD_LINES = 5


def needs_licence(path, head):
    return path.suffix in SUFFIXES or path.name in NAMES or head.startswith("#!")


def check(root):
    for path in files(root):
        if not path.is_file():
            continue
        head = "".join(path.open(encoding="utf-8", errors="replace").readlines()[:HEAD_LINES])
        if needs_licence(path, head) and TAG not in head:
            yield Problem(path, 1, f"does not say {TAG}")


SOUND = {"src/a.c": f"/* {TAG} */\n", "tools/a": f"#!/bin/bash\n# {TAG}\n", "notes.txt": "free text\n"}
PLANTS = [
    ("a C file without it", {"src/b.c": "int a;\n"}, "src/b.c:1: does not say"),
    ("a script without it", {"tools/b": "#!/bin/sh\ntrue\n"}, "tools/b:1"),
    ("another licence", {"src/b.h": "/* SPDX-License-Identifier: MIT */\n"}, "src/b.h:1"),
    ("a meson file without it", {"src/meson.build": "x = 1\n"}, "src/meson.build:1"),
]

if __name__ == "__main__":
    sys.exit(main(check, "every file says its licence", SOUND, PLANTS))
