"""Registries: trust, credentials, redirects, what is asked of them, and pulls that meet or are killed."""

import base64
import hashlib
import io
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tarfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from image_pull_test import PROBE, FakeRegistry, census, layout, pull, pulled  # noqa: E402, F401
from registry import Registry  # noqa: E402


def request(handler):
    return handler.command, handler.path.split("?")[0], handler.headers.get("Authorization")


class Recorder(FakeRegistry):
    """Keeps what it was asked; blobs may live elsewhere; tokens may cost an identity token."""

    def __init__(self, layout, blobs_at=None, refresh_token=None, realm_moved_to=None):
        super().__init__(layout)
        self.requests, self.forms = [], []
        self.blobs_at, self.refresh_token, self.realm_moved_to = blobs_at, refresh_token, realm_moved_to
        self.server.RequestHandlerClass.do_POST = lambda handler: self.token(handler)

    def answer(self, handler, with_body):
        self.requests.append(request(handler))
        is_blob = "/blobs/" in handler.path
        if is_blob and self.blobs_at and handler.headers.get("Authorization") == "Bearer good":
            return self.send(handler, 307, Location=f"http://{self.blobs_at}{handler.path}")
        return super().answer(handler, with_body)

    def token(self, handler):
        form = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        self.forms.append(form)
        if self.realm_moved_to:
            return self.send(handler, 307, Location=f"http://{self.realm_moved_to}/token")
        good = f"refresh_token={self.refresh_token}" in form and "grant_type=refresh_token" in form
        body = b'{"access_token":"good"}' if good else b"{}"
        handler.send_response(200 if good else 401)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return None


class Storage(FakeRegistry):
    """A blob store: asks nobody for anything, or wants credentials that are none of its business."""

    def __init__(self, layout, greedy=False):
        super().__init__(layout)
        self.requests, self.greedy = [], greedy
        self.server.RequestHandlerClass.do_POST = lambda handler: self.answer(handler, True)

    def answer(self, handler, with_body):
        self.requests.append(request(handler))
        if self.greedy:
            realm = f'Bearer realm="http://{self.address}/token",service="s"'
            return self.send(handler, 401, WWW_Authenticate=realm)
        digest = handler.path.rsplit(":", 1)[1]
        return self.send(handler, 200, (self.layout / "blobs/sha256" / digest).read_bytes())


def docker_config(directory, config):
    directory.mkdir()
    (directory / "config.json").write_text(json.dumps(config))
    return {"DOCKER_CONFIG": str(directory)}


def basic(address):
    return {"auths": {address: {"auth": base64.b64encode(b"u:secret").decode()}}}


def test_authorization_stays_at_the_registry_when_blobs_are_elsewhere(layout, tmp_path):  # noqa: F811
    with Storage(layout) as storage, Recorder(layout, blobs_at=storage.address) as registry:
        environment = docker_config(tmp_path / "docker", basic(registry.address))
        assert len(pulled(tmp_path / "store", f"{registry.address}/app", **environment)) == 1
    assert storage.requests and all(authorization is None for _, _, authorization in storage.requests)


def test_storage_cannot_ask_for_the_credentials_of_the_registry(layout, tmp_path):  # noqa: F811
    with Storage(layout, greedy=True) as storage, Recorder(layout, blobs_at=storage.address) as registry:
        environment = docker_config(tmp_path / "docker", basic(registry.address))
        assert "denied" in pull(tmp_path / "store", f"{registry.address}/app", **environment).stderr
    assert storage.requests and not any(path == "/token" for _, path, _ in storage.requests)
    assert all(authorization is None for _, _, authorization in storage.requests)


def test_an_identity_token_is_exchanged(layout, tmp_path):  # noqa: F811
    with Recorder(layout, refresh_token="refresh") as registry:
        config = {"auths": {registry.address: {"identitytoken": "refresh"}}}
        assert len(pulled(tmp_path / "store", f"{registry.address}/app",
                          **docker_config(tmp_path / "docker", config))) == 1
        assert len(registry.forms) == 1


