#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bash completion: sourced in bash, its function called as the shell would call it."""
import subprocess
import sys
import unittest

from peers import tap

COMPLETION = sys.argv.pop(1)
ASK = """
set -u; source "$1"; shift
COMP_WORDS=(trailkeepctl "$@"); COMP_CWORD=$#; COMPREPLY=()
_trailkeepctl; printf '%s\\n' "${COMPREPLY[@]}"
"""


def ask(*words):
    done = subprocess.run(["bash", "--norc", "-c", ASK, "-", COMPLETION, *words], capture_output=True, text=True,
                          check=True)
    if done.stderr:
        raise RuntimeError(done.stderr)
    return done.stdout.split()


class Completion(unittest.TestCase):
    def test_verbs_come_first(self):
        self.assertEqual(sorted(ask("")), ["consent", "data", "evidence", "journal", "key", "monitor", "status", "sync"])
        self.assertEqual(ask("st"), ["status"])
        self.assertEqual(sorted(ask("consent", "")), ["grant", "list", "withdraw"])
        self.assertEqual(ask("monitor", ""), [])
        self.assertEqual(ask("frobnicate", ""), [])

    def test_purposes_follow_a_decision(self):
        self.assertEqual(ask("consent", "grant", "l"), ["location"])
        self.assertEqual(ask("consent", "withdraw", "location", "au"), ["audio"])
        self.assertEqual(ask("consent", "list", ""), [])

    def test_options_go_with_their_verb(self):
        self.assertIn("--json", ask("-"))
        self.assertIn("--fix", ask("-"))  # no verb is status
        self.assertEqual(ask("data", "erase", "--k"), ["--keep-stored"])
        self.assertEqual(ask("consent", "withdraw", "--k"), ["--keep"])
        self.assertEqual(ask("consent", "grant", "--k"), [])

    def test_values_of_options(self):
        for words in (("--purpose", "vi"), ("-p", "vi"), ("--purpose", "=", "vi")):
            self.assertEqual(ask("data", "erase", *words), ["video"])
        self.assertEqual(sorted(ask("--bus", "=")), ["session", "system", "unix:path="])
        self.assertEqual(ask("-b", "sy"), ["system"])
        self.assertEqual(ask("data", "erase", "--since", "y"), ["yesterday"])

    def test_values_are_no_verbs(self):
        self.assertEqual(ask("--bus", "session", "sta"), ["status"])
        self.assertEqual(ask("--bus", "=", "session", "consent", "gr"), ["grant"])
        self.assertEqual(ask("-j", "consent", "-b", "system", "gr"), ["grant"])


if __name__ == "__main__":
    tap.main()
