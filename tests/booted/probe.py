#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tries what trailkeepd must not be able to do, and writes a JSON object: what -> "done" or the name of the error.

    probe.py RESULT STAGE

Started by ExecStartPre= it tries it as the service would; started by runuser as the same user without the unit. STAGE
is a folder that everybody may write to, with what is there to be found.
"""
import ctypes
import errno
import json
import mmap
import os
import socket
import sys

ADDR_NO_RANDOMIZE = 0x0040000
PTRACE_TRACEME = 0
CLONE_NEWUSER = 0x10000000

STAGE = sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)


def call(name, *arguments):
    """A function of libc that gives -1 on failure."""
    if getattr(libc, name)(*map(ctypes.c_long, arguments)) == -1:
        raise OSError(ctypes.get_errno(), name)


def in_child(action):
    """For what would change this process; the child's errno comes back as its exit code."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except OSError as error:
            os._exit(error.errno)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code:
        raise OSError(code, 'child')


def write(path):
    with open(path, 'w', encoding='ascii'):
        pass
    os.unlink(path)


def set_user_id_bit():
    path = os.path.join(os.path.dirname(sys.argv[1]), 'suid')
    fd = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        os.fchmod(fd, 0o4700)
    finally:
        os.close(fd)
        os.unlink(path)


def must_find(is_found):
    if not is_found:
        raise OSError(errno.ENOENT, 'hidden')


def status(name):
    with open('/proc/self/status', encoding='ascii') as f:
        return next(line.split()[1] for line in f if line.startswith(name + ':'))


def read(path):
    with open(path, 'rb') as f:
        f.read(1)


PROBES = {
    'write to its state folder': lambda: write(os.path.join(os.path.dirname(sys.argv[1]), 'written')),
    'write to another folder that is open to all': lambda: write(os.path.join(STAGE, 'written')),
    'see files that others leave in /tmp': lambda: read('/tmp/trailkeep-stage'),
    'read what lies in /home': lambda: read(os.path.join('/home', 'trailkeep-stage')),
    'see processes of others': lambda: must_find(os.path.exists('/proc/1')),
    'see the console': lambda: must_find(os.path.exists('/dev/console')),
    'map memory to write and execute': lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close(),
    'open a netlink socket': lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW).close(),
    'make a name space': lambda: in_child(lambda: call('unshare', CLONE_NEWUSER)),
    'change its personality': lambda: in_child(lambda: call('personality', ADDR_NO_RANDOMIZE)),
    'be traced': lambda: in_child(lambda: call('ptrace', PTRACE_TRACEME, 0, 0, 0)),
    'change owners': lambda: os.chown(sys.argv[1], os.getuid(), os.getgid()),
    'set a set-user-ID bit': set_user_id_bit,
    'gain privileges by execve': lambda: must_find(status('NoNewPrivs') == '0'),
    'have a capability in its bounding set': lambda: must_find(int(status('CapBnd'), 16)),
}


def outcome(probe):
    try:
        probe()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return 'done'


def main():
    with open(sys.argv[1], 'w', encoding='ascii') as f:
        json.dump({}, f)
    results = {what: outcome(probe) for what, probe in PROBES.items()}
    with open(sys.argv[1], 'w', encoding='ascii') as f:
        json.dump(results, f)


if __name__ == '__main__':
    main()
