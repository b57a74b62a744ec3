"""How layers are stored (compression, media types), and images that must be refused: each with one clear error, and
nothing kept."""

import gzip
import io
import json
import os
import pathlib
import struct
import subprocess
import tarfile
import zlib

import pytest

import leak_census
from file_tree import walk
from image_layers import INDEX, MANIFEST, TAR, Layer, Layout, digest_of, entry, gzipped, tar, tar_by, zstd
from image_peers import PROBE, pull

PLAIN = tar("d/", entry("d/f", b"content" * 3000), entry("g", b"g"))
SKIPPABLE = b"\x53\x2a\x4d\x18" + struct.pack("<I", 6) + b"\x1f\x8bnope"


@pytest.fixture
def layout(tmp_path):
    before = leak_census.mounts((tmp_path,))
    yield Layout(tmp_path / "oci")
    assert leak_census.mounts((tmp_path,)) == before
    tmp = tmp_path / "store/tmp"
    assert not tmp.exists() or list(tmp.iterdir()) == []


@pytest.fixture
def store(tmp_path):
    return tmp_path / "store"


def unpacked(store, reference):
    done = pull(store, reference)
    assert done.returncode == 0, done.stderr
    return [walk(each) for each in done.stdout.split()]


def refused(store, reference, *reasons):
    """The error, one line that has all of `reasons`; nothing is kept of layers and names."""
    done = pull(store, reference)
    assert done.returncode == 1, done
    assert len(done.stderr.splitlines()) == 1, done.stderr
    for reason in reasons:
        assert reason in done.stderr, done.stderr
    for name in ("layers", "images", "tmp"):
        directory = store / name
        assert not directory.exists() or list(directory.iterdir()) == [], name
    return done.stderr


