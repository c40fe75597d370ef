#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A medium that stalls for five seconds delays no fix, no answer on the bus and no watchdog; a withdrawal in the middle
of it takes effect at once, and nothing of what came meanwhile is lost."""
import concurrent.futures
import os
import socket
import time
import unittest

from peers import tap
from peers.drive import Drive

STALL_S = 5
WATCHDOG_S = 2
PROMPT_S = 2    # a busy machine's, and far below the stall


class Stall:
    """Every sync of the daemon waits from begin() to end()."""

    def __init__(self, folder):
        self.fifo = os.path.join(folder, 'stall')

    def environment(self):
        return {'LD_PRELOAD': os.environ['TRAILKEEP_STALL_LIBRARY'], 'TRAILKEEP_STALL': self.fifo,
                'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'}

    def begin(self):
        os.mkfifo(self.fifo)

    def is_reached(self):
        return os.path.exists(self.fifo + '.reached')

    def end(self):
        writer = os.open(self.fifo, os.O_RDWR)
        os.unlink(self.fifo)    # no sync waits from here on, and the writer lets go the one that does
        return writer


class StallTest(unittest.TestCase):
    def start(self, d, stall):
        """Start the box under a watchdog of ours; gives the socket that hears it."""
        path = os.path.join(d.box.folder, 'watchdog')
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        notify.bind(path)
        d.box.environment = {**stall.environment(), 'WATCHDOG_USEC': str(WATCHDOG_S * 1000000)}
        d.box.launch(path)
        d.box.await_ready(notify, 30)
        notify.setblocking(False)
        return notify

    def count_keep_alives(self, notify):
        n = 0
        while True:
            try:
                n += b'WATCHDOG=1' in notify.recv(4096)
            except BlockingIOError:
                return n

    def ask(self, d):
        """What a person would look at; how long the slower answer took."""
        began = time.monotonic()
        d.box.bus.busctl('call', 'org.trailkeep', '/org/trailkeep', 'org.freedesktop.DBus.Properties', 'GetAll', 's',
                         'org.trailkeep.Device1')
        slowest = time.monotonic() - began
        began = time.monotonic()
        fix = d.box.bus.call('Device1', 'GetLastFix')[0]
        return fix['time']['data'], max(slowest, time.monotonic() - began)

    def test_stall(self):
        """a stall of the medium delays nothing but what has to be on it"""
        with Drive({'Store': {'Interval': '1h'}}) as d:
            stall = Stall(d.folder)
            with self.start(d, stall) as notify:
                before = d.box.connections_to(d.gpsd.port)
                d.grant_and_attach()
                d.feed(d.generate(10))
                n_before = len(d.fixes())
                d.until_recorded(n_before)
                stall.begin()
                self.drive_on(d, stall, notify, n_before)
                self.withdraw(d, stall, before)
                self.assertGreater(len(d.fixes()), n_before)
                self.assertEqual(d.box.track()['recorded'], len(d.fixes()))
            self.assertEqual(d.box.stop(), 0)

    def drive_on(self, d, stall, notify, n_before):
        """Fixes keep coming and are seen on the bus while nothing of them can be made durable."""
        seen, slowest = set(), 0
        d.feed(d.generate(5, seed=2))
        d.wait(stall.is_reached, 'the journal waits for the medium')
        began = time.monotonic()
        self.count_keep_alives(notify)
        for seed in range(3, 1000):
            d.feed(d.generate(5, seed=seed))
            at, took = self.ask(d)
            seen.add(at)
            slowest = max(slowest, took)
            if time.monotonic() - began > STALL_S and len(seen) > 2:
                break
        n_alive = self.count_keep_alives(notify)
        print(f'# {len(d.fixes()) - n_before} fixes, {len(seen)} of them asked for, the slowest answer took '
              f'{slowest:.2f} s, {n_alive} keep-alives', flush=True)
        self.assertLess(slowest, PROMPT_S)
        self.assertGreaterEqual(n_alive, STALL_S // WATCHDOG_S)
        self.assertEqual(d.box.track()['recorded'], n_before, 'the stall is one')

    def withdraw(self, d, stall, before):
        """It cannot be written down, and holds all the same; it is answered once it is on the medium."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            withdrawal = pool.submit(d.box.withdraw, keep=True)
            d.wait(lambda: d.box.connections_to(d.gpsd.port) == before, 'the receiver is let go')
            self.assertEqual(d.box.bus.get('Device1', 'GnssState'), 'stopped')
            self.assertFalse(withdrawal.done())
            os.close(stall.end())
            withdrawal.result()


if __name__ == '__main__':
    tap.main()
