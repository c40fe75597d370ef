#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No file over 500 lines, no function over 60. A warning: over 5 parameters, over 3 levels of nesting, over 120 columns.

A function's lines are counted from its signature to its closing brace. The function's own block is the first level,
so that four levels of braces are three of nesting. How many parameters sd-bus gives to its callbacks is not ours to say.
"""
import ast
import sys

from lintlib import Problem, files, functions, main, only_code, read

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 60
COLUMNS_MAX = 120
PARAMETERS_MAX = 5
LEVELS_MAX = 4


def levels(code):
    depth = deepest = 0
    for c in code:
        depth += (c == "{") - (c == "}")
        deepest = max(deepest, depth)
    return deepest


def check_c(path, text):
    code = only_code(text)
    for function in functions(text):
        where = (path, function.first_line)
        if function.n_lines > FUNCTION_LINES_MAX:
            yield Problem(*where, f"{function.name}() has {function.n_lines} lines, more than {FUNCTION_LINES_MAX}")
        if len(function.parameters) > PARAMETERS_MAX and "sd_bus_error *" not in code[function.start:function.brace]:
            yield Problem(*where, f"{function.name}() has {len(function.parameters)} parameters", is_warning=True)
        if levels(code[function.brace:function.end + 1]) > LEVELS_MAX:
            yield Problem(*where, f"{function.name}() nests deeper than {LEVELS_MAX - 1}", is_warning=True)


def check_python(path, text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX:
            n_lines = node.end_lineno - node.lineno + 1
            yield Problem(path, node.lineno, f"{node.name}() has {n_lines} lines, more than {FUNCTION_LINES_MAX}")


def is_python(path, text):
    return path.suffix == ".py" or (path.suffix == "" and text.startswith("#!") and "python3" in text.split("\n")[0])


def check(root):
    for path in files(root, under=("src", "include", "tests", "tools", "data", ".ci")):
        if path.suffix not in (".c", ".h", ".py", ".sh", "") or not path.is_file():
            continue
        try:
            text = read(path)
        except UnicodeDecodeError:
            continue
        n_lines = text.count("\n")
        if n_lines > FILE_LINES_MAX:
            yield Problem(path, n_lines, f"{n_lines} lines, more than {FILE_LINES_MAX}")
        wide = [n for n, line in enumerate(text.splitlines(), 1) if len(line) > COLUMNS_MAX]
        if wide:
            what = f"{len(wide)} lines are wider than {COLUMNS_MAX} columns, this is the first"
            yield Problem(path, wide[0], what, is_warning=True)
        if path.suffix in (".c", ".h"):
            yield from check_c(path, text)
        elif is_python(path, text):
            yield from check_python(path, text)


LONG = "int thing(void) {\n" + "        x();\n" * 59 + "}\n"
DEEP = "int thing(void) {\n if (a) {\n for (;;) {\n if (b) {\n if (c) {\n x();\n }\n }\n }\n }\n}\n"
SOUND = {"src/util/call.c": "int f(sd_bus *b, int p, int i, int n, int r, void *u, sd_bus_error *e) {\n}\n",
         "src/util/thing.c": "static const int a[] = { 1 };\nint thing(int a, char *b) {\n        return 0;\n}\n",
         "tools/thing": "#!/usr/bin/python3\ndef f():\n    pass\n"}
PLANTS = [
    ("a file of 501 lines", {"src/util/long.c": "\n" * 501}, "src/util/long.c:501: 501 lines"),
    ("a function of 61 lines", {"src/util/long.c": LONG}, "thing() has 61 lines"),
    ("a function of 61 lines behind a struct", {"src/util/long.c": "struct A {\n int a;\n};\n" + LONG}, "61 lines"),
    ("six parameters", {"src/util/long.c": "void t(int a, int b, int c, int (*d)(int, int), int e, int f) {\n}\n"},
     "6 parameters"),
    ("six parameters, none of sd-bus", {"src/util/long.c": "int t(int a, int b, int c, int d, int e, sd_bus *f) {\n}"},
     "6 parameters"),
    ("a wide line", {"src/util/long.c": "\n" + "x" * 121 + "\n"}, "long.c:2: warning: 1 lines are wider"),
    ("four levels of nesting", {"src/util/long.c": DEEP}, "nests deeper than 3"),
    ("a Python function of 61 lines", {"tools/thing": "#!/usr/bin/python3\ndef f():\n" + "    g()\n" * 60}, "61 lines"),
]

if __name__ == "__main__":
    sys.exit(main(check, "files and functions are small enough to be read", SOUND, PLANTS))
