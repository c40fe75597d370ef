#!/usr/bin/python3
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
from unittest import mock
from xml.etree import ElementTree

from peers import bus, tap

CTL = os.environ['TRAILKEEPCTL']
TRANSLATED = os.environ['TRAILKEEPCTL_TRANSLATED']
DBUS_XML = os.environ['DBUS_XML']
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
        self.process = subprocess.Popen([FAKE, address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
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
        done = subprocess.run([program, '--bus=' + self.bus.address, *args], stdin=stdin, capture_output=True, text=True,
                              timeout=DEADLINE, env=environment(**env), check=False)
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


def members(xml):
    """{(interface, member): types} of what is ours in introspection data."""
    found = {}
    for interface in ElementTree.fromstring(xml).iter('interface'):
        if not interface.get('name').startswith('org.trailkeep.'):
            continue
        for member in interface:
            if member.tag in ('method', 'signal'):
                found[interface.get('name'), member.get('name')] = [
                    (arg.get('direction', 'in' if member.tag == 'method' else 'out'), arg.get('type'))
                    for arg in member.findall('arg')]
            elif member.tag == 'property':
                found[interface.get('name'), member.get('name')] = member.get('type')
    return found


class Contract(Case):
    """The scripted daemon must not drift from the contract that the real one keeps."""

    def test_the_scripted_daemon_keeps_it(self):
        contract = {}
        for name in os.listdir(DBUS_XML):
            if name.endswith('.xml'):
                with open(os.path.join(DBUS_XML, name), encoding='utf-8') as f:
                    contract.update(members(f.read()))
        played = {}
        for path in ('/org/trailkeep', '/org/trailkeep/erasure/1'):
            played.update(members(self.bus.busctl('call', bus.NAME, path, 'org.freedesktop.DBus.Introspectable', 'Introspect')[0]))
        self.assertGreater(len(played), 25)
        self.assertEqual({name: contract.get(name) for name in played}, played)


class Tables(Case):
    """What people read. To renew the golden files: TRAILKEEP_GOLDEN_WRITE=1 in the environment of this script."""

    def test_status(self):
        self.assert_golden('status', self.ctl('status')[0])

    def test_status_shows_trouble_and_no_escape_sequence_in_it(self):
        self.fake.tell('state Device1 degraded', 'state Sync1 held')
        self.assert_golden('status-degraded', self.ctl()[0])

    def test_position_is_shown_only_when_asked_for(self):
        self.assertNotIn('52.5', self.ctl('status')[0] + self.ctl('status', '--json')[0])
        self.assert_golden('status-fix', self.ctl('status', '--fix')[0])

    def test_consent_list(self):
        self.assert_golden('consent-list', self.ctl('consent')[0])

    def test_data_summary(self):
        self.assert_golden('data-summary', self.ctl('data')[0])

    def test_data_erasures(self):
        self.assert_golden('data-erasures', self.ctl('data', 'erasures')[0])

    def test_sync_status(self):
        self.fake.tell('state Sync1 held')
        self.assert_golden('sync-status', self.ctl('sync')[0])

    def test_nothing_is_wider_than_80_columns(self):
        for args in ([], ['status', '--fix'], ['consent'], ['data'], ['data', 'erasures'], ['sync'], ['--help']):
            for line in self.ctl(*args)[0].split('\n'):
                self.assertLessEqual(width(line), 80, line)

    def test_colours_are_for_terminals_only(self):
        self.assertNotIn('\033', self.ctl('status')[0])
        for env, is_coloured in (({}, True), ({'NO_COLOR': '1'}, False), ({'TERM': 'dumb'}, False)):
            code, output = Terminal(['--bus=' + self.bus.address, 'status'], **env).end()
            self.assertEqual(code, DONE)
            self.assertEqual('\033[' in output, is_coloured, env)

    def test_long_sentences_break_between_words_on_a_narrow_terminal(self):
        self.fake.tell('state Device1 degraded')
        _, output = Terminal(['--bus=' + self.bus.address, 'status'], columns=46, NO_COLOR='1').end()
        self.assertRegex(output, r'the server answers 403\n +to ')


class Json(Case):
    """What scripts read: the names and numbers of data/dbus."""

    def test_status(self):
        status = self.json('status', '--fix')
        self.assertEqual(status['device']['Lanes']['track']['recorded'], 1208)
        self.assertEqual(status['device']['OldestPending'], {'track': 190})
        self.assertEqual(status['sync'], {'State': 'idle', 'LastError': '', 'PendingDeletions': 0})
        self.assertEqual(status['consents'][0]['purpose'], 'location')
        self.assertEqual(status['fix']['lat'], 52.5163)

    def test_consent_list(self):
        self.assertEqual(self.json('consent', 'list')[1], {
            'purpose': 'audio', 'granted': False, 'since': 1795454000000, 'generation': 2, 'uid': 4242, 'role': 'bridge',
            'actor': '深圳 Mia'})

    def test_grant_and_withdraw(self):
        self.assertEqual(self.json('consent', 'grant', 'audio', 'location'),
                         [{'purpose': 'location', 'granted': True}, {'purpose': 'audio', 'granted': True}])
        self.assertEqual(self.json('consent', 'withdraw', 'location'), [{
            'purpose': 'location', 'granted': False, 'kept': False, 'parcels': 2, 'records': 17, 'objects-to-delete': 1,
            'erasure': '/org/trailkeep/erasure/1'}])
        self.assertEqual(self.json('consent', 'withdraw', '--keep', 'location'),
                         [{'purpose': 'location', 'granted': False, 'kept': True}])

    def test_data(self):
        self.assertEqual(self.json('data', 'summary')['location']['bytes'], 307200)
        self.assertEqual(self.json('data', 'erasures'), [{
            'erasure': '/org/trailkeep/erasure/1', 'Purposes': ['location', 'audio'], 'Requested': 1795454000000,
            'Records': 17, 'ObjectsToDelete': 3, 'ObjectsDeleted': 1}])
        self.assertEqual(self.json('data', 'erase', '--yes')['erasure'], '/org/trailkeep/erasure/1')

    def test_sync(self):
        self.fake.tell('pending 0')
        for verb in ('now', 'status'):
            document = self.json('sync', verb)
            self.assertEqual(document['Lanes']['track']['pending'], 0)
            self.assertEqual(document['sync']['State'], 'idle')



class Languages(Case):
    """Messages are translated; JSON and exit codes are not."""

    def ctl(self, *args, code=DONE, stdin=subprocess.DEVNULL, **env):
        return super().ctl(*args, code=code, stdin=stdin, program=TRANSLATED, **env)

    def test_messages_are_translated(self):
        self.assertIn('location ist erlaubt.', self.ctl('consent', 'grant', 'location', LANGUAGE='de')[0])
        self.assertIn('location 已同意。', self.ctl('consent', 'grant', 'location', LANGUAGE='zh_CN')[0])
        self.assertIn('war „status“ gemeint?', self.ctl('stauts', LANGUAGE='de', code=USAGE)[1])

    def test_json_is_not(self):
        for args in (['status'], ['consent'], ['data'], ['data', 'erasures'], ['sync']):
            self.assertEqual(self.ctl(*args, '--json', LANGUAGE='de')[0], self.ctl(*args, '--json')[0])

    def test_exit_codes_are_not(self):
        self.fake.tell('fail Summary org.freedesktop.DBus.Error.AccessDenied no')
        self.ctl('data', LANGUAGE='zh_CN', code=DENIED)

    def test_wide_characters_keep_the_columns_in_line(self):
        lines = self.ctl('consent', LANGUAGE='zh_CN')[0].split('\n')
        self.assertEqual({width(line[:line.index(word)]) for line, word in zip(lines, ('决定者', 'root', '深圳'))},
                         {width(lines[0][:lines[0].index('决定者')])})

    def test_nothing_is_wider_than_80_columns(self):
        for language in ('de', 'zh_CN'):
            for args in ([], ['status', '--fix'], ['consent'], ['data'], ['data', 'erasures'], ['sync'], ['--help']):
                for line in self.ctl(*args, LANGUAGE=language)[0].split('\n'):
                    self.assertLessEqual(width(line), 80, line)


class Deeds(Case):
    """What reaches the daemon, and what is said about it."""

    def test_grant(self):
        out, _ = self.ctl('consent', 'grant', 'location')
        self.assertEqual(out, 'location is granted.\n')
        self.assertEqual(self.fake.calls(), [['Grant', '["location",{}]']])

    def test_withdraw(self):
        out, _ = self.ctl('consent', 'withdraw', 'location')
        self.assertIn('17 records that were not in the store yet were destroyed', out)
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

    def test_erase_gives_its_scope_on(self):
        self.ctl('data', 'erase', '-y', '-p', 'location', '--purpose=audio', '--since=2026-11-23T10:00:00Z',
                 '--until=2026-11-23 11:00', '--keep-stored')
        self.assertEqual(self.fake.calls(), [[
            'Erase', '{"purposes":["location","audio"],"since":1795428000000,"until":1795431600000,"keep-stored":true}']])
        self.ctl('data', 'erase', '-y')
        self.assertEqual(self.fake.calls(), [['Erase', '{}']])

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
        for args, env in ((['--bus=unix:path=/nonexistent/bus'], {}), (['--bus=session'], {'XDG_RUNTIME_DIR': '/nonexistent'}),
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
            self.assertRaises(bus.CallError, other.busctl, 'call', bus.NAME, '/org/trailkeep', bus.NAME + '.Sync1', 'Flush')
            self.assertTrue(os.path.exists(started))

    def test_access_denied_names_the_group(self):
        self.fake.tell('fail Summary org.freedesktop.DBus.Error.AccessDenied trailkeep-owner, trailkeep-guardian may call')
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
            done = subprocess.run([CTL, '--bus=' + self.bus.address, '--json', 'status'], stdout=full, stderr=subprocess.PIPE,
                                  text=True, timeout=DEADLINE, env=environment(), check=False)
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
                                 'journal   track: 1209 recorded, 5 pending, 1200 stored, 1 parked\n',
                                 'journal   track: 1210 recorded, 6 pending, 1200 stored, 1 parked\n'])

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
