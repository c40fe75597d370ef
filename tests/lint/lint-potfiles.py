#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""po/POTFILES lists every source with a message in it, each once, sorted, and nothing else; each language of po/LINGUAS
has every message translated, and msgfmt(1) finds no fault with it."""
import pathlib
import re
import subprocess
import sys

from lintlib import Problem, files, main, read, without_comments

MESSAGE = re.compile(r"\b(?:_|N_|ngettext)\(\s*\"")


def entries(path):
    return [line for line in read(path).splitlines() if line and not line.startswith("#")] if path.exists() else []


def check_potfiles(root):
    path = root / "po/POTFILES"
    listed = entries(path)
    needed = {str(p.relative_to(root)) for p in files(root, ".c", ".h", under=("src", "include"))
              if MESSAGE.search(without_comments(read(p)))}
    for name in sorted(needed - set(listed)):
        yield Problem(path, 1, f"{name} has messages and is not listed")
    for name in sorted(set(listed) - needed):
        yield Problem(path, 1, f"{name} is listed and has no message")
    if listed != sorted(set(listed)):
        yield Problem(path, 1, "is not sorted, or lists a file twice")


def check_language(path):
    if not path.exists():
        yield Problem(path, 1, "is in po/LINGUAS and does not exist")
        return
    done = subprocess.run(["msgfmt", "--check", "--statistics", "--output-file=/dev/null", str(path)],
                          capture_output=True, text=True, check=False, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"})
    if done.returncode or "untranslated" in done.stderr or "fuzzy" in done.stderr:
        yield Problem(path, 1, done.stderr.strip().splitlines()[-1])


def run(*command, standard_input=None):
    return subprocess.run(command, input=standard_input, capture_output=True, text=True, check=True).stdout


def msgids(text):
    return set(re.findall(r"^msgid (\"(?:[^\"\\]|\\.)+\")$", text, re.MULTILINE))


def messages(path):
    """The msgids of a catalogue, in one spelling."""
    return msgids(run("msgcat", "--no-wrap", "--sort-output", str(path)))


def check_complete(root, languages):
    """A catalogue may be whole in itself and old."""
    sources = [str(root / name) for name in entries(root / "po/POTFILES") if (root / name).exists()]
    if not sources:
        return
    made = run("xgettext", "--from-code=UTF-8", "--keyword=_", "--keyword=N_", "--no-wrap", "--output=-", *sources)
    pot = msgids(run("msgcat", "--no-wrap", "-", standard_input=made.replace("charset=CHARSET", "charset=UTF-8")))
    for path in languages:
        for message in sorted(pot - messages(path)):
            yield Problem(path, 1, f"lacks {message}")
        for message in sorted(messages(path) - pot):
            yield Problem(path, 1, f"has {message}, which no source has")


def check(root):
    root = pathlib.Path(root)
    yield from check_potfiles(root)
    languages = [root / f"po/{name}.po" for name in entries(root / "po/LINGUAS")]
    faults = [problem for path in languages for problem in check_language(path)]
    yield from faults
    if not faults:
        yield from check_complete(root, languages)


HEADER = 'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n"Language: xx\\n"\n\n'
SOURCE = '#include <stdio.h>\nint f(void) { return puts(_("yes")); }\n'
SOUND = {
    "po/POTFILES": "# a comment\nsrc/a/a.c\n",
    "po/LINGUAS": "xx\n",
    "po/xx.po": HEADER + 'msgid "yes"\nmsgstr "ja"\n',
    "src/a/a.c": SOURCE,
    "src/a/b.c": '/* _("not a message") */ int thing_(int x);\n',
}
PLANTS = [
    ("a source that is not listed", {"src/a/c.c": SOURCE}, "src/a/c.c has messages"),
    ("a listed file without a message", {"po/POTFILES": "src/a/a.c\nsrc/a/b.c\n"}, "src/a/b.c is listed and has no"),
    ("a file listed twice", {"po/POTFILES": "src/a/a.c\nsrc/a/a.c\n"}, "lists a file twice"),
    ("a language without a file", {"po/LINGUAS": "xx\nyy\n"}, "po/yy.po:1: is in po/LINGUAS"),
    ("an untranslated message", {"po/xx.po": HEADER + 'msgid "yes"\nmsgstr ""\n'}, "untranslated"),
    ("a placeholder that was lost", {"po/xx.po": HEADER + '#, c-format\nmsgid "%s"\nmsgstr "%d"\n'}, "po/xx.po:1"),
    ("a message that is not there yet", {"src/a/a.c": SOURCE + 'char *g(void) { return _("no"); }\n'}, 'lacks "no"'),
    ("a message that is gone", {"po/xx.po": HEADER + 'msgid "yes"\nmsgstr "ja"\n\nmsgid "x"\nmsgstr "y"\n'}, 'has "x"'),
]

if __name__ == "__main__":
    sys.exit(main(check, "messages are listed and translated", SOUND, PLANTS))
