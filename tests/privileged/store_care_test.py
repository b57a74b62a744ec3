"""`berth system df`, `prune` and `check`: what the store holds, what may go, and whether it is as it was pulled."""

import fcntl
import json
import os
import pathlib
import subprocess
import time

import pytest

import leak_census
import oci_layout
from berth import PATIENCE, sh, supervisors, task
from layer_tree import opened, tree_in
from store import StoreRoot
from waiting import wait_until

HOUR = 3600


@pytest.fixture
def store(tmp_path):
    return StoreRoot(tmp_path)


@pytest.fixture
def image(store, tmp_path):
    """One small image, pulled from a layout."""
    reference = oci_layout.small(tmp_path / "layout")
    store.must("pull", reference)
    return reference


def age(store, reference, hours):
    """As if the image had been pulled and last used so long ago."""
    for path in (store.root / "images").glob("*.json"):
        record = json.loads(path.read_text())
        if record["reference"] == reference:
            record["pulled_at"] -= hours * HOUR
            path.write_text(json.dumps(record))
            os.utime(path, (time.time() - hours * HOUR,) * 2)
            return
    raise AssertionError(reference)


def references(store):
    return sorted(record["reference"] for record in store.records())


def goes(plan):
    return {decision["name"]: decision["reason"] for decision in plan["decisions"] if decision["goes"]}


# ---- prune ----

def test_a_dry_run_says_why_and_does_nothing(store, tmp_path):
    old, new = (oci_layout.small(tmp_path / "layout", tag, tag.encode()) for tag in ("old", "new"))
    for reference in (old, new):
        store.must("pull", reference)
    age(store, old, 100)
    before = sorted(store.root.rglob("*"))
    plan = store.json("system", "prune", "--until", "3d", "--dry-run")
    assert goes(plan)[old] == "not used for 4 days"
    assert all(decision["reason"] for decision in plan["decisions"])
    shared = store.records()[0]["layers"][0]
    assert shared not in goes(plan), "the other image has it, too"
    assert sorted(store.root.rglob("*")) == before
    text = store.must("system", "prune", "--until", "3d", "--dry-run").out
    assert "not used for 4 days" in text and "an image names it" in text and "would free" in text

    assert goes(store.json("system", "prune", "--until", "3d")) == goes(plan)
    assert references(store) == [new]
    store.assert_well(images=1)


def test_down_to_a_size_the_least_recently_used_go(store, tmp_path):
    tags = ("a", "b", "c")
    for hours, tag in enumerate(tags):
        reference = oci_layout.make(tmp_path / "layout", [[oci_layout.file("f", tag.encode() * 1_000_000)]], tag)
        store.must("pull", reference)
        age(store, reference, 10 * (hours + 1))
    plan = store.json("system", "prune", "--keep-size", "1500K")
    assert plan["bytesBefore"] - plan["bytesFreed"] <= 1500 << 10
    assert references(store) == [f"oci:{tmp_path}/layout:a"]
    usage = store.json("system", "df")
    assert usage["images"]["total"] == 1 and usage["images"]["bytes"] == plan["bytesBefore"] - plan["bytesFreed"]


def test_a_start_counts_as_use_but_does_not_write_each_time(store, image, tmp_path):
    record = next((store.root / "images").glob("*.json"))
    age(store, image, 5)
    store.must("pull", image)
    used = record.stat().st_mtime
    assert time.time() - used < 60 * PATIENCE
    before = record.stat().st_ctime_ns
    store.must("pull", image)
    assert record.stat().st_ctime_ns == before, "within the hour nothing is written"


def test_leftovers_of_interrupted_pulls_go(store, image, tmp_path):
    """A killed pull leaves blobs and layers without a name: by hand here, by kill -9 in store_fault_test.py."""
    other = oci_layout.make(tmp_path / "other", [[oci_layout.file("f", b"other")]])
    store.must("pull", other)
    next(path for path in (store.root / "images").glob("*.json") if "other" in path.read_text()).unlink()
    plan = store.json("system", "prune")
    kinds = sorted(decision["kind"] for decision in plan["decisions"] if decision["goes"])
    assert kinds == ["blob", "blob", "blob", "layer"]
    assert references(store) == [image]
    assert not [name for name in store.names("locks") if name.startswith("pull-")]
    store.assert_well(images=1)


