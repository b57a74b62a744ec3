"""A forward proxy on the loopback, for tests of who goes through one."""

import socket
import threading


class Proxy:
    """A forward proxy: CONNECT, and absolute addresses. Whatever the name, it goes to one place."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = (host, int(port))
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"
        self.asked = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            more = connection.recv(65536)
            if not more:
                return
            head += more
        method, address, _ = head.split(b"\r\n", 1)[0].decode().split()
        authorization = [line for line in head.decode().split("\r\n") if line.lower().startswith("proxy-authorization:")]
        self.asked.append((method, address, authorization[0].split()[-1] if authorization else None))
        other = socket.create_connection(self._target)
        if method == "CONNECT":
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:  # one request a connection: what follows the name is the path
            path = "/" + address.split("/", 3)[3]
            other.sendall(head.replace(address.encode(), path.encode(), 1).replace(
                b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        back = threading.Thread(target=self._pump, args=(other, connection), daemon=True)
        back.start()
        self._pump(connection, other)
        back.join()
        connection.close()
        other.close()

    @staticmethod
    def _pump(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
