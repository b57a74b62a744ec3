"""A receiver of Fluentd's forward protocol, by Python's MessagePack."""

import contextlib
import socket
import struct
import threading

import msgpack


class Forward:
    """Takes connections on an address, one after the other."""

    def __init__(self, address, acknowledge=True):
        self.messages, self.acknowledge = [], acknowledge
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen()
        self.connection, self.is_closed = None, False
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                self.connection, _ = self.listener.accept()
                if self.is_closed:  # it came while we were told to go
                    return self.connection.close()
                unpacker = msgpack.Unpacker(ext_hook=lambda code, data: (code, *struct.unpack(">II", data)))
                with contextlib.suppress(ConnectionError):
                    while data := self.connection.recv(65536):
                        unpacker.feed(data)
                        for message in unpacker:
                            self.messages.append(message)
                            if self.acknowledge and "chunk" in message[3]:
                                self.connection.sendall(msgpack.packb({"ack": message[3]["chunk"]}))
                self.connection.close()

    def close(self):
        if not self.thread.is_alive():
            return
        self.is_closed = True
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        with contextlib.suppress(OSError):
            if self.connection:
                self.connection.shutdown(socket.SHUT_RDWR)
        self.thread.join()

    def texts(self):
        return [message[2]["log"] for message in self.messages]


@contextlib.contextmanager
def forward(address, **options):
    receiver = Forward(address, **options)
    try:
        yield receiver
    finally:
        receiver.close()
