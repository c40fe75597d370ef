#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trailkeep.conf(5) and the sample file hold every key of the table, and no other; so does struct Config.

The keys are read from the C source of the table, not asked from the program that prints the pages, so that a key which
that program forgets is missed.
"""
import pathlib
import re
import subprocess
import sys

from lintlib import Tap, read, without_comments

TABLE_KEY = re.compile(r'\{\s*"(\w+)",\s*"(\w+)",')
RETENTION_KEY = re.compile(r'\{\s*RETENTION\("(\w+)",')
MAN_KEY = re.compile(r"^\*(\w+)=\*", re.MULTILINE)
SAMPLE_KEY = re.compile(r"^#(\w+)=", re.MULTILINE)
STRUCT_KEY = re.compile(r"\b([A-Z]\w+)=")
SECTION = re.compile(r"^#* ?\[(\w+)\]$", re.MULTILINE)


def sections(text, pattern):
    """{(section, key)} of a page in which sections stand before their keys."""
    parts = SECTION.split(text)
    return {(name, key) for name, part in zip(parts[1::2], parts[2::2]) for key in pattern.findall(part)}


def table_keys(text):
    """{(section, key)} of the table's source, in which a macro writes the retention keys."""
    return set(TABLE_KEY.findall(text)) | {("Journal", "Retention" + name) for name in RETENTION_KEY.findall(text)}


def differences(table, page, title):
    return [f"src/config/config-table.c: [{s}] {k}= is not in {title}" for s, k in sorted(table - page)] + \
           [f"{title}: [{s}] {k}= is not in the table" for s, k in sorted(page - table)]


def struct_differences(table, header):
    """Config's comments name the key of each field; 'RetentionLocation= ...' stands for one key per purpose."""
    body = header[header.index("typedef struct Config {"):header.index("} Config;")]
    named = set(STRUCT_KEY.findall(body))
    keys = {key for _, key in table}
    is_known = {k for k in keys if k in named or (k.startswith("Retention") and "RetentionLocation" in named)}
    return [f"include/trailkeep/config.h: no field is for {k}=" for k in sorted(keys - is_known)] + \
           [f"include/trailkeep/config.h: {k}= is not in the table" for k in sorted(named - keys)]


def main():
    root, program = pathlib.Path(sys.argv[1]), sys.argv[2]
    table = table_keys(without_comments(read(root / "src/config/config-table.c")))
    man = subprocess.run([program], capture_output=True, text=True, check=True).stdout
    sample = subprocess.run([program, "--sample"], capture_output=True, text=True, check=True).stdout
    header = read(root / "include/trailkeep/config.h")
    section, key = sorted(table)[0]
    tap = Tap()
    tap.result(len(table) > 20, f"the table is read: {len(table)} keys")
    tap.result(differences(table, sections(man.replace(f"*{key}=*", "*Other=*"), MAN_KEY), "the manual"),
               f"finds that the manual lacks [{section}] {key}=")
    tap.result(differences(table - {(section, key)}, sections(sample, SAMPLE_KEY), "the sample"),
               f"finds that the table lacks [{section}] {key}=")
    tap.result(struct_differences(table | {("Device", "Ghost")}, header), "finds a key that is in no struct")
    for title, problems in (("the manual holds exactly the keys of the table",
                             differences(table, sections(man, MAN_KEY), "the manual")),
                            ("the sample file holds exactly the keys of the table",
                             differences(table, sections(sample, SAMPLE_KEY), "the sample file")),
                            ("struct Config names exactly the keys of the table", struct_differences(table, header))):
        tap.result(not problems, title, problems)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
