#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole daemon and a store or a network that is not well: said clearly, nothing lost, nothing twice."""
import concurrent.futures
import gzip
import os
import subprocess
import time
import unittest

from peers import tap
from peers.bus import CallError
from peers.uplink import UplinkCase


class RefusalTest(UplinkCase):
    """Answers that concern the account or the store."""

    def test_held(self):
        """400, 401, 403, 404, 405, 500, 507: held, each with a sentence of its own, never parked"""
        self.record()
        said = set()
        for status in (400, 401, 403, 404, 405, 500, 507):
            with self.subTest(status):
                self.d.store.misbehave('PUT', status)
                self.check_refused(f'The store answered {status}', 'held')
                said.add(self.d.box.bus.get('Sync1', 'LastError').replace(str(status), ''))
                self.d.store.behave()
        self.assertEqual(len(said), 7)
        self.check_heals()

    def test_redirect(self):
        """a redirect is not followed, and no body is sent elsewhere"""
        self.record()
        n_requests = len(self.requests())
        self.d.store.misbehave('PUT', 301)
        self.check_refused('301, a redirect, not followed', 'held')
        self.d.wait(lambda: len(self.requests(n_requests)) >= 2, 'nginx has logged both attempts')
        self.assertEqual([r for r in self.requests(n_requests) if 'elsewhere' in r[1] or r[2] != 301], [])
        self.check_heals()

    def test_retry(self):
        """408, 425, 429: waiting, and tried again by itself soon"""
        for status in (408, 425, 429):
            with self.subTest(status):
                n_stored = self.d.box.track()['stored'] + self.record(2)
                self.d.store.misbehave('PUT', status)
                # nginx closes the connection instead of answering 408
                self.check_refused('closed the connection' if status == 408 else str(status), 'waiting')
                self.d.store.behave()
                self.d.box.until('Device1', 'Lanes', lambda lanes, n=n_stored: lanes['track']['stored'] == n)
                self.check_stored()

    def test_retry_after(self):
        """Retry-After: no attempt by itself comes earlier, whatever is recorded; a person's flush asks at once"""
        store = self.d.store
        n_stored = self.d.box.track()['stored'] + self.record(2)
        n_requests = len(self.requests())
        store.misbehave('PUT', 429, retry_after=2)
        with self.assertRaises(CallError):
            self.d.box.flush()
        store.behave()
        self.record(2)
        self.d.box.until('Device1', 'Lanes', lambda lanes: lanes['track']['stored'] == n_stored)
        self.d.wait(lambda: len(self.requests(n_requests)) >= 2, 'nginx has logged the second attempt')
        self.assertEqual([r[2] for r in self.requests(n_requests)][:2], [429, 201])
        refused, stored = store.times()[n_requests:n_requests + 2]
        self.assertGreaterEqual(stored - refused, 1.99)

        self.assertGreater(self.d.box.track()['pending'], 0)
        store.misbehave('PUT', 503, retry_after=3600)
        self.check_refused('503', 'held')
        self.check_heals()


