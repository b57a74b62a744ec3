"""Volumes on a server of NFS, which stands for a file system of Amazon EFS: the kernel's own server, version 4 alone, in the
network namespace of this file. Kernels without NFS are told so; tests/guest has one with it."""

import os
import pathlib
import signal
import subprocess

import pytest

import leak_census
from berth import Instance, sh, task
from waiting import wait_until

NEEDED = {"nfs4", "nfsd"}
NFSD = pathlib.Path("/proc/fs/nfsd")
WAITS = "trap 'exit 0' TERM; while :; do usleep 50000; done"
DATA = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
HOST_IDS = "--userns=host"  # NFS cannot map them
FAILURE = "ResourceInitializationError: failed to invoke EFS utils commands to set up EFS volumes: stderr: "


def known_file_systems():
    return {line.split()[-1] for line in pathlib.Path("/proc/filesystems").read_text().splitlines()}


class Server:
    """Exports `directory` to the loopback, while the context lasts."""

    def __init__(self, directory):
        self.directory = directory
        self.exports = [f"127.0.0.1:{directory}", f"[::1]:{directory}"]

    def __enter__(self):
        subprocess.run(["mount", "-t", "nfsd", "nfsd", NFSD], check=True)
        # "insecure": clients come from any port, as those of EFS do.
        options = "rw,sync,fsid=0,no_root_squash,no_subtree_check,insecure"
        subprocess.run(["exportfs", "-o", options, *self.exports], check=True)
        self.mountd = subprocess.Popen(["rpc.mountd", "--foreground", "--no-nfs-version", "3"], stdin=subprocess.DEVNULL)
        # Who opens a file waits until those of before could have claimed theirs: ten seconds at the least.
        subprocess.run(["rpc.nfsd", "--no-nfs-version", "3", "--no-udp", "--grace-time", "10", "--lease-time", "10", "4"], check=True)
        return self

    def __exit__(self, *_):
        subprocess.run(["rpc.nfsd", "0"], check=False)
        self.mountd.terminate()
        self.mountd.wait()
        subprocess.run(["exportfs", "-u", *self.exports], check=False)
        subprocess.run(["umount", NFSD], check=False)

    @staticmethod
    def clients():
        """Those that have it mounted: the last unmount says so to the server."""
        return os.listdir(NFSD / "clients")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    subprocess.run(["modprobe", "--quiet", "--all", "nfsv4", "nfsd"], check=False)
    missing = NEEDED - known_file_systems()
    if missing:
        pytest.skip(f"this kernel has no file system {', '.join(sorted(missing))}: neither built in nor as a module")
    directory = tmp_path_factory.mktemp("export")
    (directory / "team").mkdir()
    (directory / "team" / "file").write_text("of the team\n")
    (directory / "app").mkdir()
    os.chown(directory / "app", 1000, 1000)
    with Server(directory) as running:
        yield running


@pytest.fixture(scope="module")
def served_instance(server, tmp_path_factory, layouts):
    images = {name: f"oci:{layout}:latest" for name, layout in layouts.items()}
    point = {"path": "/app"}
    config = {"efs": {"fs-12345678": {"server": "127.0.0.1", "accessPoints": {"fsap-app": point}},
                      "fs-0a1b2c3d": {"server": "127.0.0.1", "path": "/team"}, "fs-66666666": {"server": "::1", "path": "/team"},
                      "fs-99999999": {"server": "127.0.0.1", "path": "/nowhere"}}}
    made = Instance(tmp_path_factory.mktemp("nfs"), images, config)
    assert made.run(task(sh("true"))).code == 0
    return made


@pytest.fixture
def served(served_instance, server):
    before = leak_census.take(served_instance.state, served_instance.root)
    yield served_instance
    wait_until(lambda: server.clients() == [], f"nobody has it mounted: {server.clients()}", seconds=60)
    leak_census.assert_equal(before, served_instance.state, served_instance.root)


def volume(file_system="fs-12345678", **configuration):
    return {"volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": file_system, **configuration}}]}


