"""Registries with the worst of manners: whatever they send, a pull ends with the whole image or with one clear line."""

import email.utils
import io
import itertools
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import tarfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import leak_census  # noqa: E402
from scripted_registry import Image, ScriptedRegistry, answer, digest_of  # noqa: E402

PROBE = os.environ["BERTH_BIN"] + "/image_probe"
MEMORY_MAX_KIB = 64 * 1024


def tar_of(**files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue().rstrip(b"\0") + bytes(1024)  # what an archive ends with, and no padding after it


@pytest.fixture(scope="module")
def image():
    return Image(tar_of(one=b"first"), tar_of(two=b"second"))


class Probe:
    """Pulls many times in one process. Its stores are in memory: thousands of pulls would wait for a disk."""

    def __init__(self, directory, **environment):
        self._directory, self._count = directory, 0
        # Addresses by which nothing may be found; leaks of memory are asan's business.
        self._process = subprocess.Popen([PROBE, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         env={**os.environ, "DOCKER_CONFIG": "/nonexistent", "ATTEMPTS": "2",
                                              "BACKOFF_MS": "1", "LAYERS": "directories", **environment})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        assert self._process.wait(60) == 0

    def pull(self, reference, store=None):
        """The layers' directories, or the error."""
        self._count += 1
        self.store = pathlib.Path(store or f"{self._directory}/store-{self._count}")
        self._process.stdin.write(f"{self.store} {reference}\n")
        self._process.stdin.flush()
        word, _, rest = self._process.stdout.readline().strip().partition(" ")
        return (rest.split(), None) if word == "ok" else (None, rest)

    def memory_kib(self):
        status = pathlib.Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status).group(1))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))


@pytest.fixture
def memory():
    directory = subprocess.check_output(["mktemp", "-d", "/dev/shm/berth-test-XXXXXX"], text=True).strip()
    census = leak_census.take(f"{directory}/run", directory)
    yield directory
    leak_census.assert_equal(census, f"{directory}/run", directory)
    subprocess.run(["rm", "-rf", directory], check=True)


def check(probe, result, registry):
    """Whole and right, or one line that says which registry and nothing left behind."""
    layers, error = result
    if error is None:
        assert [(pathlib.Path(layer) / name).read_bytes() for layer, name in zip(layers, ("one", "two"))] == \
            [b"first", b"second"]
    else:
        assert registry.address in error or "sha256:" in error, error
        assert len(error) > 20 and "\n" not in error
        assert not any((probe.store / "layers").iterdir()) or "layer" in error
        assert not any((probe.store / "images").iterdir())
    assert not any((probe.store / "tmp").iterdir())
    subprocess.run(["rm", "-rf", probe.store], check=True)
    return error is None


def pull(directory, image, script, length=True, token=None, **environment):
    """One pull from a registry with this script: error or None, and what it was asked."""
    with ScriptedRegistry(image, script, length, token) as registry, Probe(directory, **environment) as probe:
        result = probe.pull(f"{registry.address}/app")
        check(probe, result, registry)
        assert probe.memory_kib() < MEMORY_MAX_KIB
        return result[1], registry.requests


@pytest.mark.parametrize("length", [True, False])
def test_every_answer_is_cut_after_every_byte(image, memory, length):
    longest, good = 0, set()

    def cut(_, whole):
        nonlocal longest
        longest = max(longest, len(whole))
        return whole if len(whole) <= at else iter([whole[:at]])

    with ScriptedRegistry(image, cut, length) as registry, Probe(memory) as probe:
        at = 1 << 20
        assert probe.pull(f"{registry.address}/app")[1] is None
        descriptors = probe.descriptors()
        for at in [*range(0, longest, 1 if length else 5), longest - 1, longest]:
            if check(probe, probe.pull(f"{registry.address}/app"), registry):
                good.add(at)
        assert longest in good and 0 not in good
        assert probe.descriptors() <= descriptors + 2  # connections are kept, no more
        assert probe.memory_kib() < MEMORY_MAX_KIB


