"""`berth push`, `login`, `logout`, and what `pull` and `push` tell: against docker-registry and a proxy that misbehaves."""

import base64
import fcntl
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import pty
import re
import stat
import struct
import subprocess
import termios
import threading

import pytest

from berth import Instance
from image_archive_test import good, images, layer_tree, podman, skopeo, stocked  # noqa: F401
from registry import Registry


def raw_manifest(reference, *flags):
    return skopeo("inspect", "--raw", "--tls-verify=false", *flags, f"docker://{reference}")


def digest_of(text):
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


class Proxy:
    """Between berth and a registry: records requests, and may change them. `spoil(handler, body)` gives the body to hand
    on, None to cut the connection after handing on half of it (the next GET is answered how far it came: docker-registry
    refuses to say that of a Location that it has given before), or a number: the status to answer without asking."""

    def __init__(self, registry, spoil=lambda handler, body: body, headers=None):
        self.requests = []
        self.partial = None  # what the registry said of an upload that was cut
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def relay(self):
                proxy.requests.append((self.command, self.path, int(self.headers.get("Content-Length") or 0)))
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if proxy.partial and self.command == "GET":
                    self.send_response(204)
                    for name in ("Location", "Range"):
                        self.send_header(name, proxy.partial[name])
                    self.end_headers()
                    proxy.partial = None
                    return
                wanted = spoil(self, body)
                if isinstance(wanted, int):
                    self.send_response(wanted)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                connection = http.client.HTTPConnection(registry.address)
                sent = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
                cut = wanted is None
                if cut:  # the registry gets half of it by a request of its own, which is whole
                    wanted = body[: len(body) // 2]
                    method, path = "PATCH", re.sub(r"[?&]digest=[^&]*", "", self.path)
                    sent["Content-Range"] = f"0-{len(wanted) - 1}"
                else:
                    method, path = self.command, self.path
                connection.request(method, path, wanted, {**sent, "Content-Length": str(len(wanted))})
                answer = connection.getresponse()
                content = answer.read()
                if cut:
                    proxy.partial = dict(answer.getheaders())
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in [*answer.getheaders(), *(headers or {}).items()]:
                    if name.lower() not in ("content-length", "transfer-encoding", "date", "server"):
                        self.send_header(name, value)
                length = answer.getheader("Content-Length") if self.command == "HEAD" else len(content)
                self.send_header("Content-Length", str(length or 0))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = relay

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def asked(self, method, pattern):
        return [size for verb, path, size in self.requests if verb == method and re.search(pattern, path)]


def test_pushed_is_pulled_by_others_and_is_the_same(stocked, podman, registry, tmp_path):  # noqa: F811
    for name, source in (("app:1", "app:1"), ("team/web:2", "r.example/team/web:1")):
        reference = f"{registry.address}/{name}"
        said = good(stocked, "push", source, reference)
        digest = images(stocked)[source if "/" in source else f"docker.io/library/{source}"]["digest"]
        assert said == f"{reference}@{digest}\n"
        assert digest_of(raw_manifest(reference)) == digest
        podman("pull", "--quiet", "--tls-verify=false", reference)
        # A store that has nothing gets the same trees; what is pushed again is not sent again.
        (tmp_path / name.replace("/", "-")).mkdir()
        other = Instance(tmp_path / name.replace("/", "-"), {})
        good(other, "pull", reference)
        known = f"docker.io/library/{source}" if "/" not in source else source
        assert layer_tree(other, reference) == layer_tree(stocked, known)
    with Proxy(registry) as proxy:
        good(stocked, "push", "app:1", f"{proxy.address}/app:1")
        assert not proxy.asked("POST", "uploads") and len(proxy.asked("HEAD", "/blobs/")) == 2


def test_pulled_index_is_pushed_whole(fresh, layouts, registry, tmp_path):
    """An index of one platform is an index in the other registry, too."""
    layout = tmp_path / "indexed"
    subprocess.run(["cp", "-r", layouts["busybox"], layout], check=True)
    index = json.loads((layout / "index.json").read_text())
    entry = {**index["manifests"][0], "platform": {"os": "linux", "architecture": "amd64"}}
    entry.pop("annotations", None)
    inner = json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
                        "manifests": [entry]})
    (layout / "blobs/sha256" / digest_of(inner)[7:]).write_text(inner)
    index["manifests"] = [{"mediaType": "application/vnd.oci.image.index.v1+json", "digest": digest_of(inner),
                           "size": len(inner)}]
    (layout / "index.json").write_text(json.dumps(index))
    good(fresh, "pull", f"oci:{layout}")
    good(fresh, "push", f"oci:{layout}", f"{registry.address}/indexed:1")
    assert raw_manifest(f"{registry.address}/indexed:1") == inner


