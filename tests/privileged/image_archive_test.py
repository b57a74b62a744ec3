"""`berth save`, `load`, `tag`, `rmi`: archives that other tools read, and theirs."""

import hashlib
import json
import shutil
import subprocess
import tempfile

import pytest

from berth import Instance, sh, task
from image_pull_test import census
from layer_tree import tree_in

TOOLS = {"check": True, "capture_output": True, "text": True}


def skopeo(*arguments):
    return subprocess.run(["skopeo", "--insecure-policy", *map(str, arguments)], **TOOLS).stdout


def good(berth, *arguments, **options):
    outcome = berth.berth(*arguments, **options)
    assert outcome.code == 0, outcome
    return outcome.out


def images(berth):
    return {image["reference"]: image for image in json.loads(good(berth, "images", "--format", "json"))}


def layer_tree(berth, reference):
    """What the image's layers hold, one census a layer."""
    layers = images(berth)[reference]["layers"]
    return [census(tree_in(berth.root / "layers" / layer[7:])) for layer in layers]


@pytest.fixture
def podman():
    """podman with a storage of its own. Its directories must have short names."""
    directory = tempfile.mkdtemp(prefix="podman-", dir="/tmp")
    command = ["podman", "--root", f"{directory}/root", "--runroot", f"{directory}/run", "--storage-driver", "vfs"]
    yield lambda *arguments: subprocess.run([*command, *map(str, arguments)], **TOOLS).stdout
    subprocess.run([*command, "system", "reset", "--force"], check=False, capture_output=True)
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def stocked(fresh, layouts):
    """An instance with app:1 and app:again (busybox), and team/web:1 (nginx, several layers)."""
    for layout, names in (("busybox", ("app:1", "app:again")), ("nginx", ("r.example/team/web:1",))):
        good(fresh, "pull", f"oci:{layouts[layout]}:latest")
        for name in names:
            good(fresh, "tag", f"oci:{layouts[layout]}:latest", name)
        good(fresh, "rmi", f"oci:{layouts[layout]}:latest")
    return fresh


def test_tag_and_rmi(stocked):
    digest = images(stocked)["docker.io/library/app:1"]["digest"]
    assert stocked.run(task({**sh("echo tagged"), "image": "app:again"})).lines() == ["tagged"]
    refused = stocked.berth("rmi", "app:1", "app:never")
    assert refused.code == 125 and "app:never is not in the store" in refused.err
    assert len(images(stocked)) == 3, "removed nothing"
    good(stocked, "rmi", f"app:1@{digest}")
    assert "docker.io/library/app:1" not in images(stocked)
    good(stocked, "rmi", digest, "r.example/team/web:1")
    assert images(stocked) == {} and not list((stocked.root / "blobs/sha256").iterdir())


def test_saved_twice_the_bytes_are_the_same(stocked, tmp_path):
    for form in ("oci-archive", "docker-archive"):
        archives = [tmp_path / f"{form}.{n}" for n in (1, 2)]
        good(stocked, "save", "--format", form, "-o", archives[0], "app:1", "r.example/team/web:1")
        with open(archives[1], "wb") as out:
            subprocess.run(stocked.command(("save", "--format", form, "app:1", "r.example/team/web:1")), stdout=out,
                           check=True, env=stocked.environment)
        assert archives[0].read_bytes() == archives[1].read_bytes()
        assert not list(tmp_path.glob("*.tmp"))


def test_saved_layout_keeps_the_digest_for_skopeo_and_umoci(stocked, tmp_path):
    digest = images(stocked)["r.example/team/web:1"]["digest"]
    good(stocked, "save", "--format", "oci-dir", "-o", tmp_path / "dir", "r.example/team/web:1")
    good(stocked, "save", "-o", tmp_path / "web.tar", "r.example/team/web:1")
    for source in (f"oci:{tmp_path}/dir:1", f"oci-archive:{tmp_path}/web.tar:1"):
        raw = skopeo("inspect", "--raw", source)
        assert "sha256:" + hashlib.sha256(raw.encode()).hexdigest() == digest
    subprocess.run(["umoci", "ls", "--layout", tmp_path / "dir"], **TOOLS)
    # umoci knows no zstd layers, which nginx has.
    good(stocked, "save", "--format", "oci-dir", "-o", tmp_path / "app", "app:1")
    subprocess.run(["umoci", "raw", "unpack", "--image", f"{tmp_path}/app:1", tmp_path / "bundle"], **TOOLS)
    assert census(tmp_path / "bundle") == layer_tree(stocked, "docker.io/library/app:1")[0]


def test_saved_docker_archive_is_loaded_by_podman_and_skopeo(stocked, podman, tmp_path):
    archive = tmp_path / "images.tar"
    good(stocked, "save", "--format", "docker-archive", "-o", archive, "app:1", "app:again", "r.example/team/web:1")
    podman("load", "-i", archive)
    known = {name: "sha256:" + image["Id"] for image in json.loads(podman("images", "--format", "json"))
             for name in image["Names"]}
    assert known == {name: image["configDigest"] for name, image in images(stocked).items()}
    skopeo("copy", f"docker-archive:{archive}:app:again", f"oci:{tmp_path}/copied:x")


