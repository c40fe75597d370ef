#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""dbus-man.py XML...: org.trailkeep(5) in scdoc(5), made from the contract, which stays the only text there is.

A comment of the contract begins with "Name:" and stands before the member it explains; "@argument:" lines explain its
arguments, all else are paragraphs. A member without one stops the build.
"""
import pathlib
import re
import sys
import textwrap
import xml.etree.ElementTree as ElementTree

HEAD = """org.trailkeep(5)

; SPDX-License-Identifier: LGPL-2.1-or-later

# NAME

org.trailkeep - D-Bus interface of trailkeepd

# SYNOPSIS

Bus name *org.trailkeep*, object */org/trailkeep*, and an object */org/trailkeep/erasure/N* for each erasure.

# DESCRIPTION

*trailkeepd*(8) is controlled over D-Bus. Signals carry state, never a position. The types are those of the D-Bus
specification.

"""
TAIL = """# SEE ALSO

*trailkeepd*(8), *trailkeepctl*(1), *busctl*(1)
"""


def escape(text):
    return re.sub(r"([\\*_#])", r"\\\1", text)


def paragraphs(text):
    """The comment's body as scdoc paragraphs; "@x:" lines become their own."""
    text = re.sub(r"\n(@\w+:|Errors:)", r"\n\n\1", "\n" + text)
    for paragraph in re.split(r"\n\s*\n", text):
        line = " ".join(paragraph.split())
        if line.startswith("@short_description:"):
            yield escape(line.split(":", 1)[1].strip().capitalize()) + "."
        elif argument := re.match(r"@(\w+): (.*)", line):
            yield f"_{escape(argument[1])}_: {escape(argument[2])}"
        elif line:
            yield escape(line)


def comment_of(comments, name):
    for comment in comments:
        text = textwrap.dedent(comment).strip()
        if match := re.match(rf"{re.escape(name)}:[ \n]?", text):
            return text[match.end():]
    sys.exit(f"{name}: the contract does not explain it")


def arguments(member, direction):
    default = "out" if member.tag == "signal" else "in"
    found = [a for a in member.findall("arg") if a.get("direction", default) == direction]
    return ", ".join(f"{escape(a.get('type'))} _{escape(a.get('name'))}_" for a in found)


def signature(member):
    name = member.get("name")
    if member.tag == "property":
        return f"*{name}*: {escape(member.get('type'))}"
    if member.tag == "signal":
        return f"*{name}*({arguments(member, 'out')})"
    out = arguments(member, "out")
    return f"*{name}*({arguments(member, 'in')})" + (f" -> {out}" if out else "")


def describe(interface, comments):
    name = interface.get("name")
    yield f"# {name.rsplit('.', 1)[1].upper()}\n"
    yield f"Interface *{name}*.\n"
    for paragraph in paragraphs(comment_of(comments, name)):
        yield paragraph + "\n"
    for kind, heading in (("method", "Methods"), ("property", "Properties"), ("signal", "Signals")):
        members = interface.findall(kind)
        if members:
            yield f"## {heading}\n"
        for member in members:
            yield signature(member)
            body = list(paragraphs(comment_of(comments, member.get("name"))))
            yield "\n\n".join("\t" + paragraph for paragraph in body) + "\n"


def main():
    lines = [HEAD]
    for path in sorted(map(pathlib.Path, sys.argv[1:])):
        parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
        root = ElementTree.fromstring(path.read_text(encoding="utf-8"), parser)
        comments = [e.text for e in root.iter() if e.tag is ElementTree.Comment]
        for interface in root.findall("interface"):
            lines.extend(describe(interface, comments))
    print("\n".join(lines) + "\n" + TAIL, end="")


if __name__ == "__main__":
    main()
