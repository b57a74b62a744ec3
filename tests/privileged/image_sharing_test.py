"""What images share is fetched once and written once: counted between berth and the registry, and by the kernel."""

import hashlib
import http.client
import http.server
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tarfile
import threading

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "bench")]
import leak_census  # noqa: E402
import pull_images  # noqa: E402
from registry import Registry  # noqa: E402

PROBE = os.environ["BERTH_BIN"] + "/image_probe"
BASE_BYTES, OWN_BYTES = 3_000_000, 100_000
BOOKKEEPING_BYTES_MAX = 64 * 1024  # manifest, config, records; what the registry's name costs


class CountingProxy:
    """Stands before a registry, and remembers what was asked for."""

    def __init__(self, registry):
        host, _, port = registry.partition(":")
        self.requests = []
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                connection = http.client.HTTPConnection(host, int(port))
                headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
                connection.request(self.command, self.path, headers=headers)
                answer = connection.getresponse()
                body = answer.read()
                proxy.requests.append((self.command, self.path, len(body)))
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() != "transfer-encoding":
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                connection.close()

            do_GET = do_HEAD = forward

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take_blobs(self):
        """The blobs that were asked for since the last call: digest -> bytes."""
        requests, self.requests = self.requests, []
        blobs = [(path.rpartition("/")[2], size) for method, path, size in requests
                 if method == "GET" and "/blobs/" in path]
        assert len(dict(blobs)) == len(blobs), "a blob was fetched twice"
        return dict(blobs)


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """Two images, one and two: the same layer beneath, and one of its own each."""
    work = tmp_path_factory.mktemp("layout")
    directory, bundle = work / "oci", work / "bundle"
    chance = random.Random(1)

    def umoci(*arguments):
        subprocess.run(["umoci", *map(str, arguments)], check=True, capture_output=True)

    def add_layer(base, tag, name, size):
        umoci("unpack", "--image", f"{directory}:{base}", bundle)
        (bundle / "rootfs" / name).write_bytes(chance.randbytes(size))
        umoci("repack", "--image", f"{directory}:{tag}", bundle)
        subprocess.run(["rm", "-r", bundle], check=True)

    umoci("init", "--layout", directory)
    umoci("new", "--image", f"{directory}:base")
    add_layer("base", "base", "base", BASE_BYTES)
    add_layer("base", "one", "own", OWN_BYTES)
    add_layer("base", "two", "own", OWN_BYTES)
    return directory


def digests(layout, tag):
    """Of config and layers."""
    index = json.loads((layout / "index.json").read_text())
    named = {each["annotations"]["org.opencontainers.image.ref.name"]: each["digest"] for each in index["manifests"]}
    manifest = json.loads((layout / "blobs" / named[tag].replace(":", "/")).read_text())
    return manifest["config"]["digest"], [layer["digest"] for layer in manifest["layers"]]


def pull(store, reference):
    """The layer directories, and how many bytes the process wrote to files and sockets."""
    script = '"$@" && grep wchar /proc/$$/io'  # those of its children that it has waited for count, too
    done = subprocess.run(["sh", "-c", script, "sh", PROBE, store, reference, "always"], capture_output=True, text=True,
                          timeout=120, env={**os.environ, "DOCKER_CONFIG": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    *directories, wrote = done.stdout.splitlines()
    return directories, int(wrote.split()[1])


def inodes(directory):
    return sorted((str(path), path.lstat().st_ino, path.lstat().st_ctime_ns)
                  for path in [pathlib.Path(directory), *pathlib.Path(directory).rglob("*")])


def test_a_second_image_brings_only_what_is_new(layout, tmp_path):
    store = tmp_path / "store"
    before = leak_census.take(tmp_path / "run", store)
    with Registry(tmp_path / "registry") as registry, CountingProxy(registry.address) as proxy:
        for tag in ("one", "two"):
            registry.push(f"oci:{layout}:{tag}", f"{tag}:1")
        config, layers = digests(layout, "one")
        first, wrote = pull(store, f"{proxy.address}/one:1")
        assert proxy.take_blobs().keys() == {config, *layers}
        assert wrote > 2 * BASE_BYTES  # random bytes: the blob and the file

        shared = inodes(first[0])
        config, (base, own) = digests(layout, "two")
        second, wrote = pull(store, f"{proxy.address}/two:1")
        blobs = proxy.take_blobs()
        assert blobs.keys() == {config, own}
        assert blobs[own] == (layout / "blobs" / own.replace(":", "/")).stat().st_size
        assert second[0] == first[0] and second[1] != first[1]
        assert 2 * OWN_BYTES < wrote < 2 * OWN_BYTES + BOOKKEEPING_BYTES_MAX
        assert inodes(first[0]) == shared

        again, wrote = pull(store, f"{proxy.address}/two:1")
        assert again == second and proxy.take_blobs() == {}
        assert wrote < BOOKKEEPING_BYTES_MAX
    kept = hashlib.sha256((store / "blobs" / base.replace(":", "/")).read_bytes()).hexdigest()
    assert base == f"sha256:{kept}"
    leak_census.assert_equal(before, tmp_path / "run", store)


def test_the_same_layer_compressed_otherwise(tmp_path):
    """It is not unpacked again, but whoever pushes or saves the second image needs the blob that its manifest names."""
    store = tmp_path / "store"
    before = leak_census.take(tmp_path / "run", store)
    content = random.Random(2).randbytes(100_000)

    def fill(tar):
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))

    directories, blobs = [], []
    for compression in ("gzip", "zstd"):
        layout = tmp_path / compression
        (layout / "blobs/sha256").mkdir(parents=True)
        layer = pull_images.write_layer(layout / "blobs/sha256", compression, fill)
        pull_images.write_layout(layout, [layer])
        blobs.append(layer[0]["digest"])
        found, _ = pull(store, f"oci:{layout}:latest")
        directories.append((found, inodes(found[0])))
    assert directories[0] == directories[1]
    assert blobs[0] != blobs[1]
    for digest in blobs:
        assert digest == "sha256:" + hashlib.sha256((store / "blobs" / digest.replace(":", "/")).read_bytes()).hexdigest()
    leak_census.assert_equal(before, tmp_path / "run", store)
