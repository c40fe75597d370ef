# SPDX-License-Identifier: LGPL-2.1-or-later
"""The object store: a real nginx with WebDAV that asks for a client certificate, misbehaving on demand.

    with Store(folder) as store:                    # certificates of its own in store.authority and store.client
        store.misbehave('PUT', 500)                 # from the next PUT on; ANY, PUT, GET, HEAD, DELETE
        store.misbehave('ANY', 503, retry_after=2)  # or an HTTP date
        store.behave()
        store.objects()                             # what it holds, paths relative to the root

How it misbehaves is looked up by nginx at each request from files in a folder, so nothing is restarted or reloaded.
"""
import gzip
import os
import signal
import socket
import subprocess
import time

from peers.certificates import Authority

STATUSES = (301, 400, 401, 403, 404, 405, 408, 411, 413, 422, 425, 429, 500, 502, 503, 504, 507)

CONFIG = """{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  log_format tk '$connection $connection_requests $request_method $uri $status $request_length $ssl_protocol '
                '$server_protocol $msec "$http_user_agent" "$content_type" "$http_content_encoding" "$http_expect"';
  access_log {folder}/access.log tk;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  keepalive_timeout 75s;
  server {{
    listen 127.0.0.1:{port} ssl{http2};
    ssl_certificate {cert};
    ssl_certificate_key {key};
    ssl_protocols {protocols};
    {more_tls}
    ssl_client_certificate {ca};
    ssl_verify_client {verify};
    client_max_body_size {max_body_bytes};
    root {folder}/objects;
    set $retry_after "";
{retries}
    add_header Retry-After $retry_after always;
    location / {{
{traps}
      dav_methods PUT DELETE;
      create_full_put_path on;
      dav_access user:rw;
    }}
  }}
}}
"""

RETRIES = ('1', '2', '3600', '999999', 'Fri, 31 Dec 2100 23:59:59 GMT')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for(condition, what, seconds=20):
    """Look until the condition holds; its value. Fails with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f'not within {seconds} s: {what}')
        time.sleep(0.01)


class Store:
    """nginx on a free port of 127.0.0.1, everything it writes below `folder`."""

    def __init__(self, folder, authority=None, server=None, client_authority=None, protocols='TLSv1.2 TLSv1.3',
                 http2=True, verify_client=True, max_body_bytes=64 * 1024 * 1024):
        self.folder = os.path.join(folder, 'store')
        for name in ('', 'objects', 'traps', 'body', 'tmp'):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        self.authority = authority or Authority(os.path.join(folder, 'ca'))
        self.server = server or self.authority.server()
        self.client = self.authority.client()
        self.client_authority = client_authority or self.authority
        self.protocols = protocols
        self.http2 = http2
        self.verify_client = verify_client
        self.max_body_bytes = max_body_bytes
        self.port = free_port()
        self.url = f'https://localhost:{self.port}'
        self.process = None

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def write_config(self):
        old_tls = '1.1' in self.protocols or self.protocols == 'TLSv1'
        traps = ''.join(f'      if (-f {self.path("traps")}/{who}-{status}) {{ return {status}'
                        f'{" https://localhost:" + str(self.port) + "/elsewhere" if status == 301 else ""}; }}\n'
                        for status in STATUSES for who in ('ANY', '$request_method'))
        retries = ''.join(f'    if (-f {self.path("traps")}/retry-{i}) {{ set $retry_after "{text}"; }}\n'
                          for i, text in enumerate(RETRIES))
        with open(self.path('nginx.conf'), 'w', encoding='utf-8') as f:
            f.write(CONFIG.format(
                user='user root;' if os.geteuid() == 0 else '', folder=self.folder, port=self.port,
                http2=' http2' if self.http2 else '', cert=self.server.cert_file, key=self.server.key_file,
                protocols=self.protocols, more_tls='ssl_ciphers DEFAULT@SECLEVEL=0;' if old_tls else '',
                ca=self.client_authority.ca_file, verify='on' if self.verify_client else 'off',
                max_body_bytes=self.max_body_bytes, traps=traps, retries=retries))

    def start(self):
        self.write_config()
        with open(self.path('nginx.log'), 'ab') as log:
            self.process = subprocess.Popen(
                ['nginx', '-p', self.folder, '-c', self.path('nginx.conf'), '-e', self.path('error.log')],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, 'PATH': os.environ['PATH'] + ':/usr/sbin:/sbin'})
        wait_for(self.accepts, 'nginx accepts connections')

    def accepts(self):
        if self.process.poll() is not None:
            with open(self.path('nginx.log'), encoding='utf-8') as f:
                raise RuntimeError('nginx ended: ' + f.read())
        try:
            socket.create_connection(('127.0.0.1', self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)
            self.process = None

    def restart(self, **changes):
        """Stop, change attributes such as max_body_bytes, and start again on the same port."""
        self.stop()
        for name, value in changes.items():
            if not hasattr(self, name):
                raise AttributeError(name)
            setattr(self, name, value)
        self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def misbehave(self, method, status, retry_after=None):
        """Answer requests of this method (or 'ANY') with that status until behave(). The statuses and the values of
        Retry-After are those of the tables above."""
        if status not in STATUSES:
            raise ValueError(f'{status} is not among {STATUSES}')
        if retry_after is not None:
            self.flag(f'retry-{RETRIES.index(str(retry_after))}')
        self.flag(f'{method}-{status}')

    def flag(self, name):
        with open(self.path('traps', name), 'w', encoding='utf-8'):
            pass

    def behave(self):
        for name in os.listdir(self.path('traps')):
            os.unlink(self.path('traps', name))

    def objects(self):
        """Paths of all objects, relative to the root and sorted."""
        root = self.path('objects')
        return sorted(os.path.relpath(os.path.join(folder, name), root)
                      for folder, _, names in os.walk(root) for name in names)

    def read(self, name):
        with open(self.path('objects', name), 'rb') as f:
            return f.read()

    def read_records(self, name):
        """The texts of a gzipped GeoJSON text sequence (RFC 8142), each between its RS and LF."""
        texts = gzip.decompress(self.read(name)).split(b'\x1e')
        if texts[0] != b'' or not all(text.endswith(b'\n') for text in texts[1:]):
            raise ValueError(f'{name} is not a text sequence')
        return [text[:-1] for text in texts[1:]]

    def log(self, name='access.log'):
        with open(self.path(name), encoding='utf-8', errors='replace') as f:
            return f.read()

    def log_rows(self):
        return [line.split(' ') for line in self.log().splitlines()]

    def times(self):
        """When each of the requests() ended, in seconds by nginx's clock."""
        return [float(row[8]) for row in self.log_rows()]

    def requests(self):
        """What was asked, in order, as tuples (connection, number on it, method, path, status, bytes, TLS, HTTP)."""
        rows = self.log_rows()
        return [(int(r[0]), int(r[1]), r[2], r[3], int(r[4]), int(r[5]), r[6], r[7]) for r in rows]
