"""A command on the store dies, or is refused, at each of its system calls: what is visible is whole, and the next one works.

The calls are counted by sys/call.h. With several threads the Nth call is not always the same one; all are struck anyway.
The stores are on a tmpfs: no disk is waited for, and its size can be small.
"""

import concurrent.futures
import errno
import os
import shutil
import subprocess

import pytest

import oci_layout
from berth import PATIENCE
from store import StoreRoot

CALLS_MAX = 2000  # far more than any command makes
SIDE_BY_SIDE = 2


@pytest.fixture
def memory(tmp_path):
    """A tmpfs of its own."""
    directory = tmp_path / "tmpfs"
    directory.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "berth-test", directory], check=True)
    yield directory
    subprocess.run(["umount", directory], check=True)


@pytest.fixture
def image(memory):
    return oci_layout.small(memory / "layout")


@pytest.fixture
def tar(tmp_path):
    root = tmp_path / "rootfs"
    (root / "etc").mkdir(parents=True)
    (root / "etc/motd").write_text("imported")
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "rootfs.tar", "."], check=True)
    return tmp_path / "rootfs.tar"


def strike(store, nth, fault, *arguments):
    """Runs the command with a fault; (exit code, whether the fault struck, standard error)."""
    witness, told = os.pipe()
    environment = {**os.environ, "HOME": str(store.directory), "BERTH_FAULT": f"{nth}:{fault}:0"}
    done = subprocess.run(store.command(*arguments), stdin=told, capture_output=True, text=True, env=environment,
                          timeout=60 * PATIENCE, check=False)
    os.close(told)
    struck = os.read(witness, 16) != b""
    os.close(witness)
    return done.returncode, struck, done.stderr


def every_call(memory, fault, arguments, prepare, again):
    """Strikes call after call of the command, each time in a store of its own that looks as `prepare` made it.

    After it everything that is visible is whole; then `again(store)` goes on, and nothing is left of the attempt. The two
    are looked at from outside, because a look by `berth` takes as long as both; every tenth time it looks, too.
    """
    model = StoreRoot(memory / "model")
    prepare(model)
    whole = StoreRoot(memory / "whole")
    if model.root.exists():
        subprocess.run(["cp", "-a", model.root, whole.root], check=True)
    looks = whole.looks() if whole.root.exists() else {}
    again(whole)
    looks |= whole.looks()
    images = len(whole.records())

    def one(nth):
        store = StoreRoot(memory / f"store-{nth}")
        if model.root.exists():
            subprocess.run(["cp", "-a", model.root, store.root], check=True)
        code, struck, error = strike(store, nth, fault, *arguments)
        try:
            assert code in ((0, -9) if fault == "kill" else (0, 125))
            assert code != 125 or "berth: " in error
            store.assert_whole(looks)
            if nth % 10 == 0:
                store.assert_well()
            again(store)
            assert len(store.assert_whole(looks)) == images
            assert store.names("tmp") == []
            if nth % 10 == 0:
                store.assert_well(images=images)
        except AssertionError as failed:
            raise AssertionError(f"call {nth}, exit code {code}: {error}") from failed
        shutil.rmtree(store.directory)
        return struck

    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for first in range(1, CALLS_MAX, 8 * SIDE_BY_SIDE):
            if not all(pool.map(one, range(first, first + 8 * SIDE_BY_SIDE))):
                assert first > 1, "built without BERTH_FAULTS?"
                return
    raise AssertionError("more calls than anybody makes")


def nothing(_store):
    pass


@pytest.mark.parametrize("fault", ["kill", errno.ENOSPC], ids=["kill", "ENOSPC"])
def test_a_pull(memory, image, fault):
    every_call(memory, fault, ("pull", image), nothing, lambda store: store.must("pull", image))


def test_an_import(memory, tar):
    every_call(memory, "kill", ("import", tar, "mine:1"), nothing, lambda store: store.must("import", tar, "mine:1"))


@pytest.mark.parametrize(("command", "fault"), [("rmi", "kill"), ("prune", "kill"), ("prune", errno.EIO)])
def test_a_removal(memory, command, fault):
    """Of one of two images that share a layer; what a killed one left goes with the next."""
    kept, gone = (oci_layout.small(memory / "layout", tag, tag.encode()) for tag in ("kept", "gone"))

    def prepare(store):
        store.must("pull", gone)
        for record in (store.root / "images").glob("*.json"):
            subprocess.run(["touch", "-d", "10 days ago", record], check=True)
        store.must("pull", kept)

    def again(store):
        store.must("system", "prune", "--until", "7d")
        assert len(store.names("layers")) == 2 and len(store.names("blobs/sha256")) == 4

    arguments = ("rmi", gone) if command == "rmi" else ("system", "prune", "--until", "7d")
    every_call(memory, fault, arguments, prepare, again)


@pytest.mark.parametrize(("limit", "files"), [("size", 0), ("nr_inodes", 0), ("nr_inodes", 400)])
def test_a_disk_that_is_full(tmp_path, limit, files):
    """A file system that gets a little larger each time, until the image fits; 64 MiB are left free in any case.

    Many small files of one layer that becomes a directory are made side by side.
    """
    reference = oci_layout.small(tmp_path / "layout")
    if files:
        oci_layout.make(tmp_path / "crowd", [[oci_layout.file(f"d/{n}", b"x") for n in range(files)]])
        reference = f"oci:{tmp_path}/crowd:latest"
    directory = tmp_path / "small"
    directory.mkdir()
    failed = 0
    for step in range(100):
        size = (64 << 20) + (4096 * step if limit == "size" else 16 << 20)
        inodes = 2 + step * (1 + files // 20) if limit == "nr_inodes" else 1000
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes}", "berth-test", directory],
                       check=True)
        try:
            store = StoreRoot(tmp_path / "store", {"layers": "directories" if files else "images"})
            store.root = directory / "root"
            outcome = store.berth("pull", reference)
            if outcome.code == 0:
                assert failed > 3
                return
            failed += 1
            assert outcome.code == 125
            assert "No space left on device" in outcome.err or "would be left on the disk" in outcome.err, outcome
            if store.root.joinpath("tmp").exists():
                assert store.names("tmp") == []
            if store.root.joinpath("images").exists():
                assert store.names("images") == []
        finally:
            subprocess.run(["umount", directory], check=True)
    raise AssertionError("it never fitted")
