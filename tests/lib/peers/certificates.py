# SPDX-License-Identifier: LGPL-2.1-or-later
"""Throw-away certificate authorities, P-256, made with the openssl command."""
import os
import subprocess

CA_CONFIG = """[ca]
default_ca = here
[here]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
"""


def openssl(*args):
    done = subprocess.run(['openssl', *args], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f'openssl {args[0]}: {done.stderr.strip()}')
    return done.stdout


class Certificate:
    """A certificate and its key as PEM files."""

    def __init__(self, cert_file, key_file):
        self.cert_file = cert_file
        self.key_file = key_file


class Authority:
    """A CA in a folder of its own. Valid certificates are in date for ten years around any believable clock."""

    VALID = ('20260101000000Z', '20351231235959Z')
    EXPIRED = ('20260101000000Z', '20260301000000Z')
    NOT_YET = ('20340101000000Z', '20351231235959Z')

    def __init__(self, folder, name='trailkeep test CA'):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.ca_file = self.path('ca.pem')
        self.config = self.path('ca.conf')
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(CA_CONFIG.format(folder=folder))
        with open(self.path('index.txt'), 'w', encoding='utf-8'):
            pass
        self.request('ca', name, ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'])
        self.sign('ca', self.VALID, '-selfsign')

    def path(self, name):
        return os.path.join(self.folder, name)

    def request(self, name, subject, extensions):
        args = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj',
                f'/CN={subject}', '-keyout', self.path(name + '.key'), '-out', self.path(name + '.csr')]
        for extension in extensions:
            args += ['-addext', extension]
        openssl(*args)

    def sign(self, name, dates, *more):
        openssl('ca', '-batch', '-notext', '-config', self.config, '-startdate', dates[0], '-enddate', dates[1],
                '-in', self.path(name + '.csr'), '-out', self.path(name + '.pem'), *more)

    def issue(self, name, usage, alt_names=(), dates=VALID):
        extensions = ['basicConstraints=critical,CA:FALSE', f'extendedKeyUsage={usage}']
        if alt_names:
            extensions.append('subjectAltName=' + ','.join(alt_names))
        self.request(name, name, extensions)
        self.sign(name, dates)
        return Certificate(self.path(name + '.pem'), self.path(name + '.key'))

    def server(self, name='server', alt_names=('DNS:localhost', 'IP:127.0.0.1'), dates=VALID):
        return self.issue(name, 'serverAuth', alt_names, dates)

    def client(self, name='client', dates=VALID):
        return self.issue(name, 'clientAuth', (), dates)
