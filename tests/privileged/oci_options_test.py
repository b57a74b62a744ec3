"""Options of create and run that no other test is about, by their effects."""

import ctypes
import json
import os
import pathlib
import socket
import subprocess

import pytest


KEYCTL = 250  # x86_64
KEYCTL_JOIN_SESSION_KEYRING = 1


@pytest.mark.skipif(os.uname().machine != "x86_64" or not pathlib.Path("/proc/keys").exists(), reason="needs keyctl by number")
@pytest.mark.parametrize("options,inherited", [((), False), (("--no-new-keyring",), True)])
def test_session_keyring(oci, options, inherited):
    """Seen by possession alone: the container's user owns nothing of ours."""
    def change(config):
        config["process"]["user"] = {"uid": 1000, "gid": 1000}
        config["linux"]["maskedPaths"] = []
    bundle = oci.bundle("c", ["cat", "/proc/keys"], change=change)

    def join():
        ctypes.CDLL(None).syscall(KEYCTL, KEYCTL_JOIN_SESSION_KEYRING, b"berth-test-ring")
    done = subprocess.run(oci._command(("run", *options, "--bundle", bundle, "c")), capture_output=True, text=True,
                          preexec_fn=join, timeout=60, check=False)
    assert done.returncode == 0, done
    assert ("berth-test-ring" in done.stdout) == inherited, done.stdout


def test_without_pivot_the_root_is_the_same(oci):
    def inside(*options):
        bundle = oci.bundle("c", ["sh", "-c", "ls /; cat /proc/self/mountinfo | busybox wc -l; cd ../../..; busybox pwd; ls"])
        done = oci("run", *options, "--bundle", bundle, "c")
        assert done.returncode == 0, done
        return done.stdout
    assert inside("--no-pivot") == inside()


def test_exec_works_without_pivot(oci):
    bundle = oci.bundle("c", ["sleep", "1000"])
    (bundle / "rootfs" / "mark").write_text("here")
    code, log = oci.quiet("run", "-d", "--no-pivot", "--bundle", bundle, "c")
    assert code == 0, log
    assert oci("exec", "c", "cat", "/mark").stdout == "here"


@pytest.mark.parametrize("command", ["create", "run"])
def test_pid_file_and_pidfd_socket(oci, command):
    path = str(oci.directory / "pidfd.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        code, log = oci.quiet(*([command] + (["-d"] if command == "run" else [])), "--pidfd-socket", path, "--pid-file",
                              oci.directory / "pid", "--bundle", oci.bundle("c", ["sleep", "1000"]), "c")
        assert code == 0, log
        connection, _ = listener.accept()
        with connection:
            _, fds, _, _ = socket.recv_fds(connection, 64, 1)
    pid = (oci.directory / "pid").read_text()
    assert pid == str(oci.pid("c"))
    assert f"Pid:\t{pid}" in pathlib.Path(f"/proc/self/fdinfo/{fds[0]}").read_text()
    os.close(fds[0])


def test_a_pid_file_that_cannot_be_written_leaves_nothing(oci):
    done = oci("create", "--pid-file", "/missing/pid", "--bundle", oci.bundle("c", ["true"]), "c")
    assert done.returncode == 1 and "/missing/pid" in done.stderr
    assert oci.status("c") is None


def test_spec_for_a_user_without_rights(oci, tmp_path):
    (tmp_path / "spec").mkdir()
    assert oci("spec", "--rootless", "--bundle", tmp_path / "spec").returncode == 0
    config = json.loads((tmp_path / "spec" / "config.json").read_text())
    kinds = [namespace["type"] for namespace in config["linux"]["namespaces"]]
    assert "user" in kinds and "network" not in kinds
    assert config["linux"]["uidMappings"] == [{"containerID": 0, "hostID": os.geteuid(), "size": 1}]
    assert "resources" not in config["linux"]
    assert not any(option.startswith(("uid=", "gid=")) for mount in config["mounts"] for option in mount.get("options", []))
    again = oci("spec", "--bundle", tmp_path / "spec")
    assert again.returncode == 1 and "exists already" in again.stderr


def test_the_rootless_spec_runs(oci, tmp_path):
    (tmp_path / "spec").mkdir()
    assert oci("spec", "--rootless", "--bundle", tmp_path / "spec").returncode == 0
    config = json.loads((tmp_path / "spec" / "config.json").read_text())
    done = oci.run("c", ["cat", "/proc/self/uid_map"], change=lambda made: made.update(
        linux={**config["linux"], "cgroupsPath": made["linux"]["cgroupsPath"]}, mounts=config["mounts"]))
    assert done.returncode == 0 and done.stdout.split() == ["0", "0", "1"], done


def test_list(oci):
    oci.start("a", ["sleep", "1000"])
    oci.start("b", ["sleep", "1000"])
    assert oci("list", "--quiet").stdout.split() == ["a", "b"]
    table = oci("list").stdout.splitlines()
    assert table[0].split() == ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"]
    assert table[1].split()[:4] == ["a", str(oci.pid("a")), "running", str(oci.directory / "a")]
    assert [item["owner"] for item in json.loads(oci("list", "--format=json").stdout)] == ["root", "root"]


def test_help_and_version(oci):
    assert "exec" in oci("--help").stdout and "--preserve-fds" in oci("exec", "--help").stdout
    assert oci("--version").stdout.startswith("berth-oci version")
    assert oci().returncode == 1 and oci("nope").returncode == 1
    assert "unknown command nope" in oci("nope").stderr
    refused = oci("--systemd-cgroup", "list")
    assert refused.returncode == 1 and "--systemd-cgroup" in refused.stderr and "--cgroup-manager=cgroupfs" in refused.stderr
    assert ("no systemd" in refused.stderr) != os.path.exists("/run/systemd/system")
