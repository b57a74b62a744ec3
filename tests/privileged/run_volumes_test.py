"""`berth run`: volumes of the host and of the task."""

import json
import os

import leak_census
import pytest
from berth import Instance, sh, task
from waiting import wait_until


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
        mounted("echo hello >/input/new; mv /input/new /input/made", "writer", path="/input", essential=False),
        volumes=[{"name": "data"}])
    assert berth.run(definition).lines() == ["hello"]
    assert berth.run(task(mounted("ls /data | wc -l"), volumes=[{"name": "data", "host": {}}])).lines() == ["0"]


def test_volumes_from_brings_anothers_mounts(berth, tmp_path):
    definition = task(
        mounted("sleep 5", "owner", essential=False, stopTimeout=2),
        sh("touch /data/x 2>/dev/null || echo refused", volumesFrom=[{"sourceContainer": "owner", "readOnly": True}]),
        volumes=host_volume(tmp_path))
    assert berth.run(definition).lines() == ["refused"]


# ---- dockerVolumeConfiguration ----

def docker_volume(name="data", **configuration):
    return [{"name": name, "dockerVolumeConfiguration": configuration}]


@pytest.fixture
def named(berth):
    """Named volumes that a test makes, removed at its end."""
    yield lambda *arguments: berth.berth("volume", *arguments)
    assert berth.berth("volume", "prune").code == 0
    assert berth.berth("volume", "ls", "--quiet").out == ""


def test_volume_of_scope_task_goes_with_the_task(berth):
    definition = task(mounted("echo x >/data/x; ls -A /data"), volumes=docker_volume(scope="task"))
    assert [berth.run(definition).lines() for _ in range(2)] == [["x"], ["x"]]
    assert berth.berth("volume", "ls", "--quiet").out == ""


def test_shared_volume_stays_with_the_owners_of_inside(berth, named):
    volumes = docker_volume(scope="shared", autoprovision=True, labels={"team": "web"})
    script = "echo kept >/data/file; touch /data/user; chown 1000:50 /data/user"
    assert berth.run(task(mounted(script), volumes=volumes)).code == 0
    later = task(mounted("cat /data/file; stat -c '%u %g' /data/file /data/user"), volumes=docker_volume(scope="shared"))
    assert berth.run(later).lines() == ["kept", "0 0", "1000 50"]
    [volume] = json.loads(named("inspect", "data").out)
    assert volume["Labels"] == {"team": "web"} and not volume["InUse"]
    assert os.stat(os.path.join(volume["Mountpoint"], "user")).st_uid == 1000
    [df] = [json.loads(berth.berth("system", "df", "--format", "json").out)["namedVolumes"]]
    assert (df["total"], df["inUse"]) == (1, 0) and df["bytes"] >= 4096


def test_shared_volume_that_is_not_there_fails_the_task(berth, named):
    outcome = berth.run(task(mounted("true"), volumes=docker_volume(scope="shared")))
    assert outcome.code == 125
    assert ("ResourceInitializationError: initialize volume: volume detection failed, volume 'data' does not exist and "
            "autoprovision is set to false") in outcome.err
    assert named("create", "data").out == "data\n"
    assert berth.run(task(mounted("true"), volumes=docker_volume(scope="shared"))).code == 0
    again = named("create", "data")
    assert (again.code, "there is one of that name already" in again.err) == (125, True)
    for bad in (("create", "a/b"), ("create", "x", "--opt", "size=1"), ("rm", "data", "nothing"), ("inspect", "../x")):
        assert named(*bad).code == 125, bad
    assert named("rm", "data").out == "data\n"


def test_volume_of_a_running_task_is_not_removed(berth, named, detached):
    volumes = docker_volume(scope="shared", autoprovision=True)
    found = detached(task(mounted("sleep 60", stopTimeout=2), volumes=volumes))
    for command in (("rm", "data"), ("prune",)):
        outcome = named(*command)
        assert outcome.out == ""
    assert "a task has it" in named("rm", "data").err
    assert berth.berth("stop", "--kill", found).code == 0
    wait_until(lambda: named("prune").out == "data\n")


