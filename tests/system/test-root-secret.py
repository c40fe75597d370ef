#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""trailkeepd --replace-root-secret: whatever comes in between, the box starts with the secrets that are there."""
import os
import random
import shutil
import stat
import subprocess
import time
import unittest

from peers import tap
from peers.box import TRAILKEEPD, Box

DONE, FAILED, SETUP = 0, 1, 78
NOT_FINISHED = 'replacement of the root secret is not finished'
NOBODY = 65534


def content(path):
    with open(path, 'rb') as f:
        return f.read()


class RootSecretTest(unittest.TestCase):
    def used_box(self):
        box = self.enterContext(Box()).init().start()
        box.grant()
        self.assertEqual(box.stop(), 0)
        self.root = box.settings['Device']['RootSecretFile']
        self.next = self.root + '.new'
        return box

    def replace(self, box, code=DONE):
        actual, said = box.run('--replace-root-secret')
        self.assertEqual(actual, code, said)
        return said

    def check_starts(self, box, is_finished=True):
        """It starts with the consent it had, and says whether something is left to do."""
        before = len(box.log())
        box.start()
        consents = box.bus.call('Consent1', 'List')[0]
        self.assertTrue(any(c['purpose']['data'] == 'location' and c['granted']['data'] for c in consents))
        self.assertEqual(box.stop(), 0)
        self.assertEqual(NOT_FINISHED not in box.log()[before:], is_finished)

    def test_replaced(self):
        """the new secret takes the place of the old one, which opens nothing any more"""
        box = self.used_box()
        old = content(self.root)
        self.assertIn('The root secret was replaced', self.replace(box))
        self.assertFalse(os.path.exists(self.next))
        self.assertNotEqual(content(self.root), old)
        self.assertEqual(len(content(self.root)), 32)
        self.assertEqual(stat.S_IMODE(os.stat(self.root).st_mode), 0o400)
        self.check_starts(box)
        os.chmod(self.root, 0o600)
        with open(self.root, 'wb') as f:
            f.write(old)
        os.chmod(self.root, 0o400)
        code, said = box.run('--bus', box.bus.address)
        self.assertEqual(code, SETUP)
        self.assertIn('is not the one that', said)

    def test_interrupted_before_the_switch(self):
        """a next secret that is only made changes nothing, and is the one that is taken then"""
        box = self.used_box()
        shutil.copy(self.root, self.next)
        os.chmod(self.next, 0o600)
        with open(self.next, 'wb') as f:
            f.write(b'n' * 32)
        os.chmod(self.next, 0o400)
        self.check_starts(box)
        self.replace(box)
        self.assertEqual(content(self.root), b'n' * 32)
        self.check_starts(box)

    def test_interrupted_after_the_switch(self):
        """with the vault switched and the files not, the box starts and says so; again, and it is finished"""
        box = self.used_box()
        shutil.copy2(self.root, self.root + '.kept')
        self.replace(box)
        os.rename(self.root, self.next)
        os.rename(self.root + '.kept', self.root)
        self.check_starts(box, is_finished=False)
        new = content(self.next)
        self.replace(box)
        self.assertEqual(content(self.root), new)
        self.assertFalse(os.path.exists(self.next))
        self.check_starts(box)

    def test_killed_at_any_moment(self):
        """it is killed at 25 random moments: each time the box starts, and in the end it is finished"""
        box = self.used_box()
        began = time.monotonic()
        self.replace(box)
        takes = time.monotonic() - began
        random.seed(20261124)
        for _ in range(25):
            process = subprocess.Popen([TRAILKEEPD, '--config', box.config, '--replace-root-secret'],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(random.uniform(0, takes))  # nothing is waited for: any moment will do
            process.kill()
            process.wait()
            box.start()
            self.assertEqual(box.stop(), 0)
        self.replace(box)
        self.check_starts(box)

    def test_place_that_cannot_be_taken(self):
        """where the file cannot be renamed it says what holds now and what to do, and the box starts"""
        if os.geteuid() != 0:
            self.skipTest('needs root, to mount something over the file')
        box = self.used_box()
        script = 'mount --bind "$1" "$1" && shift && exec "$@"'
        done = subprocess.run(['unshare', '-m', 'sh', '-c', script, 'sh', self.root, TRAILKEEPD, '--config', box.config,
                               '--replace-root-secret'], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, FAILED, done.stdout + done.stderr)
        self.assertRegex(done.stderr, 'lies under the next root secret now.*run this again')
        self.check_starts(box, is_finished=False)
        self.replace(box)
        self.check_starts(box)

    def test_daemon_running(self):
        """with the daemon running nothing is changed, and it is said to be stopped first"""
        box = self.used_box()
        vault, root = content(os.path.join(box.state, 'vault.db')), content(self.root)
        box.start()
        self.assertIn('stop that one first', self.replace(box, FAILED))
        self.assertEqual(box.stop(), 0)
        self.assertEqual(content(self.root), root)
        self.assertEqual(len(content(os.path.join(box.state, 'vault.db'))), len(vault))
        self.check_starts(box)

    def test_never_started(self):
        """where nothing was recorded there is nothing to do"""
        box = self.enterContext(Box()).init()
        self.assertIn('nothing lies under the root secret', self.replace(box, FAILED))

    def test_credentials(self):
        """credentials are used where there are some; the last step is said, since nobody but systemd can do it"""
        box = self.used_box()
        credentials = os.path.join(box.folder, 'credentials')
        os.mkdir(credentials)
        present, following = (os.path.join(credentials, name) for name in
                              ('trailkeep.root-secret', 'trailkeep.root-secret.new'))
        shutil.move(self.root, present)
        with open(following, 'wb') as f:
            os.fchmod(f.fileno(), 0o400)
            f.write(b'c' * 32)
        box.environment['CREDENTIALS_DIRECTORY'] = credentials
        self.assertIn('as the credential trailkeep.root-secret', self.replace(box))
        self.check_starts(box, is_finished=False)
        os.replace(following, present)
        self.check_starts(box)

    def test_run_by_root(self):
        """run by root it leaves nothing that the daemon's user could not read"""
        if os.geteuid() != 0:
            self.skipTest('needs root, which is what it is about')
        box = self.used_box()
        for folder in box.state, os.path.dirname(self.root):
            for name in os.listdir(folder):
                os.chown(os.path.join(folder, name), NOBODY, NOBODY)
        os.chown(box.state, NOBODY, NOBODY)
        self.replace(box)
        for path in [self.root, *(os.path.join(box.state, name) for name in os.listdir(box.state))]:
            self.assertEqual(os.stat(path).st_uid, NOBODY, path)


if __name__ == '__main__':
    tap.main()
