"""A receiver of GELF, from its specification: chunks are put together, and what is compressed is told by its first bytes."""

import contextlib
import gzip
import json
import socket
import struct
import threading
import zlib

CHUNK = b"\x1e\x0f"
HEADER = struct.Struct(">2s8sBB")


def decode(message):
    """Strict UTF-8 and JSON, as a receiver may insist on."""
    if message.startswith(b"\x1f\x8b"):
        message = gzip.decompress(message)
    elif message[0] & 0x0F == 8:
        message = zlib.decompress(message)
    return json.loads(message.decode())


class Gelf:
    def __init__(self, transport, port):
        self.messages, self.chunks = [], 0
        self._transport, self._parts = transport, {}
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._open = [self._socket]
        if transport == "tcp":
            self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        """Connections as well; waits for whoever reads them."""
        for each in self._open:
            with contextlib.suppress(OSError):  # it is not connected
                each.shutdown(socket.SHUT_RDWR)
        self._thread.join(20)
        for each in self._open:
            each.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while self._transport == "udp":
                datagram = self._socket.recv(65536)
                if not datagram:
                    return
                self._take(datagram)
            while True:
                peer, _ = self._socket.accept()
                self._open.append(peer)
                self._read(peer)

    def _read(self, peer):
        rest = b""
        while got := peer.recv(65536):
            *whole, rest = (rest + got).split(b"\0")
            self.messages += [decode(each) for each in whole]

    def _take(self, datagram):
        if not datagram.startswith(CHUNK):
            self.messages.append(decode(datagram))
            return
        _, identity, number, count = HEADER.unpack_from(datagram)
        assert number < count <= 128
        self.chunks += 1
        parts = self._parts.setdefault(identity, {})
        parts[number] = datagram[HEADER.size:]
        if len(parts) == count:
            self.messages.append(decode(b"".join(parts[i] for i in range(count))))


@contextlib.contextmanager
def gelf(transport, port=0):
    receiver = Gelf(transport, port)
    try:
        yield receiver
    finally:
        receiver.close()
