# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tracker box in a folder: configuration, secrets, state, and trailkeepd running on a private bus.

Nothing here waits by the clock: readiness is the daemon's own READY=1 (sd_notify(3)), progress its signals on the bus.
"""
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from . import bus as _bus

TRAILKEEPD = os.environ.get('TRAILKEEPD', 'trailkeepd')
TRAILKEEPCTL = os.environ.get('TRAILKEEPCTL', 'trailkeepctl')


class NotReady(Exception):
    """The daemon ended before it was ready; its log says why."""


class Controls:
    """What an owner does with a box, by `self.bus`, and what can be seen of it from outside. `self.log()` is its log."""

    def grant(self, purpose='location'):
        self.bus.call('Consent1', 'Grant', 'sa{sv}', purpose, '0')

    def withdraw(self, purpose='location', keep=False):
        options = ['1', 'keep', 'b', 'true'] if keep else ['0']
        return _bus.unwrap(self.bus.call('Consent1', 'Withdraw', 'sa{sv}', purpose, *options)[0])

    def flush(self, timeout=60):
        self.bus.call('Sync1', 'Flush', timeout=timeout)

    def lanes(self):
        return self.bus.get('Device1', 'Lanes')

    def track(self):
        """Counters of the track lane."""
        return self.lanes()['track']

    def until(self, interface, name, is_reached, timeout=60):
        """Wait, signal by signal, until is_reached(property); gives its value."""
        with _bus.Signals(self.bus) as signals:
            deadline = time.monotonic() + timeout
            while True:
                value = self.bus.get(interface, name)
                if is_reached(value):
                    return value
                if not signals.wait(deadline - time.monotonic()):
                    raise TimeoutError(f'{interface}.{name} is still {value}\n{self.log()[-2000:]}')

    def connections_to(self, port):
        """TCP connections of this network namespace that go to the port, from /proc/net, whoever holds them."""
        n = 0
        for path in ('/proc/net/tcp', '/proc/net/tcp6'):
            try:
                with open(path, encoding='ascii') as f:
                    rows = f.read().splitlines()[1:]
            except FileNotFoundError:
                continue
            for row in rows:
                remote, state = row.split()[2:4]
                # 06 is TIME_WAIT: what is left of a connection that both ends have closed
                n += int(remote.rsplit(':', 1)[1], 16) == port and state != '06'
        return n


class Box(Controls):
    """One box. `settings` maps section to {key: value} and goes over the defaults below."""

    def __init__(self, settings=None, program=None):
        self.folder = tempfile.mkdtemp(prefix='tk-box-')
        self.program = program or TRAILKEEPD
        self.state = os.path.join(self.folder, 'state')
        self.config = os.path.join(self.folder, 'trailkeep.conf')
        self.log_path = os.path.join(self.folder, 'log')
        self.process = None
        self.environment = {}   # goes over this process' own
        self.bus = _bus.Bus(os.path.join(self.folder, 'bus'))
        os.mkdir(self.bus.folder)
        self.settings = {
            'Device': {
                'StateDirectory': self.state,
                'RootSecretFile': os.path.join(self.folder, 'secrets/root.secret'),
                'DeviceKeyFile': os.path.join(self.folder, 'secrets/device.key'),
                'LogLevel': 'debug',
            },
            'Gnss': {'Filter': 'no'},
            'Journal': {'CommitInterval': '50ms'},
            'Store': {},
        }
        for section, keys in (settings or {}).items():
            self.settings.setdefault(section, {}).update(keys)
        self.write_config()

    def write_config(self):
        with open(self.config, 'w', encoding='utf-8') as f:
            for section, keys in self.settings.items():
                f.write(f'[{section}]\n' + ''.join(f'{k}={v}\n' for k, v in keys.items()) + '\n')

    def __enter__(self):
        self.bus.__enter__()
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()
        self.bus.__exit__()
        shutil.rmtree(self.folder, ignore_errors=True)

    def init(self):
        """trailkeepd --init: makes the root secret and the device key."""
        subprocess.run([self.program, '--config', self.config, '--init'], check=True, stdout=subprocess.DEVNULL)
        return self

    def run(self, *args):
        """Run it with these arguments to its end, (exit code, all it said)."""
        done = subprocess.run([self.program, '--config', self.config, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False, env=self._environment())
        return done.returncode, done.stdout

    def launch(self, notify=''):
        """Start it and wait for nothing."""
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(
                [self.program, '--config', self.config, '--bus', self.bus.address], stdout=log, stderr=log,
                env=self._environment(notify))

    def _environment(self, notify=''):
        environment = {**os.environ, **self.environment}
        environment.pop('NOTIFY_SOCKET', None)
        if notify:
            environment['NOTIFY_SOCKET'] = notify
        return environment

    def start(self, timeout=30):
        """Start it and wait until it says READY=1; NotReady with its log when it ends before."""
        path = os.path.join(self.folder, 'notify')
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as notify:
            notify.bind(path)
            self.launch(path)
            self.await_ready(notify, timeout)
        return self

    def await_ready(self, notify, timeout):
        """Wait for READY=1 on a socket that was given to launch(); NotReady with its log when it ends before."""
        pid = os.pidfd_open(self.process.pid)
        try:
            deadline = time.monotonic() + timeout
            while True:
                ready, _, _ = select.select([notify, pid], [], [], max(0, deadline - time.monotonic()))
                if notify in ready:
                    if b'READY=1' in notify.recv(4096):
                        return
                elif pid in ready:
                    raise NotReady(f'exit code {self.process.wait()}\n{self.log()}')
                else:
                    self.kill()
                    raise NotReady(f'not ready after {timeout} s\n{self.log()}')
        finally:
            os.close(pid)

    def stop(self, timeout=30):
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(timeout)

    def kill(self):
        """SIGKILL, as a power cut would end it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def log(self):
        try:
            with open(self.log_path, encoding='utf-8', errors='replace') as f:
                return f.read()
        except FileNotFoundError:
            return ''
