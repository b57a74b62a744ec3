"""OCI image layouts made by hand: small, exact, and without another tool."""

import gzip
import hashlib
import io
import json
import pathlib
import platform
import tarfile

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def file(name, content=b"", **attributes):
    """A regular file; `attributes` are tarfile.TarInfo's."""
    return _entry(name, tarfile.REGTYPE, content, mode=attributes.pop("mode", 0o644), **attributes)


def directory(name, **attributes):
    return _entry(name, tarfile.DIRTYPE, mode=attributes.pop("mode", 0o755), **attributes)


def symlink(name, target):
    return _entry(name, tarfile.SYMTYPE, linkname=target, mode=0o777)


def hardlink(name, target):
    return _entry(name, tarfile.LNKTYPE, linkname=target)


def whiteout(name):
    parent, _, base = name.rpartition("/")
    return file(f"{parent}/.wh.{base}" if parent else f".wh.{base}")


def _entry(name, kind, content=b"", **attributes):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime = kind, len(content), 1_500_000_000
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


def make(target, layers, tag="latest", config=None):
    """Writes an image of `layers` (lists of the entries above, bottom first) into the layout `target`."""
    blobs = pathlib.Path(target) / "blobs/sha256"
    blobs.mkdir(parents=True, exist_ok=True)

    def keep(content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}",
                "size": len(content)}

    kept, diff_ids = [], []
    for entries in layers:
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for info, content in entries:
                tar.addfile(info, io.BytesIO(content))
        diff_ids.append("sha256:" + hashlib.sha256(archive.getvalue()).hexdigest())
        kept.append(keep(gzip.compress(archive.getvalue(), 1, mtime=0), "layer.v1.tar+gzip"))
    document = {"architecture": ARCHITECTURE, "os": "linux", "config": config or {},
                "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": keep(json.dumps(document).encode(), "config.v1+json"), "layers": kept}
    top = keep(json.dumps(manifest).encode(), "manifest.v1+json")
    top["annotations"] = {"org.opencontainers.image.ref.name": tag}
    index = pathlib.Path(target) / "index.json"
    manifests = json.loads(index.read_text())["manifests"] if index.exists() else []
    index.write_text(json.dumps({"schemaVersion": 2, "manifests": [*manifests, top]}))
    (pathlib.Path(target) / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return f"oci:{target}:{tag}"


def small(target, tag="latest", mark=b""):
    """Two layers with one of each kind of thing; `mark` tells the upper one of several images apart."""
    lower = [directory("etc"), file("etc/motd", b"one\n"), file("etc/owned", b"x" * 5000, uid=1000, gid=70000),
             hardlink("etc/again", "etc/owned"), symlink("lib", "usr/lib"), directory("old"), file("old/file", b"old"),
             file("undated/file", b"its directory has no entry")]
    upper = [file("etc/motd", b"two\n" + mark), whiteout("old/file"), directory("bin"),
             file("bin/tool", b"\x7fELF" + bytes(9000), mode=0o4755), hardlink("etc/linked", "etc/owned")]
    return make(target, [lower, upper], tag)
