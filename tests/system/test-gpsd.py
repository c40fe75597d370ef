#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole daemon and a gpsd that is absent, restarted, hanging, or something else: it says so once, comes back by
itself and loses nothing else."""
import signal
import socket
import threading
import time
import unittest

from peers import gpsd, tap
from peers.drive import Drive

BANNER = b'{"class":"VERSION","release":"3.22","rev":"3.22","proto_major":3,"proto_minor":14}\r\n'


class Impostor:
    """Listens where gpsd would and says the same to whoever connects; counts them."""

    def __init__(self, port, speech):
        self.listener = socket.create_server(('127.0.0.1', port))
        self.speech = speech
        self.n = 0
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.n += 1
            with connection:
                try:
                    connection.sendall(self.speech)
                    connection.settimeout(30)
                    while connection.recv(4096):
                        pass
                except OSError:
                    pass    # it was left

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(30)


class GpsdTest(unittest.TestCase):
    def setUp(self):
        self.d = self.enterContext(Drive({'Store': {'Interval': '1h'}}))
        self.d.box.start()

    def state_of_gnss(self):
        return self.d.box.bus.get('Device1', 'GnssState')

    def error(self):
        return self.d.box.bus.get('Device1', 'LastErrors').get('gnss', '')

    def said(self):
        """What an owner reads in the log about gpsd: lines of the daemon itself, none of debugging."""
        return [line.split(': ', 1)[1] for line in self.d.box.log().splitlines()
                if line.startswith('trailkeepd[daemon]: gpsd ')]

    def attempts(self):
        return self.d.box.log().count('trailkeepd[gnss]: waiting -> connecting')

    def until_in_trouble(self, words, attempts):
        """Wait until it has tried so often and each attempt has failed for this reason; it has said so once."""
        d = self.d
        d.wait(lambda: self.attempts() >= attempts, 'it tries again', 60)
        d.box.until('Device1', 'LastErrors', lambda errors: words in errors.get('gnss', ''))
        self.assertEqual(d.box.bus.get('Device1', 'State'), 'degraded')
        self.assertEqual(len(self.said()), 1, self.said())

    def start_gpsd(self):
        """gpsd is there again, and the box finds it."""
        d = self.d
        d.gpsd.start()
        d.client = d.enter(gpsd.Client(d.gpsd.port))
        d.attach()
        self.assertEqual(self.error(), '')
        self.assertEqual(d.box.bus.get('Device1', 'State'), 'running')

    def check_all_recorded(self):
        """A drive from here on is recorded whole, and what was recorded before is in the store with it."""
        d = self.d
        before = d.box.track()['recorded']
        d.feed(d.generate(20, seed=7))
        d.box.flush()
        self.assertTrue(d.fixes())
        self.assertEqual(d.box.track()['recorded'], before + len(d.fixes()))
        self.assertEqual(len(d.features()), before + len(d.fixes()))

    def test_absent(self):
        """absent at start: said once, found when it comes, and its return is said once"""
        d = self.d
        d.gpsd.stop()
        d.box.grant()
        self.until_in_trouble('cannot be reached: Connection refused', 2)
        self.assertEqual(self.said(), [f'gpsd at 127.0.0.1:{d.gpsd.port} cannot be reached: Connection refused.'])
        self.start_gpsd()
        self.check_all_recorded()
        begun = time.monotonic()
        while len(self.said()) < 2:     # the connection has to last for 10 s
            self.assertLess(time.monotonic() - begun, 60)
            d.feed(d.generate(5), pause=0.1)
        self.assertEqual(self.said()[1:], ['gpsd is heard again.'])

    def test_restarted(self):
        """restarted: what was recorded before is sent meanwhile, and it goes on after it"""
        d = self.d
        d.grant_and_attach()
        d.feed(d.generate(20))
        n = len(d.fixes())
        d.gpsd.stop()
        self.until_in_trouble('Connection refused', 1)
        self.assertIn('closed the connection', self.said()[0])
        d.box.flush()
        self.assertEqual(len(d.features()), n)
        self.start_gpsd()
        self.check_all_recorded()
        self.assertEqual(len(self.said()), 1, self.said())

    def test_hanging(self):
        """hanging: it is given up, said once, tried again, and found when it goes on"""
        d = self.d
        d.gpsd.process.send_signal(signal.SIGSTOP)
        try:
            d.box.grant()
            self.until_in_trouble('does not answer', 1)
            self.assertNotIn(self.state_of_gnss(), ('watching', 'fixing'))
            d.box.flush()
        finally:
            d.gpsd.process.send_signal(signal.SIGCONT)
        d.attach()
        self.assertEqual(self.error(), '')
        self.check_all_recorded()

    def check_impostor(self, speech, words, attempts=2):
        d = self.d
        d.grant_and_attach()
        d.feed(d.generate(20))
        n = len(d.fixes())
        d.gpsd.stop()
        with Impostor(d.gpsd.port, speech) as impostor:
            d.wait(lambda: impostor.n >= attempts, 'it tries again', 60)
            d.box.until('Device1', 'LastErrors', lambda errors: words in errors.get('gnss', ''))
            self.assertEqual(len(self.said()), 1, self.said())
            d.box.flush()
            self.assertEqual(len(d.features()), n)
        self.start_gpsd()
        self.check_all_recorded()
        self.assertEqual(len(self.said()), 1, self.said())

    def test_garbage(self):
        """something else listens there: left, said once, and gpsd is found when it is back"""
        self.check_impostor(b'SSH-2.0-OpenSSH_9.2p1\r\n', "does not speak gpsd's protocol")

    def test_garbage_after_the_banner(self):
        """garbage after a banner: left, said once however often it begins well, and gpsd is found when it is back"""
        speech = BANNER + b'\xff\x00{"class":"TPV","mode":3,"lat":1.0\n'
        self.check_impostor(speech, "does not speak gpsd's protocol", attempts=3)

    def test_endless_line(self):
        """a line without an end: left, said once, and gpsd is found when it is back"""
        self.check_impostor(BANNER + b'{' * (1 << 20), 'sent a line without end')


if __name__ == '__main__':
    tap.main()