class SizeTest(UplinkCase):
    """Answers that concern one object."""

    def big_among_small(self):
        """A recording whose fixes come from RMC alone, and so are short, but for one in the middle."""
        with open(self.d.generate(20, seed=next(self.seeds)), 'rb') as f:
            lines = f.read().splitlines(keepends=True)
        times = sorted({line.split(b',')[1] for line in lines if line.startswith(b'$GPRMC')})
        path = os.path.join(self.d.folder, 'big-among-small.nmea')
        with open(path, 'wb') as f:
            is_big = False
            for line in lines:
                fields = line.split(b',')
                if fields[0] in (b'$GPGGA', b'$GPRMC'):
                    is_big = fields[1] == times[10]
                if is_big or fields[0] == b'$GPRMC':
                    f.write(line)
        return path

    def sizes(self, names):
        return [len(self.d.store.read(name)) for name in names]

    def test_split(self):
        """413: smaller objects are written instead, down to the size that fits, and nothing is parked"""
        self.record(60)
        before, n_requests = self.d.store.objects(), len(self.requests())
        self.d.store.restart(max_body_bytes=800)
        self.d.box.flush()
        self.check_stored()
        self.assertIn(413, [status for _, _, status in self.requests(n_requests)])
        written = set(self.d.store.objects()) - set(before)
        self.assertGreater(len(written), 3)
        self.assertLessEqual(max(self.sizes(written)), 800)

    def test_one_too_large(self):
        """413 at one record: it alone is parked, said once, and the cursor moves on to the next"""
        self.record(recording=self.big_among_small())
        big = max(len(gzip.compress(b'\x1e' + text + b'\n')) for name in self.d.store.objects()
                  for text in self.d.store.read_records(name))
        before, logged = self.d.store.objects(), len(self.d.box.log())
        self.d.store.restart(max_body_bytes=big - 30)
        self.d.box.flush()
        self.check_stored(parked=1)
        self.assertEqual(self.d.box.log()[logged:].count('parked'), 1)
        self.assertEqual(self.d.box.bus.get('Sync1', 'State'), 'idle')
        self.assertGreater(len(set(self.d.store.objects()) - set(before)), 1)
        self.record(5)
        self.check_heals(parked=1)

    def test_every_one_refused(self):
        """422: each record is parked alone and kept; those that follow are stored"""
        n = self.record(2)
        before = self.d.box.track()
        self.d.store.misbehave('PUT', 422)
        self.d.box.flush()
        after = self.d.box.track()
        self.assertEqual((after['parked'], after['stored'], after['pending']),
                         (before['parked'] + n, before['stored'], 0))
        self.record(5)
        self.check_heals(parked=n)
        self.assertEqual(self.d.box.track()['parked'], before['parked'] + n)


class NetworkTest(UplinkCase):
    """Connections that break, hang and crawl; a daemon that is restarted."""

    SETTINGS = {'Store': {'Interval': '1h', 'Timeout': '4s'}}  # under valgrind a handshake takes a second

    def hold_answer(self):
        """The next object reaches the store, and the answer does not reach the box: flush it, and give its name and
        bytes and the call."""
        objects = set(self.d.store.objects())
        self.assertEqual(len(self.d.proxy.connections), 1)
        self.d.proxy.hold_after_up_bytes = self.d.proxy.up_bytes + 300  # within the body
        pool = concurrent.futures.ThreadPoolExecutor()
        self.addCleanup(pool.shutdown)
        flush = pool.submit(self.d.box.flush)
        (name,) = self.d.wait(lambda: set(self.d.store.objects()) - objects, 'the object has arrived')
        return name, self.d.store.read(name), flush

    def check_same_object(self, name, data, objects_before):
        self.check_heals()
        self.assertEqual(set(self.d.store.objects()) - set(objects_before), {name})
        self.assertEqual(self.d.store.read(name), data)

    def test_cut_before_the_answer(self):
        """closed between the object's arrival and the answer: the repeated PUT is the same object"""
        self.connect()
        self.record(20)
        objects, n_requests = self.d.store.objects(), len(self.requests())
        name, data, flush = self.hold_answer()
        self.d.proxy.refuse()   # curl itself begins anew when a connection that it had used before is closed
        self.d.proxy.cut()
        self.assertRegex(str(flush.exception()), 'closed the connection|Cannot connect')
        self.check_same_object(name, data, objects)
        self.assertEqual([r[1].lstrip('/') for r in self.requests(n_requests)], [name] * 2)

    def test_killed_before_the_answer(self):
        """SIGKILL between intent and acknowledgement: the same object after the next start"""
        self.connect()
        self.record(20)
        objects = self.d.store.objects()
        name, data, flush = self.hold_answer()
        self.d.box.kill()
        self.assertIsInstance(flush.exception(), CallError)
        self.check_same_object(name, data, objects)

    def test_stopped_before_the_answer(self):
        """SIGTERM between intent and acknowledgement: the flush is told, and the same object after the next start"""
        self.connect()
        self.record(20)
        objects = self.d.store.objects()
        name, data, flush = self.hold_answer()
        self.assertEqual(self.d.box.stop(), 0)
        self.assertRegex(str(flush.exception()), 'stop')
        self.check_same_object(name, data, objects)

    def test_cut_in_the_body(self):
        """reset within the body, or within the handshake: waiting, nothing stored"""
        self.connect()
        self.record(120)
        for cut_after in (self.d.proxy.up_bytes + 1000, 300):
            self.d.proxy.cut_up_after = cut_after
            self.check_refused('closed the connection|No TLS connection', 'waiting')
            self.d.proxy.heal()
        self.check_heals()

    def test_nobody_listens(self):
        """nobody listens: waiting; the end of it is said once, too"""
        self.record()
        self.d.proxy.cut()
        self.d.proxy.refuse()
        logged = len(self.d.box.log())
        self.check_refused('Cannot connect to localhost: Connection refused', 'waiting')
        self.check_heals()
        self.assertEqual(self.d.box.log()[logged:].count('The store answers again.'), 1)

    def test_hanging(self):
        """accepted and never answered: fixes are recorded and the bus answers meanwhile; waiting in the end"""
        self.record()
        self.d.proxy.cut()
        self.d.proxy.is_hanging = True
        with concurrent.futures.ThreadPoolExecutor() as pool:
            flush = pool.submit(self.d.box.flush)
            self.d.box.until('Sync1', 'State', lambda state: state == 'sending')
            self.record()
            begin = time.monotonic()
            self.d.box.track()
            self.assertLess(time.monotonic() - begin, 1)
            self.assertEqual(self.d.box.bus.get('Sync1', 'State'), 'sending', 'control: it hangs still')
            self.assertRegex(str(flush.exception()), 'did not answer in time')
        self.assertEqual(self.d.box.bus.get('Sync1', 'State'), 'waiting')
        self.check_heals()

    def test_slow(self):
        """a link that crawls: sent or waiting, nothing lost"""
        self.record(60)
        self.d.proxy.cut()
        self.d.proxy.up_bytes_per_second = 1000
        try:
            self.d.box.flush()
        except CallError:
            self.d.box.until('Sync1', 'State', lambda state: state == 'waiting')
        self.check_heals()


