"""Pulling: from Debian's docker-registry, from a fake one with bad manners, and killed half-way."""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from image_peers import overlay  # noqa: E402
from layer_tree import look, opened  # noqa: E402
from registry import Registry  # noqa: E402

PROBE = os.environ["BERTH_BIN"] + "/image_probe"


def pull(store, reference, policy="always", **environment):
    return subprocess.run([PROBE, store, reference, policy], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "DOCKER_CONFIG": "/nonexistent", **environment})


def pulled(store, reference, policy="always", **environment):
    done = pull(store, reference, policy, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    """An OCI layout of two layers, made by umoci."""
    work = tmp_path_factory.mktemp("layout")
    directory, bundle = work / "oci", work / "bundle"

    def umoci(*arguments):
        subprocess.run(["umoci", *map(str, arguments)], check=True, capture_output=True)

    umoci("init", "--layout", directory)
    umoci("new", "--image", f"{directory}:one")
    umoci("unpack", "--image", f"{directory}:one", bundle)
    root = bundle / "rootfs"
    for name in ("usr/bin", "usr/lib", "etc", "old"):
        (root / name).mkdir(parents=True)
    (root / "usr/bin/tool").write_bytes(random.Random(1).randbytes(3_000_000))
    (root / "usr/bin/tool").chmod(0o4755)
    os.link(root / "usr/bin/tool", root / "usr/bin/alias")
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/motd").write_text("one")
    os.chown(root / "etc/motd", 1000, 70000)
    os.mkfifo(root / "etc/fifo")
    (root / "old/file").write_text("gone soon")
    umoci("repack", "--image", f"{directory}:one", bundle)
    subprocess.run(["rm", "-r", bundle], check=True)
    umoci("unpack", "--image", f"{directory}:one", bundle)
    (root / "etc/motd").write_text("two")
    (root / "old/file").unlink()
    (root / "old").rmdir()
    umoci("repack", "--image", f"{directory}:two", bundle)
    return directory


def census(root):
    """What a directory or the image of a layer looks like, entry by entry."""
    with opened(root) as tree:
        return {str(path.relative_to(tree)): look(path) for path in sorted(tree.rglob("*"))}


def test_one_layer_is_what_umoci_unpacks(layout, tmp_path):
    (directory,) = pulled(tmp_path / "store", f"oci:{layout}:one")
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:one", tmp_path / "bundle"], check=True,
                   capture_output=True)
    assert census(directory) == census(tmp_path / "bundle/rootfs")


def test_without_loop_devices_layers_are_directories(layout, tmp_path):
    """An empty /dev has none; where there are some, the same pull makes images."""
    (image,) = pulled(tmp_path / "with", f"oci:{layout}:one")
    assert pathlib.Path(image).is_file()
    script = 'mount -t tmpfs none /dev && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", PROBE, tmp_path / "without", f"oci:{layout}:one",
                           "always"], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "DOCKER_CONFIG": "/nonexistent"})
    assert done.returncode == 0, done.stderr
    assert pathlib.Path(done.stdout.strip()).is_dir(), done
    assert census(done.stdout.strip()) == census(image)


def test_stacked_layers_are_what_umoci_unpacks(layout, tmp_path):
    layers = pulled(tmp_path / "store", f"oci:{layout}:two")
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:two", tmp_path / "bundle"], check=True,
                   capture_output=True)
    with overlay(layers, tmp_path) as merged:
        assert census(merged) == census(tmp_path / "bundle/rootfs")


@pytest.mark.parametrize("password", [None, "secret"])
def test_from_a_registry(layout, tmp_path, password):
    (tmp_path / "docker").mkdir()
    with Registry(tmp_path / "registry", user=password and "u", password=password) as registry:
        reference = registry.push(f"oci:{layout}:two", "team/app:1")
        if password:
            assert "denied" in pull(tmp_path / "none", reference).stderr
            auth = base64.b64encode(f"u:{password}".encode()).decode()
            (tmp_path / "docker/config.json").write_text(json.dumps({"auths": {registry.address: {"auth": auth}}}))
        environment = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        directories = pulled(tmp_path / "store", reference, **environment)
        assert len(directories) == 2
        assert pulled(tmp_path / "store", reference, **environment) == directories
        assert "not found" in pull(tmp_path / "store", reference + "x", **environment).stderr
    assert pulled(tmp_path / "store", reference, "if-missing") == directories
    assert "unavailable" in pull(tmp_path / "store", reference).stderr
    # Content that is named by its digest needs no registry once it is there, under whatever tag it came.
    digest, = (each["digest"] for each in json.loads((layout / "index.json").read_text())["manifests"]
               if each["annotations"]["org.opencontainers.image.ref.name"] == "two")
    done = pull(tmp_path / "store", f"{reference.removesuffix(':1')}@{digest}")
    assert (done.stdout.split(), done.stderr) == (directories, "")


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_from_archives(layout, tmp_path, form):
    archive = tmp_path / "image.tar"
    subprocess.run(["skopeo", "copy", "--insecure-policy", "--quiet", f"oci:{layout}:two", f"{form}:{archive}:app:1"],
                   check=True)
    tag = ":app:1" if form == "docker-archive" else ""
    from_archive = pulled(tmp_path / "a", f"{form}:{archive}{tag}")
    from_layout = pulled(tmp_path / "b", f"oci:{layout}:two")
    assert [census(each) for each in from_archive] == [census(each) for each in from_layout]