def member(plain, flags=0, extra=b""):
    """A gzip member with any header: `extra` is what `flags` announce."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff" + extra
    if flags & 2:
        header += struct.pack("<H", zlib.crc32(header) & 0xFFFF)
    return header + deflate.compress(plain) + deflate.flush() + struct.pack("<II", zlib.crc32(plain), len(plain))


def estargz(entries, index):
    """As eStargz writes it: a member for each piece, and a footer that is an empty member with an extra field."""
    subfield = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % 1234
    pieces = [entries[at:at + 512] for at in range(0, len(entries), 512)]
    return b"".join(map(member, pieces)) + member(index) + member(b"", 4, struct.pack("<H", len(subfield)) + subfield)


def chunked(plain):
    """As zstd:chunked writes it: frames of pieces, the table of contents and the footer in skippable frames."""
    half = len(plain) // 2
    return zstd(plain[:half]) + zstd(plain[half:]) + SKIPPABLE + b"\x50\x2a\x4d\x18" + struct.pack("<I", 40) + b"GNUlInUx" * 5


STORED = {
    "gzip": (gzip.compress(PLAIN), "+gzip"),
    "gzip of several members": (gzip.compress(PLAIN[:700]) + gzip.compress(b"") + gzip.compress(PLAIN[700:]), "+gzip"),
    "gzip and zeros": (gzip.compress(PLAIN) + b"\0" * 3000, "+gzip"),
    "gzip and garbage": (gzip.compress(PLAIN) + b"garbage" * 99, "+gzip"),
    "gzip with every header field": (member(PLAIN, 2 + 4 + 8 + 16, struct.pack("<H", 5) + b"extraname\0comment\0"), "+gzip"),
    "zstd": (zstd(PLAIN), "+zstd"),
    "zstd of several frames": (SKIPPABLE + zstd(PLAIN[:700]) + SKIPPABLE + zstd(PLAIN[700:]) + SKIPPABLE, "+zstd"),
    "zstd called gzip": (zstd(PLAIN), "+gzip"),
    "gzip called zstd": (gzip.compress(PLAIN), "+zstd"),
    "gzip called plain": (gzip.compress(PLAIN), ""),
    "plain called gzip": (PLAIN, "+gzip"),
    "plain": (PLAIN, ""),
    "chunked": (chunked(PLAIN), "+zstd"),
}


def test_the_first_bytes_say_how_a_layer_is_stored(layout, store):
    expected = None
    for name, (blob, suffix) in STORED.items():
        layout.add(name.replace(" ", "-"), [Layer(PLAIN, blob, TAR + suffix)])
        tree, = unpacked(store / name.replace(" ", "-"), layout.reference(name.replace(" ", "-")))
        tree.pop(b".")
        expected = expected or tree
        assert tree == expected, name
    assert b"d/f" in expected


def test_dockers_media_types(layout, store):
    layer = Layer(PLAIN, gzip.compress(PLAIN), "application/vnd.docker.image.rootfs.diff.tar.gzip")

    def change(manifest):
        manifest["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
        manifest["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    tree, = unpacked(store, layout.add("docker", [layer], change_manifest=change))
    assert b"d/f" in tree


def test_estargz_is_gzip(layout, store):
    entries = PLAIN[:512 + 512 + 21504 + 512 + 512]  # without the blocks that end the archive
    index = tar(entry("stargz.index.json", b'{"version":1,"entries":[]}'))
    tree, = unpacked(store, layout.add("estargz", [Layer(entries + index, estargz(entries, index))]))
    assert {b"d/f", b"g", b"stargz.index.json"} <= set(tree)


@pytest.mark.parametrize("program", ["tar", "bsdtar"])
def test_an_archive_cut_anywhere_is_refused_or_whole(layout, store, tmp_path, program):
    """At every block: where no entry is cut it is an archive without its end, which is taken as GNU tar takes it."""
    source = tmp_path / "source"
    (source / "dir").mkdir(parents=True)
    (source / "dir" / ("long" * 40)).write_bytes(b"x" * 1300)
    (source / "second").write_bytes(b"y" * 600)
    whole = tar_by(program, source, "--format=pax" if program == "bsdtar" else "--format=gnu")
    with tarfile.open(fileobj=io.BytesIO(whole)) as archive:
        members = archive.getmembers()
        end = (members[-1].offset_data + members[-1].size + 511) // 512 * 512
    between = {0, *(each.offset for each in members), end}
    for size in range(0, end + 1, 512):
        tag = f"cut-{size}"
        layout.add(tag, [gzipped(whole[:size])])
        if size in between:
            unpacked(store / tag, layout.reference(tag))
        else:
            blob = layout.layers(tag)[0]["digest"]
            refused(store / tag, layout.reference(tag), "corrupt", blob, "at byte", "of the tar")


@pytest.mark.parametrize("what", ["checksum", "garbage", "gzip checksum", "gzip cut", "zstd cut", "zstd damaged"])
def test_damage_names_layer_and_offset(layout, store, what):
    plain = bytearray(PLAIN)
    if what == "checksum":
        plain[600] ^= 1
    if what == "garbage":
        plain[512:1024] = b"\xa5" * 512
    blob = bytearray(zstd(bytes(plain)) if "zstd" in what else gzip.compress(bytes(plain)))
    if what == "gzip checksum":
        blob[-7] ^= 1
    if what == "zstd damaged":
        blob[len(blob) // 2] ^= 0xFF
    if "cut" in what:
        del blob[-5:]
    layout.add("damaged", [gzipped(PLAIN), Layer(bytes(plain), bytes(blob))])
    # The lower layer is whole and stays, so only the error is looked at.
    done = pull(store, layout.reference("damaged"))
    assert done.returncode == 1 and "corrupt" in done.stderr, done
    assert layout.layers("damaged")[1]["digest"] in done.stderr, done.stderr
    assert "cut short" in done.stderr or "at byte" in done.stderr, done.stderr
    assert len(list((store / "layers").iterdir())) <= 1 and list((store / "images").iterdir()) == []


@pytest.mark.parametrize("size", [-1, 1, 1000])
def test_a_size_that_lies(layout, store, size):
    def change(manifest):
        manifest["layers"][0]["size"] += size
    layout.add("lie", [PLAIN], change_manifest=change)
    refused(store, layout.reference("lie"), "corrupt", layout.layers("lie")[0]["digest"], "that the manifest says"
            if size < 0 else "the manifest says")


@pytest.mark.parametrize("which", ["layers", "config"])
def test_a_digest_that_differs(layout, store, which):
    reference = layout.add("lie", [PLAIN])
    descriptor = layout.layers("lie")[0] if which == "layers" else layout.config("lie")
    path = layout.directory / "blobs" / descriptor["digest"].replace(":", "/")
    damaged = bytearray(path.read_bytes())
    damaged[4] ^= 1  # of gzip the time, of the config a letter
    path.write_bytes(damaged)
    refused(store, reference, "corrupt", descriptor["digest"], digest_of(bytes(damaged)))


def test_a_diff_id_that_differs(layout, store):
    def change(config):
        config["rootfs"]["diff_ids"][0] = digest_of(b"something else")
    refused(store, layout.add("lie", [PLAIN], change_config=change), "corrupt", "diff_id", digest_of(PLAIN),
            layout.layers("lie")[0]["digest"])


@pytest.mark.parametrize("count", [0, 2])
def test_diff_ids_are_as_many_as_layers(layout, store, count):
    def change(config):
        config["rootfs"]["diff_ids"] = [digest_of(PLAIN)] * count
    refused(store, layout.add("count", [PLAIN], change_config=change), f"diff_ids has {count} entries", "1 layers")
    assert len(list((store / "blobs/sha256").iterdir())) == 1, "the manifest; a configuration that is none is not kept"


def test_a_bomb_is_stopped(layout, store, tmp_path):
    """1.2 GiB of zeros in 40 KiB, after the end of the archive, where they would not even need disk."""
    plain = tmp_path / "plain"
    with open(plain, "wb") as file:
        file.write(PLAIN)
        file.truncate(1200 << 20)
    blob = subprocess.run(["zstd", "-q", "-c", plain], stdout=subprocess.PIPE, check=True).stdout
    plain.unlink()
    bomb = Layer(PLAIN, blob, TAR + "+zstd")
    reference = layout.add("bomb", [bomb])
    done = subprocess.run(["time", "-f", "%M", PROBE, store, reference, "always"], capture_output=True, text=True,
                          check=False)
    for reason in ("exhausted", "a bomb?", layout.layers("bomb")[0]["digest"]):
        assert reason in done.stderr, done.stderr
    assert int(done.stderr.split()[-1]) < 64 * 1024, done.stderr  # KiB at its largest
    assert list((store / "layers").iterdir()) == [] and list((store / "tmp").iterdir()) == []


def test_the_disk_keeps_its_reserve(layout, store):
    """A store of 100 MiB: 64 MiB of it must stay free."""
    store.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", store], check=True)
    try:
        layout.add("big", [gzipped(tar(*(entry(f"{n}", b"\0" * (20 << 20)) for n in range(6))))])
        refused(store, layout.reference("big"), "exhausted", "64.0 MiB would be left", layout.layers("big")[0]["digest"])
    finally:
        subprocess.run(["umount", store], check=True)


def test_attributes_that_the_disk_cannot_keep_are_dropped_with_one_warning(layout, store, tmp_path):
    """As by containerd: the image is whole without them. ext4 has had them always since Linux 6.1, so strace refuses."""
    files = [entry(name, b"x", xattrs={"user.note": "n"}) for name in ("a", "b")]
    reference = layout.add("attributes", [gzipped(tar(*files, entry("c", b"x", xattrs={"user.other": "n"})))])
    calls = tmp_path / "calls"
    refusing = ["strace", "-f", "-o", calls, "-e", "trace=lsetxattr", "-e", "inject=lsetxattr:error=EOPNOTSUPP"]
    done = subprocess.run([*refusing, PROBE, store, reference, "always"], capture_output=True, text=True, check=False,
                          env={**os.environ, "LAYERS": "directories"})
    assert done.returncode == 0, done.stderr
    assert calls.read_text().count("EOPNOTSUPP") == 3
    assert done.stderr.count("extended attribute dropped") == 1 and "user.note" in done.stderr, done.stderr
    found = walk(done.stdout.strip())
    assert {b"a", b"b", b"c"} <= set(found)
    assert all(each.xattrs == () for each in found.values())


def test_other_addresses_of_an_ordinary_layer_do_not_matter(layout, store):
    def change(manifest):
        manifest["layers"][0]["urls"] = ["https://elsewhere.example/layer"]
    unpacked(store, layout.add("urls", [PLAIN], change_manifest=change))


def test_schema_1_is_refused(layout, store):
    old = json.dumps({"schemaVersion": 1, "name": "old", "tag": "1", "fsLayers": [], "history": []}).encode()
    layout.tag("old", layout.write(old, "application/vnd.docker.distribution.manifest.v1+prettyjws"))
    refused(store, layout.reference("old"), "unsupported", "schema 1", "push the image again")


def test_an_image_without_layers_and_history(layout, store):
    assert unpacked(store, layout.add("none", [])) == []


def index_of(layout, tag, *manifests):
    data = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    layout.tag(tag, layout.write(data, INDEX))
    return layout.reference(tag)


def test_attestations_are_no_images(layout, store):
    """As BuildKit pushes: the image, and a manifest of platform unknown/unknown about it."""
    layout.add("image", [PLAIN])
    image = {key: value for key, value in layout.manifests[-1].items() if key != "annotations"}
    statement = layout.write(b'{"schemaVersion":2}', MANIFEST)
    about = {"annotations": {"vnd.docker.reference.type": "attestation-manifest"},
             "platform": {"architecture": "unknown", "os": "unknown"}}
    for order in (1, -1):
        both = [{**statement, **about}, image][::order]
        tree, = unpacked(store, index_of(layout, f"attested{order}", *both))
        assert b"d/f" in tree
    refused(store.with_name("other"), index_of(layout, "alone", {**statement, **about}), "no image for platform",
            "there are: none")
