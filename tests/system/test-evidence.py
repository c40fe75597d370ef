#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The evidence of a box that runs, verified by trailkeepd and by a verifier of our own, made from the description alone
(the heads of evidence.c, evidence-link.c, evidence-key.c, ledger.c and parcel-digest.c)."""
import hashlib
import hmac
import os
import shutil
import sqlite3
import struct
import subprocess
import unittest

from peers import tap
from peers.box import TRAILKEEPCTL, TRAILKEEPD
from peers.drive import Drive

DONE, FAILED, SETUP = 0, 1, 78
START, END, LEDGER, ERASURE, KEYS, PARCEL, PRUNED = range(1, 8)
U64 = (1 << 64) - 1


def derive(key, label):
    """HKDF-SHA256 (RFC 5869) without a salt, 32 bytes."""
    prk = hmac.digest(bytes(32), key, 'sha256')
    return hmac.digest(prk, ('trailkeep evidence ' + label).encode() + b'\x01', 'sha256')


def numbers(*values):
    return struct.pack(f'<{len(values)}Q', *(value & U64 for value in values))


def verify(state, key_file):
    """{(kind, ref)} of the links that hold; an AssertionError where one does not."""
    with open(key_file, encoding='ascii') as f:
        head, installation, chain, first, key = (line.split()[1:] for line in f)
    assert head == ['1']
    installation, chain, key = bytes.fromhex(installation[0]), int(chain[0]), bytes.fromhex(key[0])
    held = set()
    with sqlite3.connect(f'file:{state}/vault.db?mode=ro', uri=True) as vault:
        for strand, name in (1, 'decisions'), (2, 'parcels'):
            now, before, seq = derive(key, name), bytes(32), int(first[strand - 1]) - 1
            for row in vault.execute('SELECT seq, kind, ref, n, digest, made_on_usec, clock, before, tag FROM evidence '
                                     'WHERE strand = ? AND chain = ? ORDER BY seq', (strand, chain)):
                seq, kind, ref, n, digest, made, clock, previous, tag = row
                packed = (b'tkevl1\0\0' + installation + numbers(chain, strand, seq, kind, ref, n) + digest +
                          numbers(made, clock) + before)
                assert previous == before, row
                assert tag == hmac.digest(derive(now, 'link'), packed, 'sha256'), row
                held.add((kind, ref))
                if kind == LEDGER:
                    assert vault.execute('SELECT hash FROM ledger WHERE seq = ?', (ref,)).fetchone()[0] == digest
                if kind == PARCEL:
                    check_records(state, vault, ref, n, digest)
                now, before = derive(now, 'next'), tag
            end = vault.execute('SELECT chain, first, seq, tag, seal FROM evidence_head WHERE strand = ?', (strand,)).fetchone()
            packed = b'tkevh1\0\0' + installation + numbers(chain, strand, int(first[strand - 1]), seq) + before
            assert end == (struct.pack('>Q', chain), struct.pack('>Q', int(first[strand - 1])), struct.pack('>Q', seq),
                           before, hmac.digest(derive(now, 'head'), packed, 'sha256'))
    return held


def check_records(state, vault, parcel, n, digest):
    """The records of a parcel that is there are those it was closed with."""
    if not vault.execute('SELECT id FROM parcel WHERE id = ? AND fate <= 3', (parcel,)).fetchone():
        return
    with sqlite3.connect(f'file:{state}/journal.db?mode=ro', uri=True) as journal:
        bodies = journal.execute('SELECT body FROM track WHERE id BETWEEN ? AND ? ORDER BY id',
                                 (parcel << 20, (parcel << 20) + (1 << 20) - 1)).fetchall()
    assert len(bodies) == n
    assert hashlib.sha256(b''.join(body[-16:] for body, in bodies)).digest() == digest


class EvidenceTest(unittest.TestCase):
    def history(self):
        """A drive, decisions and an erasure, after the auditor got the key; the box is stopped, and copied."""
        d = self.enterContext(Drive())
        d.store.misbehave('PUT', 500)  # so that the records stay
        self.key, self.copy = os.path.join(d.folder, 'key'), os.path.join(d.folder, 'copy')
        d.box.start()
        self.ctl(d, 'evidence', 'start', self.key)
        d.grant_and_attach()
        d.feed(d.generate(60))
        d.until_recorded(len(d.fixes()))
        self.assertEqual(d.box.stop(), DONE)
        d.box.start()
        d.box.grant('audio')
        d.box.withdraw('audio')
        self.ctl(d, 'key', 'rotate')
        self.assertEqual(d.box.stop(), DONE)
        shutil.copytree(d.box.state, self.copy)
        return d

    def ctl(self, d, *args):
        done = subprocess.run([TRAILKEEPCTL, '--bus', d.box.bus.address, *args], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, DONE, done.stdout + done.stderr)
        return done.stdout

    def verified(self, code, state=None, key=None):
        done = subprocess.run([TRAILKEEPD, '--verify-evidence', key or self.key, '--state', state or self.copy],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_holds(self):
        """without configuration or root secret, it says what holds, and a verifier made from the description agrees"""
        d = self.history()
        os.unlink(d.box.settings['Device']['RootSecretFile'])
        said = self.verified(DONE)
        self.assertRegex(said, r'(?s)Chain \d+, which goes on.*vouch for entries 2 to 5.*1 parcels have the records.*All of it')
        held = verify(self.copy, self.key)
        self.assertLessEqual({(LEDGER, 2), (LEDGER, 3), (LEDGER, 4), (LEDGER, 5), (PARCEL, 1)}, held)
        self.assertIn(KEYS, {kind for kind, _ in held})
        self.assertIn(ERASURE, {kind for kind, _ in held})

    def test_alterations(self):
        """an entry taken out, links cut off and a record exchanged are said, each with its number"""
        self.history()
        for database, sql, sentence in (
                ('vault.db', 'DROP TRIGGER ledger_keep_delete; DELETE FROM ledger WHERE seq = 4', 'entry 4 is missing'),
                ('vault.db', 'DELETE FROM evidence WHERE strand = 1 AND kind = 3 AND ref = 5', 'are missing'),
                ('journal.db', 'UPDATE track SET body = randomblob(100) WHERE id = 1 << 20', 'parcel 1 has')):
            attacked = self.copy + '-attacked'
            shutil.copytree(self.copy, attacked)
            with sqlite3.connect(os.path.join(attacked, database)) as db:
                db.executescript(sql)
            db.close()
            self.assertRegex(self.verified(FAILED, attacked), f'DOES NOT HOLD: .*{sentence}')
            with self.assertRaises((AssertionError, TypeError)):
                verify(attacked, self.key)
            shutil.rmtree(attacked)

    def test_running(self):
        """a box that runs is not verified, and a key that is none is refused"""
        d = self.history()
        d.box.start()
        self.assertIn('stop the daemon', self.verified(SETUP, d.box.state))
        with open(self.key + '-none', 'w', encoding='ascii') as f:
            f.write('key\n')
        self.assertIn('is no key of evidence', self.verified(SETUP, key=self.key + '-none'))

    def test_key_is_nowhere(self):
        """neither the first key nor a word of it is on the box or in its log"""
        d = self.history()
        with open(self.key, encoding='ascii') as f:
            text = f.read().split()[-1]
        for path in [d.box.log_path, *(os.path.join(d.box.state, name) for name in os.listdir(d.box.state))]:
            with open(path, 'rb') as f:
                content = f.read()
            self.assertNotIn(bytes.fromhex(text), content)
            self.assertNotIn(text.encode(), content)


if __name__ == '__main__':
    tap.main()
