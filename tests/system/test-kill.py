#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The daemon is killed at random moments of a drive with uploads, while for a third of them the store answers 500, says
nothing, or closes in the middle: nothing that it said was durable is missing, and no record is in the store twice.

TRAILKEEP_KILLS says how often (200), TRAILKEEP_SEED repeats a run.
"""
import collections
import itertools
import os
import random
import threading
import unittest

from peers import gpsd, tap
from peers.box import NotReady
from peers.bus import CallError
from peers.drive import Drive

KILLS = int(os.environ.get('TRAILKEEP_KILLS', '200'))
SEED = int(os.environ.get('TRAILKEEP_SEED', '0')) or random.SystemRandom().randrange(1, 1 << 31)
LONGEST_LIFE_S = 0.8


class Feeder:
    """Drives on and on in a thread of its own until it is told to stop."""

    def __init__(self, d):
        self.d = d
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        for seed in itertools.count(1):
            gpsd.feed(self.d.source, self.d.generate(600, seed=seed), pause=0.02, stop=self.stopping)
            if self.stopping.is_set():
                return

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


class KillTest(unittest.TestCase):
    def make_trouble(self, d, i, chance):
        """A third of the lives meet a store that fails in one of four ways."""
        d.store.behave()
        d.proxy.heal()
        if i % 3 != 0:
            return
        trouble = chance.choice(['500', 'silent', 'cut request', 'cut answer'])
        if trouble == '500':
            d.store.misbehave('PUT', 500)
        elif trouble == 'silent':
            d.proxy.is_hanging = True
        elif trouble == 'cut request':
            d.proxy.cut_up_after = chance.randrange(600, 4000)
        else:
            # The handshake comes back, the answer does not: the object is there and the box cannot know.
            d.proxy.cut_down_after = chance.randrange(1500, 4000)

    def live_and_die(self, d, chance):
        """One life. Gives the counters last heard, None when it died before it could be asked."""
        life = chance.uniform(0, LONGEST_LIFE_S)
        killer = threading.Timer(life, lambda: d.box.process.kill())
        heard = None
        try:
            if chance.random() < 0.1:   # some die while they start
                d.box.launch()
                killer.start()
            else:
                d.box.start()
                killer.start()
            while d.box.process.poll() is None:
                heard = d.box.track()
        except (CallError, NotReady):
            pass    # it is dead, or nobody has the name yet
        finally:
            killer.join()
            d.box.process.wait()
        return heard

    def test_kill(self):
        """SIGKILL at random moments loses nothing that was durable and doubles nothing"""
        print(f'# seed {SEED}, {KILLS} kills', flush=True)
        chance = random.Random(SEED)
        settings = {'Journal': {'CommitInterval': '20ms'}, 'Store': {'Interval': '100ms', 'ObjectRecords': '10', 'Timeout': '2s'},
                    'Device': {'LogLevel': 'info'}}
        with Drive(settings, proxy=True) as d:
            d.box.start()
            d.grant_and_attach()
            d.box.kill()
            durable = stored = n_heard = 0
            with Feeder(d):
                for i in range(KILLS):
                    self.make_trouble(d, i, chance)
                    heard = self.live_and_die(d, chance)
                    if heard is None:
                        continue
                    n_heard += 1
                    self.assertGreaterEqual(heard['recorded'], durable, f'life {i}')
                    self.assertGreaterEqual(heard['stored'], stored, f'life {i}')
                    durable, stored = heard['recorded'], heard['stored']
                d.store.behave()
                d.proxy.heal()
            d.box.start()
            d.box.flush(timeout=120)
            last = d.box.track()
            ids = [feature['id'] for feature in d.features()]
            print(f'# {n_heard} lives were asked; {last}; {len(d.store.objects())} objects', flush=True)
            self.assertGreater(n_heard, KILLS / 2)
            self.assertGreater(durable, 0)
            self.assertGreaterEqual(last['recorded'], durable)
            self.assertEqual([i for i, n in collections.Counter(ids).items() if n > 1], [])
            self.assertEqual(last['pending'] + last['parked'] + last['expired'] + last['erased'], 0)
            self.assertEqual(len(ids), last['stored'])
            self.assertEqual(len(ids), last['recorded'])


if __name__ == '__main__':
    tap.main()