def test_blobs_are_mounted_from_a_repository_that_has_them(fresh, registry, layouts):
    with Proxy(registry) as proxy:
        registry.push(f"oci:{layouts['busybox']}:latest", "first:1")
        good(fresh, "pull", f"{proxy.address}/first:1")
        good(fresh, "tag", f"{proxy.address}/first:1", f"{proxy.address}/second:1")
        good(fresh, "push", f"{proxy.address}/second:1")
        assert len(proxy.asked("POST", "mount=sha256.*from=first")) == 2
        assert not proxy.asked("PUT", "/blobs/uploads/"), "no bytes were sent"
    assert raw_manifest(f"{registry.address}/second:1") == raw_manifest(f"{registry.address}/first:1")


def test_an_upload_that_was_cut_goes_on(stocked, registry):  # noqa: F811
    cuts = []

    def cut_once(handler, body):
        if handler.command == "PUT" and "/blobs/uploads/" in handler.path and len(body) > 100_000 and not cuts:
            cuts.append(len(body))
            return None
        return body

    with Proxy(registry, cut_once) as proxy:
        good(stocked, "push", "app:1", f"{proxy.address}/app:1")
        (whole,) = cuts
        assert proxy.asked("GET", "/blobs/uploads/"), "asked how far it came"
        assert [size for size in proxy.asked("PATCH", "uploads") if size] == [whole - whole // 2], "only the rest again"
    assert raw_manifest(f"{registry.address}/app:1")


def test_a_registry_that_wants_chunks(stocked, registry):  # noqa: F811
    with Proxy(registry, headers={"OCI-Chunk-Min-Length": "100"}) as proxy:
        good(stocked, "push", "app:1", f"{proxy.address}/app:1")
        assert any(size > 100_000 for size in proxy.asked("PATCH", "uploads"))
        assert set(proxy.asked("PUT", "/blobs/uploads/")) == {0}


def test_a_proxy_that_takes_small_bodies_only(stocked, registry):  # noqa: F811
    with Proxy(registry, lambda _, body: 413 if len(body) > 5 << 20 else body) as proxy:
        good(stocked, "push", "r.example/team/web:1", f"{proxy.address}/web:1")
        assert all(size <= 16 << 20 for size in proxy.asked("PATCH", "uploads"))
    assert raw_manifest(f"{registry.address}/web:1")


def test_errors_are_one_clear_line(stocked, registry, tmp_path):  # noqa: F811
    for arguments, words in (
            (("never:1", f"{registry.address}/x:1"), "never:1 is not in the store"),
            (("app:1", "oci:/tmp/x"), "is not a registry's name"),
            (("app:1", f"{registry.address}/x@sha256:{'0' * 64}"), "the image's digest is"),
            (("app:1", "127.0.0.1:1/x:1"), "127.0.0.1:1")):
        outcome = stocked.berth("push", *arguments)
        assert outcome.code == 125 and words in outcome.err, outcome
        assert outcome.err.strip().count("\n") == 0, outcome
    with Proxy(registry, lambda handler, body: 405 if handler.command == "POST" else body) as proxy:
        outcome = stocked.berth("push", "app:1", f"{proxy.address}/app:1")
        assert outcome.code == 125 and "405" in outcome.err and "blob sha256:" in outcome.err, outcome
    with Proxy(registry, lambda handler, body: 503 if handler.command == "PUT" else body) as proxy:
        outcome = stocked.berth("push", "app:1", f"{proxy.address}/app:1")
        assert outcome.code == 125 and "503" in outcome.err, outcome
        assert len(proxy.asked("PUT", "/blobs/uploads/")) >= 5, "tried again"


@pytest.fixture
def certificate(tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days",
                    "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"], check=True,
                   capture_output=True)
    return cert, key


