# SPDX-License-Identifier: LGPL-2.1-or-later
"""trailkeepctl on a real private dbus-daemon, against a daemon that answers from a script (fake-daemon.c)."""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import unicodedata
import unittest

from peers import bus

CTL = os.environ['TRAILKEEPCTL']
TRANSLATED = os.environ['TRAILKEEPCTL_TRANSLATED']
FAKE = os.environ['FAKE_DAEMON']
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'golden')
DEADLINE = 30
DONE, FAILED, USAGE, ABSENT, DENIED, INCOMPLETE = range(6)


def environment(**more):
    """English, UTC, no colours asked for or against."""
    kept = {k: v for k, v in os.environ.items() if k not in ('NO_COLOR', 'LANGUAGE', 'DBUS_SESSION_BUS_ADDRESS')}
    return {**kept, 'LC_ALL': 'C.UTF-8', 'TZ': 'UTC', 'TERM': 'xterm', **more}


def width(text):
    """Columns on a terminal."""
    return sum(2 if unicodedata.east_asian_width(c) in 'WF' else 1 for c in text)


class Fake:
    """The scripted daemon."""

    def __init__(self, address):
        self.process = subprocess.Popen([FAKE, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        bufsize=1)
        if self.process.stdout.readline() != 'ready\n':
            raise RuntimeError('the fake daemon did not start')

    def tell(self, *lines):
        """Give commands; what each printed before its "ok"."""
        answers = []
        for line in lines:
            self.process.stdin.write(line + '\n')
            self.process.stdin.flush()
            while (answer := self.process.stdout.readline()) != 'ok\n':
                if not answer or answer.startswith('failed'):
                    raise RuntimeError(f'{line}: {answer}')
                answers.append(answer.rstrip('\n'))
        return answers

    def calls(self):
        return [call.split(' ', 2)[1:] for call in self.tell('calls')]

    def stop(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        self.process.wait(DEADLINE)
        self.process.stdout.close()


class Terminal:
    """trailkeepctl on a terminal of its own, 80 columns wide."""

    def __init__(self, args, columns=80, **env):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        self.fd = master
        self.process = subprocess.Popen([CTL, *args], stdin=slave, stdout=slave, stderr=slave, env=environment(**env))
        os.close(slave)
        self.output = ''

    def read_until(self, text):
        """Read until text was seen or the program ended; what was read so far."""
        while text is None or text not in self.output:
            ready, _, _ = select.select([self.fd], [], [], DEADLINE)
            if not ready:
                raise TimeoutError(f'no {text!r} in {self.output!r}')
            try:
                data = os.read(self.fd, 4096)
            except OSError:  # EIO: the other end is closed
                data = b''
            if not data:
                break
            self.output += data.decode()
        return self.output

    def type(self, text):
        os.write(self.fd, text.encode())

    def end(self):
        self.read_until(None)
        os.close(self.fd)
        return self.process.wait(DEADLINE), self.output.replace('\r\n', '\n')


class Case(unittest.TestCase):
    """One bus for a case; each test its own daemon."""

    @classmethod
    def setUpClass(cls):
        cls.bus = bus.Bus(tempfile.mkdtemp(prefix='tk-ctl-'))
        cls.bus.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.bus.__exit__()
        shutil.rmtree(cls.bus.folder)

    def setUp(self):
        self.fake = Fake(self.bus.address)
        self.addCleanup(self.fake.stop)

    def ctl(self, *args, code=DONE, stdin=subprocess.DEVNULL, program=CTL, **env):
        """Run it; (stdout, stderr) once the exit code is right."""
        done = subprocess.run([program, '--bus=' + self.bus.address, *args], stdin=stdin, capture_output=True,
                              text=True, timeout=DEADLINE, env=environment(**env), check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def json(self, *args, code=DONE):
        out, err = self.ctl(*args, '--json', code=code)
        if code == DONE:
            self.assertEqual(err, '')
        return json.loads(out)

    def assert_golden(self, name, text):
        """How long ago something was goes on, and with it the width of its column; all else stays."""
        text, n = re.subn(r'\(((\d+ \w+ ?)+ ago|in .*?)\)', '(AGO)', text)
        if n:
            text = re.sub(r'(?<=\S) +', ' ', text)
        path = os.path.join(GOLDEN, name)
        if 'TRAILKEEP_GOLDEN_WRITE' in os.environ:
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
        with open(path, encoding='utf-8') as f:
            self.assertEqual(text, f.read())
