#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the unit forbids is forbidden: probe.py tries it as the service would, and as the same user without the unit."""
import json
import os
import re
import unittest

from machine import STATE_DIR, UNIT, USER, Installed, must
from peers import tap

PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'probe.py')
STAGE = '/srv/trailkeep-stage'
PERMITTED = 'write to its state folder'
# On systemd's scale from 0, locked up, to 10; the bound is that of tests/lint/lint-systemd.py.
EXPOSURE_MAX = 1.6


class HardeningTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        os.makedirs(STAGE, exist_ok=True)
        os.chmod(STAGE, 0o1777)
        for folder in ('/tmp', '/home'):
            with open(os.path.join(folder, 'trailkeep-stage'), 'w', encoding='ascii') as f:
                f.write('x')

    def results(self, path):
        with open(path, encoding='ascii') as f:
            return json.load(f)

    def test_probes(self):
        """in the sandbox of the unit every attempt fails but to write to the state folder"""
        path = os.path.join(STATE_DIR, 'probe.json')
        with Installed() as box:
            box.init()
            box.drop_in('probe', f'ExecStartPre=/usr/bin/python3 -I {PROBE} {path} {STAGE}')
            box.start()
            results = self.results(path)
        self.assertEqual({what for what, outcome in results.items() if outcome == 'done'}, {PERMITTED}, results)

    def test_control(self):
        """control: without the unit the same user does each of them"""
        folder = os.path.join(STAGE, 'state')
        must('install', '-d', '-o', USER, '-m', '0700', folder)
        path = os.path.join(folder, 'probe.json')
        must('python3', '-I', PROBE, path, STAGE, user=USER)
        self.assertEqual({what: outcome for what, outcome in self.results(path).items() if outcome != 'done'}, {})

    def test_process(self):
        """the running daemon has no capability, no new privileges, a system call filter, no core dumps"""
        with Installed() as box:
            box.init()
            box.start()
            with open(f'/proc/{box.pid()}/status', encoding='ascii') as f:
                status = dict(line.rstrip().split(':\t', 1) for line in f)
            with open(f'/proc/{box.pid()}/limits', encoding='ascii') as f:
                self.assertRegex(f.read(), r'Max core file size +0 +0 ')
        for name in ('CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'):
            self.assertEqual(int(status[name], 16), 0, name)
        self.assertEqual((status['NoNewPrivs'], status['Seccomp']), ('1', '2'))

    def test_exposure(self):
        """systemd-analyze security finds little to object to"""
        text = must('systemd-analyze', 'security', '--no-pager', UNIT)
        line = text.strip().splitlines()[-1]
        print('# ' + line.encode('ascii', 'ignore').decode(), flush=True)
        self.assertLessEqual(float(re.search(r': ([0-9.]+)', line).group(1)), EXPOSURE_MAX)


if __name__ == '__main__':
    tap.main()
