#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every recording goes through a real gpsd; collect must have seen what a plain client has seen.

The recordings are those of the folder in GNSS_RECORDINGS, or one of each kind that tools/make-drive makes.
"""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

from peers import gpsd, tap, tpv

DUMP = os.environ['TRAILKEEP_GNSS_DUMP']
FOLDER = os.environ.get('GNSS_RECORDINGS', '')
MAKE_DRIVE = os.path.join(os.environ['TRAILKEEP_SOURCE'], 'tools/make-drive')
KINDS = ('drive', 'parked', 'nofix', 'coldstart', 'garbage', 'rollover')
KINDS_WITHOUT_FIX = ('nofix',)
PAUSE = 0.002  # gpsd drops a client that lags by more than the kernel keeps


class Dump:
    """gnss-dump, attached to a gpsd. `wait` gives its fixes when gpsd has ended."""

    def __init__(self, port):
        self.log = []
        self.out = tempfile.TemporaryFile('w+', encoding='utf-8')
        self.process = subprocess.Popen([DUMP, f'127.0.0.1:{port}'], stdout=self.out, stderr=subprocess.PIPE, text=True)

    def await_watching(self):
        for line in self.process.stderr:
            self.log.append(line.strip())
            if self.log[-1] == 'watching':
                return
        raise AssertionError(f'gnss-dump ended: {self.log}')

    def wait(self):
        self.log += [line.strip() for line in self.process.stderr]
        self.process.stderr.close()
        code = self.process.wait()
        self.out.seek(0)
        text = self.out.read()
        self.out.close()
        if code != 0:
            raise AssertionError(f'gnss-dump ended with {code}: {self.log}')
        return tpv.fixes_of_lines(text)


def replay(path, source_class):
    """Returns (what the plain client saw, what gnss-dump printed, its log)."""
    with source_class() as source, gpsd.Gpsd(source.path) as daemon:
        dump = Dump(daemon.port)
        try:
            with gpsd.Client(daemon.port) as client:
                dump.await_watching()
                client.sync()
                gpsd.feed(source, path, PAUSE)
                gpsd.settle(source, client)
                daemon.stop()
                return tpv.fixes_of_gpsd(client.objects), dump.wait(), dump.log
        finally:
            if dump.process.poll() is None:
                dump.process.kill()
                dump.process.wait()


def has_fix_by_check_file(path):
    """Whether a current gpsd finds a fix, by the .chk beside the recording."""
    with open(path + '.chk', encoding='utf-8', errors='replace') as f:
        objects = [json.loads(line) for line in f if line.startswith('{')]
    return any(o.get('class') == 'TPV' and o['mode'] >= 2 for o in objects)


class RecordingsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='tk-gnss-')
        cls.source_class = gpsd.best_source()

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def check(self, path, has_fix, source_class=None):
        seen, dumped, log = replay(path, source_class or self.source_class)
        missing, surplus = tpv.difference(seen, dumped)
        self.assertEqual((missing, surplus), ([], []))
        self.assertEqual(bool(dumped), has_fix, 'whether there is a fix at all')
        self.assertNotIn('error', ' '.join(log))
        troubles = [line for line in log if line.startswith('trouble')]
        self.assertEqual(len(troubles), 1)
        self.assertRegex(troubles[0], r'^trouble: gpsd at 127\.0\.0\.1:[0-9]+ closed the connection$')
        return dumped

    def make(self, kind, *args):
        path = os.path.join(self.folder, kind + '.log')
        with open(path, 'wb') as f:
            subprocess.run([MAKE_DRIVE, '--kind', kind, '--start', '2026-11-23T17:33:23Z', *args], stdout=f, check=True)
        return path

    def test_both_kinds_of_source(self):
        """the same drive over a TCP source and over the one used here"""
        path = self.make('drive', '--seconds', '60')
        by_default = self.check(path, True)
        by_tcp = self.check(path, True, gpsd.Tcp)
        for fix in by_default + by_tcp:
            del fix['device']
        self.assertEqual(tpv.difference(by_default, by_tcp), ([], []))

    def test_generated_drive_is_what_was_meant(self):
        """a generated drive has its places, its tunnel and a believable speed"""
        fixes = [fix for fix in self.check(self.make('drive'), True) if 'time' in fix]
        seconds = sorted({fix['time'] // 1000 for fix in fixes})
        self.assertEqual(len(seconds), 160)
        self.assertEqual(max(b - a for a, b in zip(seconds, seconds[1:])), 21)
        self.assertTrue(10 < max(fix.get('speed', 0) for fix in fixes) < 15)
        self.assertGreater(len({fix['time'] for fix in fixes if 'uSat' in fix}), 150)


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
