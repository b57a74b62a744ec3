"""podman with berth-oci as its runtime: what its users do, and what its users see of it."""

import pathlib
import re

import pytest

from engine import Podman, cgroups
from waiting import wait_until

TRAP = "trap 'exit 3' TERM; echo up; while :; do sleep 0.05; done"


@pytest.fixture(scope="module")
def podman(layouts):
    engine = Podman(layouts["busybox"])
    yield engine
    engine.close()


@pytest.fixture(autouse=True)
def no_containers(podman):
    """podman's `rm` finds a mount busy while the clean-up that conmon started is at work; with runc, too."""
    yield
    wait_until(lambda: podman("rm", "--force", "--all", "--time", "0").code == 0, "the removal of all containers")
    assert not [path for path in cgroups(podman.cgroup) if re.search("libpod-(?!conmon)", path.name)]


@pytest.fixture
def box(podman):
    """A container that runs until it is asked to end, and then ends with 3."""
    name = podman.start("--name", "box", command=["sh", "-c", TRAP])
    wait_until(lambda: podman.good("logs", "box") == "up", "the container's first word")
    return name


def cgroup_file(podman, container, names):
    """The first of the files that this machine's cgroups have for the container."""
    found = [path / name for path in cgroups(podman.cgroup) if container in path.name for name in names
             if (path / name).exists()]
    assert found, names
    return found[0]


def test_output_input_and_exit_codes(podman):
    outcome = podman.run("--rm", "--interactive", command=["sh", "-c", "cat; echo err >&2; exit 7"], stdin="typed\n")
    assert (outcome.code, outcome.out) == (7, "typed\n")
    assert "err\n" in outcome.err


@pytest.mark.parametrize("program, code", [("nosuch", 127), ("/no/such", 127), ("/etc", 126)])
def test_a_program_that_cannot_be_executed(podman, program, code):
    outcome = podman.run("--rm", command=[program])
    assert outcome.code == code, outcome
    assert f'exec: "{program}"' in outcome.err


def test_exec(podman, box):
    assert podman.good("exec", "box", "hostname") == box[:12]
    assert podman("exec", "box", "sh", "-c", "exit 9").code == 9
    words = podman.good("exec", "--user", "5:6", "--workdir", "/tmp", "--env", "X=y", "box",
                        "sh", "-c", "id -u; id -g; pwd; echo $X")
    assert words.split() == ["5", "6", "/tmp", "y"]
    assert podman.good("exec", "--interactive", "box", "cat", stdin="through\n") == "through"
    assert podman("exec", "box", "nosuch").code == 127
    podman.good("exec", "--detach", "box", "touch", "/tmp/detached")
    wait_until(lambda: podman("exec", "box", "test", "-e", "/tmp/detached").code == 0, "the detached exec's file")


