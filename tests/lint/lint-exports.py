#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every exported function is declared in a header and documented where it is defined.

Exported is what is not static in src/. Above its definition stands a kernel-doc block: 'name() - summary', a line
'@parameter:' for each parameter, and 'Return:' unless it returns nothing. Every prototype of a public header has its
definition; a header of which nothing at all is defined is lint-floors' to report.
"""
import re
import sys

from lintlib import Problem, files, functions, main, prototypes, read

DOC = re.compile(r"/\*\*(?:(?!\*/).)*\*/\s*\Z", re.DOTALL)


def missing_in_doc(text, function):
    """What the block above a definition does not say."""
    doc = DOC.search(text[:function.start])
    if not doc:
        return ["has no kernel-doc block above its definition"]
    missing = []
    if not re.search(rf"\*\s+{function.name}\(\)\s+-\s+\S", doc.group()):
        missing.append(f'does not begin its kernel-doc block with "{function.name}() - summary"')
    for parameter in function.parameters:
        if not re.search(rf"\*\s+@{re.escape(parameter)}\b\s*:", doc.group()) and parameter != "...":
            missing.append(f"does not document @{parameter}")
    head = text[function.start:function.brace]
    if not re.match(rf"void\s+{function.name}\b", head) and not re.search(r"\*\s+Return:\s*\S", doc.group()):
        missing.append('has no "Return:"')
    return missing


def check(root):
    declared, public, defined = set(), [], set()
    for path in files(root, ".h", under=("src", "include")):
        for name, _, line in prototypes(read(path)):
            declared.add(name)
            if "include" in path.relative_to(root).parts:
                public.append((path, name, line))
    for path in files(root, ".c", under=("src",)):
        text = read(path)
        for function in functions(text):
            defined.add(function.name)
            if function.is_static or function.name == "main":
                continue
            if function.name not in declared:
                yield Problem(path, function.first_line, f"{function.name}() is exported but in no header")
            for what in missing_in_doc(text, function):
                yield Problem(path, function.first_line, f"{function.name}() {what}")
    begun = {path for path, name, _ in public if name in defined}
    for path, name, line in public:
        if name not in defined and path in begun:
            yield Problem(path, line, f"{name}() is declared but defined nowhere")


DOCUMENTED = """#include "trailkeep/a.h"
/**
 * a_do() - does a thing
 * @a:   the thing, borrowed
 * @f:   called when done
 *
 * Return: 0, or -EIO.
 */
int a_do(A *a, void (*f)(int x)) {
        return 0;
}
"""
SOUND = {
    "include/trailkeep/a.h": "typedef struct A A;\nint a_do(A *a, void (*f)(int x)) _must_check_;\n"
                             "A *a_free(A *a);\nDEFINE_CLEANUP(A, a_free);\nstatic inline void a_x(void) {\n}\n",
    "src/util/a.c": DOCUMENTED + "static void b(void) {\n}\n/**\n * a_free() - frees\n * @a: consumed\n *\n"
                                 " * Return: NULL.\n */\nA *a_free(A *a) {\n        return NULL;\n}\n",
}
A_H = SOUND["include/trailkeep/a.h"]
A_C = SOUND["src/util/a.c"]
PLANTS = [
    ("a parameter left out", {"src/util/a.c": A_C.replace(" * @f:   called when done\n", "")},
     "src/util/a.c:8: a_do() does not document @f"),
    ("no Return:", {"src/util/a.c": A_C.replace("Return: 0, or", "Gives 0, or")}, 'a_do() has no "Return:"'),
    ("no block at all", {"src/util/b.c": "int a_do(int a) {\n        return 0;\n}\n"},
     "b.c:1: a_do() has no kernel-doc"),
    ("no summary", {"src/util/a.c": A_C.replace("a_do() - does a thing", "does a thing")}, "does not begin"),
    ("an export in no header", {"src/util/b.c": "void secret(void) {\n}\n"}, "secret() is exported but in no header"),
    ("a prototype without its function", {"include/trailkeep/a.h": A_H + "int b_do(void);\n"},
     "a.h:7: b_do() is declared but defined nowhere"),
]

if __name__ == "__main__":
    sys.exit(main(check, "every export is declared and documented", SOUND, PLANTS))
