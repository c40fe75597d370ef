#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Calls go down: no file includes a header of a higher floor or of another module on its own floor, no module's
meson.build names such a dependency, and no files include one another in a circle. A foreign library is used by the
module that makes its codes ours, and by no other.

The linker would catch a call upwards; this names the line. For circles a .c file and its private header of the same
name are one unit; a public header is a unit of its own, since it is the contract and not the code behind it.
"""
import re
import sys

from floors import FLOORS, LIBRARIES, module_of, owners, stated_floor
from lintlib import Problem, files, line_of, main, read, without_comments

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"(?:trailkeep/)?([^"]+)"', re.MULTILINE)
FOREIGN = re.compile(r"^[ \t]*#[ \t]*include[ \t]+<([^>]+)>", re.MULTILINE)
DEPENDENCY = re.compile(r"\b(\w+)_dep\b")


def includes(path):
    text = without_comments(read(path))
    return [(match.group(1), line_of(text, match.start())) for match in INCLUDE.finditer(text)]


def resolve(root, path, name):
    """The file that an include names: beside the including one, else a public header, else nothing of ours."""
    for candidate in (path.parent / name, root / "include/trailkeep" / name):
        if candidate.is_file():
            return candidate
    return None


def may_see(who, whom):
    return who == whom or FLOORS[whom] < FLOORS[who]


def check_stated(root, owned):
    for path in files(root, ".h", under=("include/trailkeep",)):
        stated, module = stated_floor(path), owned.get(path.name)
        if module is None:
            yield Problem(path, 1, f"no src/*/{path.stem}.c holds what it declares")
        elif stated is None:
            yield Problem(path, 1, 'its introduction does not say "Floor N"')
        elif stated != FLOORS.get(module):
            yield Problem(path, 1, f"says floor {stated}, but {module} is floor {FLOORS.get(module)}")


def check_includes(root, owned, sources):
    for path in sources:
        module = module_of(root, path, owned)
        if module not in FLOORS:
            if path.parts[-3:-2] == ("src",):
                yield Problem(path, 1, f"module {module} has no floor in tests/lint/floors.py")
            continue
        for name, line in includes(path):
            target = resolve(root, path, name)
            other = module_of(root, target, owned) if target else None
            if other in FLOORS and not may_see(module, other):
                yield Problem(path, line, f"{module} (floor {FLOORS[module]}) includes {name} of {other} "
                                          f"(floor {FLOORS[other]})")


def check_libraries(root, owned, sources):
    for path in sources:
        module, text = module_of(root, path, owned), without_comments(read(path))
        for match in FOREIGN.finditer(text):
            name, line = match.group(1), line_of(text, match.start())
            for library, users in LIBRARIES.items():
                if name.startswith(library) and module not in users:
                    yield Problem(path, line, f"<{name}> is for {' and '.join(users)}")


def check_meson(root):
    for path in files(root, "meson.build", under=("src",)):
        module = path.parent.name
        if module not in FLOORS:
            continue
        for number, text in enumerate(read(path).splitlines(), 1):
            for match in DEPENDENCY.finditer(text.split("#")[0]):
                other = match.group(1).replace("trailkeep_", "")
                if other in FLOORS and not may_see(module, other):
                    yield Problem(path, number, f"{module} (floor {FLOORS[module]}) names {match.group()} of floor "
                                                f"{FLOORS[other]}")


def unit(root, path):
    relative = path.relative_to(root)
    return str(relative) if relative.parts[0] == "include" else str(relative.with_suffix(""))


def check_circles(root, sources):
    """Strongly connected units, found by going deep and looking for what is still open (Tarjan)."""
    graph, where = {}, {}
    for path in sources:
        for name, line in includes(path):
            target = resolve(root, path, name)
            if target and unit(root, target) != unit(root, path):
                graph.setdefault(unit(root, path), set()).add(unit(root, target))
                where[unit(root, path), unit(root, target)] = (path, line)
    order, low, stack, knots = {}, {}, [], []

    def visit(node):
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in order:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == order[node]:
            at = stack.index(node)
            knots.append(stack[at:])
            del stack[at:]

    for node in sorted(graph):
        if node not in order:
            visit(node)
    for knot in (k for k in knots if len(k) > 1):
        path, line = next(at for (a, b), at in sorted(where.items()) if a in knot and b in knot)
        yield Problem(path, line, "includes go in a circle: " + ", ".join(sorted(knot)))


def check(root):
    owned = owners(root)
    sources = files(root, ".c", ".h", under=("src", "include/trailkeep"))
    yield from check_stated(root, owned)
    yield from check_includes(root, owned, sources)
    yield from check_libraries(root, owned, sources)
    yield from check_meson(root)
    yield from check_circles(root, sources)


SOUND = {
    "include/trailkeep/bytes.h": "/* SPDX */\n/* Floor 0. */\n",
    "include/trailkeep/http.h": '/* SPDX */\n/* Floor 2. */\n#include "bytes.h"\n',
    "include/trailkeep/journal.h": "/* SPDX */\n/* Floor 2. */\n",
    "src/util/bytes.c": '#include "trailkeep/bytes.h"\n',
    "src/net/http.c": '#include "trailkeep/http.h"\n#include "tls.h"\n',
    "src/net/tls.h": '#include "trailkeep/bytes.h"\n',
    "src/net/tls.c": '#include "tls.h"\n#include "trailkeep/http.h"\n',
    "src/net/meson.build": "net = static_library('x', dependencies: [util_dep])\nnet_dep = 1\n",
    "src/journal/journal.c": '#include "trailkeep/journal.h"\n',
}
PLANTS = [
    ("an include of a higher floor", {"src/util/bytes.c": '\n#include "trailkeep/http.h"\n'},
     "src/util/bytes.c:2: util (floor 0) includes http.h of net"),
    ("an include of the same floor", {"src/net/tls.c": '#include "trailkeep/journal.h"\n'}, "of journal (floor 2)"),
    ("a header that includes upwards", {"include/trailkeep/bytes.h": '/* S */\n/* Floor 0. */\n#include "http.h"\n'},
     "includes http.h of net"),
    ("a library in the wrong module", {"src/util/bytes.c": "\n#include <curl/curl.h>\n"},
     "src/util/bytes.c:2: <curl/curl.h> is for net"),
    ("a dependency on the same floor", {"src/net/meson.build": "x = [\n  util_dep, journal_dep]\n"},
     "src/net/meson.build:2: net (floor 2) names journal_dep"),
    ("a floor that is not the module's", {"include/trailkeep/bytes.h": "/* S */\n/* Floor 1. */\n"}, "says floor 1"),
    ("a header without its floor", {"include/trailkeep/bytes.h": "/* S */\n/* Bytes. */\n"}, 'does not say "Floor N"'),
    ("a header that nothing implements", {"include/trailkeep/ghost.h": "/* Floor 0. */\n"}, "no src/*/ghost.c"),
    ("private files in a circle", {"src/net/http.h": "", "src/net/tls.c": '#include "pool.h"\n',
                                   "src/net/pool.h": "", "src/net/pool.c": '#include "tls.h"\n'}, "in a circle"),
]

if __name__ == "__main__":
    sys.exit(main(check, "includes and dependencies only go down", SOUND, PLANTS))
