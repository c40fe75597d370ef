#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The whole daemon and a store that it must not trust, or that does not trust it: nothing is sent, the trouble is
named, and nothing is lost."""
import os
import unittest

from peers import tap
from peers.certificates import Authority
from peers.uplink import UplinkCase


class ServerTest(UplinkCase):
    """Servers that are refused."""

    def check_server(self, said, **changes):
        self.record()
        self.d.store.restart(**changes)
        n_requests = len(self.requests())
        self.check_refused(said, 'held')
        self.assertEqual(len(self.requests()), n_requests, 'nothing was asked of it')
        self.assertEqual(os.listdir(self.d.store.path('body')), [])
        self.check_heals()

    def test_authority(self):
        """a server whose certificate is from another authority"""
        other = Authority(os.path.join(self.d.folder, 'other'))
        self.check_server('is not from the expected authority', server=other.server())

    def test_expired(self):
        """a server whose certificate has expired"""
        self.check_server(r'expired on 2026-03-01 and this box believes it is 20\d\d-',
                          server=self.d.store.authority.server('expired', dates=Authority.EXPIRED))

    def test_not_yet_valid(self):
        """a server whose certificate is not valid yet"""
        self.check_server('is not valid before 2034-01-01',
                          server=self.d.store.authority.server('early', dates=Authority.NOT_YET))

    def test_name(self):
        """a server whose certificate is made for another name"""
        self.check_server('is made for another name',
                          server=self.d.store.authority.server('elsewhere', alt_names=('DNS:store.example',)))

    def test_version(self):
        """a server that speaks nothing newer than TLS 1.1"""
        self.check_server('speaks no TLS 1.2 or later', protocols='TLSv1.1')


class ClientTest(UplinkCase):
    """Certificates of the box that are missing, unreadable or refused."""

    def check_start(self, said_at_start, said, settings):
        """Said at start, named again when it would send; recording goes on."""
        logged = len(self.d.box.log())
        self.restart_box(settings)
        self.assertRegex(self.d.box.log()[logged:], said_at_start)
        n_requests = len(self.requests())
        self.record()
        self.check_refused(said, 'held')
        self.assertEqual(len(self.requests()), n_requests)

    def test_missing(self):
        """a certificate file that is missing is said at start by name; once it is there, no restart is needed"""
        path = os.path.join(self.d.folder, 'missing.pem')
        self.check_start(r'missing\.pem: No such file', 'certificate', {'CertificateFile': path})
        os.symlink(self.d.store.client.cert_file, path)
        self.d.box.flush()
        self.check_stored()
        self.check_heals()

    def test_unreadable(self):
        """a key file that holds no key is said at start by name"""
        path = os.path.join(self.d.folder, 'rubbish.key')
        with open(path, 'w', encoding='utf-8') as f:
            f.write('rubbish')
        os.chmod(path, 0o600)
        self.check_start(r'rubbish\.key holds no private key', 'key', {'KeyFile': path})
        self.check_heals()

    def test_none(self):
        """without a certificate the store's 400 holds the lane"""
        self.restart_box({'CertificateFile': '', 'KeyFile': ''})
        self.record()
        self.check_refused('400.*certificate', 'held')
        self.check_heals()

    def test_other_authority(self):
        """with a certificate of another authority the store's 400 holds the lane"""
        stranger = Authority(os.path.join(self.d.folder, 'strangers')).client()
        self.restart_box({'CertificateFile': stranger.cert_file, 'KeyFile': stranger.key_file})
        self.record()
        self.check_refused('400.*certificate', 'held')
        self.check_heals()


if __name__ == '__main__':
    tap.main()
