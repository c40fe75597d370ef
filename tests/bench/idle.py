#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What trailkeepd costs while there is nothing to do: consented, gpsd connected and silent, nothing to send.

Prints Private_Dirty and PSS (from smaps_rollup, proc(5)) and how often each thread woke in the window (voluntary context
switches). Beside it, as the peer in the same run, a process that holds the same libraries loaded and does nothing: what is
above it is ours. Needs root, since trailkeepd is not dumpable.
"""
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../lib'))
from peers.box import Box, TRAILKEEPD   # noqa: E402
from peers.gpsd import Gpsd             # noqa: E402
from peers.store import Store           # noqa: E402

WINDOW_S = int(os.environ.get('TRAILKEEP_BENCH_SECONDS', '60'))


def memory(pid):
    """Private_Dirty and PSS in KiB."""
    found = {}
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
        for line in f.read().splitlines()[1:]:
            name, value = line.split()[:2]
            found[name.rstrip(':')] = int(value)
    return found['Private_Dirty'], found['Pss']


def switches(pid):
    """Voluntary context switches per thread name."""
    found = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/status', encoding='ascii') as f:
            fields = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
        found[f"{fields['Name']}/{task}"] = int(fields['voluntary_ctxt_switches'])
    return found


def libraries(program):
    """Paths of the shared libraries that the program loads."""
    out = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    return [word for line in out.splitlines() for word in line.split() if word.startswith('/')]


def peer(program):
    """A process with the program's libraries and nothing else: sleeps until its input ends."""
    return subprocess.Popen(['/bin/cat'], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            env={**os.environ, 'LD_PRELOAD': ' '.join(libraries(program)), 'LD_BIND_NOW': '1'})


def main():
    if os.geteuid() != 0:
        sys.exit('Needs root: trailkeepd is not dumpable, so only root may read its memory map.')
    with Gpsd() as gpsd, Store() as store, \
            Box({'Gnss': {'Gpsd': gpsd.address}, 'Store': store.settings(), 'Device': {'LogLevel': 'info'}}) as box:
        box.init().start()
        box.grant()
        box.until('Device1', 'GnssState', lambda state: state in ('watching', 'silent'))
        pid = box.process.pid
        before = switches(pid)
        time.sleep(WINDOW_S)    # the window that is measured, not a wait for something
        after = switches(pid)
        dirty, pss = memory(pid)
        with peer(TRAILKEEPD) as idle:
            idle_dirty, idle_pss = memory(idle.pid)
            idle.stdin.close()
    woken = {name: n - before.get(name, 0) for name, n in after.items()}
    per_minute = sum(woken.values()) * 60 / WINDOW_S
    print(f'trailkeepd  Private_Dirty {dirty} KiB  PSS {pss} KiB  wake-ups {per_minute:.1f} per minute {woken}')
    print(f'libraries   Private_Dirty {idle_dirty} KiB  PSS {idle_pss} KiB')
    print(f'ratio       Private_Dirty {dirty / idle_dirty:.2f}  PSS {pss / idle_pss:.2f}')
    print(f'aim         Private_Dirty 4096 KiB: {"met" if dirty <= 4096 else "missed"}; no periodic wake-up but watchdog and retention')


main()
