# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the lint tests share: the files of the tree, a small reader of C, and TAP output with planted faults.

A lint is a function from a folder to problems. Before it looks at the tree it proves itself: for each plant, a small
tree with one fault, it must name that fault; and a sound little tree must pass. Only then does silence mean something.
"""
import dataclasses
import os
import pathlib
import re
import sys
import tempfile

SCRIPT_SUFFIXES = {".py", ".sh"}


@dataclasses.dataclass(frozen=True)
class Problem:
    path: pathlib.PurePath
    line: int
    what: str
    is_warning: bool = False

    def __str__(self):
        return f"{self.path}:{self.line}: {'warning: ' if self.is_warning else ''}{self.what}"


def files(root, *suffixes, under=("",)):
    """The tree's own files with one of these suffixes, sorted; build folders and hidden folders left out."""
    found = []
    for part in under:
        for folder, folders, names in os.walk(root / part):
            folders[:] = [f for f in folders if not is_left_out(pathlib.Path(folder) / f)]
            found += [pathlib.Path(folder) / n for n in names if n != ".git" and (not suffixes or n.endswith(suffixes))]
    return sorted(set(found))


def is_left_out(folder):
    if folder.name == ".ci":
        return False
    return folder.name.startswith((".", "build-", "__pycache__")) or (folder / "meson-private").is_dir()


def read(path):
    return path.read_text(encoding="utf-8")


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def blank(match):
    """Spaces in place of what was matched; line ends stay, so line numbers stay."""
    return re.sub(r"[^\n]", " ", match.group())


COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


def without_comments(text):
    """C without comments."""
    return COMMENT.sub(lambda m: blank(m) if m.group().startswith("/") else m.group(), text)


def only_code(text):
    """C without comments, string and character literals, and preprocessor lines."""
    text = COMMENT.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Function:
    name: str
    start: int  # offset of its signature
    brace: int  # offset of its opening brace
    end: int  # offset of its closing brace
    first_line: int
    last_line: int
    is_static: bool
    parameters: tuple

    @property
    def n_lines(self):
        return self.last_line - self.first_line + 1


def split_parameters(text):
    """The parameters' names of 'int a, void (*f)(int, int), char b[static 2]'."""
    parts, depth, part = [], 0, ""
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if c == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += c
    parts.append(part)
    names = []
    for part in (" ".join(p.split()) for p in parts):
        pointer = re.search(r"\(\s*\*\s*(\w+)", part)
        plain = re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", re.sub(r"_unused_\s*$", "", part))
        if part in ("", "void"):
            continue
        names.append("..." if part == "..." else pointer.group(1) if pointer else plain.group(1) if plain else part)
    return tuple(names)


SIGNATURE = re.compile(r"(\w+)\s*\(")
NOT_A_FUNCTION = {"if", "for", "while", "switch", "__attribute__", "_printf_", "_cleanup_", "_Static_assert", "defined"}


def signature(text):
    """Name and parameters of a declarator such as 'static int thing_do(int a, char *b) _must_check_', or None."""
    for match in SIGNATURE.finditer(text):
        if match.group(1) in NOT_A_FUNCTION:
            continue
        depth = 0
        for i in range(match.end() - 1, len(text)):
            depth += (text[i] == "(") - (text[i] == ")")
            if depth == 0:
                return match.group(1), split_parameters(text[match.end():i])
        return None
    return None


def functions(text):
    """Every function defined in a C file."""
    code = only_code(text)
    found, depth, start, brace = [], 0, 0, None
    for i, c in enumerate(code):
        if c == "{":
            if depth == 0:
                brace = i
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0:
                head = code[start:brace]
                is_aggregate = re.match(r"\s*(?:typedef\s+)?(?:struct|enum|union)\b[^()]*$", head) or "=" in head
                known = None if is_aggregate else signature(head)
                if known:
                    at = start + len(head) - len(head.lstrip())
                    found.append(Function(known[0], at, brace, i, line_of(code, at), line_of(code, i),
                                          bool(re.search(r"\bstatic\b|\binline\b", head)), known[1]))
                    start = i + 1
        elif c == ";" and depth == 0:
            start = i + 1
    return found


def prototypes(text):
    """(name, parameters, line) of every function a header declares and does not define."""
    code = only_code(text)
    found, depth, start = [], 0, 0
    for i, c in enumerate(code):
        depth += (c == "{") - (c == "}")
        if c == "}" and depth == 0:
            start = i + 1
        if c == ";" and depth == 0:
            head, start = code[start:i], i + 1
            head = re.sub(r"\bDEFINE_CLEANUP\s*\([^)]*\)", "", head)
            if re.search(r"\b(typedef|struct\s+\w+\s*$)", head) or "=" in head or "{" in head:
                continue
            known = signature(head)
            if known and known[0] not in ("DEFINE_CLEANUP", "STATIC_ASSERT"):
                found.append((*known, line_of(code, i - len(head.lstrip()))))
    return found


def make_tree(folder, contents):
    for name, text in contents.items():
        path = pathlib.Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def in_planted_tree(check, contents):
    with tempfile.TemporaryDirectory(prefix="trailkeep-lint-") as folder:
        make_tree(folder, contents)
        return list(check(pathlib.Path(folder)))


class Tap:
    def __init__(self):
        self.n, self.n_bad = 0, 0

    def result(self, is_ok, name, diagnostics=()):
        self.n += 1
        self.n_bad += not is_ok
        print(f"{'ok' if is_ok else 'not ok'} {self.n} - {name}")
        for line in diagnostics:
            print(f"# {line}")

    def end(self):
        print(f"1..{self.n}", flush=True)
        return 1 if self.n_bad else 0


def main(check, title, sound, plants):
    """TAP of one lint: SOUND is a tree without a fault, PLANTS are (what, extra files, words the problem must hold)."""
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    tap = Tap()
    problems = in_planted_tree(check, sound)
    tap.result(not problems, "a sound tree passes", problems)
    for what, contents, words in plants:
        problems = in_planted_tree(check, {**sound, **contents})
        tap.result(any(words in str(p) for p in problems), f"finds {what}", [] if problems else ["found nothing"])
    problems = sorted(check(root), key=lambda p: (p.is_warning, str(p.path), p.line))
    shown = [dataclasses.replace(p, path=p.path.relative_to(root)) for p in problems if p.path.is_absolute()]
    tap.result(all(p.is_warning for p in problems), title, shown)
    return tap.end()
