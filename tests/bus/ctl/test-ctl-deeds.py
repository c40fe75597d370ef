#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What trailkeepctl does: decisions, waiting, trouble and its exit codes, watching."""
import json
import os
import re
import shutil
import subprocess
import tempfile
from unittest import mock

from ctllib import ABSENT, CTL, DEADLINE, DENIED, DONE, FAILED, INCOMPLETE, USAGE, Case, Fake, Terminal, environment
from peers import bus, tap


class Deeds(Case):
    """What reaches the daemon, and what is said about it."""

    def test_grant(self):
        out, _ = self.ctl('consent', 'grant', 'location')
        self.assertEqual(out, 'location is granted.\n')
        self.assertEqual(self.fake.calls(), [['Grant', '["location",{}]']])

    def test_withdraw(self):
        out, _ = self.ctl('consent', 'withdraw', 'location')
        self.assertIn('17 records that were not in the store yet were destroyed', out)
        self.assertIn('8 records stay in the store; their copies here were destroyed', out)
        self.assertIn('1 object that may have reached the store is being deleted', out)
        self.assertEqual(self.fake.calls(), [['Withdraw', '["location",{"keep":false}]']])

    def test_withdraw_and_keep(self):
        out, _ = self.ctl('consent', 'withdraw', 'location', '--keep')
        self.assertIn('is kept', out)
        self.assertEqual(self.fake.calls(), [['Withdraw', '["location",{"keep":true}]']])

    def test_quiet_says_nothing(self):
        self.assertEqual(self.ctl('-q', 'consent', 'grant', 'location'), ('', ''))

    def test_one_refused_purpose_leaves_the_others_done(self):
        self.fake.tell('fail Grant org.trailkeep.Error.NotDurable the ledger could not be written')
        _, err = self.ctl('consent', 'grant', 'location', 'audio', code=FAILED)
        self.assertEqual(err.count('could not be written'), 2)

    def test_rotate_the_keys(self):
        out, _ = self.ctl('key', 'rotate')
        self.assertIn('wrapped anew', out)
        self.assertEqual(self.json('key', 'rotate'), {'rotated': True})
        self.assertEqual([call[0] for call in self.fake.calls()], ['RotateKeys', 'RotateKeys'])
        self.fake.tell('fail RotateKeys org.trailkeep.Error.Full the keys are as they were')
        _, err = self.ctl('key', 'rotate', code=FAILED)
        self.assertIn('as they were', err)

    def test_damage_is_shown_and_acknowledged(self):
        self.assertIn('Nothing was found damaged', self.ctl('journal')[0])
        self.assertEqual(self.json('journal'), {'Damage': {}})
        self.assertIn('shown no more', self.ctl('journal', 'acknowledge')[0])
        self.assertEqual(self.json('journal', 'acknowledge'), {'acknowledged': True})
        self.assertEqual([call[0] for call in self.fake.calls()], ['AcknowledgeDamage', 'AcknowledgeDamage'])
        self.fake.tell('state Device1 degraded')
        out, _ = self.ctl('journal', 'damage')
        self.assertRegex(out, r'Carried over +1[, .]?234\n')
        self.assertRegex(out, r'Lost unsent +7\n')
        self.fake.tell('fail AcknowledgeDamage org.trailkeep.Error.NotDurable it is still shown')
        self.assertIn('still shown', self.ctl('journal', 'acknowledge', code=FAILED)[1])

    def test_evidence_key_is_written_to_a_new_file(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, 'key')
        out, _ = self.ctl('evidence', 'start', path)
        self.assertIn(path, out)
        with open(path, encoding='ascii') as f:
            self.assertEqual(f.read(), 'the first key\n')
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o400)
        self.assertEqual([call[0] for call in self.fake.calls()], ['StartEvidence'])
        _, err = self.ctl('evidence', 'start', path, code=FAILED)
        self.assertIn('nothing was started', err)
        self.assertEqual(self.fake.calls(), [])
        self.fake.tell('fail StartEvidence org.trailkeep.Error.Full the keys are as they were')
        other = os.path.join(folder, 'other')
        self.ctl('evidence', 'start', other, code=FAILED)
        self.assertFalse(os.path.exists(other))
        self.assertIn('FILE', self.ctl('evidence', 'start', code=USAGE)[1])
        self.assertIn('too many', self.ctl('evidence', 'start', 'a', 'b', code=USAGE)[1])

    def test_evidence_status(self):
        self.assertIn('Nobody has the key', self.ctl('evidence')[0])
        self.fake.tell('chain 3')
        self.assertIn('chain 3', self.ctl('evidence', 'status')[0])
        self.assertEqual(self.json('evidence'), {'EvidenceChain': 3})

    def test_erase_gives_its_scope_on(self):
        self.ctl('data', 'erase', '-y', '-p', 'location', '--purpose=audio', '--since=2026-11-23T10:00:00Z',
                 '--until=2026-11-23 11:00', '--keep-stored')
        self.assertEqual(self.fake.calls(), [[
            'Erase', '{"purposes":["location","audio"],"since":1795428000000,"until":1795431600000,'
                     '"keep-stored":true}']])
        self.ctl('data', 'erase', '-y')
        self.assertEqual(self.fake.calls(), [['Erase', '{}']])
        self.ctl('data', 'erase', '-y', '--clip=door 7')
        self.assertEqual(self.fake.calls(), [['Erase', '{"clip":"door 7"}']])
        self.ctl('data', 'erase', '-y', '--clip=', code=USAGE)
        self.ctl('data', 'erase', '-y', '--clip', 'x' * 129, code=USAGE)
        self.assertEqual(self.fake.calls(), [])

    def test_erase_all(self):
        self.ctl('data', 'erase', '-y', '--all')
        self.assertEqual([call[0] for call in self.fake.calls()], ['EraseEverything'])
        for more in ('--purpose=audio', '--since=today', '--keep-stored'):
            self.assertIn('leaves nothing out', self.ctl('data', 'erase', '-y', '--all', more, code=USAGE)[1])
        terminal = Terminal(['--bus=' + self.bus.address, 'data', 'erase', '--all'])
        self.assertIn('every purpose is off', terminal.read_until('[y/N]'))
        terminal.type('n\n')
        self.assertEqual(terminal.end()[0], FAILED)
        self.assertEqual(self.fake.calls(), [])

    def test_erase_without_a_terminal_needs_yes(self):
        _, err = self.ctl('data', 'erase', code=USAGE)
        self.assertIn('--yes', err)
        self.assertEqual(self.fake.calls(), [])

    def test_erase_asks_and_takes_only_a_yes(self):
        for answer, code in (('n\n', FAILED), ('\n', FAILED), ('\x04', FAILED), ('y\n', DONE), ('Yes\n', DONE)):
            terminal = Terminal(['--bus=' + self.bus.address, 'data', 'erase', '-p', 'location'])
            self.assertIn('at most 1204 records', terminal.read_until('[y/N]'))
            terminal.type(answer)
            self.assertEqual(terminal.end()[0], code, answer)
            self.assertEqual(self.fake.calls(), [['Erase', '{"purposes":["location"]}']] if code == DONE else [])

    def test_erase_waits_for_the_store_by_its_signals(self):
        self.fake.tell('deletable 3')
        terminal = Terminal(['--bus=' + self.bus.address, 'data', 'erase', '-y', '--wait'])
        terminal.read_until('3 objects to go')
        self.fake.tell('deleted 2')
        terminal.read_until('1 object to go')
        self.fake.tell('deleted 3')
        code, output = terminal.end()
        self.assertEqual(code, DONE)
        self.assertIn('3 objects were deleted in the store.', output)

    def test_erase_does_not_wait_for_a_store_that_refuses(self):
        self.fake.tell('deletable 3', 'state Sync1 held')
        _, err = self.ctl('data', 'erase', '-y', '-w', code=INCOMPLETE)
        self.assertIn('refuses to delete 3 objects', err)
        self.assertEqual(self.json('data', 'erase', '-y', '-w', code=INCOMPLETE)['ObjectsToDelete'], 3)

    def test_a_store_that_begins_to_refuse_ends_the_wait(self):
        self.fake.tell('deletable 3')
        terminal = Terminal(['--bus=' + self.bus.address, 'data', 'erase', '-y', '--wait'])
        terminal.read_until('3 objects to go')
        self.fake.tell('state Sync1 held')
        self.assertEqual(terminal.end()[0], INCOMPLETE)

    def test_sync_now_shows_how_it_goes_on(self):
        terminal = Terminal(['--bus=' + self.bus.address, 'sync', 'now'])
        terminal.read_until('4 records to go')
        self.fake.tell('pending 1')
        terminal.read_until('1 record to go')
        self.fake.tell('pending 0', 'flush')
        code, output = terminal.end()
        self.assertEqual(code, DONE)
        self.assertIn('Nothing is pending', output)
        self.assertIn('1 record is parked', output)

    def test_sync_now_does_not_call_sent_what_stays(self):
        terminal = Terminal(['--bus=' + self.bus.address, 'sync', 'now'])
        terminal.read_until('4 records to go')
        self.fake.tell('pending 2')
        terminal.read_until('2 records to go')
        self.fake.tell('flush')
        code, output = terminal.end()
        self.assertEqual(code, DONE)
        self.assertIn('2 records are left', ' '.join(output.split()))
        self.assertIn('a purpose that is off', ' '.join(output.split()))

    def test_sync_now_without_a_terminal_shows_no_progress(self):
        self.fake.tell('pending 0')
        out, err = self.ctl('sync', 'now')
        self.assertNotIn('to go', out + err)


