#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What trailkeepd costs while there is nothing to do: consented, gpsd connected and silent, nothing to send.

Two boxes side by side: one has sent nothing yet, the other has sent a drive, so that TLS, curl and SQLite have done
their work in it, and trusts the system's certificate authorities besides its own, as for a public cloud. As the peer in
the same run stands a process that holds the same libraries loaded and bound and does nothing: what is above it is ours.
Printed are memory (smaps_rollup, proc(5)), wake-ups (voluntary context switches) and CPU time in the window. The
watchdog is on, as the unit has it.

Needs root, since trailkeepd is not dumpable. TRAILKEEP_BENCH_SECONDS is the window, 60 unless set; TRAILKEEP_BENCH_MAPS
names a folder that gets each process's smaps.
"""
import contextlib
import os
import shutil
import subprocess
import sys
import time

from peers.box import TRAILKEEPD
from peers.drive import Drive

WINDOW_S = int(os.environ.get('TRAILKEEP_BENCH_SECONDS', '60'))
MAPS = os.environ.get('TRAILKEEP_BENCH_MAPS')
WATCHDOG_S = 180  # WatchdogSec= of the unit; the loop feeds it at half this time
AIM_KIB = 4096
SYSTEM_AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt'


def memory(pid):
    """Private_Dirty, PSS and RSS in KiB."""
    found = {}
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as f:
        for line in f.read().splitlines()[1:]:
            name, value = line.split()[:2]
            found[name.rstrip(':')] = int(value)
    return found['Private_Dirty'], found['Pss'], found['Rss']


def activity(pid):
    """Per thread: voluntary context switches and CPU time in ns."""
    found = {}
    for task in os.listdir(f'/proc/{pid}/task'):
        with open(f'/proc/{pid}/task/{task}/status', encoding='ascii') as f:
            fields = dict(line.rstrip('\n').split(':\t', 1) for line in f if ':\t' in line)
        with open(f'/proc/{pid}/task/{task}/schedstat', encoding='ascii') as f:
            cpu_ns = int(f.read().split()[0])
        found[task] = fields['Name'], int(fields['voluntary_ctxt_switches']), cpu_ns
    return found


def libraries(program):
    """Paths of the shared libraries that the program loads."""
    out = subprocess.run(['ldd', program], capture_output=True, text=True, check=True).stdout
    return [word for line in out.splitlines() for word in line.split() if word.startswith('/')]


@contextlib.contextmanager
def libraries_alone(program):
    """A process with the program's libraries and nothing else, its pid: sleeps until its input ends."""
    env = {**os.environ, 'LD_PRELOAD': ' '.join(libraries(program)), 'LD_BIND_NOW': '1'}
    with subprocess.Popen(['/bin/cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as process:
        process.stdin.write(b'\n')
        process.stdin.flush()
        process.stdout.readline()  # all is loaded and bound
        yield process.pid
        process.stdin.close()


def trust_the_system_too(drive):
    path = os.path.join(drive.folder, 'authorities.crt')
    with open(path, 'wb') as bundle:
        for source in (SYSTEM_AUTHORITIES, drive.store.authority.ca_file):
            if os.path.exists(source):
                with open(source, 'rb') as f:
                    bundle.write(f.read())
    drive.box.settings['Store']['CaFile'] = path
    drive.box.write_config()


def start(drive):
    drive.box.start()
    drive.grant_and_attach()


def send_a_drive(drive):
    drive.feed(drive.generate(120))
    drive.until_recorded(len(drive.fixes()))
    drive.box.flush()
    drive.box.until('Device1', 'Lanes', lambda lanes: lanes['track']['pending'] == 0)
    drive.box.until('Device1', 'GnssState', lambda state: state == 'silent')


def show(name, pid, before, peer):
    dirty, pss, rss = memory(pid)
    print(f'{name:11} Private_Dirty {dirty:5} KiB  PSS {pss:5} KiB  RSS {rss:5} KiB', end='')
    if peer:
        print(f'  of the libraries alone {dirty / peer[0]:.2f} {pss / peer[1]:.2f} {rss / peer[2]:.2f}', end='')
    print()
    for task, (thread, n, cpu_ns) in sorted(activity(pid).items()):
        _, n_before, cpu_before_ns = before.get(task, (thread, 0, 0))
        print(f'            thread {thread:15} {(n - n_before) * 60 / WINDOW_S:5.1f} wake-ups per minute  '
              f'{(cpu_ns - cpu_before_ns) / 1e6:.2f} ms CPU in {WINDOW_S} s')
    if MAPS:
        shutil.copyfile(f'/proc/{pid}/smaps', os.path.join(MAPS, f'{name.replace(" ", "-")}.smaps'))
    return dirty, pss, rss


def main():
    if os.geteuid() != 0:
        sys.exit('Needs root: trailkeepd is not dumpable, so only root may read its memory map.')
    os.environ['WATCHDOG_USEC'] = str(WATCHDOG_S * 1000000)
    settings = {'Device': {'LogLevel': 'info'}, 'Journal': {'CommitInterval': '1s'}, 'Store': {'Interval': '1min'}}
    with Drive(settings) as unused, Drive(settings) as used, libraries_alone(TRAILKEEPD) as idle:
        trust_the_system_too(used)
        start(used)
        send_a_drive(used)
        start(unused)
        pids = {'libraries': idle, 'nothing sent': unused.box.process.pid, 'sent': used.box.process.pid}
        before = {name: activity(pid) for name, pid in pids.items()}
        time.sleep(WINDOW_S)  # the window that is measured, not a wait for something
        peer = None
        for name, pid in pids.items():
            figures = show(name, pid, before[name], peer)
            peer = peer or figures
        print(f'aim         Private_Dirty at most {AIM_KIB} KiB: {"met" if figures[0] <= AIM_KIB else "missed"}; '
              f'no wake-up but the watchdog\'s ({60 / (WATCHDOG_S / 2):.1f} per minute) and retention\'s')


main()
