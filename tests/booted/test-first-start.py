#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""From an installed package to a running service: what is refused, what --init makes, and for whom."""
import os
import pwd
import shutil
import stat
import unittest

from machine import CONFIG_DIR, DEVICE_KEY, SECRET, STATE_DIR, UNIT, USER, Installed, add_user, must, run
from peers import tap

CREDENTIAL = 'trailkeep.root-secret'
CREDSTORE = '/etc/credstore'
VAULTED = '/srv/vaulted-secret'
EXIT_CONFIG = '78'


class FirstStartTest(unittest.TestCase):
    def assert_owner(self, path, mode, user):
        st = os.stat(path)
        self.assertEqual((oct(stat.S_IMODE(st.st_mode)), pwd.getpwuid(st.st_uid).pw_name), (oct(mode), user), path)

    def assert_given_up(self, box):
        """It has ended with EX_CONFIG and systemd leaves it at that."""
        self.assertNotEqual(run('systemctl', 'start', UNIT).returncode, 0)
        self.assertEqual(box.show('ActiveState', 'SubState', 'ExecMainStatus', 'NRestarts'),
                         ['failed', 'failed', EXIT_CONFIG, '0'])

    def test_refused_before_init(self):
        """without secrets it is refused with exit code 78, once, and the log says what to do"""
        with Installed() as box:
            self.assert_given_up(box)
            self.assertIn('trailkeepd --init', box.log())

    def test_wrong_configuration(self):
        """a wrong configuration ends it with 78, once, and the log names file and line"""
        with Installed() as box:
            box.init()
            box.configure({'Store': {'Url': 'http://plain.example.org'}})
            self.assert_given_up(box)
            self.assertIn('test.conf:2', box.log())

    def test_owners(self):
        """--init by root gives the secrets to the service, mode 0400; it can read them and not replace them"""
        with Installed() as box:
            box.init()
            for path in (SECRET, DEVICE_KEY):
                self.assert_owner(path, 0o400, USER)
                self.assertEqual(run('cat', path, user=USER).returncode, 0)
                self.assertNotEqual(run('cat', path, user=add_user('stranger')).returncode, 0)
                self.assertNotEqual(run('rm', '-f', path, user=USER).returncode, 0)
            self.assert_owner(CONFIG_DIR, 0o755, 'root')
            self.assert_owner(STATE_DIR, 0o700, USER)

    def test_init_twice(self):
        """--init again changes nothing"""
        def contents():
            return [(must('sha256sum', path), os.stat(path).st_mtime_ns) for path in (SECRET, DEVICE_KEY)]
        with Installed() as box:
            box.init()
            before = contents()
            self.assertIn('there already', box.init())
            self.assertEqual(contents(), before)

    def test_ready(self):
        """systemctl start returns when it is ready, and what it makes is nobody else's"""
        with Installed() as box:
            box.init()
            box.start()
            self.assertEqual(box.show('Type', 'ActiveState', 'StatusText', 'User'),
                             ['notify', 'active', 'Running.', USER])
            self.assertEqual(box.bus.get('Device1', 'State'), 'running')
            self.assert_owner(STATE_DIR, 0o700, USER)
            for name in os.listdir(STATE_DIR):
                self.assert_owner(os.path.join(STATE_DIR, name), 0o600, USER)

    def start_by_credential(self, put_away, *lines):
        """Grant with the secret in its file, put that away, and start by what the lines say: it is the same secret."""
        with Installed() as box:
            box.init()
            box.start()
            box.grant()
            self.assertTrue(box.stop())
            put_away()
            os.unlink(SECRET)
            self.assert_given_up(box)
            box.drop_in('credential', *lines)
            box.start()
            self.assertTrue(box.is_granted())
            self.assertFalse(os.path.exists(SECRET))

    def test_credential(self):
        """with LoadCredential= it needs no file: the secret is root's alone"""
        def put_away():
            shutil.copyfile(SECRET, VAULTED)
            os.chmod(VAULTED, 0o400)
        self.start_by_credential(put_away, f'LoadCredential={CREDENTIAL}:{VAULTED}')
        self.assert_owner(VAULTED, 0o400, 'root')
        os.unlink(VAULTED)

    def test_encrypted_credential(self):
        """with LoadCredentialEncrypted=, as trailkeepd(8) says, the secret is nowhere in the clear"""
        def put_away():
            must('systemd-creds', 'encrypt', '--with-key=host', f'--name={CREDENTIAL}', SECRET, VAULTED)
        self.start_by_credential(put_away, f'LoadCredentialEncrypted={CREDENTIAL}:{VAULTED}')
        os.unlink(VAULTED)

    def test_credstore(self):
        """a secret in the credential store of the system is found without a drop-in"""
        path = os.path.join(CREDSTORE, CREDENTIAL)
        os.makedirs(CREDSTORE, mode=0o700, exist_ok=True)
        with Installed() as box:
            box.init()
            shutil.move(SECRET, path)
            self.addCleanup(os.unlink, path)
            box.start()
            self.assertFalse(os.path.exists(SECRET))


if __name__ == '__main__':
    tap.main()