def test_a_damaged_record_makes_nothing_go(store, image, tmp_path):
    other = oci_layout.small(tmp_path / "layout", "other", b"other")
    store.must("pull", other)
    damaged = next(path for path in (store.root / "images").glob("*.json") if "other" in path.read_text())
    damaged.write_text("{" + damaged.read_text())
    layers, blobs = store.names("layers"), store.names("blobs/sha256")
    outcome = store.must("system", "prune")
    assert str(damaged) in outcome.err
    assert (store.names("layers"), store.names("blobs/sha256")) == (layers, blobs)
    assert image in store.must("images").out, "the others go on"
    store.must("pull", image)

    report = store.check()
    assert [(damage["kind"], damage["name"]) for damage in report["damages"]] == [("record", str(damaged))]
    store.must("system", "check", "--repair")
    store.must("system", "prune")
    assert references(store) == [image]
    store.assert_well(images=1)


def test_a_damaged_manifest_makes_nothing_go_that_the_image_needs(store, image):
    record, = store.records()
    store.blob(record["manifest_digest"]).write_bytes(b"{}")
    blobs = store.names("blobs/sha256")
    store.must("system", "prune")
    assert store.names("blobs/sha256") == blobs
    store.must("system", "check", "--repair")
    store.assert_well(images=1)


@pytest.mark.parametrize(("arguments", "error"), (
    (("--until", "7"), '--until: "7" is no age; write 90s, 30m, 12h or 7d'),
    (("--keep-size", "lots"), '--keep-size: "lots" is no size; write 1048576, 500M or 2G')))
def test_bad_limits_are_refused(store, image, arguments, error):
    outcome = store.berth("system", "prune", *arguments)
    assert outcome.code == 125 and error in outcome.err
    assert references(store) == [image]


# ---- in use ----

def test_df_and_prune_know_what_runs(fresh, layouts):
    """A running task keeps its image, and the shim of a killed berth keeps its layers."""
    script = ("trap 'until [ -e /go ]; do sleep 0.1; done; exit' TERM; echo x >/written; echo ready; "
              "while :; do sleep 0.1; done")
    with fresh.start(task(sh(script, stopTimeout=120))) as running:
        running.wait_for("ready")
        usage = json.loads(fresh.berth("system", "df", "--verbose", "--format", "json").out)
        assert usage["images"] == {**usage["images"], "total": 1, "inUse": 1, "reclaimableBytes": 0}
        assert usage["writableLayers"]["inUse"] == 1 and usage["writableLayers"]["bytes"] > 0
        assert usage["logs"]["inUse"] == 1
        assert [each["running"] for each in usage["details"]["tasks"]] == [True]
        assert "writable layers" in fresh.berth("system", "df", "--verbose").out
        plan = json.loads(fresh.berth("system", "prune", "--all", "--format", "json").out)
        assert goes(plan) == {}

        reference = fresh.images["busybox"]
        layers = sorted((fresh.root / "layers").iterdir())
        main = running.pids()[0]
        running.process.kill()
        running.process.wait()
        assert fresh.berth("rmi", reference).code == 0
        assert sorted((fresh.root / "layers").iterdir()) == layers, "the shim still needs them"
        (shim,) = supervisors(fresh)
        pathlib.Path(f"/proc/{main}/root/go").touch()
    wait_until(lambda: not os.path.exists(f"/proc/{shim}"), "the shim ends")
    assert fresh.berth("system", "sweep").code == 0
    assert fresh.berth("system", "prune").code == 0
    assert list((fresh.root / "layers").iterdir()) == []


def test_rmi_beside_a_pull(store, image):
    """The name goes; what it named may be just what is being pulled, and goes with the next clean-up."""
    store.must("images")
    with open(store.root / "locks/store", encoding="ascii") as pull:
        fcntl.flock(pull, fcntl.LOCK_SH)
        outcome = store.must("rmi", image)
        assert f"{image}: removed" in outcome.out and "a pull or a check runs" in outcome.out
        assert store.names("images") == [] and len(store.names("layers")) == 2
        assert store.berth("rmi", image).code == 125, "nothing has that name any more"
    store.must("system", "prune")
    assert store.names("layers") == [] and store.names("blobs/sha256") == []


def test_images_are_cleaned_up_as_the_configuration_says(tmp_path, layouts):
    from berth import Instance
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    cleanup = {"enabled": True, "intervalMinutes": 0, "minimumAgeMinutes": 60, "unusedForMinutes": 120}
    instance = Instance(tmp_path, images, {"imageCleanup": cleanup})
    before = leak_census.take(instance.state, instance.root)
    store = StoreRoot(tmp_path / "reader")
    store.root = instance.root
    old, new = (oci_layout.small(tmp_path / "layout", tag, tag.encode()) for tag in ("old", "new"))
    for reference in (old, new):
        assert instance.berth("pull", reference).code == 0
    age(store, old, 3)
    assert instance.run(task(sh("true"))).code == 0
    wait_until(lambda: old not in references(store) and not store.names("tmp"), "somebody cleans up")
    assert references(store) == sorted([new, images["busybox"]])
    leak_census.assert_equal(before, instance.state, instance.root)