def test_volume_is_filled_with_what_the_image_has_there(berth, named):
    """Docker's rule: once, when it is empty; with the owner and mode of the image's directory."""
    whole = berth.run(task(mounted("stat -c '%u %a' /bin; echo /bin/*"), volumes=[{"name": "data"}]))
    owner, programs = whole.lines()
    volumes = docker_volume(scope="shared", autoprovision=True)
    outcome = berth.run(task(mounted("stat -c '%u %a' /bin; echo /bin/*; rm /bin/cat", path="/bin"), volumes=volumes))
    assert outcome.lines() == [owner, programs], outcome
    assert berth.run(task(mounted("test -e /bin/cat || echo gone", path="/bin"), volumes=volumes)).lines() == ["gone"]
    own = berth.run(task(mounted("echo /bin/*", path="/bin"), volumes=[{"name": "data"}]))
    assert own.lines() == [programs]


def test_bind_of_driver_opts_is_a_directory_of_the_host(berth, tmp_path):
    (tmp_path / "given").write_text("here\n")
    options = {"type": "none", "o": "bind", "device": str(tmp_path)}
    script = "cat /data/given; touch /data/made; stat -c %u /data/made"
    assert berth.run(task(mounted(script), volumes=docker_volume(driverOpts=options))).lines() == ["here", "0"]
    assert (tmp_path / "made").stat().st_uid == 0
    options["o"] = "bind,ro"
    script = "cat /data/given; touch /data/x 2>/dev/null || echo refused"
    assert berth.run(task(mounted(script), volumes=docker_volume(driverOpts=options))).lines() == ["here", "refused"]
    options["device"] += "/nowhere"
    outcome = berth.run(task(mounted("true"), volumes=docker_volume(driverOpts=options)))
    assert outcome.code == 125 and "failed to mount local volume" in outcome.err and "No such file" in outcome.err, outcome


def test_tmpfs_of_driver_opts_has_its_size_and_owner(berth):
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=1m,uid=1000,mode=0750,noexec"}
    script = ("stat -f -c %T /data; stat -c '%u %g %a' /data; touch /data/x; stat -c %u /data/x; "
              "dd if=/dev/zero of=/data/big bs=1k count=2048 2>&1 | grep -o 'No space'; grep -o '/data.*noexec' /proc/mounts | wc -l")
    outcome = berth.run(task(mounted(script), volumes=docker_volume(driverOpts=options)))
    assert outcome.lines() == ["tmpfs", "1000 0 750", "0", "No space", "1"], outcome


def test_what_the_host_cannot_mount_is_said(berth):
    options = {"type": "nosuchfs", "device": "none"}
    outcome = berth.run(task(mounted("true"), volumes=docker_volume(driverOpts=options)))
    assert outcome.code == 125 and 'the kernel of this host has no file system "nosuchfs"' in outcome.err, outcome
    options = {"type": "nfs", "o": "addr=127.0.0.1,soft,timeo=1,retrans=1", "device": ":/export"}
    outcome = berth.run(task(mounted("true"), volumes=docker_volume(driverOpts=options)))
    assert outcome.code == 125 and "nfs cannot map the ids of a task; --userns=host does without" in outcome.err, outcome


# ---- efsVolumeConfiguration ----

