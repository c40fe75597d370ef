#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""lint-man.py PAGE...: groff formats each manual page without a warning and has every heading a page needs."""
import pathlib
import re
import subprocess
import sys
import tempfile

from lintlib import Tap

NEEDED = ("NAME", "SYNOPSIS", "DESCRIPTION", "SEE ALSO")


def problems(path):
    found = []
    # -ww: all warnings, unknown macros and broken tables among them; -t: as man(1) runs it
    done = subprocess.run(["groff", "-t", "-man", "-ww", "-Tutf8", "-Kutf8", "-z", str(path)], capture_output=True,
                          text=True, check=False)
    found += done.stderr.strip().splitlines()
    headings = re.findall(r"^\.SH \"?([^\"\n]*)\"?$", pathlib.Path(path).read_text(encoding="utf-8"), re.MULTILINE)
    return found + [f"{path}: lacks the heading {name}" for name in NEEDED if name not in headings]


def main():
    tap = Tap()
    sound = '.TH x 1\n.SH NAME\nx - y\n' + "".join(f'.SH {name}\nz\n' for name in NEEDED[1:])
    with tempfile.TemporaryDirectory(prefix="trailkeep-lint-") as folder:
        for what, text, is_fault in (("a sound page passes", sound, False),
                                     ("finds a macro that is none", sound + ".ZZ x\n", True),
                                     ("finds a missing heading", sound.replace("SYNOPSIS", "OTHER"), True)):
            path = pathlib.Path(folder) / "x.1"
            path.write_text(text, encoding="utf-8")
            found = problems(path)
            tap.result(bool(found) == is_fault, what, found)
    for path in sys.argv[1:]:
        found = problems(path)
        tap.result(not found, f"{pathlib.Path(path).name} is clean", found)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
