# SPDX-License-Identifier: LGPL-2.1-or-later
"""A block device of its own to measure on, so that nobody else's writes are counted.

With root it is a loop device over a file that was written from end to end before, with ext4 on it; its counters in
sysfs (Documentation/block/stat.rst) tell what reached the device: ext4's own journal and each flush included. Without
root it is a plain folder, and the nearest there is are the bytes that proc(5) counts for a process (write_bytes), which
know nothing of ext4's journal.
"""
import os
import shutil
import subprocess
import tempfile

IMAGE_MIB = 1536
SECTOR = 512


class Device:
    """A folder to work in, and what was written there. In a with statement."""

    def __init__(self, below, image_mib=IMAGE_MIB):
        self.is_loop = os.geteuid() == 0
        self.folder = tempfile.mkdtemp(prefix='trailkeep-bench-', dir=below)
        self.image = os.path.join(self.folder, 'image')
        self.image_mib = image_mib
        self.loop = None

    def __enter__(self):
        self.path = os.path.join(self.folder, 'mnt')
        os.mkdir(self.path)
        try:
            if self.is_loop:
                self.make_loop()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.loop:
            subprocess.run(['umount', '-q', self.path], check=False)
            subprocess.run(['losetup', '-d', self.loop], check=False)
        shutil.rmtree(self.folder)

    def make_loop(self):
        block = bytes(1 << 20)
        with open(self.image, 'wb') as image:  # no hole and nothing unwritten, or the file below would be measured
            for _ in range(self.image_mib):
                image.write(block)
            os.fsync(image.fileno())
        made = subprocess.run(['losetup', '--find', '--show', '--direct-io=on', self.image], capture_output=True,
                              text=True, check=True)
        self.loop = made.stdout.strip()
        subprocess.run(['mkfs.ext4', '-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', self.loop], check=True)
        subprocess.run(['mount', '-o', 'noatime', self.loop, self.path], check=True)

    def counters(self, pid):
        """Bytes written and flushes up to now; the device is brought up to date first."""
        if not self.is_loop:
            with open(f'/proc/{pid}/io', encoding='ascii') as f:
                return int(dict(line.split(': ') for line in f)['write_bytes']), None
        subprocess.run(['sync', '-f', self.path], check=True)
        with open(f'/sys/block/{os.path.basename(self.loop)}/stat', encoding='ascii') as f:
            fields = [int(field) for field in f.read().split()]
        return fields[6] * SECTOR, fields[15]

    def describe(self):
        if self.is_loop:
            return f'ext4 on a loop device over a file of {self.image_mib} MiB (direct I/O), bytes and flushes of the ' \
                'device itself'
        return 'a plain folder, for want of root; bytes are write_bytes of proc(5), which leaves out the file system\'s own'
