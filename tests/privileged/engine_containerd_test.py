"""containerd with berth-oci in the place of runc, below its own shim io.containerd.runc.v2."""

import re
import signal
import subprocess
import tarfile

import pytest

from berth import PATIENCE
from engine import RUNTIME, Engine, cgroups
from waiting import wait_until

TRAP = "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"
CONFIG = """\
version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{0}/socket"
"""


class Containerd(Engine):
    def __init__(self, layout):
        super().__init__("containerd", "ctr")
        config = self.directory / "config.toml"
        config.write_text(CONFIG.format(self.directory))
        # With --uidmap `ctr run` forgets what --runc-binary said.
        (self.directory / "bin").mkdir()
        (self.directory / "bin/runc").symlink_to(RUNTIME)
        self.environment["PATH"] = f"{self.directory}/bin:{self.environment['PATH']}"
        self._log = (self.directory / "log").open("w")
        self._daemon = subprocess.Popen(["containerd", "--config", config], stdout=self._log,
                                        stderr=subprocess.STDOUT, env=self.environment, cwd=self.directory)
        wait_until(lambda: self("version").code == 0, "containerd's answer")
        archive = self.directory / "busybox.tar"
        with tarfile.open(archive, "w") as tar:
            tar.add(layout, ".")
        self.good("images", "import", "--base-name", "test/busybox", archive)
        self._count = 0

    def words(self):
        return ["ctr", "--address", self.directory / "socket"]

    def arguments(self, flags, command):
        """What follows `ctr run`; with the container's name, which no other has."""
        self._count += 1
        name = f"c{self._count}"
        return name, ("--runc-binary", RUNTIME, "--cgroup", f"/{self.cgroup}/{name}", *flags, "test/busybox:latest",
                      name, *command)

    def run(self, *flags, command=("true",), **options):
        _, arguments = self.arguments(flags, command)
        return self("run", "--rm", *arguments, **options)

    def start(self, *flags, command):
        """A container in the background; its name."""
        name, arguments = self.arguments(flags, command)
        self.good("run", "--detach", *arguments)
        return name

    def status(self, name):
        found = re.search(rf"^{name} +\d+ +(\w+)", self("task", "list").out, re.MULTILINE)
        return found.group(1) if found else None

    def remove_all(self):
        for name in self.good("container", "list", "--quiet").split():
            self("task", "kill", "--signal", "KILL", name)
            wait_until(lambda name=name: self.status(name) in ("STOPPED", None), f"the end of {name}")
            self("task", "delete", name)
            self.good("container", "delete", name)

    def close(self):
        self.remove_all()
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait(30 * PATIENCE)
        self._log.close()
        super().close()


@pytest.fixture(scope="module")
def containerd(layouts):
    engine = Containerd(layouts["busybox"])
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def no_containers(containerd):
    yield
    containerd.remove_all()
    assert not [path for path in cgroups(containerd.cgroup) if path.name != containerd.cgroup]


@pytest.fixture
def box(containerd):
    """A container that runs until it is asked to end, and then ends with 3."""
    name = containerd.start(command=["sh", "-c", TRAP])
    wait_until(lambda: containerd("task", "exec", "--exec-id", "probe", name, "true").code == 0, "the container")
    return name


def test_output_input_and_exit_codes(containerd):
    """`ctr` does not close the container's standard input, so the program must not wait for its end."""
    script = "read word; echo got $word; echo err >&2; exit 7"
    outcome = containerd.run(command=["sh", "-c", script], stdin="typed\n")
    assert (outcome.code, outcome.out) == (7, "got typed\n")
    assert "err\n" in outcome.err


def test_a_program_that_cannot_be_executed(containerd):
    outcome = containerd.run(command=["nosuch"])
    assert outcome.code == 1
    assert 'OCI runtime create failed: exec: "nosuch": executable file not found in $PATH' in outcome.err


def test_exec(containerd, box):
    assert containerd.good("task", "exec", "--exec-id", "e", box, "hostname")
    assert containerd("task", "exec", "--exec-id", "e", box, "sh", "-c", "exit 9").code == 9
    words = containerd.good("task", "exec", "--exec-id", "e", "--user", "5:6", "--cwd", "/tmp", box,
                            "sh", "-c", "id -u; id -g; pwd")
    assert words.split() == ["5", "6", "/tmp"]
    outcome = containerd("task", "exec", "--exec-id", "e", box, "nosuch")
    assert 'exec: "nosuch": executable file not found in $PATH' in outcome.err


def test_kill_and_delete(containerd, box):
    assert containerd.status(box) == "RUNNING"
    containerd.good("task", "kill", "--signal", "TERM", box)
    wait_until(lambda: containerd.status(box) == "STOPPED", "the end")
    outcome = containerd("task", "delete", box)
    assert "exit code 3" in outcome.err or outcome.code == 3, outcome


def test_processes_and_metrics(containerd, box):
    listed = containerd.good("task", "ps", box).splitlines()
    assert len(listed) >= 2, listed
    assert re.search(r"pids\.current +[1-9]", containerd.good("task", "metrics", box))


def test_pause_and_resume(containerd, box):
    containerd.good("task", "pause", box)
    assert containerd.status(box) == "PAUSED"
    containerd.good("task", "resume", box)
    assert containerd.status(box) == "RUNNING"
    assert containerd.good("task", "exec", "--exec-id", "e", box, "echo", "again") == "again"


def test_a_terminal(containerd):
    _, arguments = containerd.arguments(["--tty"], ["sh", "-c", "tty; echo ready; read word; echo got $word; exit 4"])
    code, shown = containerd.in_terminal("run", "--rm", *arguments, typed=b"hello\n")
    assert code == 4, shown
    assert "/dev/pts/0" in shown
    assert "got hello" in shown


def test_exec_in_a_terminal(containerd, box):
    code, shown = containerd.in_terminal("task", "exec", "--tty", "--exec-id", "t", box, "sh", "-c",
                                         "test -t 0 -a -t 1 && echo ready; read word; exit $word", typed=b"5\n")
    assert code == 5, shown


def test_memory_limit(containerd):
    assert containerd.run("--memory-limit", str(32 << 20),
                          command=["sh", "-c", "x=a; while :; do x=$x$x; done"]).code == 137


def test_mounts_and_a_read_only_root(containerd, tmp_path):
    (tmp_path / "host").write_text("from the host\n")
    mount = f"type=bind,src={tmp_path},dst=/v,options=rbind:rw"
    outcome = containerd.run("--read-only", "--mount", mount, command=["sh", "-c", "cat /v/host; echo x >/v/made; >/x"])
    assert outcome.out == "from the host\n"
    assert "Read-only file system" in outcome.err
    assert (tmp_path / "made").read_text() == "x\n"


def test_user_namespace(containerd):
    flags = ("--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536")
    outcome = containerd.run(*flags, command=["sh", "-c", "cat /proc/self/uid_map; id -u; stat -c %u /bin"])
    assert outcome.out.split() == ["0", "100000", "65536", "0", "0"], outcome


def test_a_privileged_container_with_the_hosts_network(containerd):
    script = "ls /sys/class/net >/dev/null && mount -t tmpfs none /mnt && echo may"
    assert containerd.run("--privileged", "--net-host", command=["sh", "-c", script]).out == "may\n"


def test_default_seccomp_profile(containerd):
    outcome = containerd.run("--seccomp", command=["sh", "-c", "grep ^Seccomp: /proc/self/status; unshare -U true"])
    assert outcome.out.split() == ["Seccomp:", "2"]
    assert "not permitted" in outcome.err