# ---- one pull of a layer at a time ----

def test_many_processes_want_one_layer(tmp_path, registry):
    """Twelve pulls at once, of two images that share a layer: each blob crosses the wire once."""
    for tag in ("a", "b"):
        registry.push(oci_layout.small(tmp_path / "layout", tag, tag.encode()), f"app:{tag}")
    store = StoreRoot(tmp_path / "store")
    log = registry.access_log()
    pulls = [subprocess.Popen(store.command("pull", f"{registry.address}/app:{tag}"), stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) for tag in ("a", "b") * 6]
    for pull in pulls:
        _, error = pull.communicate(timeout=60 * PATIENCE)
        assert pull.returncode == 0, error
    manifests = [json.loads(store.blob(record["manifest_digest"]).read_text()) for record in store.records()]
    layers = {layer["digest"] for manifest in manifests for layer in manifest["layers"]}
    assert len(layers) == 3
    def fetches():
        return [line for line in registry.access_log()[len(log):] if "GET" in line and "/blobs/" in line]

    # The registry's log comes after its answers.
    wait_until(lambda: all(any(digest in line for line in fetches()) for digest in layers), "each is fetched")
    fetched = fetches()
    for digest in layers:
        assert sum(digest in line for line in fetched) == 1, (digest, fetched)
    store.assert_well(images=2)


# ---- check ----

