#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What does not belong into this tree: unbounded or blocking calls, goto, results thrown away without a reason, work
left for later, and paths of the machine somebody happened to write it on."""
import re
import sys

from lintlib import Problem, files, line_of, main, only_code, read

FUNCTIONS = ("strcpy", "strcat", "sprintf", "vsprintf", "stpcpy", "gets", "atoi", "atol", "atoll", "atof", "strtok",
             "system", "popen", "alloca", "localtime", "tmpnam", "mktemp", "setjmp", "longjmp")
BLOCKING = ("sleep", "usleep", "nanosleep", "clock_nanosleep")
CALL = re.compile(r"(?<![\w.>])(" + "|".join(FUNCTIONS + BLOCKING) + r")\s*\(")
GOTO = re.compile(r"\bgoto\b")
THROWN_AWAY = re.compile(r"^[ \t]*\(void\)\s*\w+\s*\(", re.MULTILINE)
LATER = re.compile("\\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + ")\\b")
# Absolute folders that exist on one machine only. Built in pieces, so that this file holds none of them.
HOST_FOLDERS = "|".join(("wo" + "rk", "ho" + "me", "ro" + "ot", "tmp/" + "tk"))
HOST_PATH = re.compile("(?<![\\w.$}~-])/(?:" + HOST_FOLDERS + ")/\\w")
# A reason may stand above a few calls of a kind.
REASON_LINES = 7
TEXT = (".c", ".h", ".py", ".sh", ".build", ".md", ".xml", ".scd", ".txt", ".conf", ".in", ".service", "")


def check_c(path, text, is_ours):
    code = only_code(text)
    lines = text.splitlines()
    for match in CALL.finditer(code):
        yield Problem(path, line_of(code, match.start()), f"{match.group(1)}() is banned")
    for match in GOTO.finditer(code):
        yield Problem(path, line_of(code, match.start()), "goto: use the cleanup attributes")
    if not is_ours:
        return
    for match in THROWN_AWAY.finditer(code):
        number = line_of(code, match.end() - 1)
        near = lines[max(number - REASON_LINES, 0):number]
        if not any("/*" in line or "*/" in line or "//" in line for line in near):
            yield Problem(path, number, "(void) needs its reason beside it")


def check(root):
    for path in files(root):
        if path.suffix not in TEXT or not path.is_file() or path.name == "COPYING":
            continue
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue
        if path.suffix in (".c", ".h"):
            yield from check_c(path, text, path.relative_to(root).parts[0] == "src")
        for match in LATER.finditer(text):
            yield Problem(path, line_of(text, match.start()), f"{match.group()}: do it or leave it out")
        for match in HOST_PATH.finditer(text):
            yield Problem(path, line_of(text, match.start()), f"a path of one machine: {match.group()}")


SOUND = {
    "src/util/a.c": '/* strcpy() is banned */\nint f(void) {\n        log("system(");\n        g->system(1);\n'
                    "        (void)close(fd); /* nothing more can be done */\n        return snprintf(a, b, c);\n}\n",
    "README.md": "See ~/trips/x and $DIR/root/x, and /var/lib/x.\n",
}
PLANTS = [(f"a call of {name}()", {"src/util/b.c": f"int f(void) {{\n        return {name}(a);\n}}\n"},
           f"src/util/b.c:2: {name}() is banned") for name in FUNCTIONS + BLOCKING]
PLANTS += [
    ("a goto", {"src/util/b.c": "int f(void) {\n        got" + "o out;\n}\n"}, "b.c:2: goto"),
    ("a result thrown away without a reason", {"src/util/b.c": "/* Why? */" + "\n" * 7 + "int f(void) {\n        (void)close(fd);\n}\n"},
     "b.c:9: (void)"),
    ("work left for later", {"README.md": "TO" + "DO: write\n"}, "README.md:1"),
    ("a path of one machine", {"tools/x": "cd /ho" + "me/jo/trailkeep\n"}, "tools/x:1: a path of one machine"),
]

if __name__ == "__main__":
    sys.exit(main(check, "nothing banned is in the tree", SOUND, PLANTS))
