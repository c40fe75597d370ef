#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trailkeepctl on the real daemon: every verb as a table and as JSON, its exit codes, and what monitor shows."""
import json
import os
import select
import signal
import subprocess
import time
import unittest

from peers import remnants, tap
from peers.box import TRAILKEEPCTL
from peers.uplink import UplinkCase

DONE, USAGE, ABSENT, INCOMPLETE = 0, 2, 3, 5
ENVIRONMENT = {**os.environ, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC'}


class Monitor:
    """trailkeepctl monitor, line by line, ended when the with-block ends."""

    def __init__(self, bus, *options):
        self.process = subprocess.Popen([TRAILKEEPCTL, '--bus=' + bus.address, *options, 'monitor'], env=ENVIRONMENT,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = []
        self.rest = b''
        self.process.stderr.readline()  # it watches from here on

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.communicate()

    def until(self, is_enough, seconds=20):
        """Read on until is_enough(lines); the lines so far."""
        deadline = time.monotonic() + seconds
        while not is_enough(self.lines):
            if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError(f'not within {seconds} s; seen so far: {self.lines}')
            data = os.read(self.process.stdout.fileno(), 1 << 16)
            if not data:
                raise RuntimeError('it ended')
            *lines, self.rest = (self.rest + data).split(b'\n')
            self.lines += [line.decode() for line in lines]
        return self.lines


class ControlCase(UplinkCase):
    def ctl(self, *args, code=DONE, bus=None):
        """What it printed; on standard error too when that is not empty for a reason."""
        done = subprocess.run([TRAILKEEPCTL, '--bus=' + (bus or self.d.box.bus.address), *args], env=ENVIRONMENT,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertEqual(done.stderr != '', code != DONE, done.stderr)
        return done.stdout if code in (DONE, INCOMPLETE) else done.stderr

    def json(self, *args, code=DONE):
        return json.loads(self.ctl('--json', *args, code=code))

    def last_fix(self):
        return self.d.fixes()[-1]


class ShowTest(ControlCase):
    """What only shows or sends."""

    def test_status(self):
        """status, with --fix and without"""
        self.record()
        pending = self.d.box.track()['pending']
        fix = self.last_fix()
        out = self.ctl('status')
        self.assertRegex(out, 'running')
        self.assertRegex(out, rf'track +\d+ +{pending} ')
        self.assertEqual(remnants_in(out, self.d), [])
        self.assertIn(f"{fix['lat']:.7f}, {fix['lon']:.7f}", self.ctl('status', '--fix'))
        document = self.json('status')
        self.assertEqual(document['device']['Lanes'], self.d.box.lanes())
        self.assertEqual(document['sync']['State'], 'idle')
        self.assertEqual([c['purpose'] for c in document['consents'] if c['granted']], ['location'])
        self.assertNotIn('fix', document)
        shown = self.json('status', '--fix')['fix']
        self.assertEqual((shown['lat'], shown['lon'], shown['mode']), (fix['lat'], fix['lon'], fix['mode']))

    def test_consent_list(self):
        """consent list"""
        self.assertRegex(self.ctl('consent', 'list'), r'location +granted')
        consents = {c['purpose']: c['granted'] for c in self.json('consent', 'list')}
        self.assertEqual(len(consents), 10)
        self.assertEqual([purpose for purpose, is_granted in consents.items() if is_granted], ['location'])

    def test_summary(self):
        """data summary"""
        n = self.record()
        self.assertIn('location', self.ctl('data', 'summary'))
        location = self.json('data', 'summary')['location']
        self.assertGreaterEqual(location['records'], n)
        self.assertEqual(location['objects-stored'], len(self.d.store.objects()))

    def test_sync(self):
        """sync now and sync status"""
        self.assertRegex(self.ctl('sync', 'status'), 'idle')
        self.record()
        self.assertIn('Nothing is pending', self.ctl('sync', 'now'))
        self.check_stored()
        self.record()
        document = self.json('sync', 'now')
        self.assertEqual((document['sync']['State'], document['Lanes']), ('idle', self.d.box.lanes()))
        self.assertEqual(self.json('sync', 'status')['sync'], document['sync'])
        self.check_stored()

    def test_held(self):
        """a store that refuses: status says so, sync now exits 5 with the reason, with --json too"""
        self.record()
        self.d.store.misbehave('PUT', 403)
        self.ctl('sync', 'now', code=INCOMPLETE)
        self.assertRegex(self.ctl('sync', 'status'), r'The store answered 403.*\.')
        self.assertRegex(self.ctl('status'), 'degraded')
        document = self.json('sync', 'now', code=INCOMPLETE)
        self.assertEqual(document['sync']['LastError'], self.d.box.bus.get('Sync1', 'LastError'))
        self.assertGreater(document['Lanes']['track']['pending'], 0)
        self.check_heals()

    def test_no_consent(self):
        """status --fix without consent exits 5"""
        self.d.box.withdraw(keep=True)
        try:
            self.ctl('status', '--fix', code=INCOMPLETE)
            self.assertEqual(self.json('status')['device']['GnssState'], 'stopped')
        finally:
            self.d.grant_and_attach()

    def test_absent(self):
        """without the daemon or without the bus: 3; a command line that is wrong: 2"""
        self.stop_box()
        for verb in (['status'], ['consent', 'list'], ['data', 'summary'], ['sync', 'now'], ['sync', 'status'],
                     ['consent', 'withdraw', 'location'], ['data', 'erase', '--yes']):
            self.assertIn('trailkeepd', self.ctl(*verb, code=ABSENT))
        self.ctl('status', code=ABSENT, bus='unix:path=' + os.path.join(self.d.folder, 'nowhere'))
        self.assertIn('status', self.ctl('statsu', code=USAGE))

    def test_monitor(self):
        """monitor shows consent, sending and recording as it happens, and never a coordinate"""
        with Monitor(self.d.box.bus, '--json') as events, Monitor(self.d.box.bus) as table:
            self.ctl('consent', 'withdraw', 'location')
            self.ctl('consent', 'grant', 'location')
            self.d.attach()
            self.record()
            self.d.box.flush()
            lanes = self.d.box.lanes()
            self.stop_box()
            lines = events.until(lambda lines: any('"running"' in line for line in lines))
            text = '\n'.join(table.until(lambda lines: any('stopped' in line for line in lines)))
        seen = [json.loads(line) for line in lines]
        self.assertEqual([(e['purpose'], e['granted']) for e in seen if e['signal'] == 'Changed'],
                         [('location', False), ('location', True)])
        changes = [(e['interface'].rsplit('.', 1)[1], name, value) for e in seen if e['signal'] == 'PropertiesChanged'
                   for name, value in e['properties'].items()]
        self.assertEqual([value for interface, name, value in changes if (interface, name) == ('Sync1', 'State')][-2:],
                         ['sending', 'idle'])
        self.assertEqual([value for _, name, value in changes if name == 'Lanes'][-1], lanes)
        self.assertEqual(lanes['track']['pending'], 0)
        self.assertIn('watching', [value for _, name, value in changes if name == 'GnssState'])
        for said in ('location withdrawn', 'location granted', 'recorded'):
            self.assertIn(said, text)
        self.assertEqual(remnants_in('\n'.join(lines) + text, self.d), [])


class DeedTest(ControlCase):
    """What takes something away."""

    def check_stored(self, parked=0):
        pass  # here much is erased

    def test_withdraw(self):
        """consent withdraw and grant, with --keep and without; the receipt tells apart what is in the store"""
        self.record()
        self.d.box.flush()
        self.assertIn('kept', self.ctl('consent', 'withdraw', '--keep', 'location'))
        (outcome,) = self.json('consent', 'grant', 'location')
        self.assertEqual(outcome, {'purpose': 'location', 'granted': True})
        self.d.attach()
        n = self.record(5)
        (outcome,) = self.json('consent', 'withdraw', 'location')
        self.assertEqual((outcome['granted'], outcome['kept'], outcome['records']), (False, False, n))
        self.assertGreater(outcome['copies'], 0)
        self.assertIn('granted', self.ctl('consent', 'grant', 'location'))
        self.d.attach()
        self.record(5)
        out = self.ctl('consent', 'withdraw', 'location')
        self.assertRegex(out, r'(?s)withdrawn.*were destroyed')
        self.d.grant_and_attach()

    def test_erase(self):
        """data erase --wait ends when the store has deleted it all; without --yes nothing happens"""
        self.record()
        self.d.box.flush()
        self.ctl('data', 'erase', code=USAGE)
        n_objects = len(self.d.store.objects())
        self.assertGreater(n_objects, 0)
        out = self.ctl('data', 'erase', '--yes', '--wait')
        self.assertEqual(self.d.store.objects(), [])
        self.assertRegex(out, f'{n_objects} objects? (was|were) deleted in the store')
        self.assertRegex(self.ctl('data', 'erasures'), f'{n_objects}/{n_objects}')
        self.record()
        self.d.box.flush()
        document = self.json('data', 'erase', '--yes', '--wait', '--purpose=location')
        self.assertEqual((document['Purposes'], document['ObjectsToDelete'], document['ObjectsDeleted']),
                         (['location'], 1, 1))
        self.assertEqual(self.json('data', 'erasures')[-1]['erasure'], document['erasure'])
        self.assertEqual(self.d.store.objects(), [])

    def test_erase_refused(self):
        """data erase --wait exits 5 when the store refuses to delete; it is deleted later"""
        self.record()
        self.d.box.flush()
        self.d.store.misbehave('DELETE', 403)
        document = self.json('data', 'erase', '--yes', '--wait', code=INCOMPLETE)
        self.assertGreater(document['ObjectsToDelete'], document['ObjectsDeleted'])
        self.assertTrue(self.d.store.objects())
        self.d.store.behave()
        self.d.box.flush()
        self.assertEqual(self.d.store.objects(), [])


def remnants_in(text, d):
    """Which forms of the drive's positions a text has."""
    return sorted(needle for needle in remnants.needles(d.positions()) if needle in text.encode())


if __name__ == '__main__':
    tap.main()
