#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reads what `meson test` left behind and says it in one line: N passed, N failed, N skipped.

Counted are the test cases of the JUnit file, so each TAP subtest by itself. A program that crashed, timed out or ended
with an error although each of its subtests was fine counts as one more failure; the JUnit file does not show those,
testlog.json does.
"""
import argparse
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


def plain_name(name):
    """'lint-floors' of 'trailkeep.trailkeep:lint / lint-floors' or 'trailkeep.lint-floors', as meson writes it."""
    return name.split(" / ")[-1].rpartition(".")[2]


def skip_reason(case, output):
    """The reason behind '# SKIP', from the case itself, its TAP line, or the TAP plan '1..0 # SKIP why'."""
    text = case.findtext("system-out") or ""
    if text and "# SKIP" not in text.upper() and len(text) < 300:
        return text.strip()
    number = (case.get("name") or "").split(" ")[0]
    for pattern in (rf"^ok {number}\b.*# SKIP\S*\s*(.*)$", r"^1\.\.0\s*# SKIP\S*\s*(.*)$"):
        found = re.search(pattern, output, re.IGNORECASE | re.MULTILINE)
        if found and found.group(1):
            return found.group(1).strip()
    return "no reason given"


def count_junit(path, tests):
    """Return passed, the names that failed, and the skipped ones with their reasons."""
    passed, failed, skipped = 0, [], []
    ended_badly = {test["name"] for test in tests if test["result"] in BAD}
    for suite in xml.parse(path).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            name = f"{plain_name(case.get('classname'))}: {case.get('name')}"
            output = (suite.findtext("system-out") or "") + "\n" + (case.findtext("system-out") or "")
            if case.get("name") in ended_badly:
                continue  # a whole program without subtests, of which this file may say nothing bad
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(name)
            elif case.find("skipped") is not None:
                skipped.append((name, skip_reason(case, output)))
            else:
                passed += 1
    return passed, failed, skipped


def hidden_failures(tests, failed):
    """Tests that failed as a whole, without a failed case in the JUnit file."""
    for test in tests:
        name = plain_name(test["name"])
        if test["result"] in BAD and not any(f.startswith(f"{name}: ") or f.endswith(f": {name}") for f in failed):
            yield f"{name}: {test['result'].lower()} (exit status {test['returncode']})"


def print_logs(tests):
    for test in tests:
        if test["result"] not in BAD:
            continue
        print(f"\n--- {test['name']}: {test['result']} after {test['duration']:.1f} s")
        for key in ("stdout", "stderr"):
            for line in (test.get(key) or "").rstrip().splitlines():
                if not line.startswith("ok "):
                    print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allow-skips", action="store_true", help="a skip does not fail the run")
    parser.add_argument("folder", nargs="+", type=pathlib.Path, help="a meson build folder")
    options = parser.parse_args()
    passed, failed, skipped = 0, [], []
    for folder in options.folder:
        for path in sorted((folder / "meson-logs").glob("testlog*.junit.xml")):
            log = path.with_name(path.name.replace(".junit.xml", ".json"))
            tests = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
            more_passed, more_failed, more_skipped = count_junit(path, tests)
            more_failed += hidden_failures(tests, more_failed)
            print_logs(tests)
            passed, failed, skipped = passed + more_passed, failed + more_failed, skipped + more_skipped
    if not passed and not failed and not skipped:
        failed.append("no test ran at all")
    print()
    for name in failed:
        print(f"failed: {name}")
    for name, reason in skipped:
        print(f"skipped: {name}: {reason}")
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped")
    return 1 if failed or (skipped and not options.allow_skips) else 0


if __name__ == "__main__":
    sys.exit(main())
