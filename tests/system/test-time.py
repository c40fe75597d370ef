#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""True time in the whole daemon: what proves it, what that is good for, and whom it does not believe."""
import contextlib
import os
import sqlite3
import subprocess
import sys

from peers import drive, tap
from peers.uplink import UplinkCase


class TimeTest(UplinkCase):
    # Another boot counts all of this machine's uptime.
    SETTINGS = {'Store': {'Interval': '1h'}, 'Journal': {'RetentionLocation': '3650d'}}

    def time(self):
        return self.d.box.bus.get('Device1', 'TrueTime')

    def said(self, since=0):
        return [line for line in self.d.box.log()[since:].splitlines() if 'True time is proven' in line]

    def wrong_drive(self):
        """Some seconds on the road, of a receiver that is a year ahead."""
        path = os.path.join(self.d.folder, 'wrong.nmea')
        with open(path, 'wb') as f:
            subprocess.run([sys.executable, drive.MAKE_DRIVE, '--seconds', '5', '--start', '2027-12-01T10:00:00Z'],
                           stdout=f, check=True)
        return path

    def test_store_proves(self):
        """the first answer of the store proves true time, which is said once and outlives a restart of the daemon"""
        self.assertEqual(self.time(), 'store')
        said = self.said()
        self.record(1)
        self.d.box.flush()
        self.assertEqual(self.said(), said)
        self.assertGreater(len(said), 0)
        n_log = len(self.d.box.log())
        self.restart_box({'Url': 'https://localhost:1'})
        self.d.box.until('Device1', 'TrueTime', lambda proof: proof == 'store')
        self.assertEqual(self.said(n_log), [], 'it was known')

    def test_asked_before_old_records_are_sent(self):
        """what an earlier boot left is not sent before the store has said what time it is"""
        n_log = len(self.d.box.log())
        self.record(3)
        self.stop_box()
        with contextlib.closing(sqlite3.connect(os.path.join(self.d.box.state, 'vault.db'))) as vault:
            vault.execute('UPDATE vault SET boot = zeroblob(16)')  # as if the box had been off since
            vault.commit()
        n_requests = len(self.requests())
        self.d.box.start()
        self.d.attach()
        self.d.box.flush()
        asked = self.d.wait(lambda: len(self.requests(n_requests)) >= 2 and self.requests(n_requests), 'it was asked')
        self.assertEqual([(method, path[-1:]) for method, path, _ in asked[:1]], [('HEAD', '/')])
        self.assertEqual({method for method, _, _ in asked[1:]}, {'PUT'})
        self.check_stored()
        self.assertEqual(self.time(), 'store')
        self.assertEqual(len(self.said(n_log)), 1)

    def test_receiver_is_held_off(self):
        """a receiver whose date contradicts the store is named, once, and its times are kept as they came"""
        n_log = len(self.d.box.log())
        self.restart_box({})
        self.record(recording=self.wrong_drive())
        self.d.box.until('Device1', 'ClocksHeldOff', lambda sources: sources == ['gnss'])
        self.d.box.flush()
        self.check_stored()
        seen = [fix.get('time', '') for fix in self.d.fixes()]
        kept = [feature['properties'].get('time', '') for feature in self.d.features()]
        n_seen, n_kept = (sum(time.startswith('2027-12-01') for time in times) for times in (seen, kept))
        self.assertEqual(n_kept, n_seen)
        self.assertGreater(n_kept, 0)
        said = [line for line in self.d.box.log()[n_log:].splitlines() if "source 'gnss' contradicts" in line]
        self.assertEqual(len(said), 1, said)

    def test_no_store_no_proof(self):
        """a box that has heard nobody but its receiver has proven nothing"""
        other = self.d.enter(self.d.make_box()).init()
        other.settings['Store']['Url'] = 'https://localhost:1'
        other.write_config()
        other.start()
        other.grant()
        other.until('Device1', 'GnssState', lambda state: state in ('watching', 'fixing', 'silent'))
        self.record(3)
        other.until('Device1', 'Lanes', lambda lanes: lanes['track']['recorded'] >= 3)
        self.assertEqual(other.bus.get('Device1', 'TrueTime'), 'none')
        self.assertEqual(other.stop(), 0)


if __name__ == '__main__':
    tap.main()
