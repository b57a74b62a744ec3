"""`berth run`: where images come from."""

import json
import pathlib
import subprocess
import time

import pytest

from berth import task
from image_layers import Layout, entry, tar
from registry import Registry
from waiting import wait_until


def container(image, *command):
    return {"name": "main", "image": image, "memory": 64, "command": list(command or ("echo", "ran"))}


def skopeo_copy(source, target):
    subprocess.run(["skopeo", "copy", "--insecure-policy", "--quiet", str(source), str(target)], check=True)


def test_layout_directory(fresh, layouts):
    for image in (f"oci:{layouts['busybox']}:latest", f"oci:{layouts['busybox']}"):
        assert fresh.run(task(container(image))).lines() == ["ran"]


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_archive(fresh, layouts, tmp_path, form):
    tag = "latest" if form == "oci-archive" else "busybox:latest"
    skopeo_copy(f"oci:{layouts['busybox']}:latest", f"{form}:{tmp_path}/image.tar:{tag}")
    assert fresh.run(task(container(f"{form}:{tmp_path}/image.tar:{tag}"))).lines() == ["ran"]
    assert fresh.run(task(container(f"{form}:{tmp_path}/image.tar"))).lines() == ["ran"]


def test_owners_that_a_task_has_no_ids_for(fresh, tmp_path):
    """docs/unpacking.md: they would be nobody's in a user namespace of 65,536 ids, whatever the mode allows root."""
    busybox = entry("bin/sh", pathlib.Path("/bin/busybox").read_bytes(), mode=0o755)
    last = tar(busybox, entry("last", uid=65535, gid=65535))
    layout = Layout(tmp_path / "oci")
    good = container(layout.add("good", [last]), "sh", "-c", "busybox stat -c %u:%g last")
    assert fresh.run(task(good)).lines() == ["65535:65535"]
    for kind, ids in (("user", {"uid": 70000}), ("group", {"gid": 65536})):
        image = layout.add(kind, [last, tar(entry("dir/beyond", b"x", mode=0o600, **ids))])
        look = container(image, "sh", "-c", "busybox stat -c %u:%g dir/beyond; cat dir/beyond; chown 0 dir/beyond; echo $?")
        refused = fresh.run(task(look))
        assert refused.code == 125, refused
        for word in (image, "dir/beyond", f"{kind} {max(ids.values())}", "--userns=host"):
            assert word in refused.err, refused
        owner = f"{ids.get('uid', 0)}:{ids.get('gid', 0)}"
        assert fresh.run(task(look), "--userns=host").lines() == [owner, "x0"]


def test_imported_root_file_system(fresh, tmp_path):
    root = tmp_path / "rootfs"
    (root / "bin").mkdir(parents=True)
    subprocess.run(["cp", "/bin/busybox", root / "bin/sh"], check=True)
    subprocess.run(["tar", "-C", root, "-cf", tmp_path / "rootfs.tar", "."], check=True)
    outcome = fresh.berth("import", tmp_path / "rootfs.tar", "mine:1")
    assert outcome.code == 0, outcome
    assert "mine:1" in fresh.berth("images").out
    outcome = fresh.run(task(container("mine:1", "/bin/sh", "-c", "echo imported")))
    assert outcome.lines() == ["imported"]
    assert "registry" not in outcome.err, "nobody is asked for what was made here"


def test_pull_from_a_registry(fresh, registry, layouts):
    reference = registry.push(f"oci:{layouts['busybox']}:latest", "team/busybox:1.0")
    assert fresh.run(task(container(reference))).lines() == ["ran"]


def test_pull_by_digest(fresh, registry, layouts):
    reference = registry.push(f"oci:{layouts['busybox']}:latest", "busybox:latest")
    digest = json.loads((layouts["busybox"] / "index.json").read_text())["manifests"][0]["digest"]
    assert fresh.run(task(container(f"{reference.rsplit(':', 1)[0]}@{digest}"))).lines() == ["ran"]


