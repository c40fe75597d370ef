#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole way under the unit as it is installed, and what systemd does when the daemon hangs, dies or is to stop.

A system call that the filter forbids ends the process here (the unit itself answers EPERM), so none is overlooked.
"""
import os
import signal
import tempfile
import time
import unittest

from machine import UNIT, Installed, Road, must, wait_until
from peers import remnants, tap

WATCHDOG_S = 2
DEADLY_FILTER = 'SystemCallErrorNumber=kill'
QUICK_RESTART = 'RestartSec=100ms'
JOURNALS = ('/var/log/journal', '/run/log/journal')


class WayTest(unittest.TestCase):
    def search_journal(self, wanted):
        """What of it is in the journal of the machine, in its files and, since those may be compressed, in its text."""
        must('journalctl', '--sync')
        with tempfile.NamedTemporaryFile() as f:
            f.write(must('journalctl', '--output=export', '--all').encode())
            f.flush()
            return {needle for _, needle in remnants.search([*JOURNALS, f.name], wanted)}

    def test_way(self):
        """grant, a drive, upload with the device's certificate, withdrawal: nothing is denied, no position is logged"""
        with Road({'Store': {'Interval': '1h'}}) as d:
            d.box.drop_in('deadly', DEADLY_FILTER)
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(60))
            n = len(d.fixes())
            self.assertGreater(n, 50)
            d.until_recorded(n)
            d.box.bus.call('Device1', 'GetLastFix')
            d.box.flush()
            self.assertEqual(len(d.features()), n)
            self.assertTrue(all(request[4] == 201 for request in d.store.requests() if request[2] == 'PUT'))
            d.feed(d.generate(30, seed=2))
            d.until_recorded(len(d.fixes()))
            self.assertEqual(d.box.withdraw()['records'], len(d.fixes()) - n)
            self.assertEqual(d.box.bus.call('Data1', 'Erase', 'a{sv}', '0')[0], '/org/trailkeep/erasure/2')
            d.wait(lambda: not d.store.objects(), 'the store is empty again')
            d.box.until('Sync1', 'PendingDeletions', lambda left: left == 0)
            self.assertEqual(d.box.show('NRestarts'), '0')
            self.assertTrue(d.box.stop())
            self.assertNotRegex(d.box.log(), 'SYS|denied|not permitted')
            self.assertEqual(self.search_journal(remnants.needles(d.positions(), most=10)), set())

    def test_control(self):
        """control: a position that somebody logs is found in the journal"""
        must('logger', '--tag', 'somebody', 'at 52.51630123 13.37770456')
        self.assertTrue(self.search_journal(remnants.forms_of(52.51630123, 13.37770456)))

    def test_filter_is_deadly(self):
        """control: a forbidden system call is noticed that way"""
        with Installed() as box:
            box.init()
            box.drop_in('deadly', DEADLY_FILTER, 'ExecStartPre=/usr/bin/chown trailkeep /var/lib/trailkeep')
            with self.assertRaisesRegex(RuntimeError, 'SYS'):
                box.start()

    def test_killed(self):
        """killed in the middle of a drive it is restarted, consent still holds, and each record is in the store once"""
        with Road({'Store': {'Interval': '1h'}}) as d:
            d.box.drop_in('quick', QUICK_RESTART)
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            n = len(d.fixes())
            d.until_recorded(n)
            pid = d.box.pid()
            os.kill(pid, signal.SIGKILL)
            d.box.await_another(pid)
            d.attach()
            self.assertTrue(d.box.is_granted())
            self.assertGreaterEqual(d.box.track()['recorded'], n)
            d.feed(d.generate(30, seed=2))
            d.box.flush()
            ids = [feature['id'] for feature in d.features()]
            self.assertEqual((len(ids), len(set(ids))), (d.box.track()['recorded'],) * 2)
            self.assertTrue(d.box.stop())

    def test_watchdog(self):
        """it feeds the watchdog; when it hangs systemd kills it, without a core dump, and starts it anew"""
        with Installed() as box:
            box.init()
            box.drop_in('watchdog', f'WatchdogSec={WATCHDOG_S}s', QUICK_RESTART)
            box.start()
            box.grant()
            pid = box.pid()
            fed = int(box.show('WatchdogTimestampMonotonic'))
            # The timestamp is of its last sign of life: it moves on by itself, past the time it would be killed at.
            wait_until(lambda: int(box.show('WatchdogTimestampMonotonic')) > fed + 1.5 * WATCHDOG_S * 1e6, 'it is fed')
            self.assertEqual((box.pid(), box.show('NRestarts')), (pid, '0'))
            os.kill(pid, signal.SIGSTOP)
            box.await_another(pid)
            self.assertTrue(box.is_granted())
            log = box.log()
            self.assertIn('Watchdog timeout', log)
            self.assertIn('code=killed, status=6/ABRT', log)
            self.assertNotIn('code=dumped', log)

    def test_stop(self):
        """systemctl stop ends it at once, cleanly, in the middle of a drive and with the store away"""
        with Road({'Store': {'Interval': '200ms', 'Timeout': '60s'}}, proxy=True) as d:
            d.proxy.is_hanging = True
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            d.until_recorded(len(d.fixes()))
            d.box.until('Sync1', 'State', lambda state: state == 'sending')
            start = time.monotonic()
            self.assertTrue(d.box.stop())
            self.assertLess(time.monotonic() - start, 5)

    def test_all_is_gone(self):
        """what is stopped leaves no process and no runtime folder"""
        with Installed() as box:
            box.init()
            box.start()
            box.stop()
            self.assertFalse(os.path.exists('/run/credentials/' + UNIT))
            self.assertEqual(box.show('ControlGroup'), '')


if __name__ == '__main__':
    tap.main()
