# SPDX-License-Identifier: LGPL-2.1-or-later
"""trailkeepd as its package installs it, under the systemd and on the system bus of the machine that the tests run on.

Only for the container of tools/test-booted: users, units and files of the machine itself are changed.

    with Installed() as box:              # no secrets, no state, no drop-in, not started
        box.init()
        box.start()
        box.bus.call('Device1', 'GetLastFix', user='alice')
"""
import contextlib
import glob
import json
import os
import pwd
import shutil
import subprocess

from peers import bus, drive
from peers.box import Controls
from peers.certificates import Authority, openssl

UNIT = 'trailkeepd.service'
USER = 'trailkeep'
CONFIG_DIR = '/etc/trailkeep'
STATE_DIR = '/var/lib/trailkeep'
SECRET = os.path.join(CONFIG_DIR, 'root.secret')
DEVICE_KEY = os.path.join(CONFIG_DIR, 'device.key')
SETTINGS = os.path.join(CONFIG_DIR, 'trailkeep.conf.d/test.conf')
DROP_INS = f'/etc/systemd/system/{UNIT}.d'


def run(*command, user=None):
    """Run it, as another user if one is named; the finished process, whose output is text."""
    before = ['runuser', '-u', user, '--'] if user else []
    return subprocess.run([*before, *command], stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8',
                          errors='replace', check=False)


def must(*command, user=None):
    """Run what is to succeed; its standard output."""
    done = run(*command, user=user)
    if done.returncode:
        raise RuntimeError(f'{command} ended with {done.returncode}: {done.stdout}{done.stderr}')
    return done.stdout


def wait_until(condition, what, seconds=30):
    return drive.wait_for(condition, what, seconds)


def add_user(name, group=None):
    """A user of the machine, member of the group, made once."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        must('useradd', '--no-create-home', *(['--groups', group] if group else []), name)
    return name


class SystemBus(bus.Bus):
    """The machine's own; `user` calls as that user."""

    def __init__(self):
        super().__init__(folder='/run/dbus')
        self.address = 'unix:path=/run/dbus/system_bus_socket'

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def call_as(self, user, *arguments):
        """busctl's exit code and what it says."""
        done = run('busctl', '--system', '--json=short', *arguments, user=user)
        return done.returncode, (done.stdout + done.stderr).strip()


class Installed(Controls):
    """The unit, its user and its folders. Each with-block begins with nothing but what is installed."""

    def __init__(self, settings=None):
        self.settings = settings or {}
        self.bus = SystemBus()
        self.cursor = ''

    def __enter__(self):
        self.wipe()
        # Where the journal is now; log() begins there.
        self.cursor = must('journalctl', '--lines=0', '--show-cursor').split('cursor: ')[-1].strip()
        self.configure(self.settings)
        return self

    def __exit__(self, *_):
        self.wipe()

    def wipe(self):
        run('systemctl', 'stop', UNIT)
        run('systemctl', 'reset-failed', UNIT)
        if os.path.isdir(DROP_INS):
            shutil.rmtree(DROP_INS)
            must('systemctl', 'daemon-reload')
        for name in (SECRET, DEVICE_KEY, SETTINGS, *glob.glob(STATE_DIR + '/*'), *glob.glob(CONFIG_DIR + '/*.pem')):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)

    @staticmethod
    def configure(settings):
        with open(SETTINGS, 'w', encoding='utf-8') as f:
            for section, keys in settings.items():
                f.write(f'[{section}]\n' + ''.join(f'{k}={v}\n' for k, v in keys.items()) + '\n')

    @staticmethod
    def init():
        """As the package's postinst does, and the README says."""
        return must('trailkeepd', '--init')

    @staticmethod
    def drop_in(name, *lines):
        """Lines of [Service] that go over the unit's own, until the end of the with-block."""
        os.makedirs(DROP_INS, exist_ok=True)
        with open(os.path.join(DROP_INS, name + '.conf'), 'w', encoding='utf-8') as f:
            f.write('\n'.join(['[Service]', *lines]) + '\n')
        must('systemctl', 'daemon-reload')

    def start(self):
        done = run('systemctl', 'start', UNIT)
        if done.returncode:
            raise RuntimeError(f'{UNIT} does not start\n{self.log()}')

    def stop(self):
        """Stop it; whether it went by itself, with exit code 0 and in time."""
        must('systemctl', 'stop', UNIT)
        return self.log().rstrip().splitlines()[-2:-1] == [f'{UNIT}: Deactivated successfully.']

    @staticmethod
    def show(*names):
        """Properties of the unit: one as text, several as a list."""
        values = [must('systemctl', 'show', '--value', f'--property={name}', UNIT).strip() for name in names]
        return values[0] if len(values) == 1 else values

    def pid(self):
        return int(self.show('MainPID'))

    def await_another(self, pid, seconds=30):
        """Wait until systemd has started it anew, with a main process that is not this one."""
        # In this order: a new main process is active only once it is ready.
        wait_until(lambda: self.pid() not in (0, pid) and self.show('ActiveState') == 'active', f'{UNIT} runs again',
                   seconds)
        return self.pid()

    def log(self):
        """What the unit, and systemd about it, has logged since the with-block began."""
        must('journalctl', '--sync')
        return must('journalctl', '--output=cat', '--all', f'--unit={UNIT}', f'--after-cursor={self.cursor}')

    def is_granted(self, purpose='location'):
        consents = json.loads(must('trailkeepctl', '--bus', 'system', '--json', 'consent', 'list'))
        return any(bus.unwrap(entry)['purpose'] == purpose and bus.unwrap(entry)['granted'] for entry in consents)


class Road(drive.Drive):
    """A Drive with the installed box: certified under the key that --init made, store and authority named in /etc."""

    def make_box(self):
        settings = self.all_settings()
        settings.setdefault('Device', {})['LogLevel'] = 'debug'
        settings.setdefault('Journal', {})['CommitInterval'] = '50ms'
        settings['Store'].update(CaFile=os.path.join(CONFIG_DIR, 'store-ca.pem'),
                                 CertificateFile=os.path.join(CONFIG_DIR, 'device.pem'))
        del settings['Store']['KeyFile']
        return Installed(settings)

    def __enter__(self):
        super().__enter__()
        self.certify(self.store.authority)
        return self

    @staticmethod
    def certify(authority):
        """A certificate for the device key, signed by the authority that the store asks."""
        openssl('req', '-new', '-key', DEVICE_KEY, '-subj', '/CN=tracker', '-addext', 'extendedKeyUsage=clientAuth',
                '-out', authority.path('device.csr'))
        authority.sign('device', Authority.VALID)
        shutil.copy(authority.path('device.pem'), CONFIG_DIR)
        shutil.copy(authority.ca_file, os.path.join(CONFIG_DIR, 'store-ca.pem'))
        for name in glob.glob(CONFIG_DIR + '/*.pem'):
            os.chmod(name, 0o644)
