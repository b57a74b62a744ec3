"""What layers become: each case of tests/support/image_cases.py, unpacked by berth and by others, entry by entry."""

import os
import pathlib
import re
import subprocess
import time

import pytest

import leak_census
from file_tree import GHOST, differences, holes
from image_cases import CAPABILITY, CASES
from image_layers import Layout
from image_peers import Berth, Containerd, Podman, Umoci
from layer_tree import opened

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/unpacking.md"
PEERS = {"umoci": Umoci, "containerd": Containerd, "podman": Podman}


def documented():
    """case -> {tool: "same", "differs" or "refuses"}, of docs/unpacking.md."""
    table = {}
    for line in DOCS.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if name := re.fullmatch(r"`(\w+)`", cells[0]):
            table[name.group(1)] = {"berth": cells[1] or "same", **dict(zip(PEERS, cells[2:5]))}
    return table


# These no tool takes.
REFUSED = ("hard_link_to_nothing", "hard_link_to_outside", "hard_link_to_itself", "hard_link_to_a_directory",
           "opaque_and_a_link_from_elsewhere_later", "name_too_long")
DOCUMENTED = {**documented(), **{name: dict.fromkeys(("berth", *PEERS), "refuses") for name in REFUSED}}


class Unpacked:
    def __init__(self, directory):
        self.layout = Layout(directory / "oci")
        self.started = time.time_ns()
        for name, case in CASES.items():
            (directory / name).mkdir()
            self.layout.add(name, case(directory / name))
        self.trees = {"berth": self._by(Berth)}
        self.directories = self._by(lambda: Berth("directories"))

    def by(self, peer):
        if peer not in self.trees:
            self.trees[peer] = self._by(PEERS[peer])
        return self.trees[peer]

    def _by(self, make):
        before = leak_census.mounts(("/tmp",))
        tool = make()
        try:
            trees = tool.trees(self.layout, list(CASES))
        finally:
            tool.close()
        assert leak_census.mounts(("/tmp",)) == before
        return trees

    def differences(self, name, peer):
        """Without what docs/unpacking.md leaves out."""
        found = differences(self.trees["berth"][name], self.by(peer)[name])
        return [(path, field, ours, theirs) for path, field, ours, theirs in found
                if not (path == "." and field in ("mode", "owner", "mtime_ns") and peer != "umoci")
                and not (field == "mtime_ns" and (theirs >= self.started or path == "." and theirs == 0))]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    return Unpacked(tmp_path_factory.mktemp("unpack"))


@pytest.mark.parametrize("peer", PEERS)
@pytest.mark.parametrize("name", CASES)
def test_the_same_as_others(unpacked, name, peer):
    ours, theirs = unpacked.trees["berth"][name], unpacked.by(peer)[name]
    expected = DOCUMENTED.get(name, {}).get(peer, "same")
    if theirs is None or expected == "refuses":
        assert (theirs is None) == (expected == "refuses")
    elif ours is None:
        assert expected == "differs"
    else:
        found = unpacked.differences(name, peer)
        assert bool(found) == (expected == "differs"), found


@pytest.mark.parametrize("name", CASES)
def test_images_and_directories_are_the_same(unpacked, name):
    images, directories = unpacked.trees["berth"][name], unpacked.directories[name]
    assert (images is None) == (directories is None)
    assert differences(images or {}, directories or {}) == []


@pytest.mark.parametrize("name", CASES)
def test_taken_or_refused(unpacked, name):
    expected = DOCUMENTED.get(name, {}).get("berth", "same")
    assert (unpacked.trees["berth"][name] is None) == (expected == "refuses")


def test_the_table_names_cases():
    assert set(DOCUMENTED) <= set(CASES)
    assert len(documented()) > 40


