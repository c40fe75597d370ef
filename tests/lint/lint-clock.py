#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Time comes through the injected Clock: below daemon/ nothing asks the kernel for it but util/clock.c,
and event/loop.c, whose timers count in the loop's own time."""
import re
import sys

from lintlib import Problem, files, line_of, main, only_code, read

CALL = re.compile(r"(?<![\w.>])(time|clock|clock_gettime|gettimeofday|timespec_get|ftime|sd_event_now)\s*\(")
MAY_ASK = ("src/util/clock.c", "src/event/loop.c", "src/daemon/", "src/ctl/")


def check(root):
    for path in files(root, ".c", ".h", under=("src", "include")):
        if str(path.relative_to(root)).startswith(MAY_ASK):
            continue
        code = only_code(read(path))
        for match in CALL.finditer(code):
            yield Problem(path, line_of(code, match.start()), f"{match.group(1)}(): ask the Clock that was handed in")


SOUND = {"src/util/clock.c": "int f(void) {\n        return clock_gettime(1, &ts);\n}\n",
         "src/net/a.c": "int f(const Clock *clock) {\n        return clock->time(1) + next_time(2);\n}\n"}
PLANTS = [(f"a call of {name}()", {"src/net/b.c": f"int f(void) {{\n        {name}(0);\n}}\n"}, f"b.c:2: {name}()")
          for name in ("time", "clock_gettime", "gettimeofday", "timespec_get", "sd_event_now")]

if __name__ == "__main__":
    sys.exit(main(check, "nothing below daemon/ asks the kernel for the time", SOUND, PLANTS))
