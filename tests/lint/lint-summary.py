#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The count that tools/test ends with is right: real TAP programs, run by meson in a small project, read by summary.py.

What must not happen is that a failure is counted as nothing: a program that crashes after its last good subtest, one
that plans more than it runs, one that says nothing at all.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

from lintlib import Tap, make_tree

PROJECT = """project('planted')
test('planted', find_program('sh'), args: files('planted.sh'), protocol: 'tap', timeout: 1)
"""
CASES = [
    # what, script, what is counted, is the exit code 0, words in the output
    ("two subtests that pass", "echo 1..2; echo ok 1 - a; echo ok 2 - b", (2, 0, 0), True, ""),
    ("one of two that fails", "echo 1..2; echo ok 1 - a; echo not ok 2 - b; exit 1", (1, 1, 0), False, "planted: 2 - b"),
    ("a crash behind the last subtest", "echo 1..1; echo ok 1 - a; kill -ABRT $$", (1, 1, 0), False, "planted: "),
    ("fewer subtests than planned", "echo 1..3; echo ok 1 - a", (1, 1, 0), False, "planted: error"),
    ("a skip with its reason", "echo 1..2; echo ok 1 - a; echo 'ok 2 - b # SKIP no camera'", (1, 0, 1), False, "no camera"),
    ("a skip of all", "echo '1..0 # SKIP no bus here'", (0, 0, 1), False, "no bus here"),
    ("a time-out", "echo 1..1; sleep 60", (0, 1, 0), False, "planted: timeout"),
]


def run_case(summary, folder, script):
    make_tree(folder, {"meson.build": PROJECT, "planted.sh": script + "\n"})
    build = os.path.join(folder, "build")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MESON")}
    subprocess.run(["meson", "setup", build, folder], env=environment, **quiet)
    subprocess.run(["meson", "test", "-C", build], env=environment, **quiet)
    done = subprocess.run([sys.executable, "-B", str(summary), build], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout.rstrip().splitlines()


def main():
    summary = pathlib.Path(sys.argv[1]) / "tools/lib/summary.py"
    tap = Tap()
    for what, script, counts, is_success, words in CASES:
        with tempfile.TemporaryDirectory(prefix="trailkeep-lint-") as folder:
            was_success, lines = run_case(summary, folder, script)
        last = "{} passed, {} failed, {} skipped".format(*counts)
        is_right = lines[-1:] == [last] and was_success == is_success and any(words in line for line in lines)
        tap.result(is_right, f"counts {what}", [] if is_right else lines)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