def test_an_identity_token_is_not_carried_to_a_second_host(layout, tmp_path):  # noqa: F811
    with Storage(layout) as other, Recorder(layout, realm_moved_to=other.address) as registry:
        config = {"auths": {registry.address: {"identitytoken": "refresh"}}}
        done = pull(tmp_path / "store", f"{registry.address}/app", **docker_config(tmp_path / "docker", config))
        assert "denied" in done.stderr
    assert registry.forms and other.requests == []


@pytest.mark.parametrize("member", ["credsStore", "credHelpers"])
def test_credential_helpers_are_executed(layout, tmp_path, member):  # noqa: F811
    helpers = tmp_path / "bin"
    helpers.mkdir()
    helper = helpers / "docker-credential-test"
    with Registry(tmp_path / "registry", user="u", password="secret") as registry:
        reference = registry.push(f"oci:{layout}:one", "app:1")
        helper.write_text('#!/bin/sh\n[ "$1" = get ] && read server && [ "$server" = ' + registry.address +
                          ' ] || exit 1\necho \'{"Username":"u","Secret":"secret"}\'\n')
        helper.chmod(0o755)
        config = {"credsStore": "test"} if member == "credsStore" else {"credHelpers": {registry.address: "test"}}
        environment = docker_config(tmp_path / "docker", config)
        environment["PATH"] = f"{helpers}:{os.environ['PATH']}"
        assert len(pulled(tmp_path / "store", reference, **environment)) == 1
        helper.write_text("#!/bin/sh\necho locked >&2\nexit 1\n")
        refused = pull(tmp_path / "second", reference, **environment).stderr
        assert "docker-credential-test" in refused and "locked" in refused


def test_a_self_signed_registry_is_trusted_by_its_ca_alone(layout, tmp_path):  # noqa: F811
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    with Registry(tmp_path / "registry", tls=(certificate, key)) as registry:
        reference = registry.push(f"oci:{layout}:two", "app:1")
        environment = {"CERTIFICATES": str(tmp_path / "certs.d")}
        assert "certificate" in pull(tmp_path / "store", reference, **environment).stderr
        trusted = tmp_path / "certs.d" / registry.address
        trusted.mkdir(parents=True)
        (trusted / "ca.crt").write_bytes(certificate.read_bytes())
        assert len(pulled(tmp_path / "store", reference, **environment)) == 2


def test_a_warm_pull_asks_one_head(layout, tmp_path):  # noqa: F811
    with Recorder(layout) as registry:
        reference = f"{registry.address}/app"
        directories = pulled(tmp_path / "store", reference)
        registry.requests.clear()
        assert pulled(tmp_path / "store", reference) == directories
        answered = [method for method, path, authorization in registry.requests if authorization]
        assert answered == ["HEAD"]
        assert not any(path.startswith("/v2/app/blobs") for _, path, _ in registry.requests)


def test_two_processes_fetch_a_shared_layer_once(layout, tmp_path):  # noqa: F811
    with Recorder(layout) as registry:
        command = [PROBE, tmp_path / "store", f"{registry.address}/app", "always"]
        environment = {**os.environ, "DOCKER_CONFIG": "/nonexistent"}
        both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) for _ in range(2)]
        outputs = [each.communicate(timeout=60)[0] for each in both]
        assert [each.returncode for each in both] == [0, 0] and outputs[0] == outputs[1]
        manifest = json.loads((layout / "blobs/sha256" / registry.top["digest"][7:]).read_text())
        layer = manifest["layers"][0]["digest"]
        fetched = [path for method, path, authorization in registry.requests
                   if authorization and method == "GET" and path.endswith(layer)]
        assert len(fetched) == 1


