#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What trailkeepctl prints: tables, JSON, languages."""
import os
import subprocess
from xml.etree import ElementTree

from ctllib import DENIED, DONE, TRANSLATED, USAGE, Case, Terminal, width
from peers import bus, tap

DBUS_XML = os.environ['DBUS_XML']


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
            [xml] = self.bus.busctl('call', bus.NAME, path, 'org.freedesktop.DBus.Introspectable', 'Introspect')
            played.update(members(xml))
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
        self.assertEqual(status['device']['Lanes']['track']['recorded'], 1220)
        self.assertEqual(status['device']['OldestPending'], {'track': 190})
        self.assertEqual(status['sync'], {'State': 'idle', 'LastError': '', 'PendingDeletions': 0})
        self.assertEqual(status['consents'][0]['purpose'], 'location')
        self.assertEqual(status['fix']['lat'], 52.5163)

    def test_consent_list(self):
        self.assertEqual(self.json('consent', 'list')[1], {
            'purpose': 'audio', 'granted': False, 'since': 1795454000000, 'generation': 2, 'uid': 4242,
            'role': 'bridge', 'actor': '深圳 Mia'})

    def test_grant_and_withdraw(self):
        self.assertEqual(self.json('consent', 'grant', 'audio', 'location'),
                         [{'purpose': 'location', 'granted': True}, {'purpose': 'audio', 'granted': True}])
        self.assertEqual(self.json('consent', 'withdraw', 'location'), [{
            'purpose': 'location', 'granted': False, 'kept': False, 'parcels': 2, 'records': 17, 'copies': 8, 'objects-to-delete': 1,
            'erasure': '/org/trailkeep/erasure/1'}])
        self.assertEqual(self.json('consent', 'withdraw', '--keep', 'location'),
                         [{'purpose': 'location', 'granted': False, 'kept': True}])

    def test_data(self):
        self.assertEqual(self.json('data', 'summary')['location']['bytes'], 307200)
        self.assertEqual(self.json('data', 'erasures'), [{
            'erasure': '/org/trailkeep/erasure/1', 'Purposes': ['location', 'audio'], 'Requested': 1795454000000,
            'Records': 17, 'Copies': 8, 'ObjectsToDelete': 3, 'ObjectsDeleted': 1}, {
            'erasure': '/org/trailkeep/erasure/2', 'Purposes': ['video'], 'Requested': 1795454000000,
            'Clip': 'door \x1b[31m7'}])
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


if __name__ == '__main__':
    tap.main()
