"""Foreign layers: the manifest says where their bytes lie. skopeo reads the same images, so what it makes of them is known."""

import http.server
import subprocess
import threading

import pytest

from berth import Instance
from image_layers import Layout, entry, tar
from leak_census import assert_equal, take

FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
REFUSING = "http://127.0.0.1:1/layer"


class Elsewhere:
    """Web servers where layers lie: PATH -> bytes. `asked` has the paths, and whether credentials came along."""

    def __init__(self):
        self.files, self.asked = {}, []
        elsewhere = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                elsewhere.asked.append((self.path, self.headers.get("Authorization")))
                body = elsewhere.files.get(self.path)
                self.send_response(404 if body is None else 200)
                if body is None:
                    body = b"no such file"
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def elsewhere():
    with Elsewhere() as server:
        yield server


@pytest.fixture
def berth(tmp_path):
    (tmp_path / "berth").mkdir()
    one = Instance(tmp_path / "berth", {})
    one.environment["DOCKER_CONFIG"] = "/nonexistent"
    before = take(one.state, one.root)
    yield one
    assert_equal(before, one.state, one.root)


@pytest.fixture
def image(tmp_path, elsewhere):
    """make(URL...): an image of an ordinary layer and a foreign one that the layout has not; a path begins with the
    server's address. Its reference, and the foreign layer's descriptor."""
    layout = Layout(tmp_path / "oci")

    def make(*urls, tag="app"):
        def change(manifest):
            manifest["layers"][1]["mediaType"] = FOREIGN
            manifest["layers"][1]["urls"] = [elsewhere.url + url if url.startswith("/") else url for url in urls]
        reference = layout.add(tag, [tar("d/", entry("d/own", b"o")), tar(entry("d/foreign", b"f" * 5000))],
                               change_manifest=change)
        foreign = layout.layers(tag)[1]
        path = layout.directory / "blobs" / foreign["digest"].replace(":", "/")
        make.bytes = path.read_bytes()
        path.unlink()
        return reference, foreign

    return make


def has(berth, foreign):
    return (berth.root / "blobs" / foreign["digest"].replace(":", "/")).exists()


def test_they_are_fetched_from_where_they_lie_as_by_skopeo(berth, elsewhere, image, tmp_path):
    reference, foreign = image("/missing", "/layer")
    elsewhere.files["/layer"] = image.bytes
    pulled = berth.berth("pull", reference)
    assert pulled.code == 0 and has(berth, foreign), pulled
    assert elsewhere.asked == [("/missing", None), ("/layer", None)]
    subprocess.run(["skopeo", "copy", "--insecure-policy", "-q", reference, f"dir:{tmp_path / 'skopeo'}"], check=True)
    assert (tmp_path / "skopeo" / foreign["digest"].partition(":")[2]).read_bytes() == image.bytes


def test_a_source_that_has_them_is_enough(berth, elsewhere, image, tmp_path):
    reference, foreign = image("/layer")
    (tmp_path / "oci/blobs" / foreign["digest"].replace(":", "/")).write_bytes(image.bytes)
    assert berth.berth("pull", reference).code == 0
    assert elsewhere.asked == [] and has(berth, foreign)


def test_every_place_that_did_not_have_it_is_named(berth, elsewhere, image):
    reference, foreign = image("/missing", REFUSING)
    failed = berth.berth("pull", reference)
    assert failed.code == 125 and len(failed.err.splitlines()) < 10, failed
    for said in (foreign["digest"], "foreign layer", elsewhere.url + "/missing", "404", REFUSING, "connection refused"):
        assert said.lower() in failed.err.lower(), (said, failed.err)
    assert not has(berth, foreign)


def test_other_bytes_are_refused(berth, elsewhere, image):
    reference, foreign = image("/layer")
    elsewhere.files["/layer"] = b"x" * foreign["size"]
    failed = berth.berth("pull", reference)
    assert failed.code == 125 and foreign["digest"] in failed.err, failed
    assert not has(berth, foreign) and list((berth.root / "images").iterdir()) == []


def test_a_configuration_may_refuse_them(berth, elsewhere, image):
    reference, foreign = image("/layer")
    elsewhere.files["/layer"] = image.bytes
    berth.configure({"foreignLayers": "refuse"})
    failed = berth.berth("pull", reference)
    assert failed.code == 125 and foreign["digest"] in failed.err and "foreignLayers" in failed.err, failed
    assert elsewhere.asked == [] and not has(berth, foreign)


def test_a_damaged_one_is_fetched_again_and_saved_as_a_reference(berth, elsewhere, image, tmp_path):
    reference, foreign = image("/layer")
    elsewhere.files["/layer"] = image.bytes
    assert berth.berth("pull", reference).code == 0
    blob = berth.root / "blobs" / foreign["digest"].replace(":", "/")
    blob.write_bytes(b"damaged")
    repaired = berth.berth("system", "check", "--repair")
    assert repaired.code == 0 and blob.read_bytes() == image.bytes, repaired
    saved = berth.berth("save", reference, "--format", "oci-dir", "-o", tmp_path / "saved")
    assert saved.code == 0, saved
    assert not (tmp_path / "saved/blobs" / foreign["digest"].replace(":", "/")).exists()
