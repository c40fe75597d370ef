#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""No position of the drive is in any file of the box or in any line of its log, at any time; and the search finds them where
nothing is encrypted."""
import os
import resource
import signal
import unittest

from peers import remnants, tap
from peers.drive import Drive

PLAIN = os.environ['TRAILKEEPD_PLAIN']


class RemnantsTest(unittest.TestCase):
    def hits(self, d):
        found = remnants.search([d.box.state, d.box.log_path, d.box.config], remnants.needles(d.positions()))
        return sorted({os.path.basename(name) for name, _ in found})

    def test_never(self):
        """while it records, sends, is refused, is killed and restarted, and after withdrawal and erasure: nothing"""
        with Drive() as d:
            d.store.misbehave('PUT', 500)
            d.box.start()
            d.grant_and_attach()
            recording = d.generate(60)
            d.feed(recording)
            d.until_recorded(len(d.fixes()))
            d.box.bus.call('Device1', 'GetLastFix')
            self.assertEqual(self.hits(d), [], 'while rows wait')
            d.box.kill()
            self.assertEqual(self.hits(d), [], 'after SIGKILL')
            d.store.behave()
            d.box.start()
            d.attach()
            d.feed(recording)
            d.box.flush()
            self.assertEqual(self.hits(d), [], 'after sending')
            d.feed(recording)
            d.box.withdraw()
            self.assertEqual(self.hits(d), [], 'after Withdraw')
            d.box.bus.call('Data1', 'Erase', 'a{sv}', '0')
            self.assertEqual(self.hits(d), [], 'after Erase')
            self.assertEqual(d.box.stop(), 0)
            self.assertEqual(self.hits(d), [], 'after the end')

    def test_control(self):
        """control: with encryption off in a test build the search finds them"""
        with Drive({'Store': {'Interval': '1h'}}, program=PLAIN) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(60))
            d.until_recorded(len(d.fixes()))
            self.assertTrue(any(name.startswith('journal.db') for name in self.hits(d)), self.hits(d))

    def test_every_form_is_found(self):
        """control: each form of a position is found in a file that has it"""
        with Drive() as d:
            for i, needle in enumerate(remnants.forms_of(52.5163, 13.377704)):
                path = os.path.join(d.folder, f'planted-{i}')
                with open(path, 'wb') as f:
                    f.write(b'x' * 4093 + needle + b'y')
                self.assertEqual(remnants.search([path], {needle}), [(path, needle)])

    def test_no_core(self):
        """a crash leaves no core file"""
        with Drive() as d:
            d.box.start()
            self.assertEqual(resource.prlimit(d.box.process.pid, resource.RLIMIT_CORE), (0, 0))
            d.box.process.send_signal(signal.SIGABRT)
            _, status = os.waitpid(d.box.process.pid, 0)
            self.assertEqual(os.WTERMSIG(status), signal.SIGABRT)
            self.assertFalse(os.WCOREDUMP(status))


if __name__ == '__main__':
    tap.main()