class FakeRegistry:
    """Serves the layout's image "one", after a token, refusing, cutting and lying as told."""

    def __init__(self, layout, busy=0, cut=0, lie=False):
        index = json.loads((layout / "index.json").read_text())
        self.top = index["manifests"][0]
        self.layout, self.busy, self.cut, self.lie = layout, busy, cut, lie
        self.ranges = []
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_HEAD(self):
                fake.answer(self, with_body=False)

            def do_GET(self):
                fake.answer(self, with_body=True)

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def send(self, handler, status, body=b"", announced=None, **headers):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body) if announced is None else announced))
        handler.end_headers()
        if handler.command == "GET":
            handler.wfile.write(body)

    def answer(self, handler, with_body):
        if handler.path.startswith("/token"):
            assert "scope=repository%3Aapp%3Apull" in handler.path
            return self.send(handler, 200, b'{"token":"good"}')
        if handler.headers.get("Authorization") != "Bearer good":
            realm = f'Bearer realm="http://{self.address}/token",service="s",scope="repository:app:pull"'
            return self.send(handler, 401, WWW_Authenticate=realm)
        if self.busy > 0:
            self.busy -= 1
            return self.send(handler, 429, Retry_After="0")
        kind, name = handler.path.split("/")[-2:]
        digest = self.top["digest"] if kind == "manifests" else name
        body = (self.layout / "blobs/sha256" / digest.split(":")[1]).read_bytes()
        if kind == "manifests":
            return self.send(handler, 200, body, Content_Type=self.top["mediaType"], Docker_Content_Digest=digest)
        if self.lie:
            body = body[:-1] + bytes([body[-1] ^ 1])
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        if start:
            self.ranges.append(start)
        rest = body[start:]
        if self.cut and len(rest) > self.cut:
            self.send(handler, 206 if start else 200, rest[:self.cut], announced=len(rest))
            handler.close_connection = True
            return None
        return self.send(handler, 206 if start else 200, rest)


def test_a_token_is_fetched_and_a_busy_registry_waited_for(layout, tmp_path):
    with FakeRegistry(layout, busy=3) as fake:
        assert len(pulled(tmp_path / "store", f"{fake.address}/app")) == 1


def test_a_cut_transfer_is_resumed(layout, tmp_path):
    with FakeRegistry(layout, cut=200_000) as fake:
        assert len(pulled(tmp_path / "store", f"{fake.address}/app")) == 1
        assert len(fake.ranges) > 5


def test_wrong_bytes_are_refused_and_nothing_is_kept(layout, tmp_path):
    with FakeRegistry(layout, lie=True) as fake:
        done = pull(tmp_path / "store", f"{fake.address}/app")
        assert "corrupt" in done.stderr and "digest" in done.stderr
    for name in ("layers", "images", "tmp"):
        assert list((tmp_path / "store" / name).iterdir()) == []


def test_a_killed_pull_never_leaves_half_a_layer(layout, tmp_path):
    store = tmp_path / "store"
    expected = [census(each) for each in pulled(tmp_path / "whole", f"oci:{layout}:two")]
    chance = random.Random(4)
    for _ in range(30):
        subprocess.run(["rm", "-rf", store], check=True)
        process = subprocess.Popen([PROBE, store, f"oci:{layout}:two", "always"], stdout=subprocess.DEVNULL)
        time.sleep(chance.random() * 0.12)
        process.send_signal(signal.SIGKILL)
        process.wait()
        for blob in (store / "blobs/sha256").glob("*"):
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        assert [census(each) for each in pulled(store, f"oci:{layout}:two")] == expected
        assert list((store / "tmp").iterdir()) == []
