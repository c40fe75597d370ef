# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real gpsd fed with a recording, and a plain client of it that shares nothing with libgps.

    with gpsd.Pty() as source, gpsd.Gpsd(source.path) as daemon, gpsd.Client(daemon.port) as client:
        ... attach whoever is to see all of it, then client.sync() ...
        gpsd.feed(source, recording)
        gpsd.settle(source, client)
        client.objects

Nothing waits by the clock. gpsd takes its listening socket the way systemd hands it over, so a connection made before
it is up waits in the kernel, and the port is never somebody else's. What gpsd 3.22 reports depends on the bytes alone:
at any pace, none included, over either source, it is the same number of TPV and SKY. A pause serves tests that want a
drive to last.
"""
import functools
import json
import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import tty

DEADLINE = 60
CHUNK = 256  # bytes of a binary recording between two pauses
# sd_listen_fds(3): descriptors from 3 on, the control socket first; by way of high numbers, out of each other's way
HAND_OVER = """
import fcntl, os, sys
high = [fcntl.fcntl(int(fd), fcntl.F_DUPFD_CLOEXEC, 100) for fd in sys.argv[1:3]]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2')
os.execvp('gpsd', ['gpsd', '-N', '-n', '-b', *sys.argv[3:]])
"""
WATCH = b'?WATCH={"enable":true,"json":true};\n'


class Pty:
    """A serial line. What is written before gpsd has opened it is lost, hence after Client.sync() only."""

    def __enter__(self):
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.path = os.ttyname(self.slave)
        return self

    def __exit__(self, *_):
        os.close(self.master)
        os.close(self.slave)

    def write(self, data):
        while data:
            readable, writable, _ = select.select([self.master], [self.master], [], DEADLINE)
            if readable:
                os.read(self.master, 4096)  # gpsd's probes
            elif writable:
                data = data[os.write(self.master, data):]
            else:
                raise TimeoutError('gpsd does not read the line')

    def is_drained(self):
        return not select.select([self.slave], [], [], 0)[0]


class Tcp:
    """A receiver behind a TCP port, for machines where AppArmor keeps gpsd from a pty."""

    def __enter__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.listener.settimeout(DEADLINE)
        self.path = f'tcp://127.0.0.1:{self.listener.getsockname()[1]}'
        self.connection = None
        return self

    def __exit__(self, *_):
        self.listener.close()
        if self.connection:
            self.connection.close()

    def write(self, data):
        if self.connection is None:
            self.connection, _ = self.listener.accept()
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(data)

    def is_drained(self):
        """Whether nothing is under way to gpsd."""
        return self.connection is None or is_drained(self.connection.getsockname()[1])


def is_drained(port):
    """Whether all that was sent over connections of this port was read at the other end, by the kernel's table."""
    with open('/proc/net/tcp', encoding='ascii') as f:
        rows = [row.split() for row in f.read().splitlines()[1:]]
    # 01 is ESTABLISHED; then what was not acknowledged, and what was not read
    return all(row[4] == '00000000:00000000' for row in rows
               if row[3] == '01' and f'{port:04X}' in (row[1][-4:], row[2][-4:]))


class Gpsd:
    """gpsd on a port of its own, with the sources it is to read (none is fine too). stop() and start() restart it."""

    def __init__(self, *sources):
        self.sources = sources
        self.process = None
        self.port = 0

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix='tk-gpsd-')
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def start(self):
        path = os.path.join(self.folder, 'control')
        if os.path.exists(path):
            os.unlink(path)
        with socket.socket(socket.AF_UNIX) as control, \
                socket.create_server(('127.0.0.1', self.port), backlog=16) as tcp:
            control.bind(path)
            control.listen()
            self.port = tcp.getsockname()[1]
            with open(os.path.join(self.folder, 'log'), 'ab') as log:
                fds = control.fileno(), tcp.fileno()
                self.process = subprocess.Popen(
                    [sys.executable, '-I', '-S', '-c', HAND_OVER, *map(str, fds), *self.sources], pass_fds=fds,
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env={**os.environ, 'PATH': os.environ['PATH'] + ':/usr/sbin:/sbin'})

    def stop(self):
        """End it; whoever is connected sees the connection close after all that was said."""
        if self.process:
            for _ in range(DEADLINE):
                # gpsd looks at its flag and then waits: a signal between the two goes unheard, so it is repeated.
                self.process.terminate()
                try:
                    self.process.wait(1)
                    break
                except subprocess.TimeoutExpired:
                    continue
            else:
                raise TimeoutError('gpsd does not end')
            self.process = None

    def log(self):
        with open(os.path.join(self.folder, 'log'), encoding='utf-8', errors='replace') as f:
            return f.read()


