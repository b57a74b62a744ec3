"""Images out of layers that a test writes: tars, compressed or not, and OCI layouts around them."""

import dataclasses
import gzip
import hashlib
import io
import json
import pathlib
import platform
import subprocess
import tarfile

TAR = "application/vnd.oci.image.layer.v1.tar"
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
REF_NAME = "org.opencontainers.image.ref.name"
ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
NEW = 1_700_000_000  # when everything was made that does not say


@dataclasses.dataclass(frozen=True)
class Layer:
    """`blob` as it is stored; `plain` is the tar."""
    plain: bytes
    blob: bytes
    media_type: str = TAR + "+gzip"


def gzipped(plain):
    return Layer(plain, gzip.compress(plain, 1, mtime=0))


def zstd(plain):
    return subprocess.run(["zstd", "-q", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def entry(name, content=b"", *, kind=tarfile.REGTYPE, **fields):
    """A TarInfo and its content; a name with a slash at its end is a directory. xattrs: {name: text}."""
    if name.endswith("/"):
        kind = tarfile.DIRTYPE
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(content), NEW
    info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
    xattrs = fields.pop("xattrs", {})
    info.pax_headers = {f"SCHILY.xattr.{key}": value for key, value in xattrs.items()}
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def symlink(name, target, **fields):
    return entry(name, kind=tarfile.SYMTYPE, linkname=target, **fields)


def hard_link(name, target, **fields):
    """`fields` are the target's, as archivers write them again."""
    return entry(name, kind=tarfile.LNKTYPE, linkname=target, **fields)


def tar(*entries, format=tarfile.PAX_FORMAT):
    """The bytes of an archive of what entry(), symlink() and hard_link() give; a string is an empty entry."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=format, errors="surrogateescape") as archive:
        for each in entries:
            info, content = entry(each) if isinstance(each, str) else each
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def tar_by(program, directory, *arguments):
    """The bytes that GNU tar or bsdtar writes about everything in a directory."""
    return subprocess.run([program, *arguments, "-C", str(directory), "-cf", "-", "."], check=True,
                          stdout=subprocess.PIPE).stdout


class Layout:
    """An OCI layout that grows; images are its tags."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        (self.directory / "blobs/sha256").mkdir(parents=True)
        (self.directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
        self.manifests, self._images = [], {}
        self._write_index()

    def reference(self, tag):
        return f"oci:{self.directory}:{tag}"

    def add(self, tag, layers, *, config=None, change_config=None, change_manifest=None):
        """An image of `layers`, tars or Layers, bottom first. Returns its reference. What `change_*` do to the values
        is what gets written: with the digests of what they are then."""
        layers = [gzipped(each) if isinstance(each, bytes) else each for each in layers]
        image = {"architecture": ARCHITECTURE, "os": "linux", "config": config or {},
                 "rootfs": {"type": "layers", "diff_ids": [digest_of(each.plain) for each in layers]}}
        if change_config:
            change_config(image)
        manifest = {"schemaVersion": 2, "mediaType": MANIFEST,
                    "config": self.write(json.dumps(image).encode(), CONFIG),
                    "layers": [self.write(each.blob, each.media_type) for each in layers]}
        if change_manifest:
            change_manifest(manifest)
        self.tag(tag, self.write(json.dumps(manifest).encode(), MANIFEST))
        self._images[tag] = manifest
        return self.reference(tag)

    def image_id(self, tag):
        """As podman has it."""
        return self.config(tag)["digest"]

    def layers(self, tag):
        """Their descriptors, bottom first, as the manifest has them."""
        return self._images[tag]["layers"]

    def config(self, tag):
        return self._images[tag]["config"]

    def archive(self, tag):
        """A tar of that image alone, as `ctr images import` wants it."""
        manifest, = (each for each in self.manifests if each["annotations"] == {REF_NAME: tag})
        blobs = [manifest, self.config(tag), *self.layers(tag)]
        path = self.directory / "image.tar"
        with tarfile.open(path, "w") as archive:
            archive.add(self.directory / "oci-layout", "oci-layout")
            for digest in {each["digest"] for each in blobs}:
                name = "blobs/" + digest.replace(":", "/")
                archive.add(self.directory / name, name)
            index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [manifest]}).encode()
            info = tarfile.TarInfo("index.json")
            info.size = len(index)
            archive.addfile(info, io.BytesIO(index))
        return path

    def write(self, data, media_type):
        """Keeps a blob; its descriptor."""
        digest = digest_of(data)
        (self.directory / "blobs/sha256" / digest.split(":")[1]).write_bytes(data)
        return {"mediaType": media_type, "digest": digest, "size": len(data)}

    def tag(self, tag, descriptor):
        self.manifests.append({**descriptor, "annotations": {REF_NAME: tag}})
        self._write_index()

    def _write_index(self):
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": self.manifests}
        (self.directory / "index.json").write_text(json.dumps(index))
