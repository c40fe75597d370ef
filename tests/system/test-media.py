#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folder for media as the whole daemon shows it, and erasing a clip. Nothing records media yet."""
import json
import os
import subprocess
import unittest

from peers import tap
from peers.box import TRAILKEEPCTL, Box

MARKER = 'trailkeep-media'


class MediaTest(unittest.TestCase):
    def setUp(self):
        self.box = self.enterContext(Box())
        self.card = os.path.join(self.box.folder, 'card')
        self.marker = os.path.join(self.card, MARKER)
        self.box.settings['Journal']['MediaDir'] = self.card
        self.box.write_config()
        self.box.init()

    def ctl(self, *args):
        done = subprocess.run([TRAILKEEPCTL, '--bus=' + self.box.bus.address, *args], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60, check=True, env={**os.environ, 'LC_ALL': 'C.UTF-8'})
        return done.stdout

    def until(self, state):
        """Signal by signal: whoever listens need not ask."""
        self.box.until('Journal1', 'MediaState', lambda value: value == state)
        return self.box.bus.get('Device1', 'LastErrors').get('media', '')

    def write_marker(self, text):
        with open(self.marker, 'w', encoding='ascii') as f:
            f.write(text)

    def test_card_that_is_missing_foreign_and_ours(self):
        """a card is missing, then another box's, then ours, and the daemon is told nothing of it but by the card"""
        self.box.start()
        self.assertIn('touch ' + self.marker, self.until('missing'))
        self.assertEqual(self.box.bus.get('Device1', 'State'), 'degraded')
        self.assertIn('no card, or a new one', self.ctl('status'))
        os.mkdir(self.card)
        self.write_marker('f' * 32 + '\n')
        self.assertIn('another installation', self.until('foreign'))
        self.assertEqual(os.listdir(self.card), [MARKER])
        self.write_marker('')
        self.assertEqual(self.until('ok'), '')
        self.assertEqual(self.box.bus.get('Device1', 'State'), 'running')
        self.assertNotIn('Media', self.ctl('status'))
        self.assertEqual(json.loads(self.ctl('--json', 'status'))['journal']['MediaState'], 'ok')
        installation = self.box.bus.call('Device1', 'GetInstallation')[0]
        with open(self.marker, encoding='ascii') as f:
            self.assertEqual(f.read(), installation + '\n')
        self.assertEqual(self.box.log().count('can be written again'), 1)
        self.assertEqual(self.box.stop(), 0)

    def test_everything_else_goes_on_without_a_card(self):
        """without its card the box grants, starts and stops as ever, and makes no folder for it"""
        self.box.start()
        self.until('missing')
        self.box.grant()
        self.assertEqual(self.box.lanes()['media'], dict.fromkeys(self.box.lanes()['track'], 0))
        self.assertEqual(self.box.stop(), 0)
        self.assertFalse(os.path.exists(self.card))
        self.assertFalse(os.path.exists(os.path.join(self.box.state, 'segments')))

    def test_erase_a_clip(self):
        """data erase --clip is an erasure of that clip, in the list and after a restart"""
        self.box.start()
        self.ctl('data', 'erase', '--yes', '--clip=door 7')
        self.assertEqual(self.box.bus.get('Erasure1', 'Clip', path='/org/trailkeep/erasure/1'), 'door 7')
        self.assertEqual(self.box.stop(), 0)
        self.box.start()
        self.assertEqual(self.box.bus.get('Erasure1', 'Clip', path='/org/trailkeep/erasure/1'), 'door 7')
        self.assertEqual(self.box.stop(), 0)


if __name__ == '__main__':
    tap.main()
