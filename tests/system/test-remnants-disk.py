#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is left on the medium itself: the block image of an ext4 on a loop device, after an erasure and fstrim(8)."""
import os
import sqlite3
import subprocess
import tempfile
import time
import unittest

from peers import remnants, tap
from peers.drive import Drive

PLAIN = os.environ['TRAILKEEPD_PLAIN']
IMAGE_BYTES = 32 << 20


class Disk:
    """An ext4 with discard in a file; `image()` is what the medium holds."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix='tk-disk-')
        self.file, self.mount = os.path.join(self.folder, 'image'), os.path.join(self.folder, 'mount')

    def __enter__(self):
        os.mkdir(self.mount)
        with open(self.file, 'wb') as f:
            f.truncate(IMAGE_BYTES)
        subprocess.run(['mkfs.ext4', '-q', '-F', self.file], check=True, capture_output=True)
        subprocess.run(['mount', '-o', 'loop,discard', self.file, self.mount], check=True, capture_output=True)
        return self

    def __exit__(self, *_):
        subprocess.run(['umount', self.mount], check=True)
        os.unlink(self.file)
        os.rmdir(self.mount)
        os.rmdir(self.folder)

    def trim(self):
        os.sync()
        subprocess.run(['fstrim', self.mount], check=True, capture_output=True)

    def image(self):
        """All blocks that are not empty, one after the other."""
        os.sync()
        with open(self.file, 'rb') as f:
            return b''.join(block for block in iter(lambda: f.read(4096), b'') if block.strip(b'\0'))


def why_not():
    """A reason to skip, or None."""
    if os.geteuid() != 0:
        return 'needs root, to mount a file system'
    try:
        with Disk() as disk:
            disk.trim()
    except (OSError, subprocess.CalledProcessError) as e:
        said = getattr(e, 'stderr', None) or b''
        return f'no ext4 with discard can be mounted from a file here: {e} {said.decode(errors="replace").strip()}'
    return None


def secrets(state):
    """Wrapped keys of the parcels, in pieces, and the salt: of a box that is stopped."""
    with sqlite3.connect(f'file:{state}/vault.db?mode=ro', uri=True) as vault:
        keys = [row[0] for row in vault.execute('SELECT key FROM parcel WHERE fate <= 3')]
        salt, ledger_key = vault.execute('SELECT salt, ledger_key FROM vault').fetchone()
    vault.close()
    return [key[i:i + 12] for key in keys for i in range(0, 60, 12)], [salt[i:i + 8] for i in range(0, 32, 8)], ledger_key[:12]


class DiskTest(unittest.TestCase):
    reason = why_not()

    def setUp(self):
        if self.reason:
            self.skipTest(self.reason)

    def recorded(self, disk, program=None):
        """A drive whose records stay on the box; it is stopped."""
        d = self.enterContext(Drive({'Device': {'StateDirectory': os.path.join(disk.mount, 'state')}}, program=program))
        d.box.state = os.path.join(disk.mount, 'state')
        d.store.misbehave('PUT', 500)
        d.box.start()
        d.grant_and_attach()
        d.feed(d.generate(60))
        d.until_recorded(len(d.fixes()))
        self.assertEqual(d.box.stop(), 0)
        return d

    def erase(self, d, method):
        """Until nothing of it is left in the files either."""
        d.box.start()
        path = d.box.bus.call('Data1', method)[0]
        deadline = time.monotonic() + 60
        while not d.box.bus.get('Erasure1', 'Reclaimed', path=path):
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(d.box.stop(), 0)

    def test_erased(self):
        """no position, no key of a parcel and no salt is on the medium; before, keys and salt were found there"""
        with Disk() as disk:
            d = self.recorded(disk)
            keys, salt, ledger_key = secrets(d.box.state)
            image = disk.image()
            self.assertGreater(len(keys), 0)
            self.assertTrue(all(piece in image for piece in [*keys, *salt, ledger_key]), 'control: the search finds them')
            # Another start and stop without an erasure: nothing is rotated, and the salt is still found.
            d.box.start()
            self.assertEqual(d.box.stop(), 0)
            disk.trim()
            self.assertTrue(all(piece in disk.image() for piece in salt), 'control: without rotation the salt stays')
            self.erase(d, 'EraseEverything')
            disk.trim()
            image = disk.image()
            wanted = remnants.needles(d.positions())
            self.assertEqual([needle for needle in wanted if needle in image], [], 'positions')
            self.assertEqual([piece for piece in [*keys, *salt, ledger_key] if piece in image], [], 'keys and salt')

    def test_control(self):
        """control: with encryption off in a test build the positions are found on the medium"""
        with Disk() as disk:
            d = self.recorded(disk, PLAIN)
            image = disk.image()
            self.assertTrue([needle for needle in remnants.needles(d.positions()) if needle in image])


if __name__ == '__main__':
    tap.main()