def test_it_is_read_and_written_on_the_servers_side(served, server):
    script = ("grep ' /data ' /proc/mounts | cut -d' ' -f1,3; grep -o 'vers=4.1' /proc/mounts | head -n 1; "
              "cat /data/team/file; echo written >/data/made && stat -c '%u %g' /data/made")
    outcome = served.run(task(sh(script, **DATA), **volume()), HOST_IDS)
    assert outcome.lines() == ["127.0.0.1:/ nfs4", "vers=4.1", "of the team", "0 0"], outcome
    assert (server.directory / "made").read_text() == "written\n"


def test_parts_of_it_and_owners_are_those_of_the_server(served, server):
    team = served.run(task(sh("ls /data; touch /data/x || echo refused", mountPoints=[{**DATA["mountPoints"][0], "readOnly": True}]),
                           **volume(rootDirectory="/team")), HOST_IDS)
    assert team.lines()[0] == "file" and team.lines()[-1] == "refused", team
    for file_system in ("fs-0a1b2c3d", "fs-66666666"):  # by IPv4 and by IPv6
        assert served.run(task(sh("cat /data/file", **DATA), **volume(file_system)), HOST_IDS).lines() == ["of the team"]
    point = {"authorizationConfig": {"accessPointId": "fsap-app"}}
    outcome = served.run(task(sh("id -u; touch /data/mine && echo made", user="1000:1000", **DATA), **volume(**point)), HOST_IDS)
    assert outcome.lines() == ["1000", "made"], outcome
    assert (server.directory / "app" / "mine").stat().st_uid == 1000


def test_a_docker_volume_names_a_server_itself(served, server):
    options = {"type": "nfs", "device": ":/team", "o": "addr=127.0.0.1,vers=4.1"}
    volumes = [{"name": "data", "dockerVolumeConfiguration": {"scope": "task", "driver": "local", "driverOpts": options}}]
    outcome = served.run(task(sh("cat /data/file; echo by docker >/data/other", **DATA), volumes=volumes), HOST_IDS)
    assert outcome.lines() == ["of the team"], outcome
    assert (server.directory / "team" / "other").read_text() == "by docker\n"


def test_it_outlives_berth_and_goes_with_its_supervisor(served, server):
    """Nobody of berth is left beside the supervisor; what is told to the container reaches the server all the same."""
    begun = served.run(task(sh(WAITS, **DATA), **volume()), HOST_IDS, "--detach")
    assert begun.code == 0, begun
    task_id = begun.out.strip()
    assert len(server.clients()) == 1
    assert served.berth("exec", task_id, "sh", "-c", "echo later >/data/later").code == 0
    assert (server.directory / "later").read_text() == "later\n"
    os.kill(served.listed(task_id)["supervisorPid"], signal.SIGKILL)
    wait_until(lambda: server.clients() == [], "its mount went with it", seconds=60)
    assert served.berth("system", "sweep").code == 0


def test_a_berth_that_is_killed_in_the_foreground_leaves_no_mount(served, server):
    with served.start(task(sh("echo ready; " + WAITS, stopTimeout=2, **DATA), **volume()), HOST_IDS) as running:
        running.wait_for("ready")
        running.process.kill()
        running.process.wait()
    wait_until(lambda: server.clients() == [], "its mount went with it", seconds=60)
    assert served.berth("system", "sweep").code == 0


def test_what_the_server_does_not_have_stops_the_task(served):
    for wanted, why in ((volume("fs-99999999"), "No such file or directory"),
                        (volume(rootDirectory="/none"), "/none: No such file or directory"),
                        (volume(transitEncryption="ENABLED"), "in the clear")):
        outcome = served.run(task(sh("true", **DATA), **wanted), HOST_IDS)
        assert outcome.code == 125 and FAILURE in outcome.err and why in outcome.err, outcome
    mapped = served.run(task(sh("true", **DATA), **volume()))
    assert mapped.code == 125 and FAILURE in mapped.err and HOST_IDS in mapped.err, mapped
