# SPDX-License-Identifier: LGPL-2.1-or-later
"""What tests of the way to the store share: one box on the road for all tests of a class, which sends when told to.

    class SomeTest(UplinkCase):
        def test_it(self):
            self.record(10)                     # ten seconds of fixes are durable
            self.d.store.misbehave('PUT', 403)
            self.check_refused('403', 'held')
            self.check_heals()                  # put right and flushed, all is in the store exactly once

Every test begins with a store that works and nothing pending.
"""
import collections
import itertools
import unittest

from .bus import CallError
from .drive import Drive

DEFAULT_MAX_BODY = 64 * 1024 * 1024


class UplinkCase(unittest.TestCase):
    SETTINGS = {'Store': {'Interval': '1h'}}

    @classmethod
    def setUpClass(cls):
        cls.seeds = itertools.count(1)
        cls.d = Drive(cls.SETTINGS, proxy=True)
        cls.d.__enter__()
        cls.addClassCleanup(cls.d.__exit__, None, None, None)
        cls.server = cls.d.store.server
        cls.settings = {section: dict(keys) for section, keys in cls.d.box.settings.items()}
        cls.d.box.start()
        cls.d.grant_and_attach()
        cls.feed(5)
        cls.d.box.flush()

    @classmethod
    def tearDownClass(cls):
        cls.stop_box()

    @classmethod
    def stop_box(cls):
        """End the daemon if it runs; an exit code other than 0, a sanitizer's say, is an error."""
        code = cls.d.box.stop() if cls.d.box.process.poll() is None else 0
        if code != 0:
            raise AssertionError(f'exit code {code}\n{cls.d.box.log()[-4000:]}')

    def setUp(self):
        self.put_right()
        self.d.box.flush()
        self.parked_before = self.d.box.track()['parked']

    @classmethod
    def put_right(cls):
        """Whatever a test has broken works again, but for what is parked."""
        store = cls.d.store
        store.behave()
        cls.d.proxy.heal()
        if (store.server, store.protocols, store.max_body_bytes) != (cls.server, 'TLSv1.2 TLSv1.3', DEFAULT_MAX_BODY):
            store.restart(server=cls.server, protocols='TLSv1.2 TLSv1.3', max_body_bytes=DEFAULT_MAX_BODY)
        if cls.d.box.settings != cls.settings or cls.d.box.process.poll() is not None:
            cls.restart_box({})

    @classmethod
    def restart_box(cls, store_settings):
        """Start the box anew with these settings over the usual ones of [Store]."""
        box = cls.d.box
        cls.stop_box()
        box.settings = {section: dict(keys) for section, keys in cls.settings.items()}
        box.settings['Store'].update(store_settings)
        box.write_config()
        box.start()
        cls.d.attach()

    @classmethod
    def feed(cls, seconds, recording=None):
        cls.d.feed(recording or cls.d.generate(seconds, seed=next(cls.seeds)))
        cls.d.until_recorded(len(cls.d.fixes()))

    def record(self, seconds=10, recording=None):
        """Drive on; how many records were added. They are durable, and pending."""
        before = self.d.box.track()['recorded']
        self.feed(seconds, recording)
        n = self.d.box.track()['recorded'] - before
        self.assertGreater(n, 0)
        return n

    def check_refused(self, said, *states):
        """A flush says why it did not send, twice the same, and so do the properties, while the log says it once.
        Nothing arrives and nothing is lost or parked."""
        box, store = self.d.box, self.d.store
        before, objects, logged = box.track(), store.objects(), len(box.log())
        for _ in range(2):
            with self.assertRaises(CallError) as caught:
                box.flush()
            self.assertRegex(str(caught.exception), said)
        box.until('Sync1', 'State', lambda state: state in states)
        error = box.bus.get('Sync1', 'LastError')
        self.assertRegex(error, said)
        self.assertRegex(error, r'^[A-Z].*[^.]\.$', 'one sentence')
        self.assertEqual(box.bus.get('Device1', 'LastErrors')['sync'], error)
        self.assertEqual(box.bus.get('Device1', 'State'), 'degraded')
        self.assertEqual(sum(error in line for line in box.log()[logged:].splitlines()), 1, box.log()[logged:])
        self.assertEqual(store.objects(), objects)
        self.assertEqual(box.track(), before)
        self.assertGreater(before['pending'], 0)

    def check_heals(self, parked=0):
        """Put right and flushed: everything recorded is in the store exactly once, but for `parked` more."""
        self.put_right()
        self.d.box.flush()
        self.check_stored(parked)
        self.assertEqual(self.d.box.bus.get('Sync1', 'LastError'), '')
        self.assertEqual(self.d.box.bus.get('Device1', 'LastErrors'), {})
        self.assertEqual(self.d.box.bus.get('Sync1', 'State'), 'idle')

    def check_stored(self, parked=0):
        track = self.d.box.track()
        ids = collections.Counter(feature['id'] for feature in self.d.features())
        self.assertEqual([i for i, n in ids.items() if n > 1], [])
        self.assertEqual(track['parked'], self.parked_before + parked)
        self.assertEqual(track['pending'], 0)
        self.assertEqual(len(ids), track['stored'])
        self.assertEqual(track['recorded'], track['stored'] + track['parked'])
        self.assertEqual(track['recorded'], len(self.d.fixes()))

    def connect(self):
        """The box has a connection to the store, through the proxy, over which something was sent."""
        self.record(1)
        self.d.box.flush()
        self.assertEqual(len(self.d.proxy.connections), 1)

    def requests(self, since=0):
        """(method, path, status) of each request that nginx has seen, from number `since` on."""
        return [(r[2], r[3], r[4]) for r in self.d.store.requests()[since:]]
