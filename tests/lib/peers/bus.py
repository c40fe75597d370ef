# SPDX-License-Identifier: LGPL-2.1-or-later
"""A private dbus-daemon, and a client that is not ours: busctl."""
import json
import os
import select
import subprocess
import tempfile

CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={folder}/bus.sock</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

NAME = 'org.trailkeep'
ROOT = '/org/trailkeep'


class CallError(Exception):
    """The peer answered with an error; its text is that of busctl."""


class Bus:
    """A bus of type session of its own; stopped when the with-block ends. `open_to_all` lets other users connect."""

    def __init__(self, folder=None, open_to_all=False):
        self.folder = folder or tempfile.mkdtemp(prefix='tk-bus-')
        self.open_to_all = open_to_all

    def __enter__(self):
        path = os.path.join(self.folder, 'bus.conf')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(folder=self.folder))
        self.process = subprocess.Popen(['dbus-daemon', '--config-file=' + path, '--nofork', '--print-address=1'],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.process.stdout.readline().strip()
        if not self.address:
            raise RuntimeError('dbus-daemon did not start')
        if self.open_to_all:
            os.chmod(self.folder, 0o755)
            os.chmod(os.path.join(self.folder, 'bus.sock'), 0o666)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()

    def busctl(self, *args, timeout=30):
        done = subprocess.run(['busctl', '--address=' + self.address, '--json=short', f'--timeout={timeout}', *args],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            raise CallError(done.stderr.strip())
        return json.loads(done.stdout)['data'] if done.stdout.strip() else None

    def call(self, interface, method, signature='', *args, path=ROOT, timeout=30):
        """Call a method of the daemon and give back its results as a list."""
        extra = [signature, *args] if signature else []
        return self.busctl('call', NAME, path, f'{NAME}.{interface}', method, *extra, timeout=timeout) or []

    def get(self, interface, name, path=ROOT):
        """Read a property of the daemon."""
        return self.busctl('get-property', NAME, path, f'{NAME}.{interface}', name)


def unwrap(value):
    """busctl's JSON writes a variant as {"type", "data"}; give the plain value."""
    if isinstance(value, dict) and set(value) == {'type', 'data'}:
        return unwrap(value['data'])
    if isinstance(value, dict):
        return {k: unwrap(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unwrap(v) for v in value]
    return value


class Signals:
    """What the daemon signals, one decoded message at a time, from busctl's monitor."""

    def __init__(self, bus):
        self.process = subprocess.Popen(
            ['busctl', '--address=' + bus.address, '--json=short', '--match',
             f"type='signal',path_namespace='{ROOT}'", 'monitor'],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
        # busctl says on stderr when it has become a monitor
        self.process.stderr.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def next(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError('the bus is gone')
        return json.loads(line)

    def wait(self, timeout):
        """True once something was signalled, False after the time; what came in one go counts once."""
        ready, _, _ = select.select([self.process.stdout], [], [], max(0, timeout))
        return bool(ready and os.read(self.process.stdout.fileno(), 1 << 20))
