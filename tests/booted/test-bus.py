#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""On the machine's own system bus, with its own users and groups: who may own the name, who may do what, activation.

What each role may do is read from data/dbus/*.xml, the contract, so that the two cannot differ.
"""
import os
import pathlib
import re
import unittest

from machine import USER, Installed, add_user, must, run
from peers import tap
from peers.bus import NAME, ROOT

CONTRACT = pathlib.Path(os.path.abspath(__file__)).parents[2] / 'data/dbus'
ROLES = ('owner', 'guardian', 'operator', 'bridge')
STRANGER = 'stranger'
DENIED = 'Access denied'
DBUS = ('org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus')
# In this order, so that each finds the box as the one before has left it.
ARGUMENTS = {
    'List': (), 'Grant': ('sa{sv}', 'location', '0'), 'GetLastFix': (), 'GetInstallation': (), 'Summary': (),
    'Flush': (), 'RotateKeys': (), 'StartEvidence': (), 'AcknowledgeDamage': (), 'ListErasures': (), 'Erase': ('a{sv}', '0'), 'Withdraw': ('sa{sv}', 'location', '0'),
    'EraseEverything': (),
}
FOR_ADA = ('1', 'actor', 's', 'Ada')
EXIT_DONE, EXIT_FAILED, EXIT_ABSENT, EXIT_DENIED = 0, 1, 3, 4


def arguments_of(method, role):
    """A bridge has to say for whom it speaks."""
    *arguments, last = ARGUMENTS[method] or ('',)
    return [*arguments, *FOR_ADA] if role == 'bridge' and last == '0' else ARGUMENTS[method]


def methods():
    """(interface, method, roles that may call it) as the contract says; STRANGER is a member where everyone may."""
    for path in sorted(CONTRACT.glob('*.xml')):
        text = path.read_text(encoding='utf-8')
        for comment, name in re.findall(r'<!--((?:(?!-->).)*)-->\s*<method name="(\w+)"', text, re.DOTALL):
            who = re.search(r'Who may call: ([a-z, ]+)\.', comment).group(1)
            yield path.stem, name, {*ROLES, STRANGER} if who == 'everyone' else set(who.split(', '))


def properties():
    """(interface, property) of what everyone may read."""
    for path in sorted(CONTRACT.glob('*.xml')):
        if path.stem != 'org.trailkeep.Erasure1':
            for name in re.findall(r'<property name="(\w+)"', path.read_text(encoding='utf-8')):
                yield path.stem, name


class BusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.users = {role: add_user(f'the-{role}', f'trailkeep-{role}') for role in ROLES}
        cls.users[STRANGER] = add_user(STRANGER)

    def test_policy(self):
        """nobody but the daemon's user may own the name, not even root"""
        request = ('call', *DBUS, 'RequestName', 'su', NAME, '4')
        with Installed() as box:
            for user in ('root', *self.users.values()):
                self.assertIn(DENIED, box.bus.call_as(user, *request)[1], user)
            self.assertEqual(box.bus.call_as(USER, *request)[0], 0)

    def test_roles(self):
        """each role may call what the contract says, and gets AccessDenied for the rest"""
        table = {name: (interface, who) for interface, name, who in methods()}
        self.assertEqual(set(table), set(ARGUMENTS))
        with Installed() as box:
            box.init()
            box.start()
            for method in ARGUMENTS:
                interface, who = table[method]
                call = 'call', NAME, ROOT, interface, method
                answers = {role: box.bus.call_as(user, *call, *arguments_of(method, role))[1]
                           for role, user in self.users.items()}
                self.assertEqual({role for role, text in answers.items() if DENIED not in text}, who, (method, answers))
            # What they have erased by this can be seen by those who may erase.
            erasure = ROOT + '/erasure/1'
            for role, user in self.users.items():
                code, text = box.bus.call_as(user, 'get-property', NAME, erasure, NAME + '.Erasure1', 'Reclaimed')
                self.assertEqual(code == 0, role in ROLES, (role, text))

    def test_status_for_everyone(self):
        """every property that is status can be read by a user without a group"""
        with Installed() as box:
            box.init()
            box.start()
            for interface, name in properties():
                code, text = box.bus.call_as(STRANGER, 'get-property', NAME, ROOT, interface, name)
                self.assertEqual(code, 0, f'{interface}.{name}: {text}')

    def test_ctl(self):
        """trailkeepctl on the system bus: who may grant does, who may not ends with 4, status is for all"""
        def ctl(role, *arguments):
            return run('trailkeepctl', '--bus', 'system', *arguments, user=self.users[role]).returncode
        grant = {'owner': EXIT_DONE, 'guardian': EXIT_DONE, 'operator': EXIT_DENIED, STRANGER: EXIT_DENIED,
                 'bridge': EXIT_FAILED}     # a bridge speaks for somebody, which trailkeepctl cannot say
        withdraw = {**grant, 'operator': EXIT_DONE, 'bridge': EXIT_DONE}    # nothing is to stand in the way of this
        with Installed() as box:
            box.init()
            box.start()
            for role in self.users:
                self.assertEqual(ctl(role, 'status'), EXIT_DONE, role)
                self.assertEqual(ctl(role, 'consent', 'grant', 'location'), grant[role], role)
                self.assertEqual(box.is_granted(), grant[role] == EXIT_DONE, role)
                self.assertEqual(ctl(role, 'consent', 'withdraw', 'location'), withdraw[role], role)
                self.assertFalse(box.is_granted())

    def test_activation(self):
        """a call to the name starts the unit, and the daemon that answers is the unit's; trailkeepctl starts nothing"""
        with Installed() as box:
            box.init()
            self.assertEqual(run('trailkeepctl', 'status').returncode, EXIT_ABSENT)
            self.assertEqual(box.show('ActiveState'), 'inactive')
            must('busctl', '--system', 'get-property', NAME, ROOT, NAME + '.Device1', 'State', user=STRANGER)
            self.assertEqual(box.show('ActiveState'), 'active')
            owner = must('busctl', '--system', 'call', *DBUS, 'GetConnectionUnixProcessID', 's', NAME)
            self.assertEqual(owner.split(), ['u', str(box.pid())])
            self.assertEqual(must('pgrep', '--exact', 'trailkeepd').split(), [str(box.pid())])

    def test_activation_refused(self):
        """when the unit cannot start, a call starts it once and no more"""
        with Installed() as box:
            # dbus-daemon hears of no failure of the unit and waits for the name; the caller need not.
            done = run('busctl', '--system', '--timeout=2', 'call', NAME, ROOT, NAME + '.Consent1', 'List')
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(box.show('ActiveState', 'ExecMainStatus', 'NRestarts'), ['failed', '78', '0'])

    def test_second(self):
        """a second daemon on the same state ends by itself and leaves the first alone"""
        with Installed() as box:
            box.init()
            box.start()
            pid = box.pid()
            done = run('trailkeepd', user=USER)
            self.assertNotEqual(done.returncode, 0)
            self.assertEqual(box.pid(), pid)
            self.assertEqual(box.bus.get('Device1', 'State'), 'running')


if __name__ == '__main__':
    tap.main()