class FlushTest(UplinkCase):
    """Sync1.Flush as its contract says."""

    def error_name(self):
        done = subprocess.run(['dbus-send', '--bus=' + self.d.box.bus.address, '--print-reply', '--dest=org.trailkeep',
                               '/org/trailkeep', 'org.trailkeep.Sync1.Flush'],
                              capture_output=True, text=True, check=False, timeout=30)
        return done.stderr.split(':')[0]

    def test_not_sent(self):
        """NotSent when the store did not take it"""
        self.record()
        self.d.store.misbehave('PUT', 403)
        self.assertEqual(self.error_name(), 'Error org.trailkeep.Error.NotSent')
        self.check_heals()

    def test_no_store(self):
        """NoStore when none is configured; what is recorded waits, and is sent once there is one"""
        self.restart_box({'Url': ''})
        self.assertEqual(self.d.box.bus.get('Sync1', 'State'), 'off')
        self.assertEqual(self.error_name(), 'Error org.trailkeep.Error.NoStore')
        self.record()
        self.assertEqual(self.d.box.bus.get('Sync1', 'LastError'), '')
        self.check_heals()

    def test_two_at_once(self):
        """two callers at once are both told when all is stored"""
        self.connect()
        self.record()
        n_requests = len(self.requests())
        self.d.proxy.hold_after_up_bytes = 0
        with concurrent.futures.ThreadPoolExecutor() as pool:
            first, second = pool.submit(self.d.box.flush), pool.submit(self.d.box.flush)
            self.d.wait(lambda: self.requests(n_requests), 'the object has arrived')
            self.assertFalse(first.done() or second.done())
            self.d.proxy.hold_after_up_bytes = None
            self.assertIsNone(first.result())
            self.assertIsNone(second.result())
        self.check_stored()


if __name__ == '__main__':
    tap.main()
