#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""lint-man-daemon.py ROOT TRAILKEEPD: trailkeepd --help and trailkeepd(8) name the same options."""
import pathlib
import re
import subprocess
import sys

from lintlib import Tap, read


def of_help(text):
    """{(letter or "", "--option", takes a value)}"""
    return {(letter or "", option, bool(value)) for letter, option, value in
            re.findall(r"^ +(?:(-\w), )?(--[a-z-]+)([ =][A-Z]+)?", text, re.MULTILINE)}


def of_man(text):
    options = re.search(r"^# OPTIONS\n(.*?)^# ", text, re.MULTILINE | re.DOTALL)[1]
    return {(letter or "", option, bool(value)) for letter, option, value in
            re.findall(r"^(?:\*(-\w)\*, )?\*(--[a-z-]+)\*(=_[A-Z]+_)?$", options, re.MULTILINE)}


def differences(wanted, found):
    return [f"trailkeepd(8) lacks {option}" for option in sorted(wanted - found)] + \
           [f"trailkeepd(8) has {option}, which --help does not" for option in sorted(found - wanted)]


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    wanted = of_help(subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout)
    found = of_man(read(root / "data/man/trailkeepd.8.scd"))
    tap = Tap()
    tap.result(len(wanted) >= 6, "reads --help", sorted(wanted))
    tap.result(differences(wanted | {("", "--zeal", False)}, found), "finds an option without a manual")
    tap.result(differences(wanted - {("", "--init", False)}, found), "finds a manual for no option")
    tap.result(not differences(wanted, found), "--help and manual agree", differences(wanted, found))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
