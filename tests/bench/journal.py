#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a record costs on its way to the medium: the journal beside its peers.

All on one device in one run, taking turns: fixes of 200 bytes in commits of 1, 10 and 100, then fragments of video of
1 MiB, one in each commit. The peers: plain SQLite and
SQLCipher with the journal's settings and one table, LMDB, a file that grows, one allocated ahead, and as the floor a
recycled file that was written from end to end before. fsync is the medium alone: 4096 bytes and an fdatasync, as often
as it can.

  journal.py FOLDER-OF-THE-PROGRAMS     settings from the environment:

  TRAILKEEP_BENCH_FOLDER   works in a new folder below this one, /var/tmp unless set
  TRAILKEEP_BENCH_ROUNDS   how often each has its turn, 4 unless set
  TRAILKEEP_BENCH_MSEC     how long a turn is at most, 700 unless set

Rates and times are of all turns together; a ratio is the median of the ratios of each round to the turn of plain SQLite
(for video: of append) in the same round, so that it hardly moves with what else the machine does.
"""
import os
import signal
import statistics
import subprocess
import sys

from device import Device

ROUNDS = int(os.environ.get('TRAILKEEP_BENCH_ROUNDS', '4'))
MSEC = int(os.environ.get('TRAILKEEP_BENCH_MSEC', '700'))
FIX_BYTES, FRAGMENT_BYTES = 200, 1 << 20
COMMITS_MAX, FRAGMENTS_MAX = 100000, 32  # in a turn, the latter so that the device has room for all
WARM_UP = 1, 4000, 1200  # records a commit, ms, commits: SQLite's WAL has been filled once and is reused from there on
WARM_UP_FRAGMENTS = 1, 4000, 8
HEAD = '| batch | what | records/s | x {0} | CPU us/record | x {0} | bytes written per byte | flushes per commit | ' \
    'commit p50 ms | p99 ms | RSS KiB | Private_Dirty KiB |\n' + '| --- ' * 12 + '|'
PEERS = [  # name in the table, program, variant
    ('journal', 'peer-journal', ''),
    ('SQLite', 'peer-sqlite', ''),
    ('SQLCipher', 'peer-sqlcipher', ''),
    ('LMDB', 'peer-lmdb', ''),
    ('append', 'peer-file', 'append'),
    ('fallocated', 'peer-file', 'fallocated'),
    ('floor', 'peer-file', 'floor'),
    ('fsync', 'peer-file', 'fsync'),
]


BASE = {False: 'SQLite', True: 'append'}  # what ratios are to, of fixes and of video


class Peer:
    """One program at work, and its figures."""

    def __init__(self, name, command, device, payload_bytes):
        self.name, self.device, self.payload_bytes = name, device, payload_bytes
        folder = os.path.join(device.path, name)
        os.mkdir(folder)
        self.process = subprocess.Popen([command[0], folder, str(payload_bytes), command[1]], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, bufsize=1)
        self.listen('ready')
        self.turns = []  # (records per second, CPU in us for each record)
        self.latencies_us = []
        self.n_records = self.written = self.flushes = 0

    def listen(self, expected=None):
        line = self.process.stdout.readline()
        if not line or (expected and line != expected + '\n'):
            raise RuntimeError(f'{self.name} ended: see what it said above')
        return line

    def counting(self, action):
        before = self.device.counters(self.process.pid)
        result = action()
        after = self.device.counters(self.process.pid)
        self.written += after[0] - before[0]
        self.flushes += after[1] - before[1] if self.device.is_loop else 0
        return result

    def run(self, batch, msec, commits_max):
        self.process.stdin.write(f'run {batch} {msec} {commits_max}\n')
        return [int(word) for word in self.listen().split()]

    def turn(self, batch, commits_max):
        usec, cpu_usec, *latencies = self.counting(lambda: self.run(batch, MSEC, commits_max))
        n = len(latencies) * batch
        self.turns.append((n * 1e6 / usec, cpu_usec / n))
        self.latencies_us += latencies
        self.n_records += n

    def close(self):
        """What is written at the end, such as the last checkpoint, counts too."""
        with open(f'/proc/{self.process.pid}/smaps_rollup', encoding='ascii') as f:
            self.memory = {line.split()[0]: int(line.split()[1]) for line in f if line.split()[-1] == 'kB'}

        def end():
            self.process.stdin.close()
            self.listen('closed')
        if self.device.is_loop:
            self.counting(end)
        else:
            end()  # proc(5) knows nothing of a process that has ended
        self.process.wait()

    def rate(self):
        return self.n_records / (sum(self.latencies_us) / 1e6)

    def percentile_ms(self, percent):
        ordered = sorted(self.latencies_us)
        return ordered[(len(ordered) - 1) * percent // 100] / 1000


def ratio(peer, base, which):
    return statistics.median(ours[which] / theirs[which] for ours, theirs in zip(peer.turns, base.turns))


def line(batch, peer, base, n_flush):
    cells = [batch, peer.name, f'{peer.rate():.0f}', f'{ratio(peer, base, 0):.2f}',
             f'{statistics.median(turn[1] for turn in peer.turns):.1f}', f'{ratio(peer, base, 1):.2f}',
             f'{peer.written / peer.n_records / peer.payload_bytes:.2f}', n_flush,
             f'{peer.percentile_ms(50):.2f}', f'{peer.percentile_ms(99):.2f}',
             f'{peer.memory["Rss:"]}', f'{peer.memory["Private_Dirty:"]}']
    if peer.name == 'fsync':  # has no records, and is nobody's rival
        cells[3:7] = [''] * 4
    print('| ' + ' | '.join(cells) + ' |', flush=True)


def compare(device, programs, label, batch, is_video):
    payload_bytes, commits_max = (FRAGMENT_BYTES, FRAGMENTS_MAX) if is_video else (FIX_BYTES, COMMITS_MAX)
    peers = [Peer(name, (path, variant), device, payload_bytes) for name, path, variant in programs]
    for peer in peers:
        peer.run(*(WARM_UP_FRAGMENTS if is_video else WARM_UP))
    for _ in range(ROUNDS):
        for peer in peers:
            peer.turn(1 if peer.name == 'fsync' else batch, commits_max)
    base = next(peer for peer in peers if peer.name == BASE[is_video])
    for peer in peers:
        peer.close()
        line(label, peer, base, f'{peer.flushes / len(peer.latencies_us):.1f}' if device.is_loop else '')
        subprocess.run(['rm', '-r', os.path.join(device.path, peer.name)], check=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = sys.argv[1]
    programs = []
    for name, program, variant in PEERS:
        path = os.path.join(folder, program)
        if os.path.exists(path):
            programs.append((name, path, variant))
        else:
            print(f'left out: {name}, which was not there when this was built; tools/setup --only bench installs it')
    with Device(os.environ.get('TRAILKEEP_BENCH_FOLDER', '/var/tmp')) as device:
        print(f'{ROUNDS} turns of {MSEC} ms each, on {device.describe()}.\n')
        print(HEAD.format(BASE[False]))
        for batch in (1, 10, 100):
            compare(device, programs, str(batch), batch, False)
        print('\n' + HEAD.format(BASE[True]))
        compare(device, programs, '1 MiB', 1, True)


main()