class Trouble(Case):
    """Each exit code, what is said and the remedy."""

    def test_daemon_absent(self):
        self.fake.stop()
        for args in (['status'], ['consent', 'grant', 'audio'], ['data', 'erase', '-y', '-w'], ['sync', 'now']):
            _, err = self.ctl(*args, code=ABSENT)
            self.assertIn('trailkeepd is not running\nStart it with: trailkeepd --bus', err)
        _, err = self.ctl('--bus=system', 'status', code=ABSENT, DBUS_SYSTEM_BUS_ADDRESS=self.bus.address)
        self.assertIn('systemctl start trailkeepd', err)

    def test_no_bus(self):
        for args, env in ((['--bus=unix:path=/nonexistent/bus'], {}),
                          (['--bus=session'], {'XDG_RUNTIME_DIR': '/nonexistent'}),
                          (['--bus=system'], {'DBUS_SYSTEM_BUS_ADDRESS': 'unix:path=/nonexistent/bus'})):
            _, err = self.ctl(*args, 'status', code=ABSENT, **env)
            self.assertIn('cannot reach', err)

    def test_an_address_that_is_none(self):
        self.assertIn('did you mean "session"?', self.ctl('--bus=sesion', code=USAGE)[1])
        self.assertIn('cannot reach', self.ctl('--bus=frobnicate:x=y', code=ABSENT)[1])
        self.assertIn('is no D-Bus address', self.ctl('--bus=unix:path=%ZZ', code=USAGE)[1])

    def test_daemon_goes_while_it_is_waited_for(self):
        terminal = Terminal(['--bus=' + self.bus.address, 'sync', 'now'])
        terminal.read_until('4 records to go')
        self.fake.stop()
        self.assertEqual(terminal.end()[0], ABSENT)

    def test_daemon_goes_while_the_store_is_waited_for(self):
        self.fake.tell('deletable 3')
        terminal = Terminal(['--bus=' + self.bus.address, 'data', 'erase', '-y', '-w'])
        terminal.read_until('3 objects to go')
        self.fake.stop()
        code, output = terminal.end()
        self.assertEqual(code, ABSENT)
        self.assertIn('trailkeepd went away before it was done', output)

    def test_a_question_does_not_start_the_daemon(self):
        config = bus.CONFIG.replace('<auth>', '<servicedir>{folder}</servicedir><auth>')
        folder = tempfile.mkdtemp(prefix='tk-ctl-')
        self.addCleanup(shutil.rmtree, folder)
        started = os.path.join(folder, 'started')
        with open(os.path.join(folder, 'org.trailkeep.service'), 'w', encoding='ascii') as f:
            f.write(f'[D-BUS Service]\nName=org.trailkeep\nExec=/usr/bin/touch {started}\n')
        with mock.patch.object(bus, 'CONFIG', config), bus.Bus(folder) as other:
            self.ctl('--bus=' + other.address, 'status', code=ABSENT)
            self.assertFalse(os.path.exists(started))
            # busctl asks as anyone does, and so shows that the daemon could have been started
            self.assertRaises(bus.CallError, other.call, 'Sync1', 'Flush')
            self.assertTrue(os.path.exists(started))

    def test_access_denied_names_the_group(self):
        self.fake.tell('fail Summary org.freedesktop.DBus.Error.AccessDenied '
                       'trailkeep-owner, trailkeep-guardian may call')
        _, err = self.ctl('data', code=DENIED)
        self.assertIn('trailkeep-owner, trailkeep-guardian may call', err)
        self.assertIn('only the user who runs trailkeepd', err)
        _, err = self.ctl('--bus=system', 'data', code=DENIED, DBUS_SYSTEM_BUS_ADDRESS=self.bus.address)
        self.assertIn('usermod -aG trailkeep-owner', err)

    def test_each_error_has_its_code_and_remedy(self):
        for method, error, args, code, remedy in (
                ('GetLastFix', 'NotGranted', ['status', '--fix'], INCOMPLETE, 'consent grant location'),
                ('GetLastFix', 'NoFix', ['status', '--fix'], INCOMPLETE, 'view of the sky'),
                ('Flush', 'NotSent', ['sync', 'now'], INCOMPLETE, 'tries again'),
                ('Flush', 'NoStore', ['sync', 'now'], INCOMPLETE, 'Url='),
                ('Grant', 'Full', ['consent', 'grant', 'audio'], FAILED, 'Make room'),
                ('Grant', 'LedgerDamaged', ['consent', 'grant', 'audio'], FAILED, 'trailkeepd(8)'),
                ('Grant', 'Overtaken', ['consent', 'grant', 'audio'], INCOMPLETE, 'Grant it again'),
                ('Erase', 'NotDurable', ['data', 'erase', '-y'], FAILED, 'Make room'),
                ('List', 'Stopping', ['consent'], ABSENT, 'Start it'),
                ('List', 'Failed', ['consent'], FAILED, 'log'),
                ('List', 'NeverHeardOf', ['consent'], FAILED, 'said so')):
            with self.subTest(error=error):
                fake = self.fake
                fake.stop()
                self.fake = Fake(self.bus.address)
                self.addCleanup(self.fake.stop)
                self.fake.tell(f'fail {method} org.trailkeep.Error.{error} the daemon said so')
                out, err = self.ctl(*args, code=code)
                self.assertIn(remedy, err)
                self.assertEqual(out, '')

    def test_json_of_what_was_not_sent(self):
        self.fake.tell('fail Flush org.trailkeep.Error.NotSent 403', 'state Sync1 held')
        self.assertEqual(self.json('sync', 'now', code=INCOMPLETE)['sync']['State'], 'held')

    def test_usage_names_the_nearest_word(self):
        for args, word in ((['stauts'], 'status'), (['consent', 'grnt', 'x'], 'consent grant'),
                           (['consent', 'grant', 'locaton'], 'location'), (['--jsno'], '--json')):
            self.assertIn(f'did you mean "{word}"?', self.ctl(*args, code=USAGE)[1])

    def test_a_full_disk_is_no_success(self):
        with open('/dev/full', 'w', encoding='ascii') as full:
            done = subprocess.run([CTL, '--bus=' + self.bus.address, '--json', 'status'], stdout=full,
                                  stderr=subprocess.PIPE, text=True, timeout=DEADLINE, env=environment(), check=False)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn('No space left', done.stderr)

    def test_help_and_version_need_no_bus(self):
        for option in ('--help', '--version'):
            out, err = self.ctl('--bus=unix:path=/nonexistent', option)
            self.assertIn('trailkeepctl', out)
            self.assertEqual(err, '')


