#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every recording goes through a real gpsd and the whole daemon, filter off: what a plain client of gpsd has seen lies
in the store, no more and no less.

The recordings are those of the folder in GNSS_RECORDINGS, or one of each kind that tools/make-drive makes.
"""
import collections
import datetime
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import uuid

from peers import gpsd, tap, tpv
from peers.drive import MAKE_DRIVE, Drive
from peers.store import Store

FOLDER = os.environ.get('GNSS_RECORDINGS', '')
BELIEVED_FROM_MS = int(os.environ['TRAILKEEP_RELEASE_DATE']) * 1000
BELIEVED_BEFORE_MS = BELIEVED_FROM_MS + 20 * 365 * 86400 * 1000
KINDS = ('parked', 'nofix', 'coldstart', 'garbage', 'rollover')
KINDS_WITHOUT_FIX = ('nofix',)
START = '2026-11-23T17:33:23Z'
PAUSE = 0.002  # gpsd drops a client that lags by more than the kernel keeps
SETTINGS = {'Device': {'LogLevel': 'warning'}, 'Store': {'Interval': '1h', 'ObjectRecords': '100'}}
DATED = re.compile(r'tracks/(\d{4}/\d\d/\d\d)/([0-9a-f-]{36})\.geojsons\.gz')
UNDATED = re.compile(r'tracks/undated/[0-9a-f]{16}-([0-9a-f-]{36})\.geojsons\.gz')


def is_believable(fix):
    return BELIEVED_FROM_MS <= fix.get('time', 0) < BELIEVED_BEFORE_MS


def has_fix_by_check_file(path):
    """Whether a current gpsd finds a fix, by the .chk beside the recording."""
    with open(path + '.chk', encoding='utf-8', errors='replace') as f:
        objects = [json.loads(line) for line in f if line.startswith('{')]
    return any(o.get('class') == 'TPV' and o['mode'] >= 2 for o in objects)


class RecordingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='tk-recordings-')
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.store = cls.enterClassContext(Store(cls.folder))
        cls.source = gpsd.best_source()

    def make(self, kind, start=START):
        path = os.path.join(self.folder, kind + '.log')
        with open(path, 'wb') as f:
            subprocess.run([MAKE_DRIVE, '--kind', kind, '--start', start], stdout=f, check=True)
        return path

    def check(self, path, has_fix, source=None):
        """Replay it through a box of its own. Gives what lies in the store: [(name, [fix])] of each object."""
        with Drive(SETTINGS, source=source or self.source, store=self.store) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(path, PAUSE)
            d.box.flush()
            seen = tpv.fixes_of_gpsd(d.client.objects)
            objects, ids = self.read_objects(d.box.bus.call('Device1', 'GetInstallation')[0])
            self.assertEqual(tpv.difference(seen, [fix for _, fixes in objects for fix in fixes]), ([], []))
            self.assertEqual(bool(objects), has_fix, 'whether there is a fix at all')
            self.assertEqual([i for i, n in collections.Counter(ids).items() if n > 1], [])
            self.assertEqual(d.box.bus.get('Device1', 'LastErrors'), {})
            n = len(seen)
            counters = d.box.track()
            self.assertEqual([counters[k] for k in ('recorded', 'stored', 'pending', 'parked')], [n, n, 0, 0])
            self.assertEqual(d.box.stop(), 0)
            # A receiver that lives in another year than the store does is named, as it should be.
            said = [line for line in d.box.log().splitlines() if "The time of source 'gnss' contradicts" not in line]
            self.assertEqual(said, [], 'a line at warning or above')
        for name, fixes in objects:
            self.check_name(name, fixes)
        if objects:
            self.check_by_gdal(*objects[0])
        return objects

    def read_objects(self, installation):
        objects, ids = [], []
        for name in self.store.objects():
            if name.startswith(installation + '/'):
                objects.append((name, tpv.fixes_of_sequence(self.store.read(name))))
                ids += [json.loads(text)['id'] for text in self.store.read_records(name)]
        self.assertEqual(len(ids), sum(len(fixes) for _, fixes in objects))
        return objects, ids

    def check_name(self, name, fixes):
        """The day folder and the UUIDv7 are of the first believable time; without one it is undated and a UUIDv4."""
        name = name.split('/', 1)[1]
        time_ms = next((fix['time'] for fix in fixes if is_believable(fix)), None)
        if time_ms is None:
            self.assertEqual(uuid.UUID(UNDATED.fullmatch(name)[1]).version, 4, name)
            return
        day, name_id = DATED.fullmatch(name).groups()
        self.assertEqual(day, f'{datetime.datetime.fromtimestamp(time_ms / 1000, datetime.timezone.utc):%Y/%m/%d}')
        self.assertEqual(uuid.UUID(name_id).version, 7)
        self.assertEqual(uuid.UUID(name_id).int >> 80, time_ms)

    def check_by_gdal(self, name, fixes):
        """GDAL opens it as it lies in the store and finds every record."""
        done = subprocess.run(['ogrinfo', '-ro', '-al', '-so', '/vsigzip/' + self.store.path('objects', name)],
                              env={**os.environ, 'CPL_VSIL_GZIP_WRITE_PROPERTIES': 'NO'}, capture_output=True,
                              text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("using driver `GeoJSONSeq' successful", done.stdout)
        self.assertIn(f'Feature Count: {len(fixes)}\n', done.stdout)

    def test_drive_over_both_kinds_of_source(self):
        """generated: drive; the same over a TCP source and over the one used here, with its places, tunnel and speed"""
        path = self.make('drive')
        by_default = [fix for _, fixes in self.check(path, True) for fix in fixes]
        by_tcp = [fix for _, fixes in self.check(path, True, gpsd.Tcp) for fix in fixes]
        for fix in by_default + by_tcp:
            del fix['device']
        self.assertEqual(tpv.difference(by_default, by_tcp), ([], []))
        seconds = sorted({fix['time'] // 1000 for fix in by_default if 'time' in fix})
        self.assertEqual(len(seconds), 160)
        self.assertEqual(max(b - a for a, b in zip(seconds, seconds[1:])), 21)
        self.assertTrue(10 < max(fix.get('speed', 0) for fix in by_default) < 15)
        self.assertGreater(len({fix['time'] for fix in by_default if 'uSat' in fix}), 150)

    def test_undated(self):
        """generated: a drive before this release was made is undated"""
        names = [name.split('/', 2)[2] for name, _ in self.check(self.make('drive', '2020-01-01T12:00:00Z'), True)]
        self.assertTrue(all(name.startswith('undated/') for name in names), names)


def add_tests():
    """One test for each recording."""
    def add(name, doc, run):
        run.__doc__ = doc
        setattr(RecordingsTest, 'test_recording_' + name.replace('-', '_'), run)

    if FOLDER:
        for name in sorted(n for n in os.listdir(FOLDER) if n.endswith('.log')):
            path = os.path.join(FOLDER, name)
            add(name[:-4], f'recording {name}', lambda self, path=path: self.check(path, has_fix_by_check_file(path)))
        return
    for kind in KINDS:
        add(kind, f'generated: {kind}',
            lambda self, kind=kind: self.check(self.make(kind), kind not in KINDS_WITHOUT_FIX))


if __name__ == '__main__':
    add_tests()
    tap.main()
