#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""lint-man-ctl.py ROOT TRAILKEEPCTL: what --help names, trailkeepctl(1) and the bash completion name, and the reverse.

The completion is not read but asked: bash sources it and calls its function.
"""
import dataclasses
import pathlib
import re
import subprocess
import sys

from lintlib import Tap, read

ASK = """
source "$1"; shift
COMP_WORDS=(trailkeepctl "$@"); COMP_CWORD=$#; COMPREPLY=()
_trailkeepctl; printf '%s\\n' "${COMPREPLY[@]}"
"""


@dataclasses.dataclass
class Names:
    """Verbs as "consent list", options as "--json" with the verbs they go with ("" all), letters as "-j --json"."""
    verbs: set
    options: set
    letters: set
    purposes: set


def of_help(text):
    names = Names(set(), set(), set(), set())
    part = verb = ""
    for line in text.splitlines():
        if heading := re.fullmatch(r"(\w+)(?: of \"(.*)\")?:", line):
            part, verb = heading[1], heading[2] or ""
        elif part == "Verbs" and (found := re.match(r"  ([a-z]+(?: [a-z]+)?)(?: PURPOSE\.\.\.| FILE)?  ", line + "  ")):
            names.verbs.add(found[1])
        elif part == "Options" and (found := re.match(r"  +(?:(-\w), )?(--[a-z-]+)", line)):
            names.options.add((found[2], verb))
            if found[1]:
                names.letters.add(f"{found[1]} {found[2]}")
        elif part == "Purposes" and line.startswith("  "):
            names.purposes.update(line.split())
    return names


def sections(text):
    parts = re.split(r"^# (.*)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def of_man(text):
    names = Names(set(), set(), set(), set())
    parts = sections(text)
    for line in parts["VERBS"].splitlines():
        if found := re.match(r"\*([a-z]+(?: [a-z]+)?)\*(.*)", line):
            names.verbs.add(found[1])
            names.options.update((option, found[1]) for option in re.findall(r"\*(--[a-z-]+)\*", found[2]))
    for entry in re.finditer(r"^(\*-.*)\n((?:\t.*\n|\n)+)", parts["OPTIONS"], re.MULTILINE):
        names.letters.update(f"{a} {b}" for a, b in re.findall(r"\*(-\w)\*, \*(--[a-z-]+)\*", entry[1]))
        verbs = re.findall(r"With \*([a-z ]+)\*", entry[2]) if entry[2].startswith("\tWith ") else [""]
        names.options.update((option, verb) for option in re.findall(r"\*(--[a-z-]+)\*", entry[1]) for verb in verbs)
    purposes = re.search(r"The purposes are (.*?)\.", parts["DESCRIPTION"], re.DOTALL)
    names.purposes.update(re.findall(r"\*(\w+)\*", purposes[1]))
    return names


def ask(completion, *words):
    done = subprocess.run(["bash", "--norc", "-c", ASK, "-", str(completion), *words], capture_output=True,
                          text=True, check=True)
    if done.stderr:
        raise RuntimeError(done.stderr)
    return set(done.stdout.split())


def of_completion(completion, known):
    """The letters are those of --help that take their value here as the long option does."""
    names = Names(set(), set(), set(), ask(completion, "consent", "grant", ""))
    for verb in ask(completion, ""):
        names.verbs.update(f"{verb} {sub}" for sub in ask(completion, verb, "") - known.purposes)
        if not ask(completion, verb, ""):
            names.verbs.add(verb)
    common = set.intersection(*(ask(completion, *verb.split(), "-") for verb in names.verbs))
    names.options.update((option, "") for option in common)
    for verb in names.verbs:
        names.options.update((option, verb) for option in ask(completion, *verb.split(), "-") - common)
    for pair in known.letters:
        letter, option = pair.split()
        if ask(completion, letter, "") == ask(completion, option, ""):
            names.letters.add(pair)
    return names


def differences(name, wanted, found):
    for field in dataclasses.fields(Names):
        for thing in sorted(getattr(wanted, field.name) - getattr(found, field.name)):
            yield f"{name} lacks {field.name[:-1]} {thing}"
        for thing in sorted(getattr(found, field.name) - getattr(wanted, field.name)):
            yield f"{name} has {field.name[:-1]} {thing}, which --help does not"


def all_differences(help_text, man_text, completion):
    known = of_help(help_text)
    # letters of options without a value are taken by every completion
    return [*differences("trailkeepctl(1)", known, of_man(man_text)),
            *differences("the completion", known, of_completion(completion, known))]


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    man, completion = read(root / "data/man/trailkeepctl.1.scd"), root / "data/bash-completion/trailkeepctl"
    help_text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True,
                               env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout
    tap = Tap()

    known = of_help(help_text)
    tap.result(len(known.verbs) >= 9 and ("--json", "") in known.options and len(known.purposes) == 10, "reads --help",
               [str(known)])
    for what, changed, words in (
            ("an option without a manual", help_text.replace("Options of", "  -z, --zeal  Hurry\nOptions of", 1),
             "--zeal"),
            ("a verb without a manual", help_text.replace("  sync now", "  sync maybe  Perhaps\n  sync now"),
             "sync maybe"),
            ("a manual for no option", re.sub(r".*--quiet.*\n", "", help_text), "--quiet"),
            ("a completion for no verb", re.sub(r".*data erasures.*\n", "", help_text),
             "the completion has verb data erasures"),
            ("an option of another verb", help_text.replace('of "status"', 'of "monitor"'), "('--fix', 'monitor')"),
            ("a forgotten purpose", help_text.replace("analytics", "analytics astrology"), "astrology"),
            ("another letter", help_text.replace("-p, --purpose", "-u, --purpose"), "-u --purpose")):
        found = all_differences(changed, man, completion)
        tap.result(any(words in difference for difference in found), f"finds {what}", found)

    found = all_differences(help_text, man, completion)
    tap.result(not found, "--help, manual and completion agree", found)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