def efs_volume(file_system, **configuration):
    return [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": file_system, **configuration}}]


@pytest.fixture
def efs(tmp_path, warm):
    """An instance whose berth.json knows file systems, and the directory that stands for the first of them."""
    directory = tmp_path / "efs"
    (directory / "team" / "inner").mkdir(parents=True)
    (directory / "team" / "file").write_text("of the team\n")
    point = {"path": "/points/app", "ownerUid": 1000, "ownerGid": 50, "permissions": "0750"}
    config = {"efs": {"fs-12345678": str(directory), "fs-0a1b2c3d": {"path": str(directory), "accessPoints": {"fsap-app": point}},
                      "fs-87654321": {"server": "127.0.0.1"}},
              "roles": {"role": {"profile": "nobody asks for its keys"}}}
    instance = Instance(tmp_path, warm.images, config)
    before = leak_census.take(instance.state, instance.root)
    yield instance, directory
    leak_census.assert_equal(before, instance.state, instance.root)


def test_efs_is_a_directory_of_the_host(efs):
    instance, directory = efs
    script = "cat /data/team/file; touch /data/made; stat -c %u /data/made"
    definition = task(mounted(script), volumes=efs_volume("fs-12345678", transitEncryption="ENABLED"))
    assert instance.run(definition).lines() == ["of the team", "0"]
    assert (directory / "made").stat().st_uid == 0
    script = "cat /data/file; touch /data/x 2>/dev/null || echo refused"
    definition = task(mounted(script, read_only=True), volumes=efs_volume("fs-12345678", rootDirectory="/team"))
    assert instance.run(definition).lines() == ["of the team", "refused"]
    (directory / "out").symlink_to("/")
    (directory / "up").symlink_to("../../../../team")
    whole = instance.run(task(mounted("ls /data"), volumes=efs_volume("fs-12345678", rootDirectory="/out"))).lines()
    assert whole == ["made", "out", "team", "up"], "the root of a symlink is that of the file system"
    assert instance.run(task(mounted("ls /data"), volumes=efs_volume("fs-12345678", rootDirectory="/up"))).lines() == ["file", "inner"]
    explained = instance.berth("explain", instance.write(definition))
    assert "RESOLVE_IN_ROOT" in explained.out and "volume data" in explained.out, explained


def test_efs_access_point_is_made_with_its_owner(efs):
    instance, directory = efs
    volumes = efs_volume("fs-0a1b2c3d", transitEncryption="ENABLED", authorizationConfig={"accessPointId": "fsap-app", "iam": "ENABLED"})
    outcome = instance.run(task(mounted("stat -c '%u %g %a' /data; touch /data/x", user="1000:50"), volumes=volumes))
    assert (outcome.code, outcome.lines()) == (0, ["1000 50 750"]), outcome
    assert (directory / "points" / "app" / "x").stat().st_uid == 1000


def test_s3_files_are_served_as_efs_is(efs):
    instance, directory = efs
    arn = "arn:aws:s3files:us-east-1:123456789012:file-system/"

    def volume(file_system, **more):
        return {"taskRoleArn": "role", "volumes": [{"name": "data", "s3filesVolumeConfiguration": {
            "fileSystemArn": arn + file_system, **more}}]}

    outcome = instance.run(task(mounted("echo by s3 >/data/s3; ls /data/team"), **volume("fs-12345678")))
    assert outcome.code == 0, outcome
    assert (directory / "s3").read_text() == "by s3\n"
    point = f"{arn}fs-0a1b2c3d/access-point/fsap-app"
    outcome = instance.run(task(mounted("touch /data/by-point"), **volume("fs-0a1b2c3d", accessPointArn=point)))
    assert outcome.code == 0, outcome
    assert (directory / "s3").exists() and list(directory.glob("**/by-point"))
    outcome = instance.run(task(mounted("true"), **volume("fs-99999999")))
    assert outcome.code == 125 and "ResourceInitializationError: failed to invoke EFS utils commands" in outcome.err, outcome


def test_efs_that_cannot_be_had_stops_the_task(efs):
    instance, _ = efs
    failure = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "
    point = {"transitEncryption": "ENABLED", "authorizationConfig": {"accessPointId": "fsap-none"}}
    for volumes, why in ((efs_volume("fs-99999999"), 'Failed to resolve "fs-99999999.efs.us-east-1.amazonaws.com"'),
                         (efs_volume("fs-12345678", rootDirectory="/nowhere"), "/nowhere: No such file or directory"),
                         (efs_volume("fs-0a1b2c3d", **point), "the access point fsap-none does not exist"),
                         (efs_volume("fs-87654321", transitEncryption="ENABLED"), "in the clear"),
                         (efs_volume("fs-87654321"), "--userns=host")):
        outcome = instance.run(task(mounted("true"), volumes=volumes))
        assert outcome.code == 125 and failure in outcome.err and why in outcome.err, outcome
