#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Start and end of the daemon: what it refuses it refuses with a sentence that says what to do, and touches nothing."""
import os
import re
import shutil
import socket
import sqlite3
import stat
import tempfile
import time
import unittest

from peers import tap
from peers.box import Box
from peers.bus import NAME
from peers.drive import Drive
from peers.store import wait_for

FAILED, USAGE, SETUP = 1, 2, 78
DBUS = 'org.freedesktop.DBus'
DATABASES = ('vault.db', 'journal.db')


def snapshot(folder):
    """Every file below a folder: its mode, and its bytes or where it points to. None if there is no folder."""
    if not os.path.exists(folder):
        return None
    found = {}
    for root, _, names in os.walk(folder):
        for path in [root, *(os.path.join(root, name) for name in names)]:
            content = b''
            if os.path.isfile(path):
                with open(path, 'rb') as f:
                    content = f.read()
            found[os.path.relpath(path, folder)] = os.lstat(path).st_mode, content
    return found


class StartTest(unittest.TestCase):
    def box(self, settings=None):
        return self.enterContext(Box(settings))

    def secrets(self, box):
        return [box.settings['Device'][key] for key in ('RootSecretFile', 'DeviceKeyFile')]

    def refused(self, box, code, sentence):
        """It does not start, says why, and leaves its state folder as it was."""
        before = snapshot(box.state)
        actual, said = box.run('--bus', box.bus.address)
        self.assertEqual(actual, code, said)
        self.assertRegex(said, sentence)
        self.assertEqual(snapshot(box.state), before)

    def used_box(self):
        """A box that ran, and was killed so that its databases have to be recovered at the next start."""
        box = self.box().init().start()
        box.grant()
        box.kill()
        return box

    # ---- secrets ---------------------------------------------------------------------------------------------------

    def test_without_init(self):
        """without its secrets it does not start and names trailkeepd --init"""
        box = self.box()
        self.refused(box, SETUP, "no device key .*/device.key.*'trailkeepd --init'")
        self.assertFalse(os.path.exists(box.state))
        box.init()
        root = self.secrets(box)[0]
        os.unlink(root)
        os.mkdir(box.state, 0o700)
        with open(os.path.join(box.state, 'lock'), 'wb'):
            os.chmod(os.path.join(box.state, 'lock'), 0o600)
        self.refused(box, SETUP, f'root secret {root} is missing.*trailkeepd --init')

    def test_init(self):
        """--init makes both secrets for the owner alone, and leaves them as they are the second time"""
        box = self.box()
        code, said = box.run('--init')
        self.assertEqual((code, said.count('Made the ')), (0, 2))
        before = snapshot(os.path.join(box.folder, 'secrets'))
        for path in self.secrets(box):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o400)
        code, said = box.run('--init')
        self.assertEqual((code, said.count('is there already')), (0, 2))
        self.assertEqual(snapshot(os.path.join(box.folder, 'secrets')), before)
        self.assertFalse(os.path.exists(box.state))

    def test_exposed_secrets(self):
        """a root secret or a device key that others can read is refused"""
        box = self.used_box()
        for path in self.secrets(box):
            for mode in 0o440, 0o404:
                os.chmod(path, mode)
                self.refused(box, SETUP, f'{path} can be read .*0400')
            os.chmod(path, 0o400)
        self.assertEqual(box.start().stop(), 0)

    def test_malformed_secrets(self):
        """a root secret of another size, and a device key that is none, are refused"""
        box = self.used_box()
        for path in self.secrets(box):
            os.rename(path, path + '.right')
            with open(path, 'wb') as f:
                f.write(b'none')
                os.chmod(path, 0o400)
            self.refused(box, SETUP, f'{path} is not ')
            os.replace(path + '.right', path)

    def test_wrong_root_secret(self):
        """the root secret of another box is refused; with the right one all is there again"""
        box = self.used_box()
        root = self.secrets(box)[0]
        os.rename(root, root + '.right')
        box.init()
        self.refused(box, SETUP, f'{root} is not the one that .*vault.db was made with.*put the right one back')
        os.replace(root + '.right', root)
        box.start()
        self.assertTrue(self.is_granted(box))

    def is_granted(self, box):
        consents = box.bus.call('Consent1', 'List')[0]
        return any(c['purpose']['data'] == 'location' and c['granted']['data'] for c in consents)

    def test_keys_that_cannot_be_locked(self):
        """where keys cannot be kept from swap it starts, and says so with what to do; where they can it does not"""
        box = self.box().init()
        self.assertEqual(box.start().stop(), 0)
        self.assertNotIn('into swap', box.log())
        with open(box.program, 'rb') as f:
            can_fail = b'__asan_init' not in f.read()   # AddressSanitizer lets mlock() do nothing, and succeed
        wrapper = os.path.join(box.folder, 'wrapper')
        drop = 'setpriv --bounding-set -ipc_lock' if os.geteuid() == 0 else ''
        with open(wrapper, 'w', encoding='utf-8') as f:
            f.write(f'#!/bin/bash\nulimit -l 0\nexec {drop} {box.program} "$@"\n')
        os.chmod(wrapper, 0o755)
        box.program = wrapper
        self.assertEqual(box.start().stop(), 0)
        self.assertEqual(bool(re.search('into swap.*LimitMEMLOCK=', box.log())), can_fail, box.log())

    def test_credentials(self):
        """a systemd credential goes before the file of the configuration"""
        box = self.box().init()
        credentials = os.path.join(box.folder, 'credentials')
        os.mkdir(credentials)
        for path, name in zip(self.secrets(box), ('trailkeep.root-secret', 'trailkeep.device-key')):
            shutil.move(path, os.path.join(credentials, name))
        box.init()  # other secrets, in the files
        box.environment['CREDENTIALS_DIRECTORY'] = credentials
        self.assertEqual(box.start().stop(), 0)
        del box.environment['CREDENTIALS_DIRECTORY']
        self.refused(box, SETUP, 'is not the one that .*vault.db was made with')

    # ---- configuration ---------------------------------------------------------------------------------------------

    def test_misspelt_key(self):
        """a misspelt key is refused by file, line and nearest key; --check-config says the same"""
        box = self.box().init()
        box.settings['Gnss']['Filtr'] = 'no'
        box.write_config()
        with open(box.config, encoding='utf-8') as f:
            line = f.read().splitlines().index('Filtr=no') + 1
        sentence = f'{box.config}:{line}: unknown key Filtr= in \\[Gnss\\].* Filter='
        self.refused(box, SETUP, sentence)
        code, said = box.run('--check-config')
        self.assertEqual(code, SETUP)
        self.assertRegex(said, sentence)

    def test_check_config(self):
        """--check-config needs no secrets and makes nothing; a wrong value is named where it stands, drop-ins too"""
        box = self.box()
        self.assertEqual(box.run('--check-config'), (0, f'{box.config} is fine.\n'))
        dropin = os.path.join(box.config + '.d', '10-mine.conf')
        os.mkdir(box.config + '.d')
        with open(dropin, 'w', encoding='utf-8') as f:
            f.write('# mine\n[Gnss]\nFilter=perhaps\n')
        code, said = box.run('--check-config')
        self.assertEqual(code, SETUP)
        self.assertIn(f'{dropin}:3: Filter= must be ', said)
        self.assertFalse(os.path.exists(box.state))
        self.assertFalse(os.path.exists(os.path.join(box.folder, 'secrets')))

    def test_no_config(self):
        """a configuration that is not there is named"""
        box = self.box()
        os.unlink(box.config)
        self.refused(box, SETUP, f'{box.config}: there is no such file')

    def test_usage(self):
        """an option or argument that it does not know ends with 2 and the way to --help"""
        box = self.box()
        for arguments in ['--bogus'], ['now']:
            code, said = box.run(*arguments)
            self.assertEqual(code, USAGE)
            self.assertIn('trailkeepd --help', said)

    def test_unknown_bus(self):
        """a bus that cannot be reached is named"""
        box = self.used_box()
        for address in 'unix:path=/nonexistent/bus', 'nonsense':
            code, said = box.run('--bus', address)
            self.assertEqual(code, FAILED)
            self.assertRegex(said, f'The bus {address} cannot be reached: ')
        self.assertEqual(box.start().stop(), 0)

    def test_unusable_client_certificate(self):
        """a client certificate that cannot be used is said at start by its name, and it starts all the same"""
        box = self.box().init()
        certificate = os.path.join(box.folder, 'client.pem')
        with open(certificate, 'w', encoding='ascii') as f:
            f.write('no certificate\n')
        for path in certificate, box.folder, os.path.join(box.folder, 'nowhere.pem'):
            box.settings['Store'] = {'Url': 'https://localhost:1', 'CertificateFile': path}
            box.write_config()
            box.start()
            self.assertRegex(box.log(), f'certificate file {path}')
            self.assertEqual(box.stop(), 0)

    # ---- state folder ----------------------------------------------------------------------------------------------

    def test_second_daemon(self):
        """a second daemon on the same state folder is refused, and the first does not notice"""
        box = self.box().init().start()
        with Box(box.settings) as other:
            self.refused(other, SETUP, f'{box.state} is in use by another process; stop that one first')
        box.grant()
        self.assertTrue(self.is_granted(box))
        self.assertEqual(box.stop(), 0)

    def test_later_version(self):
        """a vault or journal of a later version is refused and left as it is"""
        for name in DATABASES:
            with self.subTest(name):
                box = self.used_box()
                db = sqlite3.connect(os.path.join(box.state, name))
                version = db.execute('PRAGMA user_version').fetchone()[0]
                db.execute(f'PRAGMA user_version = {version + 1}')
                db.commit()
                db.close()
                self.refused(box, SETUP, f'{name} was written by a later version.*install that version again')

    def test_damaged_vault(self):
        """a vault that is no database any more is refused and left as it is"""
        for size in 16, 4096:
            with self.subTest(size=size):
                box = self.used_box()
                journal = os.path.join(box.state, 'vault.db-journal')   # what could repair it
                if os.path.exists(journal):
                    os.unlink(journal)
                with open(os.path.join(box.state, 'vault.db'), 'r+b') as f:
                    f.write(b'\xa5' * size)
                self.refused(box, SETUP, 'vault.db is damaged .*it was left as it is')

    def test_damaged_journal(self):
        """a journal that is no database any more is replaced, with all its records, and that is shown until noted"""
        with Drive({'Store': {'Interval': '1h'}}) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            self.assertEqual(d.box.stop(), 0)
            with open(os.path.join(d.box.state, 'journal.db'), 'r+b') as f:
                f.write(b'\xa5' * 4096)
            d.box.start()
            self.assertEqual(d.box.track()['pending'], len(d.fixes()))
            damage = d.box.bus.get('Journal1', 'Damage')
            self.assertEqual((damage['damages'], damage['saved'], damage['lost']), (1, len(d.fixes()), 0))
            self.assertIn('journal', d.box.bus.get('Device1', 'LastErrors'))
            d.box.bus.call('Journal1', 'AcknowledgeDamage')
            self.assertEqual(d.box.bus.get('Journal1', 'Damage'), {})
            d.box.flush()
            self.assertEqual(d.box.track()['stored'], len(d.fixes()))

    def test_missing_vault(self):
        """a journal without the vault that has its keys is refused and left as it is"""
        box = self.used_box()
        for name in os.listdir(box.state):
            if name.startswith('vault.db'):
                os.unlink(os.path.join(box.state, name))
        self.refused(box, SETUP, 'vault.db is missing and without its keys .*restore it')

    # ---- running ---------------------------------------------------------------------------------------------------

    def test_end_commits(self):
        """SIGTERM ends with 0 and what was appended is durable"""
        with Drive({'Journal': {'CommitInterval': '1min'}, 'Store': {'Interval': '1h'}}) as d:
            d.box.start()
            d.grant_and_attach()
            d.feed(d.generate(30))
            d.box.bus.call('Device1', 'GetLastFix')     # all of it was taken
            self.assertEqual(d.box.track()['recorded'], 0)
            self.assertEqual(d.box.stop(), 0)
            d.box.start()
            self.assertEqual(d.box.track()['recorded'], len(d.fixes()))
            self.assertEqual(d.box.stop(), 0)

    def test_without_manager(self):
        """without NOTIFY_SOCKET it serves the bus and ends with 0"""
        box = self.box().init()
        box.launch()
        wait_for(lambda: box.bus.busctl('call', DBUS, '/org/freedesktop/DBus', DBUS, 'NameHasOwner', 's', NAME)[0],
                 'it has its name')
        self.assertEqual(box.bus.get('Device1', 'State'), 'running')
        self.assertEqual(box.stop(), 0)

    def test_watchdog(self):
        """it feeds the watchdog that it is given"""
        box = self.box().init()
        box.environment['WATCHDOG_USEC'] = '400000'
        with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            path = os.path.join(folder, 'notify')
            notify.bind(path)
            notify.settimeout(30)
            box.launch(path)
            times = []
            while len(times) < 4:
                if b'WATCHDOG=1' in notify.recv(4096).split(b'\n'):
                    times.append(time.monotonic())
            self.assertLess(max(b - a for a, b in zip(times[1:], times[2:])), 2)
            self.assertEqual(box.stop(), 0)


if __name__ == '__main__':
    tap.main()
