"""Images for the benchmarks of pulling, made offline of this host's /usr and kept in build/bench.

    many    3 layers, some 35,000 files, 1.4 GB unpacked
    multi   7 layers, 15,000 files, 0.6 GB
    single  1 layer of one file of 512 MiB
    window  the same, zstd with a window of 128 MiB (zstd only)

Each as gzip and as zstd: layout("many", "gzip") is the directory of an OCI layout with one image, "latest".
"""

import hashlib
import json
import os
import pathlib
import platform
import random
import shutil
import subprocess
import tarfile
import zlib

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CACHE = PROJECT / "build" / "bench"
COMPRESSORS = {"gzip": ["gzip", "-6", "-n"], "zstd": ["zstd", "-3", "-q", "-T1"],
               "window": ["zstd", "-3", "-q", "-T1", "--long=27"]}
MEDIA_TYPE = "application/vnd.oci.image.layer.v1.tar+"
MULTI_MIN, MULTI_MAX, FILE_MAX = 8_000, 400_000, 64 << 20


def material():
    """Plain files and symlinks of /usr, sorted, each with a number from 0 to 99 that follows from its name."""
    for directory, subdirectories, names in os.walk("/usr"):
        subdirectories.sort()
        for name in sorted(names):
            path = f"{directory}/{name}"
            status = os.lstat(path)
            if os.path.isfile(path) and status.st_size <= FILE_MAX:
                yield path, status.st_size, zlib.crc32(os.fsencode(path)) % 100


def many():
    bounds = (11, 18, 23)
    layers = [[] for _ in bounds]
    for path, _, number in material():
        for layer, bound in enumerate(bounds):
            if number < bound:
                layers[layer].append(path)
                break
    return layers


def multi():
    small = [path for path, size, number in material() if number >= 30 and MULTI_MIN <= size <= MULTI_MAX]
    chosen = small[::max(1, len(small) // 15_000)][:15_000]
    return [chosen[layer::7] for layer in range(7)]


def single(size):
    """Half of it compresses; made again each time it is asked for."""
    chance = random.Random(1)
    for _ in range(size // (1 << 20)):
        yield chance.randbytes(1 << 19) + b"berth..." * (1 << 16)


class Parts:
    """A generator of bytes as a file that can be read."""

    def __init__(self, parts):
        self._parts, self._rest = parts, b""

    def read(self, size):
        while len(self._rest) < size:
            part = next(self._parts, None)
            if part is None:
                break
            self._rest += part
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece


class Hashed:
    """Writes through, and hashes what goes by."""

    def __init__(self, stream):
        self.stream, self.hash = stream, hashlib.sha256()

    def write(self, piece):
        self.hash.update(piece)
        return self.stream.write(piece)


def add_paths(tar, paths):
    """Each after its directories, as engines write layers."""
    known = {"/"}
    for path in paths:
        parents = [str(parent) for parent in reversed(pathlib.PurePath(path).parents) if str(parent) not in known]
        known.update(parents)
        for each in (*parents, path):
            tar.add(each, arcname=each[1:], recursive=False)


def add_single(tar, size):
    entry = tarfile.TarInfo("large")
    entry.size = size
    tar.addfile(entry, Parts(single(size)))


def write_layer(blobs, compression, fill):
    """fill(tar) makes the content. The descriptor and the diff_id."""
    scratch = blobs / "layer"
    with open(scratch, "wb") as out:
        process = subprocess.Popen(COMPRESSORS[compression], stdin=subprocess.PIPE, stdout=out)
        plain = Hashed(process.stdin)
        with tarfile.open(fileobj=plain, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20) as tar:
            fill(tar)
        process.stdin.close()
        if process.wait() != 0:
            raise RuntimeError(f"{COMPRESSORS[compression]}: exit code {process.returncode}")
    with open(scratch, "rb") as made:
        digest = hashlib.file_digest(made, "sha256").hexdigest()
    size = scratch.stat().st_size
    scratch.rename(blobs / digest)
    media_type = MEDIA_TYPE + ("gzip" if compression == "gzip" else "zstd")
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}, "sha256:" + plain.hash.hexdigest()


def write_blob(blobs, media_type, document):
    data = json.dumps(document).encode()
    digest = hashlib.sha256(data).hexdigest()
    (blobs / digest).write_bytes(data)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def write_layout(directory, layers):
    """`layers`: descriptors and diff_ids, whose blobs are there."""
    blobs = directory / "blobs/sha256"
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    config = {"architecture": machine, "os": "linux", "config": {"Cmd": ["/bin/true"]},
              "rootfs": {"type": "layers", "diff_ids": [diff_id for _, diff_id in layers]},
              "history": [{"created_by": "tests/bench"} for _ in layers]}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": write_blob(blobs, "application/vnd.oci.image.config.v1+json", config),
                "layers": [descriptor for descriptor, _ in layers]}
    descriptor = write_blob(blobs, manifest["mediaType"], manifest)
    descriptor["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [descriptor]}))
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def fillers(name):
    if name in ("single", "window"):
        return [lambda tar: add_single(tar, 1 << 29)]
    return [lambda tar, paths=paths: add_paths(tar, paths) for paths in {"many": many, "multi": multi}[name]()]


def layout(name, compression):
    directory = CACHE / f"{name}-{compression}"
    if directory.exists():
        return directory
    print(f"making {directory.relative_to(PROJECT)}, once", flush=True)
    work = CACHE / f".{name}-{compression}"
    shutil.rmtree(work, ignore_errors=True)
    blobs = work / "blobs/sha256"
    blobs.mkdir(parents=True)
    compressor = "window" if name == "window" else compression
    write_layout(work, [write_layer(blobs, compressor, fill) for fill in fillers(name)])
    work.rename(directory)
    return directory
