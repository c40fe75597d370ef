#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests of net against a real nginx, and through a proxy that breaks connections."""
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest

from peers import http_put, tap
from peers.proxy import Proxy
from peers.store import Store, wait_for

DAY_MS = 24 * 3600 * 1000


class HttpTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix='tk-http-')
        cls.small = cls.make_body('small', 20_000)
        cls.large = cls.make_body('large', 3_000_000)
        cls.store = Store(cls.folder)
        cls.store.start()

    @classmethod
    def tearDownClass(cls):
        cls.store.stop()
        shutil.rmtree(cls.folder)

    @classmethod
    def make_body(cls, name, size):
        path = os.path.join(cls.folder, name)
        with open(path, 'wb') as f:
            f.write(os.urandom(size))
        return path

    def setUp(self):
        self.store.behave()
        for name in self.store.objects():
            os.unlink(self.store.path('objects', name))
        self.proxy = Proxy(self.store.port)
        self.proxy.__enter__()
        self.addCleanup(self.proxy.__exit__)

    def run_all(self, *args, env=None):
        return http_put.run(self.store.authority.ca_file, self.store.client, *args, env=env)[0]

    def run_one(self, *args, env=None):
        answers = self.run_all(*args, env=env)
        self.assertEqual(len(answers), 1)
        return answers[0]

    def requests(self, path):
        """For a path that one test alone uses, once nginx has written them."""
        # nginx logs a request some time after it has answered it, so the log may still grow by an earlier test's
        return wait_for(lambda: [r for r in self.store.requests() if r[3] == path], 'nginx logged the request')

    def same(self, name, path):
        with open(path, 'rb') as f:
            return self.store.read(name) == f.read()

    def test_put_get_delete(self):
        """PUT stores the body, GET and HEAD find it, DELETE removes it, and then it is gone"""
        url = self.store.url + '/a/b/object'
        self.assertEqual(self.run_one('PUT', url, self.large).status, 201)
        self.assertTrue(self.same('a/b/object', self.large))
        self.assertEqual(self.run_one('PUT', url, self.small).status, 204)
        self.assertTrue(self.same('a/b/object', self.small))
        self.assertEqual([self.run_one(m, url).status for m in ('GET', 'HEAD', 'DELETE', 'GET', 'DELETE')],
                         [200, 200, 204, 404, 404])

    def test_http_1_1(self):
        """a server without HTTP/2 is spoken to in HTTP/1.1, without waiting for 100 Continue"""
        self.store.restart(http2=False)
        self.addCleanup(self.store.restart, http2=True)
        self.assertEqual(self.run_one('PUT', self.store.url + '/1.1', self.large).status, 201)
        self.assertEqual(self.requests('/1.1')[0][7], 'HTTP/1.1')
        self.assertRegex(self.store.log().splitlines()[-1], r'"trailkeep/[0-9.]+" "application/octet-stream" "-" "-"$')

    def test_empty_body(self):
        """an empty body is stored as an empty object"""
        empty = self.make_body('empty', 0)
        self.assertEqual(self.run_one('PUT', self.store.url + '/x', empty).status, 201)
        self.assertEqual(self.store.read('x'), b'')

    def test_redirect(self):
        """a redirect is an answer like any other and not followed"""
        self.store.misbehave('PUT', 301)
        self.assertEqual(self.run_one('PUT', self.store.url + '/redirected', self.small).status, 301)
        self.assertEqual(len(self.requests('/redirected')), 1)
        self.assertEqual(self.store.objects(), [])

    def test_proxy_variables(self):
        """proxies named in the environment are not used"""
        env = {name: self.proxy.url for name in ('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY')}
        self.assertEqual(self.run_one('PUT', self.store.url + '/x', self.small, env=env).status, 201)
        self.assertEqual(self.proxy.connections, [])

    def test_statuses(self):
        """each refusal of the store comes back as its status"""
        for status in (400, 401, 403, 404, 405, 413, 422, 429, 500, 502, 503, 507):
            self.store.misbehave('ANY', status)
            self.assertEqual(self.run_one('PUT', self.store.url + '/x', self.small).status, status)
            self.store.behave()

    def test_body_too_large(self):
        """413 in the middle of a body comes back as 413"""
        for http2 in (True, False):
            self.store.restart(max_body_bytes=1_000_000, http2=http2)
            self.assertEqual(self.run_one('PUT', self.store.url + '/x', self.large).status, 413)
        self.store.restart(max_body_bytes=64 * 1024 * 1024, http2=True)

    def test_retry_after(self):
        """Retry-After is read as seconds and as a date, and bounded to a day"""
        cases = {2: 2000, 3600: 3600_000, 999999: DAY_MS, 'Fri, 31 Dec 2100 23:59:59 GMT': DAY_MS}
        for said, expected_ms in cases.items():
            self.store.misbehave('PUT', 503, retry_after=said)
            answer = self.run_one('PUT', self.store.url + '/x', self.small)
            self.assertEqual((answer.status, answer.retry_after_ms), (503, expected_ms))
            self.store.behave()

    def test_reuse(self):
        """a hundred requests in a row use one connection, over HTTP/2 and HTTP/1.1"""
        for http2 in (True, False):
            self.store.restart(http2=http2)
            path = f'/reuse-{http2}'
            answers = self.run_all('--repeat', '100', 'PUT', self.store.url + path, self.small)
            self.assertEqual([a.status for a in answers], [201] + [204] * 99)
            wait_for(lambda: len(self.requests(path)) == 100, 'nginx logged them all')
            self.assertEqual(len({r[0] for r in self.requests(path)}), 1)
        self.store.restart(http2=True)

    def test_parallel(self):
        """several requests at a time all end well"""
        answers = self.run_all('--repeat', '40', '--parallel', '8', 'PUT', self.store.url + '/x', self.small)
        self.assertEqual(len(answers), 40)
        self.assertEqual({a.fault for a in answers}, {'none'})

    def test_refused(self):
        """nobody listens: said at once"""
        self.proxy.refuse()
        answer = self.run_one('PUT', self.proxy.url + '/x', self.small)
        self.assertEqual((answer.fault, answer.bytes_sent), ('connect', 0))
        self.assertEqual(answer.message, 'cannot connect to localhost: Connection refused')

    def test_resolve(self):
        """a name without an address"""
        answer = self.run_one('PUT', 'https://nowhere.invalid/x', self.small)
        self.assertEqual((answer.fault, answer.message), ('resolve', 'cannot find the address of nowhere.invalid'))

    def test_hang(self):
        """a server that accepts and never answers ends in a timeout"""
        self.proxy.is_hanging = True
        begin = time.monotonic()
        self.assertEqual(self.run_one('--timeout-ms', '800', 'PUT', self.proxy.url + '/x', self.small).fault, 'timeout')
        self.assertLess(time.monotonic() - begin, 10)

    def test_answer_never_comes(self):
        """a server that took the whole body and never answers ends in a timeout, although the body may have arrived"""
        self.proxy.hold_after_up_bytes = 15_000
        answer = self.run_one('--timeout-ms', '800', 'PUT', self.proxy.url + '/x', self.small)
        self.assertEqual((answer.fault, answer.bytes_sent), ('timeout', 20_000))
        self.assertTrue(self.same('x', self.small))

    def test_slow_link(self):
        """a link so slow that the whole takes several timeouts is not a stall"""
        body = self.make_body('slow', 300_000)
        begin = time.monotonic()
        with Proxy(self.store.port, receive_buffer=16384) as proxy:
            proxy.up_bytes_per_second = 60_000
            self.assertEqual(self.run_one('--timeout-ms', '2000', 'PUT', proxy.url + '/x', body).status, 201)
        self.assertGreater(time.monotonic() - begin, 4, 'control: it was slow')

    def test_cut_in_handshake(self):
        """a connection that is reset within the handshake"""
        self.proxy.cut_up_after = 200
        answer = self.run_one('PUT', self.proxy.url + '/x', self.small)
        self.assertIn(answer.fault, ('closed', 'tls-other'))
        self.assertEqual(answer.bytes_sent, 0)

    def test_cut_in_body(self):
        """a connection that is reset within the body: nothing is stored"""
        self.proxy.cut_up_after = 100_000
        self.assertEqual(self.run_one('PUT', self.proxy.url + '/x', self.large).fault, 'closed')
        self.assertEqual(self.store.objects(), [])

    def test_cut_before_answer(self):
        """a connection that is reset between the object's arrival and the answer is a fault, and the object is there"""
        self.proxy.hold_after_up_bytes = 15_000

        def cut_when_stored():
            wait_for(lambda: self.store.objects() == ['x'], 'the object arrived')
            self.proxy.cut()

        threading.Thread(target=cut_when_stored, daemon=True).start()
        answer = self.run_one('PUT', self.proxy.url + '/x', self.small)
        self.assertTrue(self.same('x', self.small))
        self.assertEqual(answer.fault, 'closed')

    def test_not_http(self):
        """what does not speak TLS is told from what does not answer"""
        with socket.socket() as listener:
            listener.bind(('127.0.0.1', 0))
            listener.listen()

            def greet():
                client, _ = listener.accept()
                client.sendall(b'220 mail.example.org ESMTP\r\n' * 10)
                client.recv(4096)
                client.close()

            threading.Thread(target=greet, daemon=True).start()
            answer = self.run_one('PUT', f'https://localhost:{listener.getsockname()[1]}/x', self.small)
        self.assertEqual((answer.fault, answer.bytes_sent), ('tls-other', 0))
        self.assertIn('does not speak TLS', answer.message)

    def test_cancel(self):
        """a cancelled request ends without a word, also while its name is looked up, and without waiting for that"""
        for url in (self.store.url + '/x', 'https://slow.invalid/x'):
            command = http_put.command(self.store.authority.ca_file, self.store.client, '--cancel-at-once', '--linger',
                                       'PUT', url, self.small)
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
                begin = time.monotonic()
                self.assertEqual(process.stdout.readline(), 'cancelled\n')
                self.assertLess(time.monotonic() - begin, 5)
                process.kill()
                self.assertEqual(process.stdout.read(), '')
        self.assertEqual(self.store.objects(), [])

    def test_free_in_callback(self):
        """everything may be freed from within a request's callback, with others still running"""
        answers = self.run_all('--free-in-callback', '--repeat', '4', '--parallel', '4', 'PUT', self.store.url + '/x',
                               self.small)
        self.assertEqual(len(answers), 1)
        self.assertEqual(answers[0].fault, 'none')


if __name__ == '__main__':
    tap.main()
