# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs the test program http-put, which drives net alone. TRAILKEEP_HTTP_PUT names it."""
import os
import subprocess


class Answer:
    """One line of its output: what came of one request."""

    def __init__(self, line):
        self.fault, status, sent, retry, self.message = line.split(' ', 4)
        self.status, self.bytes_sent, self.retry_after_ms = int(status), int(sent), int(retry)


def command(ca_file, client, *args):
    """The command line with these certificates; `args` ends in METHOD URL [BODY-FILE]."""
    program = os.environ['TRAILKEEP_HTTP_PUT']
    return [program, '--ca', ca_file, '--cert', client.cert_file, '--key', client.key_file, *args]


def run(ca_file, client, *args, env=None):
    """Run it; its answers, and what it said on standard error."""
    done = subprocess.run(command(ca_file, client, *args), capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, **(env or {})})
    if done.returncode < 0:
        raise RuntimeError(f'http-put died of signal {-done.returncode}: {done.stderr}')
    return [Answer(line) for line in done.stdout.splitlines()], done.stderr
