#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""systemd understands the units, and finds little to object to in how they are locked up.

systemd-analyze reads them offline, so systemd need not be running. The unit is read with a program that exists in place
of the daemon, and without its manual pages, since neither is installed here. sysusers and tmpfiles files are tried on
an empty root.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from lintlib import Tap

# On systemd's scale from 0, locked up, to 10. What remains is what the daemon is for: TCP, D-Bus, its state folder, and asking
# whether the clock is synchronised, which counts as setting it although that takes a capability.
EXPOSURE_MAX = 1.6


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode == 0, (done.stdout + done.stderr).splitlines()


def stand_in(unit, folder):
    """A copy of the unit that names nothing which is not installed."""
    text = re.sub(r"^Documentation=.*\n", "", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
    copy = pathlib.Path(folder) / unit.name
    copy.write_text(text, encoding="utf-8")
    return copy


def verify(unit):
    is_ok, lines = run("systemd-analyze", "verify", "--recursive-errors=no", str(unit))
    return is_ok and not any(unit.name in line for line in lines), lines


def exposure(unit):
    return run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={int(EXPOSURE_MAX * 10)}",
               str(unit))


def check_unit(tap, unit, folder):
    copy = stand_in(unit, folder)
    is_ok, lines = verify(copy)
    tap.result(is_ok, f"{unit.name}: systemd understands every line", lines)
    is_ok, lines = exposure(copy)
    lines = [line for line in lines if line.startswith(("✗", "→"))]
    tap.result(is_ok, f"{unit.name}: exposure is at most {EXPOSURE_MAX}", lines)
    text = copy.read_text(encoding="utf-8")
    copy.write_text(text.replace("[Service]\n", "[Service]\nNoNewPriviledges=yes\n"), encoding="utf-8")
    tap.result(not verify(copy)[0], "finds a misspelt key")
    text = re.sub(r"^(Capab|System|Restrict|Protect|Private).*\n", "", text, flags=re.MULTILINE)
    copy.write_text(text, encoding="utf-8")
    tap.result(not exposure(copy)[0], "finds a unit that is not locked up")


def check_root(tap, sysusers, tmpfiles, folder):
    """The user and the folders come into being on an empty root; the state folder is nobody else's to read."""
    root = pathlib.Path(folder) / "root"
    (root / "etc").mkdir(parents=True)
    is_ok, lines = run("systemd-sysusers", f"--root={root}", str(sysusers))
    group = (root / "etc/group").read_text(encoding="utf-8") if (root / "etc/group").exists() else ""
    made = {line.split(":")[0] for line in group.splitlines()}
    roles = {f"trailkeep-{role}" for role in ("owner", "guardian", "operator", "bridge")}
    tap.result(is_ok and roles <= made, "sysusers makes every role", lines)
    text = tmpfiles.read_text(encoding="utf-8")
    tap.result(bool(re.search(r"^d \S*/lib/trailkeep 0700 trailkeep trailkeep -$", text, re.MULTILINE)),
               "tmpfiles makes a state folder that only the daemon reads", text.splitlines())


def main():
    build = pathlib.Path(sys.argv[1])
    tap = Tap()
    if not shutil.which("systemd-analyze"):
        print("1..0 # SKIP systemd-analyze is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="trailkeep-lint-") as folder:
        check_unit(tap, build / "trailkeepd.service", folder)
        check_root(tap, build / "trailkeep.sysusers.conf", build / "trailkeep.tmpfiles.conf", folder)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