def test_pull_several_layers_gzip_and_zstd(fresh, registry, layouts):
    reference = registry.push(f"oci:{layouts['nginx']}:latest", "nginx:1")
    web = {"name": "main", "image": reference, "memory": 128, "command": ["-t"]}
    outcome = fresh.run(task(web))
    assert outcome.code == 0
    assert any("test is successful" in line for line in outcome.lines())


def test_docker_schema_2_manifest(fresh, registry, layouts):
    reference = f"{registry.address}/busybox:docker"
    subprocess.run(["skopeo", "copy", "--insecure-policy", "--quiet", "--format", "v2s2", "--dest-tls-verify=false",
                    f"oci:{layouts['busybox']}:latest", f"docker://{reference}"], check=True)
    assert fresh.run(task(container(reference))).lines() == ["ran"]


def test_pull_with_basic_authentication(fresh, tmp_path, layouts):
    with Registry(tmp_path / "private", "someone", "secret") as private:
        reference = private.push(f"oci:{layouts['busybox']}:latest", "busybox:1")
        refused = fresh.run(task(container(reference)))
        assert refused.code == 125 or "CannotPull" in refused.err
        assert "secret" not in refused.err

        credentials = tmp_path / ".docker" / "config.json"
        credentials.parent.mkdir()
        credentials.write_text(json.dumps({"auths": {private.address: {"auth": "c29tZW9uZTpzZWNyZXQ="}}}))
        assert fresh.run(task(container(reference))).lines() == ["ran"]


def test_image_that_is_not_there(fresh, registry):
    reference = f"{registry.address}/no/such:1"
    outcome = fresh.run(task(container(reference)))
    assert outcome.code != 0
    assert "CannotPullContainerError" in outcome.err or "CannotPullImageManifestError" in outcome.err
    assert reference in outcome.err


def test_damaged_layer_is_refused_and_not_kept(fresh, tmp_path, layouts):
    damaged = tmp_path / "damaged"
    subprocess.run(["cp", "-r", layouts["busybox"], damaged], check=True)
    layer = max((damaged / "blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(layer.read_bytes())
    content[len(content) // 2] ^= 1
    layer.write_bytes(content)
    outcome = fresh.run(task(container(f"oci:{damaged}:latest")))
    assert outcome.code != 0
    assert "sha256:" in outcome.err
    layer.write_bytes((layouts["busybox"] / "blobs/sha256" / layer.name).read_bytes())
    assert fresh.run(task(container(f"oci:{damaged}:latest"))).lines() == ["ran"]


def test_a_killed_pull_is_no_hindrance(fresh, registry, layouts):
    """Killed as soon as bytes arrive, and some moments later; what is there then is never taken for whole."""
    reference = registry.push(f"oci:{layouts['nginx']}:latest", "nginx:1")
    definition = task({"name": "main", "image": reference, "memory": 128, "command": ["-t"]})
    arriving, whole = fresh.root / "tmp", fresh.root / "images"

    def is_killed_in_time(milliseconds):
        """Whether that was before the image was whole; when we were late it is removed."""
        with fresh.start(definition) as running:
            wait_until(lambda: running.process.poll() is not None or arriving.is_dir() and any(arriving.iterdir()), pause=0)
            time.sleep(milliseconds / 1000)
            running.process.kill()
            running.process.wait()
        if not (whole.is_dir() and any(whole.iterdir())):
            return True
        assert fresh.berth("rmi", reference).code == 0
        return False

    wait_until(lambda: is_killed_in_time(0), "killed in the middle")
    for milliseconds in (20, 60):
        is_killed_in_time(milliseconds)
    outcome = fresh.run(definition)
    assert outcome.code == 0, outcome
    assert any("test is successful" in line for line in outcome.lines())
    # A program that a killed one had started may have held its lock until now: the next run removes what is left.
    assert fresh.run(definition).code == 0
