"""Writes OCI image layouts by hand, the same bytes for the same input: no container software needed.

    layout = Layout(directory)
    base = Layer().directory("tmp", 0o1777).file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\\n")
    layout.add_image("latest", [base], {"Cmd": ["sh"]})
"""

import gzip
import hashlib
import io
import json
import pathlib
import platform
import stat
import subprocess
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
CREATED = "2023-06-10T00:00:00Z"  # the release of Debian 12: builds must not depend on the clock
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Layer:
    """File system entries in the order in which they were added; parents are added on the way."""

    def __init__(self, compression="gzip"):
        self.compression = compression
        self._bytes = io.BytesIO()
        self._tar = tarfile.open(fileobj=self._bytes, mode="w", format=tarfile.PAX_FORMAT)
        self._directories = set()

    def directory(self, name, mode=0o755, uid=0, gid=0):
        self._parents(name)
        self._directories.add(name)
        self._add(name, tarfile.DIRTYPE, mode, uid, gid)
        return self

    def file(self, name, content, mode=0o644, uid=0, gid=0):
        self._parents(name)
        self._add(name, tarfile.REGTYPE, mode, uid, gid, content.encode() if isinstance(content, str) else content)
        return self

    def symlink(self, name, target):
        self._parents(name)
        self._add(name, tarfile.SYMTYPE, 0o777, 0, 0, link=target)
        return self

    def hardlink(self, name, target):
        self._parents(name)
        self._add(name, tarfile.LNKTYPE, 0o755, 0, 0, link=target)
        return self

    def host_file(self, path, name=None):
        """A regular file of this machine, symlinks followed, with its mode."""
        path = pathlib.Path(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        return self.file(name or str(path).lstrip("/"), path.read_bytes(), mode)

    def tar(self):
        self._tar.close()
        return self._bytes.getvalue()

    def _parents(self, name):
        parent = str(pathlib.PurePosixPath(name).parent)
        if parent != "." and parent not in self._directories:
            self.directory(parent)

    def _add(self, name, kind, mode, uid, gid, content=b"", link=""):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.uid, entry.gid = kind, mode, uid, gid
        entry.size, entry.linkname = len(content), link
        self._tar.addfile(entry, io.BytesIO(content))


class Layout:
    def __init__(self, directory):
        self._root = pathlib.Path(directory)
        (self._root / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        (self._root / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self._manifests = []

    def add_image(self, tag, layers, config):
        """`config` is the OCI "config" object: Cmd, Entrypoint, Env, User, StopSignal, ..."""
        plain = [layer.tar() for layer in layers]
        descriptors = [self._blob(*_compress(data, layer.compression)) for data, layer in zip(plain, layers)]
        image = {
            "created": CREATED, "architecture": ARCHITECTURE, "os": "linux", "config": config,
            "rootfs": {"type": "layers", "diff_ids": [_digest(data) for data in plain]},
            "history": [{"created": CREATED, "created_by": "tools/images"} for _ in layers],
        }
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": self._blob(_json(image), CONFIG), "layers": descriptors}
        descriptor = self._blob(_json(manifest), MANIFEST)
        descriptor["annotations"] = {"org.opencontainers.image.ref.name": tag}
        self._manifests.append(descriptor)
        (self._root / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": self._manifests}))

    def _blob(self, data, media_type):
        digest = _digest(data)
        (self._root / "blobs" / "sha256" / digest.removeprefix("sha256:")).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _compress(data, compression):
    if compression == "gzip":
        return gzip.compress(data, mtime=0), LAYER + "+gzip"
    if compression == "zstd":
        packed = subprocess.run(["zstd", "-qc"], input=data, stdout=subprocess.PIPE, check=True).stdout
        return packed, LAYER + "+zstd"
    return data, LAYER


def _digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _json(value):
    return json.dumps(value, indent=1, sort_keys=True).encode()
