# SPDX-License-Identifier: LGPL-2.1-or-later
"""A box on the road: real gpsd fed with a recording, a plain client beside it, the box and its store.

    with drive.Drive(settings) as d:      # box initialised, not started; store and gpsd are up
        d.box.start()
        d.grant_and_attach()              # the box watches gpsd too
        d.feed(d.generate(seconds=120))   # returns when gpsd has told everybody everything
        d.features()                      # what the store holds, one dict per record
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from . import gpsd
from .box import Box
from .proxy import Proxy
from .store import Store, wait_for

MAKE_DRIVE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../../tools/make-drive')


class Drive:
    """`settings` goes over those of Box; with `proxy` the box reaches its store through a Proxy. A `store` that is given
    is shared with others and stays up."""

    def __init__(self, settings=None, program=None, proxy=False, source=None, store=None):
        self.folder = tempfile.mkdtemp(prefix='tk-drive-')
        self.settings = settings or {}
        self.program = program
        self.has_proxy = proxy
        self.source_kind = source or gpsd.best_source()
        self.proxy = None
        self.store = store

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            if self.store is None:
                self.store = stack.enter_context(Store(self.folder))
            if self.has_proxy:
                self.proxy = stack.enter_context(Proxy(self.store.port))
            self.source = stack.enter_context(self.source_kind())
            self.gpsd = stack.enter_context(gpsd.Gpsd(self.source.path))
            self.client = stack.enter_context(gpsd.Client(self.gpsd.port))
            self.box = stack.enter_context(self.make_box())
            self.box.init()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *args):
        return self._stack.__exit__(*args)

    def enter(self, context):
        """Enter one more thing that ends with the drive."""
        return self._stack.enter_context(context)

    def make_box(self):
        return Box(self.all_settings(), self.program)

    def all_settings(self):
        all_settings = {
            'Gnss': {'Gpsd': f'127.0.0.1:{self.gpsd.port}', 'Filter': 'no'},
            'Store': {
                'Url': self.proxy.url if self.proxy else self.store.url,
                'CaFile': self.store.authority.ca_file,
                'CertificateFile': self.store.client.cert_file,
                'KeyFile': self.store.client.key_file,
                'Interval': '200ms',
            },
        }
        for section, keys in self.settings.items():
            all_settings.setdefault(section, {}).update(keys)
        return all_settings

    def generate(self, seconds=120, kind='drive', seed=1):
        """A recording of the repository's own generator; its path."""
        path = os.path.join(self.folder, f'{kind}-{seconds}-{seed}.nmea')
        with open(path, 'wb') as f:
            subprocess.run([sys.executable, MAKE_DRIVE, '--kind', kind, '--seconds', str(seconds), '--seed', str(seed)],
                           stdout=f, check=True)
        return path

    def grant_and_attach(self):
        """Grant location and return when the box watches gpsd."""
        self.box.grant()
        self.attach()

    def attach(self):
        self.box.until('Device1', 'GnssState', lambda state: state in ('watching', 'fixing', 'silent'))
        self.client.sync()

    def feed(self, recording, pause=0):
        """Replay it, and return when gpsd has sent to every client all that it makes of it."""
        gpsd.feed(self.source, recording, pause)
        gpsd.settle(self.source, self.client)

    @staticmethod
    def wait(condition, what, seconds=30):
        """Wait for something outside the box, in the store say, to come about."""
        return wait_for(condition, what, seconds)

    def fixes(self):
        """The TPVs with a fix that the plain client has seen."""
        return [o for o in self.client.objects if o['class'] == 'TPV' and o.get('mode', 0) >= 2]

    def positions(self):
        return [(o['lat'], o['lon']) for o in self.fixes() if 'lat' in o and 'lon' in o]

    def until_recorded(self, n, timeout=60):
        """Wait until the box has made n records durable in all."""
        self.box.until('Device1', 'Lanes', lambda lanes: lanes['track']['recorded'] >= n, timeout)

    def features(self):
        """Every record in the store, in the order of the objects' names."""
        return [json.loads(text) for name in self.store.objects() for text in self.store.read_records(name)]