class Monitor(Case):
    """Changes as they happen."""

    def watch(self, *args):
        process = subprocess.Popen([CTL, '--bus=' + self.bus.address, *args, 'monitor'], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, bufsize=1, env=environment())
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertEqual(process.stderr.readline(), 'Watching; end with Ctrl-C.\n')
        return process

    def test_lines(self):
        process = self.watch()
        self.fake.tell('consent location 1', 'state Sync1 held', 'pending 5', 'pending 6')
        lines = [re.sub(r'^\S+ \S+  ', '', process.stdout.readline()) for _ in range(5)]
        self.assertEqual(lines, ['consent   location granted\n', 'store     held, the account or the store refuses\n',
                                 'store     403 Forbidden\n',
                                 'journal   track: 1221 recorded, 5 pending, 1200 stored, 1 parked\n',
                                 'journal   track: 1222 recorded, 6 pending, 1200 stored, 1 parked\n'])

    def test_json_is_a_document_a_line(self):
        process = self.watch('--json')
        self.fake.tell('consent location 0', 'state Sync1 held', 'deleted 1')
        events = [json.loads(process.stdout.readline()) for _ in range(3)]
        self.assertTrue(all(isinstance(event.pop('time'), int) for event in events))
        self.assertEqual(events, [
            {'signal': 'Changed', 'purpose': 'location', 'granted': False},
            {'signal': 'PropertiesChanged', 'path': '/org/trailkeep', 'interface': 'org.trailkeep.Sync1',
             'properties': {'State': 'held', 'LastError': '403 Forbidden'}, 'invalidated': []},
            {'signal': 'PropertiesChanged', 'path': '/org/trailkeep/erasure/1', 'interface': 'org.trailkeep.Erasure1',
             'properties': {}, 'invalidated': ['ObjectsDeleted']}])

    def test_a_position_is_not_shown_though_the_daemon_sends_one(self):
        for args in ([], ['--json']):
            process = self.watch(*args)
            self.fake.tell('position', 'consent location 1')
            line = process.stdout.readline()
            self.assertIn('location', line)
            self.assertNotIn('52.5', line)
            self.assertNotIn('13.3', line)

    def test_daemon_comes_and_goes(self):
        process = self.watch()
        self.fake.stop()
        self.assertIn('daemon    stopped', process.stdout.readline())
        self.fake = Fake(self.bus.address)
        self.addCleanup(self.fake.stop)
        self.assertIn('daemon    started', process.stdout.readline())
        self.fake.tell('consent audio 1')
        self.assertIn('audio granted', process.stdout.readline())

    def test_bus_goes(self):
        with bus.Bus(tempfile.mkdtemp(prefix='tk-ctl-')) as other:
            self.addCleanup(shutil.rmtree, other.folder)
            process = subprocess.Popen([CTL, '--bus=' + other.address, 'monitor'], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True, env=environment())
            process.stderr.readline()
        self.assertEqual(process.wait(DEADLINE), ABSENT)
        self.assertIn('the connection to the bus broke', process.stderr.read())
        process.stderr.close()


if __name__ == '__main__':
    tap.main()
