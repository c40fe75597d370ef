# SPDX-License-Identifier: LGPL-2.1-or-later
"""A TCP proxy that breaks connections on demand, for faults no well-behaved server produces.

    with Proxy(store.port) as proxy:    # listens on proxy.port
        proxy.refuse()                  # nobody listens
        proxy.listen()                  # again, on the same port
        proxy.is_hanging = True         # new connections are accepted and nothing is ever read from or sent to them
        proxy.cut_up_after = 3000       # each connection is reset once so many bytes went up (or down: cut_down_after)
        proxy.hold_after_up_bytes = N   # once so many bytes went up, what the server says waits: for None, or ...
        proxy.cut()                     # ... is lost with all connections
        proxy.up_bytes_per_second = 500 # a slow link
"""
import socket
import struct
import threading
import time

CHUNK = 16 * 1024
RESET = struct.pack('ii', 1, 0)  # SO_LINGER of no time: close() sends RST


class Connection:
    def __init__(self, proxy, client):
        self.proxy = proxy
        self.client = client
        self.server = None
        self.up_bytes = self.down_bytes = 0
        self.is_cut = False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        if self.proxy.is_hanging:
            return
        try:
            self.server = socket.create_connection(('127.0.0.1', self.proxy.target_port))
        except OSError:
            self.cut()
            return
        threading.Thread(target=self.pump_down, daemon=True).start()
        self.pump_up()

    def pump_up(self):
        rate = self.proxy.up_bytes_per_second
        try:
            while data := self.client.recv(max(1, rate // 10) if rate else CHUNK):
                limit = self.proxy.cut_up_after
                if limit is not None:
                    data = data[:max(0, limit - self.up_bytes)]
                self.up_bytes += len(data)  # before the server can answer, so that its answer can be held
                self.server.sendall(data)
                if limit is not None and self.up_bytes >= limit:
                    self.cut()
                    return
                if rate:
                    time.sleep(0.1)
            self.server.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def wait_while_held(self):
        while not self.is_cut:
            limit = self.proxy.hold_after_up_bytes
            if limit is None or self.up_bytes < limit:
                return
            time.sleep(0.01)

    def pump_down(self):
        try:
            while data := self.server.recv(CHUNK):
                self.wait_while_held()
                if self.is_cut:
                    return  # what was held is lost
                limit = self.proxy.cut_down_after
                if limit is not None:
                    data = data[:max(0, limit - self.down_bytes)]
                self.client.sendall(data)
                self.down_bytes += len(data)
                if limit is not None and self.down_bytes >= limit:
                    self.cut()
                    return
            self.client.shutdown(socket.SHUT_WR)
        except OSError:
            self.cut()

    def cut(self):
        if self.is_cut:
            return
        self.is_cut = True
        for s in filter(None, (self.client, self.server)):
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                s.shutdown(socket.SHUT_RD)  # wakes the thread that reads, which else keeps it open
                s.close()
            except OSError:
                pass


class Proxy:
    def __init__(self, target_port, receive_buffer=None):
        """A slow link needs a small receive_buffer, else the kernel takes everything at once on the proxy's behalf."""
        self.target_port = target_port
        self.receive_buffer = receive_buffer
        self.port = 0
        self.url = None
        self.is_hanging = False
        self.cut_up_after = None
        self.cut_down_after = None
        self.up_bytes_per_second = 0
        self.hold_after_up_bytes = None
        self.connections = []
        self.listener = None

    def listen(self):
        if self.listener:
            return
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if self.receive_buffer:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.listener.bind(('127.0.0.1', self.port))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        self.url = f'https://localhost:{self.port}'
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.connections.append(Connection(self, client))

    def refuse(self):
        """Stop listening; connections that exist stay."""
        if self.listener:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
            self.listener = None

    def cut(self):
        """Reset all connections."""
        for connection in self.connections:
            connection.cut()
        self.connections = []

    def heal(self):
        """Break nothing any more; connections that hang are reset."""
        self.is_hanging = False
        self.cut_up_after = self.cut_down_after = self.hold_after_up_bytes = None
        self.up_bytes_per_second = 0
        self.cut()
        self.listen()

    @property
    def up_bytes(self):
        """Bytes that went up on the connections since the last cut()."""
        return sum(c.up_bytes for c in self.connections)

    def __enter__(self):
        self.listen()
        return self

    def __exit__(self, *_):
        self.refuse()
        self.cut()