class Client:
    """A client that watches, over a raw socket and Python's own JSON. `objects` grows by one dict for each line."""

    def __init__(self, port):
        self.port = port
        self.objects = []
        self.changed = threading.Condition()
        self.is_closed = False
        self.socket = socket.create_connection(('127.0.0.1', port), timeout=DEADLINE)
        self.socket.settimeout(None)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def __enter__(self):
        self._await('VERSION', 1)
        self.socket.sendall(WATCH)
        self._await('WATCH', 1)
        return self

    def __exit__(self, *_):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # gpsd was faster
        self.thread.join(DEADLINE)
        self.socket.close()

    def _read(self):
        with self.socket.makefile('rb') as lines:
            try:
                for line in lines:
                    with self.changed:
                        self.objects.append(json.loads(line))
                        self.changed.notify_all()
            except OSError:
                pass  # a reset is an end too
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()

    def count(self, name):
        return sum(o['class'] == name for o in self.objects)

    def _await(self, name, n):
        with self.changed:
            self.changed.wait_for(lambda: self.count(name) >= n or self.is_closed, DEADLINE)
            if self.count(name) < n:
                raise TimeoutError(f'gpsd sent no {name}')

    def sync(self):
        """Return when gpsd has done all it had to do: what others had sent to it, and what its sources had given it."""
        for _ in range(2):
            n = self.count('VERSION')
            self.socket.sendall(b'?VERSION;\n')
            self._await('VERSION', n + 1)

    def has_open_device(self):
        """Whether gpsd could open its source."""
        n = self.count('DEVICES')
        self.socket.sendall(b'?DEVICES;\n')
        self._await('DEVICES', n + 1)
        devices = [o for o in self.objects if o['class'] == 'DEVICES'][-1]['devices']
        return any(device.get('activated') for device in devices)


@functools.lru_cache(maxsize=None)
def best_source():
    """Pty, or Tcp where gpsd may not open one. Tried out once."""
    with Pty() as source, Gpsd(source.path) as daemon, Client(daemon.port) as client:
        return Pty if client.has_open_device() else Tcp


def body(recording):
    """The bytes a receiver sent: the file without the comment lines at its head."""
    with open(recording, 'rb') as f:
        data = f.read()
    while data.startswith(b'#'):
        data = data.split(b'\n', 1)[1]
    return data


def epochs(data):
    """Cut it where a receiver pauses: before the first sentence of another time; binary data every CHUNK bytes."""
    part, last, since = [], None, 0
    for line in data.splitlines(keepends=True):
        fields = line.split(b',')
        is_timed = line.startswith(b'$') and fields[0][3:] in (b'RMC', b'GGA') and len(fields) > 1 and fields[1]
        since += len(line)
        if (is_timed and fields[1] != last) or (not line.startswith((b'$', b'!')) and since >= CHUNK):
            if part:
                yield b''.join(part)
            part, since, last = [], 0, fields[1] if is_timed else last
        part.append(line)
    if part:
        yield b''.join(part)


def feed(source, recording, pause=0, stop=None):
    """Give the source a recording, with a pause in seconds after each epoch; `stop`, a threading.Event, ends it."""
    for epoch in epochs(body(recording)):
        source.write(epoch)
        if stop is not None and stop.is_set():
            return
        time.sleep(pause)


def settle(source, client):
    """Return when gpsd has read all that was fed, and all that it makes of it was sent to every client and read."""
    def until(condition, what):
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(0.005)

    until(source.is_drained, 'gpsd does not read its source')
    client.sync()
    until(lambda: is_drained(client.port), 'a client of gpsd does not read')