def test_saved_oci_archive_is_loaded_by_podman(stocked, podman, tmp_path):
    good(stocked, "save", "-o", tmp_path / "app.tar", "app:1")
    assert "docker.io/library/app:1" in podman("load", "-i", tmp_path / "app.tar")


def test_saved_by_podman_and_skopeo_is_loaded(fresh, podman, layouts, tmp_path):
    identity = podman("pull", "--quiet", f"oci:{layouts['busybox']}:latest").strip()
    for name in ("localhost/one:1", "localhost/two:2"):
        podman("tag", identity, name)
    for form in ("oci-archive", "docker-archive"):
        podman("save", "--format", form, "-o", tmp_path / form, "localhost/one:1")
    podman("save", "--multi-image-archive", "-o", tmp_path / "both", "localhost/one:1", "localhost/two:2")
    for archive in ("oci-archive", "docker-archive", "both"):
        assert "localhost/one:1@sha256:" in good(fresh, "load", "-i", tmp_path / archive)
    assert set(images(fresh)) == {"localhost/one:1", "localhost/two:2"}
    assert fresh.run(task({**sh("echo loaded"), "image": "localhost/two:2"})).lines() == ["loaded"]

    skopeo("copy", f"oci:{layouts['busybox']}:latest", f"oci-archive:{tmp_path}/tag.tar:7")
    refused = fresh.berth("load", "-i", tmp_path / "tag.tar")
    assert refused.code == 125 and '"7" only' in refused.err and "--name" in refused.err
    good(fresh, "load", "-i", tmp_path / "tag.tar", "--name", "named")
    assert "docker.io/library/named:7" in images(fresh)


def test_what_was_saved_is_loaded_elsewhere_and_is_the_same(stocked, layouts, tmp_path):
    """Several images in one archive, through a pipe, to an empty store; and from there once more."""
    names = ["app:1", "app:again", "r.example/team/web:1"]
    for form in ("oci-archive", "docker-archive"):
        (tmp_path / form).mkdir()
        other = Instance(tmp_path / form, {})
        save = subprocess.Popen(stocked.command(("save", "--format", form, *names)), stdout=subprocess.PIPE,
                                env=stocked.environment)
        load = subprocess.run(other.command(("load",)), stdin=save.stdout, capture_output=True, text=True,
                              env=other.environment, check=False)
        save.stdout.close()
        assert save.wait() == 0 and load.returncode == 0, load.stderr
        here, there = images(stocked), images(other)
        assert set(here) == set(there)
        for name, image in here.items():
            assert image["layers"] == there[name]["layers"] and image["configDigest"] == there[name]["configDigest"]
            assert layer_tree(stocked, name) == layer_tree(other, name)
            if form == "oci-archive":
                assert image["digest"] == there[name]["digest"]
        # Layers that are there already under other blobs: both kinds can still be saved.
        good(stocked, "save", "--format", "docker-archive", "-o", tmp_path / f"{form}.tar", *names)
        good(stocked, "load", "-i", tmp_path / f"{form}.tar")
        good(stocked, "save", "-o", tmp_path / f"{form}.again", *names)
        good(stocked, "load", "-i", tmp_path / f"{form}.again")


@pytest.mark.parametrize("damage", ["garbage", "truncated", "no index", "missing layer", "escaping"])
def test_bad_archives_leave_nothing(fresh, stocked_archive, tmp_path, damage):
    bad = tmp_path / "bad.tar"
    content = stocked_archive.read_bytes()
    tree = tmp_path / "tree"
    tree.mkdir()
    if damage == "garbage":
        bad.write_bytes(b"\xffgarbage" * 1000)
    elif damage == "truncated":
        bad.write_bytes(content[: len(content) // 2])
    elif damage == "no index":
        (tree / "hello").write_text("hello")
        subprocess.run(["tar", "-C", tree, "-cf", bad, "."], check=True)
    else:
        name = "nowhere.tar" if damage == "missing layer" else "../../etc/passwd"
        (tree / "c.json").write_text("{}")
        (tree / "manifest.json").write_text(json.dumps([{"Config": "c.json", "RepoTags": ["x:1"], "Layers": [name]}]))
        subprocess.run(["tar", "-C", tree, "-cf", bad, "."], check=True)
    outcome = fresh.berth("load", "-i", bad)
    assert outcome.code == 125 and outcome.err.count("\n") == 1 and str(bad) in outcome.err, outcome
    assert images(fresh) == {}


@pytest.fixture
def stocked_archive(layouts, tmp_path):
    skopeo("copy", f"oci:{layouts['busybox']}:latest", f"oci-archive:{tmp_path}/whole.tar:app:1")
    return tmp_path / "whole.tar"
