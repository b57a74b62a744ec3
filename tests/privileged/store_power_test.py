"""Power cuts at every moment of a pull, an import, a removal and a repair: see tests/support/power_cut.py for the model.

Every state that the model says a power cut could leave must hold nothing but whole things; some of those states are made
on disk, and `berth` has to go on from there.
"""

import pathlib
import random
import shutil
import subprocess

import pytest

import oci_layout
import power_cut
from layer_tree import tree_in
from store import StoreRoot

SAMPLES = 6  # of the states by chance, at each call


def tar_of_root(directory):
    root = directory / "rootfs"
    (root / "etc").mkdir(parents=True)
    (root / "etc/motd").write_text("imported")
    subprocess.run(["tar", "-C", root, "-cf", directory / "rootfs.tar", "."], check=True)
    return directory / "rootfs.tar"


@pytest.fixture
def store(tmp_path):
    return StoreRoot(tmp_path / "store")


def traced(store, *arguments):
    return power_cut.run(store.command(*arguments), store.directory / "strace")


def walk(disk, calls, visit=lambda left: None):
    """Feeds the calls one by one and checks every state after each; gives the least state at the end."""
    chance = random.Random(7)
    for kind, call in calls:
        if not disk.feed(kind, call):
            continue
        for number, state in enumerate(disk.states(chance, SAMPLES)):
            left = disk.left(state)
            if number < 2:
                visit(left)
    return disk.left(next(disk.states(chance, 0)))


def signature(left):
    return tuple(tuple(sorted(names)) for names in left.values())


def rebuild(left, whole, target):
    """The state on disk; content from the store that went through to its end. What lay in tmp/ was of a dead process."""
    for place in ("blobs/sha256", "layers", "images", "tmp/work-dead/layer/fs", "locks"):
        (target / place).mkdir(parents=True)
    for place, names in left.items():
        for name in names:
            subprocess.run(["cp", "-a", whole / place / name, target / place / name], check=True)


def test_a_pull(store, tmp_path):
    reference = oci_layout.small(tmp_path / "layout")
    calls = traced(store, "pull", reference)
    records = power_cut.what_records_name(store.root)
    assert len(records) == 1
    shutil.move(store.root, tmp_path / "whole")
    states = {}
    end = walk(power_cut.Disk(store.root, records), calls, lambda left: states.setdefault(signature(left), left))
    assert len(end["images"]) == 1, "what pull said is durable"
    assert len(states) > 5
    for left in states.values():
        rebuild(left, tmp_path / "whole", store.root)
        store.assert_well(images=len(left["images"]))
        store.must("pull", reference)
        store.assert_well(images=1)
        shutil.rmtree(store.root)


def syncs(calls):
    return [call for kind, call in calls if kind == "begin" and call.name in power_cut.SYNCS]


def test_how_many_syncs_a_pull_takes(store, tmp_path):
    """The figure in docs/architecture.md: flash wears out, and each sync waits for all that others write."""
    store.must("images")  # the directories are there
    calls = traced(store, "pull", oci_layout.small(tmp_path / "layout"))
    layers, small_blobs = 2, 2
    assert len(syncs(calls)) <= layers + small_blobs + 4
    assert 1 <= sum(call.name == "syncfs" for call in syncs(calls)) <= layers
    calls = traced(store, "pull", f"oci:{tmp_path}/layout:latest")
    assert syncs(calls) == [], "nothing is new"


@pytest.mark.parametrize("left_out", ["syncfs", "fsync"])
def test_the_model_finds_a_missing_sync(store, tmp_path, left_out):
    calls = traced(store, "pull", oci_layout.small(tmp_path / "layout"))
    records = power_cut.what_records_name(store.root)
    shutil.move(store.root, tmp_path / "whole")
    disk = power_cut.Disk(store.root, records)
    with pytest.raises(AssertionError):
        walk(disk, [(kind, call) for kind, call in calls if call.name != left_out])


def test_an_import(store, tmp_path):
    calls = traced(store, "import", tar_of_root(tmp_path), "mine:1")
    records = power_cut.what_records_name(store.root)
    shutil.move(store.root, tmp_path / "whole")
    assert len(walk(power_cut.Disk(store.root, records), calls)["images"]) == 1


@pytest.mark.parametrize("command", ["rmi", "prune"])
def test_a_removal(store, tmp_path, command):
    """Of one of two images that share a layer."""
    kept, gone = (oci_layout.small(tmp_path / "layout", tag, tag.encode()) for tag in ("kept", "gone"))
    store.must("pull", gone)
    if command == "prune":
        for record in (store.root / "images").glob("*.json"):
            subprocess.run(["touch", "-d", "10 days ago", record], check=True)
    store.must("pull", kept)
    disk = power_cut.Disk(store.root, power_cut.what_records_name(store.root))
    arguments = ("rmi", gone) if command == "rmi" else ("system", "prune", "--until", "7d")
    end = walk(disk, traced(store, *arguments))
    assert len(end["images"]) == 1
    store.assert_well(images=1)


def test_a_repair(store, tmp_path):
    store.must("pull", oci_layout.small(tmp_path / "layout"))
    records = power_cut.what_records_name(store.root)
    record, = store.records()
    with tree_in(store.layer(record["layers"][0])).open("r+b") as image:
        image.write(b"damage")
    disk = power_cut.Disk(store.root, records)
    walk(disk, traced(store, "system", "check", "--repair"))
    store.assert_well(images=1)
