# SPDX-License-Identifier: LGPL-2.1-or-later
"""The floors of the architecture, and which module a public header belongs to. The only place that knows them."""
import re

from lintlib import files, read

FLOORS = {
    "util": 0,
    "model": 1, "crypto": 1, "event": 1,
    "config": 2, "collect": 2, "journal": 2, "net": 2,
    "gate": 3,
    "sync": 4,
    "bus": 5,
    "daemon": 6, "ctl": 6,
}

# Headers that hold only inline code or types, so that no .c file tells whose they are.
HEADER_ONLY = {"macros": "util", "fix": "model"}

# Who may use a library: its codes and types become ours there. sd-bus, sd-event and jansson are for everybody.
LIBRARIES = {
    "curl/": ("net",),
    "gps.h": ("collect",),
    "libsmartcols/": ("ctl",),
    "openssl/": ("crypto", "journal", "net"),
    "sqlite3.h": ("journal",),
    "zlib.h": ("sync",),
}


def owners(root):
    """{'gnss.h': 'collect', ...}: the module whose folder holds the .c file of the same name, or None."""
    sources = {path.stem: path.parent.name for path in files(root, ".c", under=("src",))}
    headers = files(root, ".h", under=("include/trailkeep",))
    return {h.name: sources.get(h.stem, HEADER_ONLY.get(h.stem)) for h in headers}


def module_of(root, path, owned):
    """The module a file in src/ or include/trailkeep/ belongs to, or None."""
    parts = path.relative_to(root).parts
    return parts[1] if parts[0] == "src" and len(parts) > 2 else owned.get(path.name)


def stated_floor(path):
    """The number behind 'Floor' in a header's introduction, or None."""
    found = re.search(r"\bFloor (\d)\b", read(path).split("*/", 2)[1] if "*/" in read(path) else "")
    return int(found.group(1)) if found else None
