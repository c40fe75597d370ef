#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""TLS of net against a real nginx: what must be refused is refused, says why, and no byte of the body leaves."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest

from peers import http_put, tap
from peers.certificates import Authority, Certificate
from peers.store import Store, wait_for

DAY_2030 = 1893456000


class TlsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='tk-tls-')
        cls.authority = Authority(os.path.join(cls.folder, 'ca'))
        cls.other = Authority(os.path.join(cls.folder, 'other-ca'), 'another CA')
        cls.body = os.path.join(cls.folder, 'body')
        with open(cls.body, 'wb') as f:
            f.write(b'48.137154 11.576124 ' * 5000)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def store(self, **how):
        how.setdefault('authority', self.authority)
        store = Store(tempfile.mkdtemp(dir=self.folder), **how)
        store.start()
        self.addCleanup(store.stop)
        return store

    def run_all(self, store, *args):
        return http_put.run(store.authority.ca_file, store.client, *args, 'PUT', store.url + '/dir/object', self.body)

    def put(self, store, *args, ca=None, client=None, url=None, env=None):
        answers, log = http_put.run(ca or store.authority.ca_file, client or store.client, *args, 'PUT',
                                    url or store.url + '/dir/object', self.body, env=env)
        self.assertEqual(len(answers), 1, log)
        return answers[0]

    def assert_refused(self, store, answer, fault, pattern):
        self.assertEqual(answer.fault, fault, answer.message)
        self.assertRegex(answer.message, pattern)
        self.assertEqual((answer.status, answer.bytes_sent), (0, 0))
        store.stop()  # has then written its log to the end
        self.assertEqual(store.objects(), [])
        self.assertNotIn('PUT', store.log())

    def test_good(self):
        """control: the right certificates are accepted, and TLS 1.3 and HTTP/2 used"""
        store = self.store()
        answer = self.put(store)
        self.assertEqual((answer.fault, answer.status, answer.bytes_sent), ('none', 201, os.path.getsize(self.body)))
        self.assertEqual(store.objects(), ['dir/object'])
        self.assertEqual(wait_for(store.requests, 'nginx logged it')[0][6:], ('TLSv1.3', 'HTTP/2.0'))

    def test_tls_1_2(self):
        """TLS 1.2 is still enough"""
        store = self.store(protocols='TLSv1.2')
        self.assertEqual(self.put(store).status, 201)
        self.assertEqual(wait_for(store.requests, 'nginx logged it')[0][6], 'TLSv1.2')

    def test_wrong_authority(self):
        """a server certificate of another authority is refused"""
        store = self.store()
        answer = self.put(store, ca=self.other.ca_file)
        self.assert_refused(store, answer, 'tls-authority', 'not from the expected authority')

    def test_system_authorities_do_not_count(self):
        """with a CA file set, nothing but that file is trusted, whatever the environment says"""
        store = self.store()
        answer = self.put(store, ca=self.other.ca_file, env={'SSL_CERT_FILE': self.authority.ca_file,
                                                            'CURL_CA_BUNDLE': self.authority.ca_file})
        self.assert_refused(store, answer, 'tls-authority', 'expected authority')

    def test_expired(self):
        """an expired server certificate is refused, and the day is said"""
        store = self.store(server=self.authority.server('old', dates=Authority.EXPIRED))
        answer = self.put(store)
        self.assert_refused(store, answer, 'tls-expired', r'expired on 2026-03-01 .*clock')

    def test_not_yet_valid(self):
        """a server certificate that is not valid yet is refused, and the day is said"""
        store = self.store(server=self.authority.server('young', dates=Authority.NOT_YET))
        answer = self.put(store)
        self.assert_refused(store, answer, 'tls-expired', r'not valid before 2034-01-01 .*clock')

    def test_clock_in_1970(self):
        """a time before the release is taken for none: a good certificate is accepted, an expired one is not"""
        store = self.store()
        self.assertEqual(self.put(store, '--now', '60').status, 201)
        store = self.store(server=self.authority.server('old2', dates=Authority.EXPIRED))
        self.assert_refused(store, self.put(store, '--now', '60'), 'tls-expired', 'expired on')

    def test_unknown_time(self):
        """without true time a certificate that begins after all that is known is accepted, an expired one is not"""
        store = self.store(server=self.authority.server('young2', dates=Authority.NOT_YET))
        self.assertEqual(self.put(store, '--not-before', '60').status, 201)
        self.assertEqual(self.put(store, '--not-before', str(DAY_2030)).status, 204)
        answer = self.put(store, '--not-before', str(DAY_2030 + 6 * 366 * 86400))
        self.assertEqual((answer.fault, answer.bytes_sent), ('tls-expired', 0), answer.message)
        store = self.store(server=self.authority.server('old3', dates=Authority.EXPIRED))
        self.assert_refused(store, self.put(store, '--not-before', '60'), 'tls-expired', 'expired on 2026-03-01')

    def test_date(self):
        """the Date of a verified answer is handed on, unless it lies outside of the certificate's time"""
        store = self.store()
        answers, log = self.run_all(store)
        self.assertEqual([a.status for a in answers], [201])
        (date,) = re.findall(r'^date (\d+) (\d+) (-?\d+)$', log, re.M)
        _, uncertainty_usec, ahead_ms = map(int, date)
        self.assertLess(uncertainty_usec, 10_000_000)
        self.assertLessEqual(abs(ahead_ms) * 1000, uncertainty_usec + 1000)
        store = self.store(server=self.authority.server('young3', dates=Authority.NOT_YET))
        answers, log = self.run_all(store, '--not-before', '60')
        self.assertEqual([a.status for a in answers], [201])
        self.assertNotIn('date ', log)

    def test_wrong_name(self):
        """a server certificate for another name is refused"""
        store = self.store(server=self.authority.server('elsewhere', ('DNS:store.example.org',)))
        answer = self.put(store)
        self.assert_refused(store, answer, 'tls-name', 'made for another name')

    def test_tls_1_1(self):
        """a server that speaks TLS 1.1 at most is refused"""
        store = self.store(protocols='TLSv1.1')
        control = subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{store.port}', '-tls1_1', '-cipher',
                                  'DEFAULT@SECLEVEL=0', '-CAfile', self.authority.ca_file],
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=30)
        self.assertRegex(control.stdout, r'Protocol *: TLSv1\.1\n', 'control: the server does speak TLS 1.1')
        answer = self.put(store)
        self.assert_refused(store, answer, 'tls-version', r'TLS 1\.2')

    def test_client_certificate_of_another_authority(self):
        """a client certificate that the store does not know is answered with 400, and nothing is stored"""
        store = self.store()
        answer = self.put(store, client=self.other.client('stranger'))
        self.assertEqual((answer.fault, answer.status), ('none', 400))
        self.assertEqual(store.objects(), [])

    def test_client_certificate_refused_by_alert(self):
        """a server that refuses the client certificate within TLS (1.2 and 1.3) is told from a broken connection"""
        server = self.authority.server('strict')
        for version in ('-tls1_2', '-tls1_3'):
            with self.subTest(version):
                process = subprocess.Popen(
                    ['openssl', 's_server', '-accept', '127.0.0.1:0', version, '-cert', server.cert_file, '-key',
                     server.key_file, '-CAfile', self.authority.ca_file, '-Verify', '1', '-verify_return_error',
                     '-www'],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
                try:
                    port = None
                    while port is None:
                        line = process.stdout.readline()
                        self.assertTrue(line, 'openssl s_server ended')
                        match = re.match(r'ACCEPT .*:(\d+)', line)
                        port = match and match.group(1)
                    answers, _ = http_put.run(self.authority.ca_file, self.other.client('stranger' + version), 'GET',
                                              f'https://localhost:{port}/')
                finally:
                    process.kill()
                    process.communicate()
                self.assertEqual(answers[0].fault, 'tls-refused', answers[0].message)
                self.assertIn('refused this box', answers[0].message)

    def test_client_certificate_files(self):
        """a missing, unreadable, empty, unpaired, encrypted or expired client certificate is said at start, by name"""
        store = self.store()
        good = store.client
        empty = os.path.join(self.folder, 'empty.pem')
        locked = os.path.join(self.folder, 'locked.key')
        with open(empty, 'wb'):
            pass
        subprocess.run(['openssl', 'pkcs8', '-topk8', '-in', good.key_file, '-out', locked, '-passout', 'pass:secret'],
                       check=True, capture_output=True)
        expired = self.authority.client('expired-client', Authority.EXPIRED)
        unpaired = self.authority.client('unpaired-client')
        cases = {
            'No such file': (os.path.join(self.folder, 'nowhere.pem'), good.key_file),
            'nowhere.key: No such file': (good.cert_file, os.path.join(self.folder, 'nowhere.key')),
            'empty.pem holds no certificate': (empty, good.key_file),
            'empty.pem holds no private key': (good.cert_file, empty),
            'not a pair': (good.cert_file, unpaired.key_file),
            'locked.key is encrypted': (good.cert_file, locked),
            'expired-client.pem expired on 2026-03-01': (expired.cert_file, expired.key_file),
        }
        for said, (cert_file, key_file) in cases.items():
            with self.subTest(said):
                (answer,), log = http_put.run(self.authority.ca_file, Certificate(cert_file, key_file), 'PUT',
                                              store.url + '/x', self.body)
                self.assertIn(said, log)
                if cert_file == expired.cert_file:
                    self.assertEqual(answer.status, 400)
                else:
                    self.assertEqual((answer.fault, answer.bytes_sent), ('local', 0), answer.message)
        self.assertEqual(store.objects(), [])

    def test_session_keys_stay(self):
        """the variable SSLKEYLOGFILE makes curl write session keys (control), and us not"""
        store = self.store()
        curls, ours = os.path.join(self.folder, 'curl.keys'), os.path.join(self.folder, 'our.keys')
        subprocess.run(['curl', '-s', '--cacert', self.authority.ca_file, '--cert', store.client.cert_file, '--key',
                        store.client.key_file, '-o', '/dev/null', store.url],
                       env={**os.environ, 'SSLKEYLOGFILE': curls}, check=True, timeout=30)
        self.assertGreater(os.path.getsize(curls), 0)
        self.assertEqual(self.put(store, env={'SSLKEYLOGFILE': ours}).status, 201)
        self.assertFalse(os.path.exists(ours) and os.path.getsize(ours))

    def test_address(self):
        """an address that is not https, or carries a login, is refused"""
        store = self.store()
        for url in (f'http://localhost:{store.port}/x', f'https://user:secret@localhost:{store.port}/x'):
            answer = self.put(store, url=url)
            self.assertEqual((answer.fault, answer.bytes_sent), ('start', 0))


if __name__ == '__main__':
    tap.main()