def test_the_traps_name_their_tests():
    """Each row of "Where each trap is tested" names what is there: cases, test functions, SUITE.TEST of gtest."""
    rows = dict(re.findall(r"^\| (\d+) \|(.*)$", DOCS.read_text(), re.MULTILINE))
    assert list(map(int, rows)) == list(range(1, 26))
    tests = DOCS.parents[1] / "tests"
    python = {name for file in tests.glob("privileged/*_test.py")
              for name in re.findall(r"^def (\w+)\(", file.read_text(), re.M)}
    native = {f"{suite}.{name}" for file in tests.glob("*/*_test.cc")
              for suite, name in re.findall(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", file.read_text(), re.M)}
    for number, cells in rows.items():
        names = re.findall(r"`([\w.]+)`", cells.rpartition("|")[0].rpartition("|")[2])
        assert names, number
        unknown = set(names) - set(CASES) - python - native
        assert not unknown, f"trap {number}: {unknown}"


def test_nothing_is_listed_that_is_not_there(unpacked):
    for name, tree in unpacked.trees["berth"].items():
        assert GHOST not in (tree or {}).values(), name


def test_fsck_finds_the_images_whole(unpacked):
    pulled = Berth()
    try:
        for name in CASES:
            for image in pulled.layers(unpacked.layout, name) or ():
                done = subprocess.run(["fsck.erofs", image], capture_output=True, text=True, check=False)
                assert done.returncode == 0, (name, done)
    finally:
        pulled.close()


# Where others differ, what is right: path -> None (not there), or fields of the entry.
RIGHT = {
    "whiteout_before_its_sibling": {"d/x": None, "d/new": {}, "d": {"mode": "0o755", "owner": (0, 0)}, "etc/kept": {}},
    "whiteout_after_its_sibling": {"d/x": None, "d/new": {}, "etc/kept": {}},
    "whiteout_of_nothing": {"fresh/never": None, "fresh": {}},
    "whiteout_in_no_directory": {"nowhere/never": None},
    "whiteout_through_a_symlink": {"usr/lib/libc": None, "lib": {"content": "usr/lib"}},
    "whiteout_and_a_child_without_parent": {"d": {"mode": "0o755", "owner": (0, 0)}, "d/x": None, "d/new": {}},
    "whiteout_of_a_hard_links_target": {"etc/kept": None, "etc/copy": {"links": ()}, "etc/gone": {}},
    "whiteout_of_a_directory_and_of_what_is_in_it": {"o": None},
    "opaque_with_whiteouts": {"o/low": None, "o/sub/low": None, "o/new": {}},
    "opaque_and_a_parent_without_entry": {"o/sub": {"mode": "0o755", "owner": (0, 0)}, "o/sub/low": None},
    "opaque_and_a_link_to_what_it_hides": {"o/low": None, "copy": {"links": ()}},
    "opaque_root": {"etc": None, "lib": None, "d/x": None, "new": {}, "d/new": {}},
    "reserved_names": {".wh..wh.plnk": None, ".wh..wh.orph": None, ".wh..wh.aufs": None, "etc/linked": {"links": ()}},
    "hard_link_of_other_looks": {"b": {"mode": "0o600", "owner": (3, 0), "links": (b"a", b"b")}},
    "hard_link_to_a_lower_file": {"usr/lib/libd": {"mode": "0o4755", "owner": (9, 0),
                                                   "links": (b"usr/lib/libc", b"usr/lib/libd")}},
    "symlinks_out_of_the_root": {"in": {}, "in2": {}, "etc/in3": {}, "out": {"content": "/"}},
    "parent_is_a_symlink_with_dots": {"a/b/side/x": {}},
    "directory_again_as_file_and_directory": {"o/low": None, "o/new": {}},
    "attributes_of_others": {"f": {"xattrs": ()}},
    "attributes": {"f": {"xattrs": (("security.capability", CAPABILITY.encode()),
                                    ("user.a", b"b"))}},
    "other_types": {"contiguous": {"kind": "file"}, "old": {"kind": "file"}},
    "path_beyond_path_max": {"/".join(["d" * 200] * 22) + "/file": {"kind": "file"}},
    "gnu_tar_sparse_old": {"bin/setuid": {"owner": (70000, 3000000), "mode": "0o6755"}},
    "gnu_tar_pax": {"old": {"mtime_ns": -5_250_000_000}, "fine": {"mtime_ns": 1_600_000_000_123_456_716}},
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(unpacked, name):
    tree = unpacked.trees["berth"][name]
    for path, wanted in RIGHT[name].items():
        entry = tree.get(os.fsencode(path))
        assert (entry is None) == (wanted is None), path
        for field, value in (wanted or {}).items():
            assert getattr(entry, field) == value, f"{path}: {field}"


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("gnu_tar_sparse")])
def test_holes_stay_holes(unpacked, name, tmp_path):
    pulled = Berth("directories")
    try:
        directory, = pulled.layers(unpacked.layout, name)
        data = holes(pathlib.Path(directory) / "sparse")
    finally:
        pulled.close()
    assert data and sum(end - start for start, end in data) < 64 * 1024, data
    assert data[0][0] <= 1 << 20 < data[0][1], data


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith("gnu_tar_sparse")])
def test_holes_take_no_room_in_an_image(unpacked, name):
    pulled = Berth()
    try:
        image, = map(pathlib.Path, pulled.layers(unpacked.layout, name))
        with opened(image) as tree:
            assert (tree / "sparse").stat().st_size > 1 << 20
        assert image.stat().st_blocks * 512 < 256 * 1024
    finally:
        pulled.close()
