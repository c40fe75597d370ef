#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nothing without consent, and nothing left after it: the whole daemon with real gpsd and a real store."""
import concurrent.futures
import os
import shutil
import sqlite3
import tempfile
import unittest

from peers import tap
from peers.bus import CallError
from peers.drive import Drive

LANES = ('alarm', 'event', 'track', 'diagnostics', 'media')


def rows(box):
    """(rows in all lanes, parcels that still have a key), read from copies of the databases."""
    folder = tempfile.mkdtemp(prefix='tk-copy-')
    try:
        for name in os.listdir(box.state):
            path = os.path.join(box.state, name)
            if os.path.isfile(path):
                shutil.copy(path, folder)
        with sqlite3.connect(os.path.join(folder, 'journal.db')) as db:
            n_rows = sum(db.execute(f'SELECT count(*) FROM {lane}').fetchone()[0] for lane in LANES)
        with sqlite3.connect(os.path.join(folder, 'vault.db')) as db:
            n_keys = db.execute('SELECT count(*) FROM parcel WHERE key != zeroblob(length(key))').fetchone()[0]
        return n_rows, n_keys
    finally:
        shutil.rmtree(folder)


class ConsentTest(unittest.TestCase):
    def test_nothing_before_consent(self):
        """before consent there is no connection to gpsd, no row and no object"""
        with Drive() as d:
            d.box.start()
            before = d.box.connections_to(d.gpsd.port)
            d.feed(d.generate(30))
            self.assertTrue(d.fixes())
            self.assertEqual(d.box.connections_to(d.gpsd.port), before)
            self.assertEqual(d.box.bus.get('Device1', 'GnssState'), 'stopped')
            self.assertEqual(d.box.track()['recorded'], 0)
            self.assertEqual(rows(d.box), (0, 0))
            self.assertEqual(d.store.objects(), [])
            with self.assertRaisesRegex(CallError, 'NotGranted|not granted|off'):
                d.box.bus.call('Device1', 'GetLastFix')

    def test_withdraw(self):
        """once Withdraw has returned there is no connection and no readable row; what the store acknowledged stays"""
        with Drive({'Store': {'Interval': '1h'}}) as d:
            d.box.start()
            before = d.box.connections_to(d.gpsd.port)
            d.grant_and_attach()
            self.assertEqual(d.box.connections_to(d.gpsd.port), before + 1)
            d.feed(d.generate(30))
            n = len(d.fixes())
            d.until_recorded(n)
            d.box.flush()
            self.assertEqual(len(d.features()), n)
            d.feed(d.generate(30, seed=2))
            d.until_recorded(len(d.fixes()))
            receipt = d.box.withdraw()
            self.assertEqual(d.box.connections_to(d.gpsd.port), before)
            self.assertEqual(rows(d.box)[1], 0)
            self.assertEqual(receipt['records'], len(d.fixes()) - n)
            self.assertEqual(len(d.features()), n)
            d.feed(d.generate(10, seed=3))
            self.assertEqual(d.box.track()['pending'], 0)
            self.assertEqual(len(d.features()), n)

    def test_keep(self):
        """with keep the rows stay, are not sent while consent is off, and are sent after it is given again"""
        with Drive({'Store': {'Interval': '1h'}}) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(20))
            n = len(d.fixes())
            d.until_recorded(n)
            d.box.withdraw(keep=True)
            self.assertEqual(d.box.track()['pending'], n)
            d.box.flush()
            self.assertEqual(d.store.objects(), [])
            d.box.grant()
            d.box.flush()
            self.assertEqual(len(d.features()), n)

    def test_withdraw_while_sending(self):
        """an object whose PUT was under way is deleted in the store too"""
        with Drive({'Store': {'Interval': '1h', 'Timeout': '60s'}}, proxy=True) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            d.until_recorded(len(d.fixes()))
            # The object arrives; the answer does not.
            d.proxy.hold_after_up_bytes = 2500
            with concurrent.futures.ThreadPoolExecutor() as pool:
                flush = pool.submit(d.box.flush)
                d.wait(lambda: d.store.objects(), 'the object has arrived')
                d.box.withdraw()
                flush.exception()   # it ends one way or the other, since nothing is left to send
            d.proxy.hold_after_up_bytes = None
            d.wait(lambda: not d.store.objects(), 'the object is deleted')
            d.box.until('Sync1', 'PendingDeletions', lambda n: n == 0)

    def test_withdraw_while_the_store_is_away(self):
        """an intent whose object cannot be deleted now is shown as still to be deleted, and is deleted later"""
        with Drive({'Store': {'Interval': '1h', 'Timeout': '2s'}}, proxy=True) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(20))
            d.until_recorded(len(d.fixes()))
            d.store.misbehave('PUT', 500)
            d.store.misbehave('DELETE', 500)
            with self.assertRaises(CallError):
                d.box.flush()
            d.box.withdraw()
            self.assertEqual(d.box.bus.get('Sync1', 'PendingDeletions'), 1)
            self.assertEqual(d.box.stop(), 0)
            d.store.behave()
            d.box.start()
            d.box.until('Sync1', 'PendingDeletions', lambda n: n == 0)
            self.assertIn('DELETE', [request[2] for request in d.store.requests()])

    def test_consent_survives_restart(self):
        """a consent holds over a restart and so does its withdrawal"""
        with Drive() as d:
            d.box.start()
            d.grant_and_attach()
            self.assertEqual(d.box.stop(), 0)
            d.box.start()
            d.attach()
            d.box.withdraw()
            d.box.kill()
            d.box.start()
            self.assertEqual(d.box.bus.get('Device1', 'GnssState'), 'stopped')

    def test_erase_also_in_the_store(self):
        """Erase destroys what is here and deletes what is in the store"""
        with Drive() as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            d.until_recorded(len(d.fixes()))
            d.box.flush()
            self.assertTrue(d.store.objects())
            path = d.box.bus.call('Data1', 'Erase', 'a{sv}', '0')[0]
            self.assertEqual(rows(d.box)[1], 0)
            d.wait(lambda: not d.store.objects(), 'the store is empty')
            d.box.until('Sync1', 'PendingDeletions', lambda n: n == 0)
            self.assertGreater(d.box.bus.get('Erasure1', 'ObjectsDeleted', path=path), 0)


if __name__ == '__main__':
    tap.main()
