"""A client of Session Manager's data channel, written from the source of session-manager-plugin: what `aws ecs
execute-command` starts, with a terminal that the test reads and types at."""

import base64
import codecs
import hashlib
import json
import os
import re
import socket
import struct
import time
import urllib.parse
import uuid

from berth import PATIENCE

HEADER = struct.Struct(">I32sIQqQ16s32sI")  # before the payload's length
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
OUTPUT, SIZE, HANDSHAKE_REQUEST, HANDSHAKE_RESPONSE, HANDSHAKE_COMPLETE, FLAG = 1, 3, 5, 6, 7, 10
TERMINATE = struct.pack(">I", 2)


class Refused(Exception):
    pass


class WebSocket:
    """RFC 6455, the client's end."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self._peer = socket.create_connection((parts.hostname, parts.port), timeout=20 * PATIENCE)
        key = base64.b64encode(os.urandom(16)).decode()
        self._peer.sendall((f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self._bytes = b""
        while b"\r\n\r\n" not in self._bytes:
            got = self._peer.recv(65536)
            if not got:
                raise Refused("closed")
            self._bytes += got
        head, _, self._bytes = self._bytes.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise Refused(head.split(b"\r\n")[0].decode())
        accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        assert f"Sec-WebSocket-Accept: {accept}".encode() in head.split(b"\r\n"), head

    def send(self, opcode, payload):
        mask = os.urandom(4)
        size = len(payload)
        length = bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + struct.pack(">H", size)
        self._peer.sendall(bytes([0x80 | opcode]) + length + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload)))

    def receive(self):
        """Opcode and payload of the next frame; (CLOSE, b"") at the end of the stream."""
        head = self._take(2)
        if head is None:
            return CLOSE, b""
        size = head[1] & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._take(8))
        assert head[0] & 0x80 and not head[1] & 0x80, "a server neither splits what is short nor masks"
        return head[0] & 0x0F, self._take(size)

    def close(self):
        self._peer.close()

    def _take(self, size):
        while len(self._bytes) < size:
            got = self._peer.recv(65536)
            if not got:
                return None
            self._bytes += got
        taken, self._bytes = self._bytes[:size], self._bytes[size:]
        return taken


class Session:
    """`session` is that of ExecuteCommand. Begins with a size and ends with the context."""

    def __init__(self, session, token=None, size=(80, 24), deaf=0):
        self.acknowledges = True
        self._deaf = deaf  # so many messages are dropped as by a plugin that is not ready, without a word
        self.socket = WebSocket(session["streamUrl"])
        # A message ends where the terminal's read did: within a character, too. The plugin writes bytes as they come.
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        self.shown, self.ended, self._next, self._expected, self._early = "", None, 0, 0, {}
        self.socket.send(TEXT, json.dumps({"MessageSchemaVersion": "1.0", "RequestId": str(uuid.uuid4()),
                                           "TokenValue": token or session["tokenValue"], "ClientId": str(uuid.uuid4()),
                                           "ClientVersion": "1.2.0.0"}).encode())
        while self._hear() != HANDSHAKE_COMPLETE:
            if self.ended is not None:
                raise Refused(self.ended)
        self.resize(*size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def type(self, text):
        self._send("input_stream_data", OUTPUT, text.encode())

    def resize(self, columns, rows):
        self._send("input_stream_data", SIZE, json.dumps({"cols": columns, "rows": rows}).encode())

    def terminate(self):
        self._send("input_stream_data", FLAG, TERMINATE)

    def wait_for(self, pattern):
        """The match, once what was shown has it."""
        deadline = time.monotonic() + 20 * PATIENCE
        while not (found := re.search(pattern, self.shown)):
            assert self.ended is None, f"ended with {self.ended!r}: {self.shown!r}"
            assert time.monotonic() < deadline, f"never saw {pattern!r}: {self.shown!r}"
            self._hear()
        return found

    def take_without_a_word(self, count):
        """So many messages of output more, of which none is acknowledged."""
        self.acknowledges = False
        last = self._expected + count
        while self._expected < last:
            self._hear()

    def wait_for_end(self):
        """Why it ended, as the user is told."""
        while self.ended is None:
            self._hear()
        return self.ended

    def _send(self, kind, payload_type, payload, sequence=None):
        if sequence is None:
            sequence, self._next = self._next, self._next + 1
        identity = uuid.uuid4().bytes
        header = HEADER.pack(116, kind.encode().ljust(32), 1, int(time.time() * 1000), sequence, 3, identity[8:] + identity[:8],
                             hashlib.sha256(payload).digest(), payload_type)
        self.socket.send(BINARY, header + struct.pack(">I", len(payload)) + payload)

    def _hear(self):
        """Takes one message; the type of its payload when it is output."""
        opcode, message = self.socket.receive()
        if opcode == CLOSE:
            self.ended = self.ended if self.ended is not None else "closed"
            return None
        assert opcode == BINARY, opcode
        length, kind, version, _, sequence, _, identity, digest, payload_type = HEADER.unpack_from(message)
        payload = message[length + 4:]
        assert (length, version) == (116, 1) and len(payload) == struct.unpack_from(">I", message, length)[0]
        assert hashlib.sha256(payload).digest() == digest
        kind = kind.decode().rstrip(" \0")
        if kind == "channel_closed":
            self.ended = json.loads(payload)["Output"]
            return None
        if kind == "acknowledge":
            assert json.loads(payload)["AcknowledgedMessageType"] == "input_stream_data"
            return None
        assert kind == "output_stream_data", kind
        if payload_type == OUTPUT and self._deaf > 0:
            self._deaf -= 1
            return None
        content = {"AcknowledgedMessageType": kind, "AcknowledgedMessageId": str(uuid.UUID(bytes=identity[8:] + identity[:8])),
                   "AcknowledgedMessageSequenceNumber": sequence, "IsSequentialMessage": True}
        if self.acknowledges:
            self._send("acknowledge", 0, json.dumps(content).encode(), sequence=0)
        if sequence >= self._expected:
            self._early[sequence] = (payload_type, payload)
        while self._expected in self._early:
            self._take(*self._early.pop(self._expected))
            self._expected += 1
        return payload_type

    def _take(self, payload_type, payload):
        if payload_type == HANDSHAKE_REQUEST:
            (action,) = json.loads(payload)["RequestedClientActions"]
            assert action["ActionType"] == "SessionType" and action["ActionParameters"]["SessionType"] == "InteractiveCommands"
            response = {"ClientVersion": "1.2.0.0", "Errors": [], "ProcessedClientActions": [
                {"ActionType": "SessionType", "ActionStatus": 1, "ActionResult": None, "Error": ""}]}
            self._send("input_stream_data", HANDSHAKE_RESPONSE, json.dumps(response).encode())
        elif payload_type == OUTPUT:
            self.shown += self._decoder.decode(payload)