def test_an_answer_that_is_cut_once_is_asked_for_again(image, memory):
    """Any one answer of a pull, after any byte: the image is whole at the end all the same."""
    cut_number, at, number = -1, 0, itertools.count()
    lengths = []

    def cut(_, whole):
        this = next(number)
        if cut_number < 0:
            lengths.append(len(whole))
        return iter([whole[:at]]) if this == cut_number and at < len(whole) else whole

    with ScriptedRegistry(image, cut) as registry, Probe(memory) as probe:
        assert probe.pull(f"{registry.address}/app")[1] is None
        assert len(lengths) == 7  # 401, token, HEAD, manifest, config, two layers
        for cut_number, length in enumerate(list(lengths)):
            for at in [*range(0, length, 37), length - 1]:
                number = itertools.count()
                result = probe.pull(f"{registry.address}/app")
                assert result[1] is None, (cut_number, at, result)
                check(probe, result, registry)


def drip(whole, at):
    """All but the last byte before `at`, then a byte now and then, for ever."""
    yield whole[:at]
    while True:
        time.sleep(0.1)  # of the server; the client's patience is what is tested, by what it says
        yield b"x"


@pytest.mark.parametrize("kind", ["token", "manifests", "blobs"])
@pytest.mark.parametrize("part", ["head", "body"])
def test_answers_that_drip_end(image, memory, kind, part):
    def script(request, whole):
        head = whole.index(b"\r\n\r\n")
        if request.kind != kind or (request.method == "HEAD" and part == "body") or b" 401 " in whole[:20]:
            return whole
        if part == "head":
            return drip(whole, head - 1)
        long = answer(200, bytes(1 << 20))
        return drip(long, long.index(b"\r\n\r\n") + 4)

    error, _ = pull(memory, image, script, ATTEMPTS="1", ANSWER_MS="3000", STALL_MS="3000")
    assert ("timeout awaiting response headers" if part == "head" else "i/o timeout") in error


def test_redirects_end(image, memory):
    error, requests = pull(memory, image, lambda request, _: answer(307, Location=request.path))
    assert "more than 10 redirects" in error and len(requests) == 22  # two tries


def endless(first, piece):
    yield first
    while True:
        yield piece


@pytest.mark.parametrize("kind", ["token", "manifests", "blobs"])
@pytest.mark.parametrize("part", ["head", "body", "error"])
def test_answers_without_an_end_are_cut_off(image, memory, kind, part):
    head = b"HTTP/1.1 200 OK\r\nDocker-Content-Digest: " + image.digest.encode() + b"\r\n"

    def script(request, whole):
        if request.kind != kind or b" 401 " in whole[:20] or (request.method == "HEAD" and part != "head"):
            return whole
        if part == "head":
            return endless(head, b"X-Y: " + b"z" * 1000 + b"\r\n")
        if part == "error":
            return endless(b"HTTP/1.1 403 No\r\n\r\n", b"x" * 65536)
        return endless(head + b"\r\n", b"x" * 65536)

    error, _ = pull(memory, image, script)
    assert {"head": "headers", "body": "bytes", "error": "403 Forbidden"}[part] in error


HTML = b"<!DOCTYPE html><html><body>Welcome to the hotel's network</body></html>"


@pytest.mark.parametrize("kind", ["token", "manifests", "blobs"])
@pytest.mark.parametrize("body", [HTML, b"{", b"[]", b"", b'{"token":"a b"}', b'{"token":3}', b"\xff\xfe" * 50])
def test_what_is_not_what_was_asked_for(image, memory, kind, body):
    def script(request, whole):
        if request.kind != kind or b" 401 " in whole[:20]:
            return whole
        return answer(200, b"" if request.method == "HEAD" else body, Content_Type="text/html" if body == HTML else "x/y")

    error, _ = pull(memory, image, script)
    assert error
    if kind == "manifests" and body == HTML:
        assert "web page" in error


def test_wrong_bytes_are_named(image, memory):
    layer = image.layers[1]["digest"]

    def flip(request, whole):
        return whole[:-1] + bytes([whole[-1] ^ 1]) if layer in request.path and b" 200 " in whole[:20] else whole

    error, _ = pull(memory, image, flip)
    assert layer in error and "digest" in error