def damage_content(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    status = path.stat()
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as a bad block: nothing else tells


def damage_setuid(path):
    status = path.stat()
    path.chmod(0o755)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def keeping_times(damage):
    """What a change of names does to the time of the directory is not what is to be found."""
    def keep(path):
        status = path.parent.stat()
        damage(path)
        os.utime(path.parent, ns=(status.st_atime_ns, status.st_mtime_ns))
    return keep


LAYER_DAMAGES = {
    "content": (0, "etc/motd", damage_content, "has other content"),
    "mode": (1, "bin/tool", damage_setuid, "has another mode"),
    "owner": (0, "etc/owned", lambda path: os.chown(path, 0, 0), "has another owner"),
    "time": (0, "etc/motd", lambda path: os.utime(path, (1, 1)), "has another time"),
    "missing": (0, "old/file", lambda path: path.unlink(), "is missing"),
    "more": (0, "etc", lambda path: (path / "more").write_text("x"), '"/etc/more" is not in the image'),
    "target": (0, "lib", lambda path: (path.unlink(), path.symlink_to("usr/xib")), "has another target"),
    "attribute": (0, "etc/motd", lambda path: os.setxattr(path, "user.x", b"y"), "has other extended attributes"),
    "unlinked": (0, "etc/again", lambda path: (path.unlink(), path.write_bytes(b"x" * 5000)), "has another number of links"),
    "type": (0, "old/file", lambda path: (path.unlink(), path.mkdir()), "is of another type"),
    "whiteout": (1, "old/file", lambda path: path.unlink(), '"/old/file" is missing'),
}


@pytest.mark.parametrize("kind", LAYER_DAMAGES)
def test_a_damaged_directory_is_found_and_rebuilt(tmp_path, kind):
    index, name, damage, problem = LAYER_DAMAGES[kind]
    store = StoreRoot(tmp_path, {"layers": "directories"})
    image = oci_layout.small(tmp_path / "layout")
    store.must("pull", image)
    must_be_found_and_rebuilt(store, image, index, lambda tree: keeping_times(damage)(tree / name), problem)


def flipped(image, offset):
    content = bytearray(image.read_bytes())
    content[offset] ^= 1
    image.write_bytes(content)


def content_of(image, name):
    """Where it begins in the image."""
    with opened(image) as tree:
        return image.read_bytes().index((tree / name).read_bytes())


def inode_of(image, name):
    with opened(image) as tree:
        return (tree / name).stat().st_ino * 32


IMAGE_DAMAGES = {
    "content": (0, lambda image: flipped(image, content_of(image, "etc/motd")), "has other content"),
    "mode": (1, lambda image: flipped(image, inode_of(image, "bin/tool") + 4), "has another mode"),
    "owner": (0, lambda image: flipped(image, inode_of(image, "etc/owned") + 24), "has another owner"),
    "beside all": (0, lambda image: flipped(image, 0), "the image has other bytes"),
    "superblock": (0, lambda image: flipped(image, 1024), "cannot be read: "),
    "cut": (0, lambda image: os.truncate(image, image.stat().st_size // 2), "cannot be read: "),
    "empty": (1, lambda image: os.truncate(image, 0), "cannot be read: "),
    "missing": (1, lambda image: image.unlink(), "is missing"),
}


@pytest.mark.parametrize("kind", IMAGE_DAMAGES)
def test_a_damaged_image_is_found_and_rebuilt(store, image, kind):
    must_be_found_and_rebuilt(store, image, *IMAGE_DAMAGES[kind])


def must_be_found_and_rebuilt(store, image, index, damage, problem):
    record, = store.records()
    chain_id = record["layers"][index]
    inodes = {path.name: path.stat().st_ino for path in (store.root / "layers").iterdir()}
    kind = tree_in(store.layer(chain_id)).name
    damage(tree_in(store.layer(chain_id)))
    found, = store.check()["damages"]
    assert (found["kind"], found["name"], found["images"]) == ("layer", chain_id, [image])
    assert problem in found["problem"]
    assert "not repaired" not in store.berth("system", "check").out

    repaired = store.json("system", "check", "--repair")
    assert [each["repaired"] for each in repaired["damages"]] == [True], repaired
    store.assert_well(images=1)
    for path in (store.root / "layers").iterdir():
        assert (path.stat().st_ino == inodes[path.name]) == (path.name != chain_id.split(":")[1]), "only the damaged one"
    assert tree_in(store.layer(chain_id)).name == kind


def test_a_missing_layer_is_rebuilt(store, image):
    record, = store.records()
    subprocess.run(["rm", "-r", store.layer(record["layers"][0])], check=True)
    assert [each["problem"] for each in store.check()["damages"]] == ["is missing"]
    store.must("system", "check", "--repair")
    store.assert_well(images=1)


def test_damaged_and_missing_blobs_are_fetched_again(tmp_path, registry):
    store = StoreRoot(tmp_path / "store")
    reference = registry.push(oci_layout.small(tmp_path / "layout"), "app:1")
    store.must("pull", reference)
    record, = store.records()
    manifest = json.loads(store.blob(record["manifest_digest"]).read_text())
    victims = [record["manifest_digest"], record["config_digest"], *(each["digest"] for each in manifest["layers"])]
    for digest in victims[:-1]:
        damage_content(store.blob(digest))
    store.blob(victims[-1]).unlink()
    report = store.check()
    assert {each["name"] for each in report["damages"] if each["kind"] == "blob"} >= {*victims[:-1]}
    repaired = store.json("system", "check", "--repair")
    assert all(each["repaired"] and each["repair"] == f"fetched again from {reference}" for each in repaired["damages"])
    store.assert_well(images=1)


def test_what_cannot_be_fetched_stays_reported(store, image, tmp_path):
    record, = store.records()
    manifest = json.loads(store.blob(record["manifest_digest"]).read_text())
    digest = manifest["layers"][0]["digest"]
    (tmp_path / "layout/blobs/sha256" / digest.split(":")[1]).unlink()
    damage_content(store.blob(digest))
    outcome = store.berth("system", "check", "--repair")
    assert outcome.code == 1
    assert digest in outcome.out and "not repaired: " in outcome.out and image in outcome.out
    assert store.blob(digest).exists(), "nothing is thrown away that may still be of use"


def test_a_task_that_runs_on_a_damaged_layer_keeps_it(fresh, layouts):
    script = "echo ready; while [ ! -e /stop ]; do sleep 0.05; done; cat /etc/passwd >/dev/null && echo still"
    with fresh.start(task(sh(script))) as running:
        running.wait_for("ready")
        layer, = (fresh.root / "layers").iterdir()
        flipped(layer / "fs.erofs", 0)
        assert fresh.berth("system", "check", "--repair").code == 0
        replaced, = (fresh.root / "layers").iterdir()
        assert (replaced / "fs.erofs").read_bytes()[0] == 0
        old, = (fresh.root / "tmp").glob("*.old")
        assert (old / "fs.erofs").read_bytes()[0] == 1, "the task stands on it"
        assert fresh.berth("images").code == 0  # opens, and sweeps what nobody holds
        assert old.exists()
        pid = running.pids()[0]
        open(f"/proc/{pid}/root/stop", "w").close()
        assert running.wait().lines()[-1] == "still"
    assert fresh.berth("images").code == 0
    assert list((fresh.root / "tmp").iterdir()) == []


def test_a_damaged_lease_is_found_and_goes_with_its_task(store, image):
    lease = store.root / "leases" / "0123456789abcdef.json"
    lease.parent.mkdir()
    lease.write_text("{")
    assert [(each["kind"], each["name"]) for each in store.check()["damages"]] == [("lease", str(lease))]
    store.must("system", "check", "--repair")
    assert not lease.exists()
    store.assert_well(images=1)
