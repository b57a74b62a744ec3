"""A registry on the loopback that answers byte for byte what a test says: for manners that no real one has.

It serves one image, after a bearer token. `script(request, answer)` sees each answer as bytes before it is sent and
returns the bytes to send instead (anything that can be iterated: what takes long is sent piece by piece), or None to
close the connection. A test that wants nothing odd leaves it out.
"""

import dataclasses
import hashlib
import json
import socket
import threading

TYPES = "application/vnd.oci.image."


@dataclasses.dataclass
class Request:
    method: str
    path: str  # without the query
    query: str
    headers: dict  # names in lower case
    body: bytes

    @property
    def kind(self):
        for kind in ("token", "manifests", "blobs", "referrers"):
            if f"/{kind}" in self.path:
                return kind
        return "other"


def answer(status, body=b"", length=True, **headers):
    """An HTTP/1.1 answer; names with underscores. Without `length` only the end of the connection ends it."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    lines.append(f"Content-Length: {len(body)}" if length else "Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def digest_of(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


class Image:
    """Blobs by digest, made of layer tars."""

    def __init__(self, *tars):
        self.blobs, self.manifests = {}, {}
        layers = [self._add(tar, "layer.v1.tar") for tar in tars]
        config = self._add(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {
            "type": "layers", "diff_ids": [layer["digest"] for layer in layers]}}).encode(), "config.v1+json")
        self.layers, self.config = layers, config
        manifest = json.dumps({"schemaVersion": 2, "mediaType": TYPES + "manifest.v1+json", "config": config,
                               "layers": layers}).encode()
        self.digest = digest_of(manifest)
        self.manifests[self.digest] = manifest

    def _add(self, content, media_type):
        self.blobs[digest_of(content)] = content
        return {"mediaType": TYPES + media_type, "digest": digest_of(content), "size": len(content)}


class ScriptedRegistry:
    def __init__(self, image, script=None, length=True, token=None):
        """`length`: whether answers have a Content-Length. `token`: makes the token server's document, from its number."""
        self.image, self.script, self.length = image, script, length
        self.token = token or (lambda number: {"token": f"t{number}"})
        self.requests, self.tokens = [], 0
        self._lock = threading.Lock()
        self._connections = set()
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _accept(self):
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with self._lock:
            self._connections.add(connection)
        try:
            with connection, connection.makefile("rb") as reader:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                while (request := self._read(reader)) is not None and self._answer(connection, request):
                    pass
        except OSError:  # the other side has had enough
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)

    @staticmethod
    def _read(reader):
        line = reader.readline().decode().split()
        if len(line) < 2:
            return None
        headers = {}
        while (header := reader.readline().decode().strip()):
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        path, _, query = line[1].partition("?")
        return Request(line[0], path, query, headers, reader.read(int(headers.get("content-length", 0))))

    def _answer(self, connection, request):
        with self._lock:
            self.requests.append(request)
        plain = self.plain(request)
        sent = plain if self.script is None else self.script(request, plain)
        if sent is None:
            return False
        for piece in [sent] if isinstance(sent, bytes) else sent:
            connection.sendall(piece)
        return sent is plain and self.length

    def plain(self, request):
        """What a well-behaved registry answers."""
        if request.kind == "token":
            with self._lock:
                self.tokens += 1
                document = self.token(self.tokens)
            return self.send(request, 200, json.dumps(document).encode())
        if not self.is_authorized(request):
            return self.send(request, 401, Www_Authenticate=f'Bearer realm="http://{self.address}/token",service="s"')
        name = request.path.rsplit("/", 1)[1]
        if request.kind == "manifests":
            digest = name if ":" in name else self.image.digest
            body = self.image.manifests.get(digest)
            if body is not None:
                return self.send(request, 200, body, Content_Type=TYPES + "manifest.v1+json",
                                 Docker_Content_Digest=digest)
        elif request.kind == "blobs" and name in self.image.blobs:
            body = self.image.blobs[name]
            start = int(request.headers.get("range", "bytes=0-")[6:-1])
            if start >= len(body) > 0:
                return self.send(request, 416)
            if start:
                return self.send(request, 206, body[start:], Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")
            return self.send(request, 200, body)
        return self.send(request, 404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "gone"}]}).encode())

    def is_authorized(self, request):
        return request.headers.get("authorization", "").startswith("Bearer t")

    def send(self, request, status, body=b"", **headers):
        whole = answer(status, body, self.length, **headers)
        return whole[:len(whole) - len(body)] if request.method == "HEAD" else whole
