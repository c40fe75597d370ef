#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole daemon and a store that is not well: said clearly, nothing lost, nothing twice."""
import collections
import os
import shutil
import tempfile
import unittest

from peers import tap
from peers.bus import CallError
from peers.certificates import Authority
from peers.drive import Drive


class StoreTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='tk-certs-')
        self.addCleanup(shutil.rmtree, self.folder)

    def drive(self, seconds=20, **how):
        """A drive whose fixes are all recorded, and nothing sent yet; and their number."""
        settings = {'Store': {'Interval': '1h', **how.pop('settings', {})}}
        d = Drive(settings, **how)
        d.__enter__()
        self.addCleanup(d.__exit__, None, None, None)
        d.box.start()
        d.grant_and_attach()
        d.feed(d.generate(seconds))
        d.until_recorded(len(d.fixes()))
        return d, len(d.fixes())

    def assert_all_there_once(self, d, n):
        ids = collections.Counter(feature['id'] for feature in d.features())
        self.assertEqual(len(ids), n)
        self.assertEqual(set(ids.values()), {1})
        track = d.box.track()
        self.assertEqual((track['stored'], track['pending'], track['parked']), (n, 0, 0))

    def assert_held(self, d, n, pattern):
        with self.assertRaisesRegex(CallError, pattern):
            d.box.flush()
        self.assertEqual(d.box.bus.get('Sync1', 'State'), 'held')
        self.assertRegex(d.box.bus.get('Sync1', 'LastError'), pattern + r'.*\.$')
        self.assertEqual(d.box.track()['pending'], n)
        self.assertEqual(d.store.objects(), [])

    def test_refusals_of_the_account_or_the_store(self):
        """400, 401, 403, 404, 405, 500 and 507 hold the lane with a sentence of their own, and nothing is lost"""
        d, n = self.drive()
        for status in (400, 401, 403, 404, 405, 500, 507):
            with self.subTest(status):
                d.store.misbehave('ANY', status)
                self.assert_held(d, n, f'The store answered {status}')
                d.store.behave()
        self.assertEqual(d.box.log().count('The store answered 403'), 1, 'said once')
        d.box.flush()
        self.assertEqual(d.box.bus.get('Sync1', 'State'), 'idle')
        self.assertEqual(d.box.bus.get('Sync1', 'LastError'), '')
        self.assert_all_there_once(d, n)

    def test_busy(self):
        """429 with Retry-After is tried again by itself"""
        d, n = self.drive()
        d.store.misbehave('PUT', 429, retry_after=1)
        with self.assertRaises(CallError):
            d.box.flush()
        self.assertEqual(d.box.bus.get('Sync1', 'State'), 'waiting')
        d.store.behave()
        d.box.until('Device1', 'Lanes', lambda lanes: lanes['track']['stored'] == n)
        self.assert_all_there_once(d, n)

    def test_too_large(self):
        """a store that takes small objects only gets small objects"""
        d, n = self.drive(40)
        d.store.restart(max_body_bytes=700)
        d.box.flush()
        self.assertGreater(len(d.store.objects()), 1)
        self.assertIn(413, [request[4] for request in d.store.requests()])
        self.assert_all_there_once(d, n)

    def test_cut_in_the_middle_and_before_the_answer(self):
        """connections that are reset in the body or before the answer: tried again, the same object"""
        d, n = self.drive(proxy=True)
        d.proxy.cut_up_after = 2000
        with self.assertRaises(CallError):
            d.box.flush()
        d.proxy.heal()
        d.proxy.cut_down_after = 1  # nothing ever comes back, not even the handshake
        with self.assertRaises(CallError):
            d.box.flush()
        d.proxy.heal()
        d.box.flush()
        self.assert_all_there_once(d, n)

    def test_wrong_authority(self):
        """a server certificate of another authority: refused, said, no byte of a body sent, nothing lost"""
        other = Authority(os.path.join(self.folder, 'other'), 'another CA')
        d, n = self.drive(settings={'CaFile': other.ca_file})
        self.assert_held(d, n, 'not from the expected authority')
        self.assertEqual(d.store.requests(), [])

    def test_client_certificate_that_the_store_refuses(self):
        """a client certificate that the server refuses holds the lane, and nothing is lost"""
        stranger = Authority(os.path.join(self.folder, 'other'), 'another CA').client('stranger')
        d, n = self.drive(settings={'CertificateFile': stranger.cert_file, 'KeyFile': stranger.key_file})
        self.assert_held(d, n, 'The store answered 400.*certificate')

    def test_client_certificate_that_is_not_there(self):
        """a client certificate that cannot be read is said at start by its name, and recording goes on"""
        missing = os.path.join(self.folder, 'nowhere.pem')
        d, n = self.drive(settings={'CertificateFile': missing})
        self.assertRegex(d.box.log(), f'cannot read the certificate file {missing}: No such file')
        self.assert_held(d, n, 'certificate or key file cannot be read')


if __name__ == '__main__':
    tap.main()