def test_a_killed_registry_pull_never_leaves_half_a_layer(layout, tmp_path):  # noqa: F811
    store = tmp_path / "store"
    chance = random.Random(7)
    with Registry(tmp_path / "registry") as registry:
        reference = registry.push(f"oci:{layout}:two", "app:1")
        expected = [census(each) for each in pulled(tmp_path / "whole", reference)]
        for _ in range(15):
            subprocess.run(["rm", "-rf", store], check=True)
            process = subprocess.Popen([PROBE, store, reference, "always"], stdout=subprocess.DEVNULL,
                                       env={**os.environ, "DOCKER_CONFIG": "/nonexistent"})
            time.sleep(chance.random() * 0.15)
            process.send_signal(signal.SIGKILL)
            process.wait()
            for blob in (store / "blobs/sha256").glob("*"):
                assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
            assert [census(each) for each in pulled(store, reference)] == expected
            assert list((store / "tmp").iterdir()) == []


def one_layer_layout(directory, tar):
    """An OCI layout around one plain tar."""
    blobs = directory / "blobs/sha256"
    blobs.mkdir(parents=True)

    def add(content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": f"sha256:{digest}",
                "size": len(content)}

    layer = add(tar, "layer.v1.tar")
    config = add(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                             "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode(), "config.v1+json")
    manifest = add(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), "manifest.v1+json")
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    (directory / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    return directory


def tar_of(tree, writer):
    if writer in ("ustar", "gnu", "pax"):
        stream = io.BytesIO()
        form = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}[writer]
        with tarfile.open(fileobj=stream, mode="w", format=form) as tar:
            tar.add(tree, arcname=".")
        return stream.getvalue()
    commands = {"gnutar": ["tar", "--numeric-owner", "--format=gnu", "--sparse", "-cf", "-", "."],
                "gnutar-posix-0.0": ["tar", "--format=posix", "--sparse", "--sparse-version=0.0", "-cf", "-", "."],
                "gnutar-posix-0.1": ["tar", "--format=posix", "--sparse", "--sparse-version=0.1", "-cf", "-", "."],
                "gnutar-posix-1.0": ["tar", "--format=posix", "--sparse", "--sparse-version=1.0", "-cf", "-", "."],
                "bsdtar": ["bsdtar", "--numeric-owner", "-cf", "-", "."]}
    return subprocess.check_output(commands[writer], cwd=tree)


@pytest.mark.parametrize("writer", ["ustar", "gnu", "pax", "gnutar", "gnutar-posix-0.0", "gnutar-posix-0.1",
                                    "gnutar-posix-1.0", "bsdtar"])
def test_archives_of_every_writer(tmp_path, writer):
    tree = tmp_path / "tree"
    deep = tree / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    (deep / ("f" * 90)).write_bytes(b"long")
    (tree / "plain").write_bytes(random.Random(2).randbytes(100_000))
    os.link(tree / "plain", tree / "hard")
    (tree / "soft").symlink_to("plain")
    os.mkfifo(tree / "fifo")
    os.chown(tree / "plain", 1000, 70000)
    with open(tree / "sparse", "wb") as sparse:
        for offset in range(0, 40 << 20, 1 << 20):  # more pieces than the header of an old GNU entry holds
            sparse.seek(offset)
            sparse.write(b"x" * 4096)
        sparse.truncate(41 << 20)
    if writer != "ustar":
        (tree / "ünï").write_bytes(b"name")
    for path in [*tree.rglob("*"), tree]:
        os.utime(path, (1_600_000_000, 1_600_000_000), follow_symlinks=False)
    layout_directory = one_layer_layout(tmp_path / "oci", tar_of(tree, writer))
    for layers in ("images", "directories"):
        unpacked, = pulled(tmp_path / layers, f"oci:{layout_directory}", LAYERS=layers)
        assert census(unpacked) == census(tree)
        if writer.startswith("gnutar"):
            sparse = pathlib.Path(unpacked, "sparse" if layers == "directories" else ".")
            assert sparse.stat().st_blocks * 512 < 10 << 20
