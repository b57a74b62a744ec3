"""`berth run`: volumes of the host and of the task."""

import os

from berth import sh, task


def mounted(script, name="main", path="/data", read_only=False, **fields):
    mounts = [{"sourceVolume": "data", "containerPath": path, "readOnly": read_only}]
    return sh(script, name, mountPoints=mounts, **fields)


def host_volume(directory):
    return [{"name": "data", "host": {"sourcePath": str(directory)}}]


def test_host_directory_is_seen_and_written(berth, tmp_path):
    (tmp_path / "given").write_text("from the host\n")
    outcome = berth.run(task(mounted("cat /data/given; echo back >/data/made"), volumes=host_volume(tmp_path)))
    assert outcome.lines() == ["from the host"]
    assert (tmp_path / "made").read_text() == "back\n"


def test_owners_are_the_same_inside_and_on_the_host(berth, tmp_path):
    """The task's ids are mapped back by the mount: root's files are root's, on disk and inside."""
    (tmp_path / "given").touch()
    os.chown(tmp_path / "given", 1000, 50)
    script = "stat -c '%u %g' /data/given; touch /data/root; touch /data/user; chown 1000:50 /data/user"
    outcome = berth.run(task(mounted(script), volumes=host_volume(tmp_path)))
    assert outcome.lines() == ["1000 50"]
    for name, owner in {"root": (0, 0), "user": (1000, 50)}.items():
        made = (tmp_path / name).stat()
        assert (made.st_uid, made.st_gid) == owner


def test_missing_host_directory_is_made(berth, tmp_path):
    outcome = berth.run(task(mounted("touch /data/x"), volumes=host_volume(tmp_path / "new" / "one")))
    assert outcome.code == 0
    assert (tmp_path / "new" / "one" / "x").exists()


def test_host_file_can_be_mounted(berth, tmp_path):
    (tmp_path / "file").write_text("content\n")
    assert berth.run(task(mounted("cat /etc/given", path="/etc/given"), volumes=host_volume(tmp_path / "file"))).lines() == ["content"]


def test_read_only_mount_refuses_writes(berth, tmp_path):
    outcome = berth.run(task(mounted("touch /data/x", read_only=True), volumes=host_volume(tmp_path)))
    assert outcome.code != 0
    assert not (tmp_path / "x").exists()


def test_empty_volume_is_shared_and_ends_with_the_task(berth):
    definition = task(
        mounted("until test -e /data/made; do usleep 20000; done; cat /data/made"),
        mounted("echo hello >/input/made", "writer", path="/input", essential=False),
        volumes=[{"name": "data"}])
    assert berth.run(definition).lines() == ["hello"]
    assert berth.run(task(mounted("ls /data | wc -l"), volumes=[{"name": "data", "host": {}}])).lines() == ["0"]


def test_volumes_from_brings_anothers_mounts(berth, tmp_path):
    definition = task(
        mounted("sleep 5", "owner", essential=False, stopTimeout=2),
        sh("touch /data/x 2>/dev/null || echo refused", volumesFrom=[{"sourceContainer": "owner", "readOnly": True}]),
        volumes=host_volume(tmp_path))
    assert berth.run(definition).lines() == ["refused"]