def test_top_and_stats(podman, box):
    assert "sleep 0.05" in podman.good("top", "box", "args")
    name, processes = podman.good("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "box").split()
    assert name == "box"
    assert int(processes) >= 1


def test_stop_lets_the_program_end_by_itself(podman, box):
    podman.good("stop", "--time", "20", "box")
    state = podman.inspect("box")["State"]
    assert (state["Status"], state["ExitCode"], state["OOMKilled"]) == ("exited", 3, False)


def test_stop_kills_after_its_time(podman):
    podman.start("--name", "deaf", command=["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"])
    podman("stop", "--time", "1", "deaf")
    assert podman.inspect("deaf")["State"]["ExitCode"] == 137


def test_kill_wait_and_remove(podman, box):
    podman.good("kill", "--signal", "KILL", "box")
    assert podman.good("wait", "box") == "137"
    podman.good("rm", "box")
    assert not [path for path in cgroups(podman.cgroup) if path.name == f"libpod-{box}"]


def test_restart_begins_anew(podman, box):
    before = podman.inspect("box")["State"]["Pid"]
    podman.good("restart", "--time", "20", "box")
    wait_until(lambda: podman.good("logs", "box") == "up\nup", "the second start")
    state = podman.inspect("box")["State"]
    assert state["Running"]
    assert state["Pid"] != before


def test_pause_holds_every_process_still(podman, box):
    podman.good("exec", "--detach", "box", "sh", "-c", "while :; do date +%s%N >/tmp/now; done")
    look = "/proc/{}/root/tmp/now".format(podman.inspect("box")["State"]["Pid"])
    wait_until(pathlib.Path(look).exists, "the clock's file")
    podman.good("pause", "box")
    assert podman.inspect("box")["State"]["Status"] == "paused"
    frozen = pathlib.Path(look).read_text()
    assert podman("exec", "box", "true").code != 0
    assert pathlib.Path(look).read_text() == frozen
    podman.good("unpause", "box")
    wait_until(lambda: pathlib.Path(look).read_text() not in ("", frozen), "the clock to go on")


def test_a_terminal_of_the_size_of_podmans(podman):
    script = ("--rm", "--tty", "--interactive")
    code, shown = podman.in_terminal("run", *podman.arguments(script, [
        "sh", "-c", "tty; until [ \"$(stty size)\" = '33 77' ]; do sleep 0.1; done; echo ready; read word; "
        "echo got $word; exit 4"]), typed=b"hello\n")
    assert code == 4, shown
    assert "/dev/pts/0" in shown
    assert "got hello" in shown


def test_exec_in_a_terminal(podman, box):
    code, shown = podman.in_terminal("exec", "--tty", "--interactive", "box", "sh", "-c",
                                     "test -t 0 -a -t 1 && echo ready; read word; exit $word", typed=b"5\n")
    assert code == 5, shown


def test_out_of_memory(podman):
    """conmon marks an OOM in its working directory, podman looks for the mark in the bundle: they must be one."""
    def is_told():
        """conmon hears of the end and of its reason in two ways, and may come to the end first; whatever the runtime."""
        name = podman.good("create", *podman.arguments(["--memory", "32m", "--memory-swap", "32m"],
                                                       ["sh", "-c", "x=a; while :; do x=$x$x; done"]))
        bundle = podman.directory / "root/overlay-containers" / name / "userdata"
        assert podman("start", "--attach", name, cwd=bundle).code == 137
        state = podman.inspect(name)["State"]
        assert state["ExitCode"] == 137
        return state["OOMKilled"]
    wait_until(is_told, "podman knows that it was for its memory")


def test_limits_are_the_kernels(podman):
    name = podman.start("--name", "limited", "--memory", "48m", "--pids-limit", "7", "--cpus", "0.5",
                        command=["sleep", "100"])
    assert cgroup_file(podman, name, ["pids.max"]).read_text() == "7\n"
    assert cgroup_file(podman, name, ["memory.max", "memory.limit_in_bytes"]).read_text() == f"{48 << 20}\n"
    quota = cgroup_file(podman, name, ["cpu.max", "cpu.cfs_quota_us"]).read_text().split()[0]
    assert quota == "50000"
    outcome = podman("exec", "limited", "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do sleep 1 & done")
    assert "fork" in outcome.err


def test_update_changes_a_running_container(podman):
    name = podman.start("--name", "grown", "--memory", "48m", command=["sleep", "100"])
    podman.good("update", "--memory", "64m", "grown")
    assert cgroup_file(podman, name, ["memory.max", "memory.limit_in_bytes"]).read_text() == f"{64 << 20}\n"


def test_read_only_root_with_writable_tmpfs(podman):
    script = "touch /x; touch /tmp/y /run/z /w/a && echo wrote; grep -c ' / ro\\| / .*ro,' /proc/mounts"
    outcome = podman.run("--rm", "--read-only", "--tmpfs", "/w", command=["sh", "-c", script])
    assert "Read-only file system" in outcome.err
    assert outcome.out.startswith("wrote\n")


def test_volumes(podman, tmp_path):
    (tmp_path / "host").write_text("from the host\n")
    script = "cat /v/host; echo from the container >/v/made; echo kept >/named/file; touch /ro/x"
    outcome = podman.run("--rm", "--volume", f"{tmp_path}:/v", "--volume", f"{tmp_path}:/ro:ro",
                         "--volume", "kept:/named", command=["sh", "-c", script])
    assert outcome.out == "from the host\n"
    assert "/ro/x: Read-only file system" in outcome.err
    assert (tmp_path / "made").read_text() == "from the container\n"
    assert podman.run("--rm", "--volume", "kept:/named", command=["cat", "/named/file"]).out == "kept\n"


def test_user_namespace(podman):
    script = "cat /proc/self/uid_map; id -u; stat -c %u /bin /proc/1; echo x >/file && echo wrote"
    outcome = podman.run("--rm", "--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536",
                         command=["sh", "-c", script])
    assert re.findall(r"\w+", outcome.out) == ["0", "100000", "65536", "0", "0", "0", "wrote"], outcome


def test_a_user_without_rights(podman):
    outcome = podman.run("--rm", "--user", "1000:1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
                         command=["sh", "-c", "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs|^Seccomp:' /proc/self/status"])
    assert outcome.out.split() == ["1000", "CapEff:", "0" * 16, "CapBnd:", "0" * 16, "NoNewPrivs:", "1",
                                   "Seccomp:", "2"], outcome


def test_privileged(podman):
    script = "mount -t tmpfs none /mnt && mkdir /mnt/x && ls /sys/fs/cgroup >/dev/null && echo may"
    assert podman.run("--rm", "--privileged", command=["sh", "-c", script]).out == "may\n"


def test_an_init_of_podmans_reaps(podman):
    """Process 1 is catatonit, which reaps what its child leaves behind."""
    outcome = podman.run("--rm", "--init", command=["sh", "-c", "(sleep 0.1 & echo $! >/tmp/pid); "
                         "while [ -e /proc/$(cat /tmp/pid) ]; do sleep 0.1; done; cat /proc/[0-9]*/comm; true"])
    assert outcome.out.split() == ["podman-init", "sh"], outcome  # cat is a builtin


def test_networks(podman):
    count = ["sh", "-c", "ls /sys/class/net; ls -l /proc/self/ns/net"]
    host = podman.run("--rm", "--network", "host", command=["readlink", "/proc/self/ns/net"])
    assert host.out.strip() == str(pathlib.Path("/proc/self/ns/net").readlink())
    alone = podman.run("--rm", "--network", "none", command=count)
    assert alone.out.split()[0] == "lo"
    assert host.out.strip() not in alone.out


def test_namespaces_of_the_host(podman):
    command = ["readlink", "/proc/self/ns/pid", "/proc/self/ns/ipc", "/proc/self/ns/uts"]
    outcome = podman.run("--rm", "--pid", "host", "--ipc", "host", "--uts", "host", command=["sh", "-c", " && ".join(
        f"readlink {path}" for path in command[1:])])
    assert outcome.out.split() == [str(pathlib.Path(path).readlink()) for path in command[1:]]


def test_a_namespace_of_another_container(podman, box):
    mine = podman.good("exec", "box", "readlink", "/proc/self/ns/pid")
    outcome = podman.run("--rm", "--pid", "container:box", command=["readlink", "/proc/self/ns/pid"])
    assert outcome.out.strip() == mine


def test_a_pod_shares_its_namespaces(podman):
    podman.good("pod", "create", "--name", "pod", "--network", "none", "--share", "net,ipc,uts,pid",
                "--cgroup-parent", f"/{podman.cgroup}")
    try:
        podman.good("run", "--detach", "--pod", "pod", "--name", "member", podman.image, "sleep", "100")
        look = [f"readlink /proc/self/ns/{kind}" for kind in ("net", "ipc", "uts", "pid")]
        look = ["sh", "-c", "; ".join(look)]
        other = podman.good("run", "--rm", "--pod", "pod", podman.image, *look)
        assert podman.good("exec", "member", *look) == other
        assert "sleep 100" in podman.good("run", "--rm", "--pod", "pod", podman.image, "ps")
        podman.good("pod", "pause", "pod")
        assert podman.inspect("member")["State"]["Status"] == "paused"
        podman.good("pod", "unpause", "pod")
    finally:
        podman.good("pod", "rm", "--force", "--time", "0", "pod")


def test_copies_in_and_out_of_a_running_container(podman, box, tmp_path):
    (tmp_path / "in").write_text("copied\n")
    podman.good("cp", tmp_path / "in", "box:/tmp/in")
    assert podman.good("exec", "box", "cat", "/tmp/in") == "copied"
    podman.good("cp", "box:/tmp/in", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "copied\n"


@pytest.mark.parametrize("flags, command, shown", [
    (["--sysctl", "net.ipv4.ip_forward=1"], ["cat", "/proc/sys/net/ipv4/ip_forward"], "1"),
    (["--hostname", "named"], ["hostname"], "named"),
    (["--shm-size", "1m"], ["sh", "-c", "df -k /dev/shm | grep -o ' 1024 ' | head -n 1"], "1024"),
    (["--oom-score-adj", "500"], ["cat", "/proc/self/oom_score_adj"], "500"),
    (["--umask", "0077"], ["sh", "-c", "umask"], "0077"),
    (["--group-add", "7"], ["id", "-G"], "0 7"),
    (["--personality", "LINUX32"], ["uname", "-m"], "i686"),
    (["--device", "/dev/null:/dev/mine:rw"], ["sh", "-c", "echo x >/dev/mine && echo may"], "may"),
    (["--cpuset-cpus", "0"], ["sh", "-c", "grep Cpus_allowed_list /proc/self/status | cut -f 2"], "0"),
    (["--security-opt", "mask=/proc/uptime"], ["cat", "/proc/uptime"], ""),
])
def test_flags(podman, flags, command, shown):
    outcome = podman.run("--rm", *flags, command=command)
    assert (outcome.code, outcome.out.strip()) == (0, shown), outcome


def test_health_check(podman):
    podman.start("--name", "ill", "--health-cmd", "test -e /tmp/well", "--health-interval", "disable",
                 command=["sleep", "100"])
    assert podman("healthcheck", "run", "ill").code == 1
    podman.good("exec", "ill", "touch", "/tmp/well")
    assert podman("healthcheck", "run", "ill").code == 0


def test_create_start_and_logs(podman):
    podman.good("create", "--name", "said", *podman.arguments([], ["sh", "-c", "echo out; echo err >&2"]))
    assert podman.inspect("said")["State"]["Status"] == "created"
    assert podman.good("start", "--attach", "said") == "out"
    assert sorted((podman("logs", "said").out + podman("logs", "said").err).split()) == ["err", "out"]