def test_login_push_logout(stocked, certificate, tmp_path):  # noqa: F811
    """A registry with TLS and passwords; what login wrote is good for skopeo."""
    config = tmp_path / ".docker" / "config.json"
    with Registry(tmp_path / "private", "someone", "secret", tls=certificate) as private:
        trusted = pathlib.Path("/etc/docker/certs.d") / private.address
        trusted.mkdir(parents=True)
        try:
            (trusted / "ca.crt").write_bytes(certificate[0].read_bytes())
            refused = stocked.berth("push", "app:1", f"{private.address}/app:1")
            assert refused.code == 125 and "push access denied" in refused.err or "user and password" in refused.err

            wrong = stocked.berth("login", "-u", "someone", "--password-stdin", private.address, stdin="wrong")
            assert wrong.code == 125 and "refuses user" in wrong.err and "wrong" not in wrong.err
            assert not config.exists()
            config.parent.mkdir()
            config.write_text('{"HttpHeaders": {"X-Of": "mine"}, "auths": {"other.example": {"auth": "YTpi"}}}')
            good(stocked, "login", "-u", "someone", "--password-stdin", private.address, stdin="secret\n")
            kept = json.loads(config.read_text())
            assert kept["auths"][private.address]["auth"] == base64.b64encode(b"someone:secret").decode()
            assert kept["HttpHeaders"] == {"X-Of": "mine"} and "other.example" in kept["auths"]
            assert stat.S_IMODE(config.stat().st_mode) == 0o600

            good(stocked, "push", "app:1", f"{private.address}/app:1")
            skopeo("inspect", "--raw", "--cert-dir", trusted, "--authfile", config,
                   f"docker://{private.address}/app:1")

            good(stocked, "logout", private.address)
            assert list(json.loads(config.read_text())["auths"]) == ["other.example"]
            assert stocked.berth("logout", private.address).code == 125
            assert stocked.berth("push", "app:1", f"{private.address}/app:2").code == 125
        finally:
            subprocess.run(["rm", "-r", trusted], check=True)


HELPER = """#!/bin/sh
dir=$(dirname "$0")
case $1 in
  store) cat >"$dir/kept" ;;
  get) cat >/dev/null; cat "$dir/kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
  erase) cat >"$dir/erased"; rm "$dir/kept" ;;
esac
"""


def test_login_with_a_helper(stocked, tmp_path):  # noqa: F811
    config = tmp_path / ".docker" / "config.json"
    config.parent.mkdir()
    config.write_text('{"credsStore": "berthtest"}')
    helper = tmp_path / "bin" / "docker-credential-berthtest"
    helper.parent.mkdir()
    helper.write_text(HELPER)
    helper.chmod(0o755)
    stocked.environment["PATH"] = f"{helper.parent}:{os.environ['PATH']}"
    with Registry(tmp_path / "private", "someone", "secret") as private:
        good(stocked, "login", "-u", "someone", "--password-stdin", private.address, stdin="secret")
        assert json.loads((helper.parent / "kept").read_text()) == {
            "ServerURL": private.address, "Username": "someone", "Secret": "secret"}
        assert json.loads(config.read_text()) == {"credsStore": "berthtest", "auths": {private.address: {}}}
        good(stocked, "push", "app:1", f"{private.address}/app:1")
        good(stocked, "logout", private.address)
        assert (helper.parent / "erased").read_text() == private.address
        assert stocked.berth("push", "app:1", f"{private.address}/app:2").code == 125