@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_length_in_the_manifest_is_named(memory, change):
    image = Image(tar_of(one=b"first"), tar_of(two=b"second"))
    manifest = json.loads(image.manifests.pop(image.digest))
    manifest["layers"][1]["size"] += change
    text = json.dumps(manifest).encode()
    image.digest = digest_of(text)
    image.manifests[image.digest] = text
    error, _ = pull(memory, image, None)
    assert str(manifest["layers"][1]["size"]) in error and manifest["layers"][1]["digest"] in error


def test_a_range_that_begins_elsewhere_is_refused(image, memory):
    layer = image.layers[0]["digest"]

    def script(request, whole):
        if layer not in request.path or b" 401 " in whole[:20]:
            return whole
        if "range" not in request.headers:
            return iter([whole[:-700]])
        body = image.blobs[layer]
        return answer(206, body[-10:], Content_Range=f"bytes {len(body) - 10}-{len(body) - 1}/{len(body)}")

    error, _ = pull(memory, image, script)
    assert "asked for the bytes from" in error


def test_a_token_is_renewed_before_it_ends(image, memory):
    """Every token is good for one request, and says that it ends at once: none is shown twice."""
    seen = []

    def script(request, whole):
        shown = request.headers.get("authorization")
        if request.kind == "token" or shown is None:
            return whole
        assert shown not in seen
        seen.append(shown)
        return whole

    def token(number):
        return {"token": f"t{number}", "expires_in": 60, "issued_at": "2020-01-01T00:00:00Z"}

    def dated(request, whole):
        whole = script(request, whole)
        return whole.replace(b"\r\n", b"\r\nDate: Wed, 01 Jan 2020 00:01:00 GMT\r\n", 1)

    error, requests = pull(memory, image, dated, token=token)
    assert error is None
    refused = [each for each in requests if each.kind != "token" and "authorization" not in each.headers]
    assert len(refused) == 1 and len(seen) == 5


def test_a_token_that_ends_in_the_middle_is_renewed(image, memory):
    """Refused for its third request, and between a cut and the request for the rest."""
    uses = {}

    def script(request, whole):
        shown = request.headers.get("authorization", "")
        if request.kind == "token" or not shown:
            return whole
        uses[shown] = uses.get(shown, 0) + 1
        if uses[shown] > 2:
            return answer(401, Www_Authenticate=f'Bearer realm="http://{registry.address}/token",service="s"')
        if request.kind == "blobs" and "range" not in request.headers:
            return iter([whole[:-100]])
        return whole

    with ScriptedRegistry(image, script) as registry, Probe(memory) as probe:
        assert check(probe, probe.pull(f"{registry.address}/app"), registry)
    assert len(uses) > 2


@pytest.mark.parametrize("form", ["seconds", "date", "garbage"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_registry_says_when_to_come_back(image, memory, form, status):
    """The answers carry their own clock, one hour ahead of ours: what counts is the difference."""
    refused, came = [], []

    def script(request, whole):
        if request.kind != "manifests" or b" 401 " in whole[:20]:
            return whole
        came.append(time.monotonic())
        if refused:
            return whole
        refused.append(True)
        now = int(time.time()) + 3600
        when = {"seconds": "3", "date": email.utils.formatdate(now + 3, usegmt=True), "garbage": "soon"}[form]
        return answer(status, Retry_After=when, Date=email.utils.formatdate(now, usegmt=True))

    error, _ = pull(memory, image, script)
    assert error is None
    assert (came[1] - came[0] >= 3) == (form != "garbage")


def test_what_the_store_has_is_not_fetched_again(image, memory):
    with ScriptedRegistry(image) as registry, Probe(memory) as probe:
        store = f"{memory}/shared"
        first, _ = probe.pull(f"{registry.address}/app:one", store)
        registry.requests.clear()
        second, _ = probe.pull(f"{registry.address}/app:two", store)
        assert first == second
        assert [each.method for each in registry.requests if "authorization" in each.headers] == ["HEAD"]


def test_nobody_there(memory):
    with Probe(memory) as probe:
        _, error = probe.pull("127.0.0.1:1/app:1")
        assert "dial tcp 127.0.0.1:1: connect: connection refused" in error
        assert "pull image manifest has been retried 1 time(s): failed to resolve ref 127.0.0.1:1/app:1" in error
        _, error = probe.pull("no-such-host.invalid/app:1")
        assert "dial tcp: lookup no-such-host.invalid: no such host" in error
