"""A blocking socket and a thread for each page: the WebSocket's frames are read and written by hand, without a library.

The frames are the floor's: `[0, id, name, arguments]` a call, `[1, id, value]` its answer, `[2, data]` a publication.
"""

import base64
import hashlib
import itertools
import json
import socket
import struct
import threading
from pathlib import Path

import calling
from console import serve

PAGE = (Path(__file__).parent / "raw.html").read_text().replace("BATCHED", "false").encode()
SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def mask_off(data, mask):
    """XOR the payload with the mask, as one large integer."""
    long = mask * (len(data) // 4 + 1)
    number = int.from_bytes(data, "big") ^ int.from_bytes(long[: len(data)], "big")
    return number.to_bytes(len(data), "big")


def header(size):
    """Return a text frame."""
    if size < 126:
        return struct.pack("!BB", 0x81, size)
    return struct.pack("!BBH", 0x81, 126, size) if size < 65536 else struct.pack("!BBQ", 0x81, 127, size)


class Connection:
    """A page."""

    def __init__(self, sock, file):
        self.sock, self.file = sock, file
        self.functions = {**calling.PLAIN, "add_async": calling.add, "subscribe": lambda: subscribers.append(self)}
        self.waiting = {}
        self.ids = itertools.count()

    def read(self):
        """Return the payload of the next text frame; `None` at the end."""
        payload = b""
        while head := self.file.read(2):
            size = head[1] & 127
            if size > 125:
                size = int.from_bytes(self.file.read(2 if size == 126 else 8), "big")
            mask = self.file.read(4)
            payload += mask_off(self.file.read(size), mask)
            if head[0] & 15 == 8:
                return None
            if head[0] & 128:
                return payload
        return None

    def write(self, frame):
        data = json.dumps(frame).encode()
        self.sock.sendall(header(len(data)) + data)

    def run(self):
        while (data := self.read()) is not None:
            kind, id, name, *args = json.loads(data)
            if kind:
                self.waiting.pop(id)(name)
            else:
                self.write((1, id, self.functions[name](*args[0])))

    def call(self, done, name, args):
        id = next(self.ids)
        self.waiting[id] = done
        self.write((0, id, name, args))

    def block(self, name, *args):
        lock, values = threading.Lock(), []
        lock.acquire()

        def done(value):
            values.append(value)
            lock.release()

        self.call(done, name, args)
        lock.acquire()
        return values[0]

    def gather(self, size):
        end, values = threading.Event(), []

        def done(value):
            values.append(value)
            if len(values) == size:
                end.set()

        for i in range(size):
            self.call(done, "add", (i, 7))
        end.wait()
        return values


connections, subscribers = [], []


def meet(sock):
    """Answer an HTTP request: with the page, or by an upgrade to a WebSocket."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = sock.makefile("rb")
    headers = {}
    while line := file.readline().strip():
        name, _, value = line.partition(b":")
        headers[name.lower()] = value.strip()
    key = headers.get(b"sec-websocket-key")
    if key is None:
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(PAGE)
            + PAGE
        )
        sock.close()
        return
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    sock.sendall(SWITCH % accept)
    connections.append(Connection(sock, file))
    connections[-1].run()


def listen(server):
    while True:
        threading.Thread(target=meet, args=(server.accept()[0],), daemon=True).start()


def call_page(**options):
    return calling.sequence(connections[0].block, **options)


def flood(**options):
    return calling.floods(connections[0].gather, **options)


def publish(messages):
    for data in calling.publications(messages):
        encoded = json.dumps((2, data)).encode()
        frame = header(len(encoded)) + encoded
        for connection in subscribers:
            connection.sock.sendall(frame)


server = socket.create_server(("127.0.0.1", 0), backlog=128)
threading.Thread(target=listen, args=(server,), daemon=True).start()
serve(f"http://127.0.0.1:{server.getsockname()[1]}", call_page=call_page, flood=flood, publish=publish)
