#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk without any room under the whole daemon: a file system of 16 MiB for the state directory alone, filled to its last
page. Runs in a mount namespace of its own, as an ordinary user in a user namespace.
"""
import os
import signal
import subprocess
import sys
import unittest

from peers import tap
from peers.bus import unwrap
from peers.drive import Drive

INSIDE = 'TRAILKEEP_TEST_NAMESPACE'


def enter_namespace():
    """Run this script again where it may mount. Says why when it may not, as a skip of all."""
    if os.environ.get(INSIDE):
        return
    flags = ['--mount'] if os.getuid() == 0 else ['--map-root-user', '--mount']
    tried = subprocess.run(['unshare', *flags, 'true'], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        print(f'1..0 # SKIP no file system can be mounted here: {tried.stderr.strip()}')
        sys.exit(0)
    os.environ[INSIDE] = '1'
    os.execvp('unshare', ['unshare', *flags, sys.executable, '-B', *sys.argv])


class FullTest(unittest.TestCase):
    def setUp(self):
        self.d = self.enterContext(Drive({'Store': {'Interval': '100ms'}}))
        os.mkdir(self.d.box.state, 0o700)
        subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=16m,mode=0700', 'none', self.d.box.state], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', self.d.box.state], check=True)
        self.d.box.start()
        self.reserve_bytes = self.reserved()

    def tearDown(self):
        if self.d.box.process.poll() is None:
            self.d.box.kill()   # before its file system goes

    @property
    def ballast(self):
        return os.path.join(self.d.box.state, 'ballast')

    def fill(self):
        with open(self.ballast, 'ab', buffering=0) as f:
            try:
                while f.write(bytes(4096)) > 0:
                    pass
            except OSError:
                pass
        fs = os.statvfs(self.d.box.state)
        self.assertEqual(fs.f_bavail, 0)

    def reserved(self):
        return os.stat(os.path.join(self.d.box.state, 'reserve')).st_blocks * 512

    def is_stopped_with_reserve(self):
        process = self.d.box.process
        process.send_signal(signal.SIGSTOP)
        os.waitpid(process.pid, os.WUNTRACED)
        if self.reserved() >= self.reserve_bytes // 4:
            return True
        process.send_signal(signal.SIGCONT)
        return False

    def kill(self):
        """Not while the reserve is lent to what is being written: the ballast would take it, as any other process could."""
        self.d.wait(self.is_stopped_with_reserve, 'a moment at which the reserve is not lent')
        self.d.box.kill()

    def until_state(self, *states):
        return self.d.box.until('Journal1', 'State', lambda state: state in states)

    def trouble(self):
        return self.d.box.bus.get('Device1', 'LastErrors').get('journal', '')

    def fill_until_it_is_said(self):
        """Rows that are in the WAL already may still go; soon none can."""
        self.fill()
        self.d.feed(self.d.generate(40, seed=7), pause=0.01)
        self.until_state('full')
        self.assertIn('Make room', self.trouble())
        self.assertEqual(self.d.box.bus.get('Device1', 'State'), 'degraded')

    def granted(self):
        return [consent['purpose'] for consent in unwrap(self.d.box.bus.call('Consent1', 'List')[0]) if consent['granted']]

    def gaps(self):
        return [f for f in self.d.features() if f['properties'].get('class') == 'GAP']

    def test_recovers_by_itself_and_says_what_is_missing(self):
        """a full disk stops recording, a start on it works, and once there is room all goes on and the gap is in the store"""
        d = self.d
        d.grant_and_attach()
        d.store.misbehave('PUT', 500)
        d.feed(d.generate(30))
        d.until_recorded(30)
        self.fill_until_it_is_said()
        recorded = d.box.track()['recorded']
        self.assertEqual(d.box.stop(), 0)
        self.fill()
        d.box.start()
        self.assertGreaterEqual(d.box.track()['recorded'], recorded)
        d.attach()
        os.unlink(self.ballast)
        d.feed(d.generate(20, seed=3), pause=0.01)
        self.until_state('ok')
        self.assertEqual(self.trouble(), '')
        d.store.behave()
        d.wait(lambda: self.gaps() or d.box.flush(), 'a gap in the store')
        gap = self.gaps()[0]
        self.assertIsNone(gap['geometry'])
        self.assertEqual(gap['properties']['reason'], 'refused')
        self.assertEqual(gap['properties']['source'], 'gnss')
        self.assertGreater(gap['properties']['records'], 0)
        self.assertLess(gap['properties']['time'], gap['properties']['until'])
        d.box.flush()
        track = d.box.track()
        self.assertEqual(track['recorded'], track['stored'])
        self.assertEqual(d.box.stop(), 0)

    def test_withdrawing_and_erasing_are_durable(self):
        """on a full disk a withdrawal and an erasure outlive a kill, and what is in the store is deleted"""
        d = self.d
        d.grant_and_attach()
        d.feed(d.generate(30))
        d.until_recorded(30)
        d.box.flush()
        self.assertTrue(d.store.objects())
        self.fill_until_it_is_said()
        d.box.withdraw()
        self.kill()
        self.fill()
        d.box.start()
        self.assertEqual(self.granted(), [])
        d.box.bus.call('Data1', 'Erase', 'a{sv}', '0')
        self.kill()
        self.fill()
        d.box.start()
        d.wait(lambda: not d.store.objects(), 'an empty store')
        self.assertEqual(d.box.track()['pending'], 0)
        os.unlink(self.ballast)
        d.grant_and_attach()
        d.feed(d.generate(20, seed=5))
        d.wait(lambda: d.store.objects(), 'a new object')
        self.until_state('ok')
        self.assertEqual(self.gaps(), [])   # what was withdrawn is not even missing
        self.assertEqual(d.box.stop(), 0)


if __name__ == '__main__':
    enter_namespace()
    tap.main()