def test_events_and_quiet(stocked, registry):  # noqa: F811
    reference = f"{registry.address}/web:1"
    digest = images(stocked)["r.example/team/web:1"]["digest"]

    def events(*arguments, code=0):
        outcome = stocked.berth(*arguments, "--progress", "json")
        assert outcome.code == code, outcome
        return [json.loads(line) for line in outcome.out.splitlines()]

    pushed = events("push", "r.example/team/web:1", reference)
    assert pushed[-1] == {"event": "done", "reference": reference, "digest": digest}
    phases = {}
    for event in pushed[:-1]:
        assert event["event"] == "layer" and event["done"] <= event["total"]
        phases.setdefault(event["layer"], []).append(event["phase"])
    assert all(each[0] == "waiting" and each[-1] == "done" for each in phases.values())
    assert any("uploading" in each for each in phases.values())

    good(stocked, "rmi", digest)
    pulled = events("pull", reference)
    assert pulled[-1]["event"] == "done"
    assert {"waiting", "downloading", "unpacking", "done"} <= {event.get("phase") for event in pulled}
    assert good(stocked, "pull", "--quiet", reference) == f"{digest}\n"
    failed = events("pull", f"{registry.address}/never:1", code=125)
    assert failed[-1]["event"] == "error" and failed[-1]["code"] == "not found"


def test_a_terminal_sees_lines_redrawn_within_its_width(stocked, registry):  # noqa: F811
    """And a pipe sees one line a layer."""
    reference = f"{registry.address}/web:1"
    outcome = stocked.berth("push", "r.example/team/web:1", reference)
    layers = len(images(stocked)["r.example/team/web:1"]["layers"])
    assert len(re.findall(r"^  [0-9a-f]{12}  done", outcome.err, re.MULTILINE)) == layers + 1, outcome
    good(stocked, "rmi", "r.example/team/web:1")

    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe(str(stocked.command(())[0]), [*map(str, stocked.command(("pull", reference)))],
                   stocked.environment)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    shown = b""
    try:
        while piece := os.read(terminal, 65536):
            shown += piece
    except OSError:  # EIO: the other side is closed
        pass
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    text = shown.decode()
    assert f"\x1b[{layers + 1}A" in text, "redrawn in place"
    final = text.rsplit("A\x1b[2K", 1)[1]
    lines = [re.sub(r"\x1b\[[0-9]*[A-Z]", "", line) for line in final.replace("\r", "").split("\n")]
    assert sum("  done" in line for line in lines) == layers and any("total" in line for line in lines)
    widest = max(len(re.sub(r"\x1b\[[0-9]*[A-Z]", "", line)) for line in text.replace("\r", "").split("\n")
                 if "@sha256" not in line)
    assert widest <= 80


def test_a_digest_is_one_image_wherever_its_tag_moves(stocked, registry):  # noqa: F811
    """TAG@DIGEST, as the tasks of a service name it, stands for the same image when the tag moves, and costs no question."""
    first = images(stocked)["docker.io/library/app:1"]["digest"]
    good(stocked, "push", "app:1", f"{registry.address}/moving:1")
    with Proxy(registry) as proxy:
        tag = f"{proxy.address}/moving:1"
        pinned = f"{tag}@{first}"
        good(stocked, "pull", tag)
        good(stocked, "push", "r.example/team/web:1", f"{registry.address}/moving:1")
        proxy.requests.clear()
        assert good(stocked, "pull", "--quiet", pinned) == f"{first}\n"
        assert not proxy.requests
        assert good(stocked, "pull", "--quiet", tag) != f"{first}\n"
        assert good(stocked, "pull", "--quiet", pinned) == f"{first}\n", "from the registry, by its digest"
