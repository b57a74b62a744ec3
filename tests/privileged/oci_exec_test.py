"""berth-oci exec: every option by its effect, seen from inside of the container and from the kernel's side."""

import json
import os
import pathlib
import signal
import socket
import subprocess

import pytest

from oci import CGROUP_ROOT
from waiting import wait_until

KINDS = ("user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time")
V2 = (CGROUP_ROOT / "cgroup.controllers").exists()


@pytest.fixture
def pid(oci):
    return oci.start("c", ["sleep", "1000"])


def shell(oci, script, *options, **more):
    return oci("exec", *options, "c", "sh", "-c", script, **more)


def status_of(text):
    """/proc/PID/status as a dictionary."""
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def namespaces(pid):
    return {kind: os.readlink(f"/proc/{pid}/ns/{kind}") for kind in KINDS}


def background(oci, *arguments):
    """The command itself still running; its output is caught."""
    return subprocess.Popen([oci._command(arguments)[0], *oci._command(arguments)[1:]], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# --- Exit codes and errors ---


def test_exit_code_is_the_programs_own(oci, pid):
    assert shell(oci, "exit 7").returncode == 7
    assert shell(oci, "kill -TERM $$").returncode == 128 + signal.SIGTERM


def test_its_own_failure_is_255_and_says_why(oci, pid):
    for arguments, why in (
        (["nope"], 'exec: "nope": executable file not found in $PATH'),
        (["/nope"], 'exec: "/nope": no such file or directory'),
        (["/etc"], 'exec: "/etc": permission denied'),
        ([], "exec: needs a program"),
    ):
        done = oci("exec", "c", *arguments)
        assert done.returncode == 255 and why in done.stderr, done
    assert "does not exist" in oci("exec", "other", "true").stderr
    assert oci("exec", "--nope", "c", "true").returncode == 255


def test_a_stopped_container_takes_none(oci, pid):
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: oci.status("c") == "stopped", "the container stops")
    done = oci("exec", "c", "true")
    assert done.returncode == 255 and "cannot exec in a container that is stopped" in done.stderr


def test_a_paused_container_takes_none_unless_told(oci, pid):
    assert oci("pause", "c").returncode == 0
    done = oci("exec", "c", "true")
    assert done.returncode == 255 and "paused" in done.stderr and "--ignore-paused" in done.stderr
    waiting = background(oci, "exec", "--ignore-paused", "c", "sh", "-c", "exit 4")
    assert oci("resume", "c").returncode == 0
    assert waiting.wait(60) == 4


def test_a_created_container_takes_one(oci):
    code, log = oci.quiet("create", "--bundle", oci.bundle("c", ["sleep", "1000"]), "c")
    assert code == 0, log
    assert shell(oci, "exit 3").returncode == 3
    assert oci.status("c") == "created"


def test_errors_are_logged_as_an_engine_reads_them(oci, pid, tmp_path):
    log = tmp_path / "log"
    assert oci("--log", log, "--log-format", "json", "exec", "c", "nope").returncode == 255
    line = json.loads(log.read_text())
    assert line["level"] == "error" and "executable file not found" in line["msg"] and line["time"]
    assert oci("--log", log, "exec", "c", "nope").returncode == 255
    assert 'level=error msg="exec: \\"nope\\"' in log.read_text().splitlines()[1]


# --- Where it runs ---


@pytest.mark.parametrize("user_namespace", [False, True])
def test_it_joins_every_namespace(oci, user_namespace):
    pid = oci.start("c", ["sleep", "1000"], user_namespace=user_namespace)
    done = shell(oci, "for k in %s; do readlink /proc/self/ns/$k; done; id -u" % " ".join(KINDS))
    assert done.stdout.splitlines()[:-1] == list(namespaces(pid).values()), done
    assert done.stdout.splitlines()[-1] == "0"


def test_it_joins_namespaces_given_by_path(oci):
    """The second container has the first's network; exec into it must end there, too."""
    first = oci.start("first", ["sleep", "1000"])

    def change(config):
        for namespace in config["linux"]["namespaces"]:
            if namespace["type"] == "network":
                namespace["path"] = f"/proc/{first}/ns/net"
    oci.start("c", ["sleep", "1000"], change=change)
    assert shell(oci, "readlink /proc/self/ns/net").stdout.strip() == os.readlink(f"/proc/{first}/ns/net")


def test_it_is_in_the_containers_cgroups(oci, pid):
    code, log = oci.quiet("exec", "-d", "--pid-file", oci.directory / "pid", "c", "sleep", "1000")
    assert code == 0, log
    other = int((oci.directory / "pid").read_text())

    def groups(pid):
        return sorted(line for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    assert groups(other) == groups(pid)
    assert any(oci.cgroup in line for line in groups(other))


def test_cgroup_names_a_group_below(oci, pid):
    controller = "" if V2 else "pids"
    group = CGROUP_ROOT / controller / f"{oci.cgroup[1:]}-c" / "below"
    group.mkdir()
    option = "below" if V2 else "pids:below"
    code, log = oci.quiet("exec", "-d", "--cgroup", option, "--pid-file", oci.directory / "pid", "c", "sleep", "1000")
    assert code == 0, log
    assert (oci.directory / "pid").read_text() in (group / "cgroup.procs").read_text().split()
    for wrong in (option + "/../..", option + "/missing", "nope:below"):
        assert oci("exec", "--cgroup", wrong, "c", "true").returncode == 255


@pytest.mark.skipif(not V2, reason="needs cgroup v2")
def test_it_follows_an_init_that_made_groups_of_its_own(oci, pid):
    group = CGROUP_ROOT / f"{oci.cgroup[1:]}-c"
    (group / "init").mkdir()
    (group / "init" / "cgroup.procs").write_text(str(pid))
    (group / "cgroup.subtree_control").write_text("+pids")
    code, log = oci.quiet("exec", "-d", "--pid-file", oci.directory / "pid", "c", "sleep", "1000")
    assert code == 0, log
    assert (oci.directory / "pid").read_text() in (group / "init" / "cgroup.procs").read_text().split()


def test_the_pid_file_names_the_process(oci, pid):
    code, log = oci.quiet("exec", "--detach", "--pid-file", oci.directory / "pid", "c", "sleep", "1234")
    assert code == 0, log
    other = int((oci.directory / "pid").read_text())
    assert pathlib.Path(f"/proc/{other}/cmdline").read_bytes() == b"sleep\x001234\x00"
    assert namespaces(other) == namespaces(pid)


def test_the_pidfd_socket_gets_a_pidfd(oci, pid):
    path = str(oci.directory / "pidfd.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        code, log = oci.quiet("exec", "-d", "--pidfd-socket", path, "--pid-file", oci.directory / "pid", "c", "sleep", "1000")
        assert code == 0, log
        connection, _ = listener.accept()
        with connection:
            _, fds, _, _ = socket.recv_fds(connection, 64, 1)
    info = pathlib.Path(f"/proc/self/fdinfo/{fds[0]}").read_text()
    os.close(fds[0])
    assert f"Pid:\t{(oci.directory / 'pid').read_text()}" in info


# --- As what it runs ---


def test_it_takes_the_containers_process_by_default(oci):
    def change(config):
        config["process"].update(cwd="/tmp", env=["PATH=/bin", "A=1"], oomScoreAdj=345,
                                 rlimits=[{"type": "RLIMIT_NOFILE", "soft": 77, "hard": 88}],
                                 user={"uid": 3, "gid": 4, "umask": 0o27, "additionalGids": [5, 6]})
    oci.start("c", ["sleep", "1000"], change=change)
    done = shell(oci, "id -u; id -g; id -G; busybox pwd; echo $A; ulimit -n; umask; cat /proc/self/oom_score_adj; echo $HOME")
    assert done.stdout.split("\n")[:-1] == ["3", "4", "4 5 6", "/tmp", "1", "77", "0027", "345", "/"], done


def test_later_changes_of_the_bundle_have_no_effect(oci, pid):
    oci.bundle("c", ["sleep", "1000"], change=lambda config: config["process"].update(cwd="/tmp"))
    assert shell(oci, "busybox pwd").stdout == "/\n"


def test_user_group_and_additional_groups(oci, pid):
    script = "echo $(id -u) $(id -g) $(id -G)"
    assert shell(oci, script, "--user", "11:12", "-g", "13", "--additional-gids", "14").stdout == "11 12 12 13 14\n"
    assert shell(oci, script, "-u", "11").stdout == "11 0 0\n"
    assert "--user: root is not a number" in shell(oci, script, "--user", "root").stderr


def test_home_is_of_the_containers_passwd(oci, pid):
    passwd = oci.directory / "c" / "rootfs" / "etc" / "passwd"
    passwd.write_text("x:x:11:11::/home/x:/bin/sh\n")
    assert shell(oci, "echo $HOME", "--user", "11").stdout == "/home/x\n"
    passwd.unlink()
    passwd.symlink_to("/proc/self/environ")  # nothing of the host's shall answer
    assert shell(oci, "echo $HOME", "--user", "11").stdout == "/\n"


def test_cwd(oci, pid):
    assert shell(oci, "busybox pwd", "--cwd", "/etc").stdout == "/etc\n"
    assert "must be an absolute path" in shell(oci, "true", "--cwd", "etc").stderr
    missing = shell(oci, "true", "--cwd", "/missing")
    assert missing.returncode == 255 and "enter working directory /missing" in missing.stderr
    assert not (oci.directory / "c" / "rootfs" / "missing").exists(), "exec makes no directories"


def test_env_is_added_and_the_last_counts(oci, pid):
    done = shell(oci, "echo $A $B; busybox env | busybox grep -c ^A=", "--env", "A=1", "-e", "B=2", "--env=A=3")
    assert done.stdout == "3 2\n1\n"
    assert "is not NAME=VALUE" in shell(oci, "true", "-e", "A").stderr


def test_capabilities_are_added(oci, pid):
    def effective(*options):
        return int(status_of(shell(oci, "cat /proc/self/status", *options).stdout)["CapEff"], 16)
    net_admin, sys_time = 1 << 12, 1 << 25
    assert effective("--cap", "CAP_NET_ADMIN", "-c", "CAP_SYS_TIME") == effective() | net_admin | sys_time
    assert "unknown capability" in shell(oci, "true", "--cap", "CAP_NOPE").stderr


def test_no_new_privs(oci):
    oci.start("c", ["sleep", "1000"], change=lambda config: config["process"].update(noNewPrivileges=False))

    def value(*options):
        return status_of(shell(oci, "cat /proc/self/status", *options).stdout)["NoNewPrivs"]
    assert (value(), value("--no-new-privs"), value("--no-new-privs=false")) == ("0", "1", "0")


def test_the_containers_seccomp_filter_holds(oci, pid):
    done = shell(oci, "cat /proc/self/status; busybox unshare -m true")
    assert status_of(done.stdout)["Seccomp"] == "2"
    assert "not permitted" in done.stderr


def test_a_process_object_takes_the_place_of_all(oci, pid):
    path = oci.directory / "process.json"
    path.write_text(json.dumps({
        "args": ["sh", "-c", "echo $(id -u) $(busybox pwd) $X; ulimit -n; cat /proc/self/status"],
        "user": {"uid": 9, "gid": 9}, "cwd": "/tmp", "env": ["PATH=/bin", "X=y"], "noNewPrivileges": True,
        "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 50, "hard": 50}],
        "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL"], "effective": ["CAP_KILL"],
                         "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}}))
    done = oci("exec", "--process", path, "c")
    assert done.stdout.splitlines()[:2] == ["9 /tmp y", "50"], done
    assert int(status_of(done.stdout)["CapAmb"], 16) == 1 << 5
    path.write_text('{"args":[],"cwd":"/"}')
    assert ".args: must not be empty" in oci("exec", "--process", path, "c").stderr


def test_options_after_the_container_belong_to_the_program(oci, pid):
    assert oci("exec", "c", "busybox", "echo", "--cwd", "/etc", "-d").stdout == "--cwd /etc -d\n"


def has_apparmor():
    path = pathlib.Path("/sys/module/apparmor/parameters/enabled")
    return path.exists() and path.read_text().startswith("Y")


@pytest.mark.skipif(has_apparmor(), reason="this kernel has AppArmor")
def test_labels_that_the_kernel_cannot_give_are_refused(oci, pid):
    assert "process.apparmorProfile: AppArmor is not enabled" in shell(oci, "true", "--apparmor", "docker-default").stderr
    assert "process.selinuxLabel: SELinux is not enabled" in shell(oci, "true", "--process-label", "a:b:c:d").stderr
    assert shell(oci, "true", "--apparmor", "unconfined").returncode == 0
    done = oci.run("other", ["true"], change=lambda config: config["process"].update(apparmorProfile="docker-default"))
    assert done.returncode == 1 and "process.apparmorProfile" in done.stderr
    assert oci.status("other") is None


@pytest.mark.skipif(not has_apparmor(), reason="this kernel has no AppArmor")
def test_apparmor_profiles_are_taken_or_named(oci, pid):
    assert shell(oci, "cat /proc/self/attr/current", "--apparmor", "unconfined").stdout.startswith("unconfined")
    missing = shell(oci, "true", "--apparmor", "berth-no-such-profile")
    assert missing.returncode == 255 and "berth-no-such-profile" in missing.stderr, missing


# --- Streams, descriptors, signals ---


def test_streams_are_the_callers(oci, pid):
    done = subprocess.run(oci._command(["exec", "c", "sh", "-c", "cat; echo error >&2; echo x >/dev/stdout"]), input="in\n",
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("in\nx\n", "error\n")


def test_a_user_may_reopen_its_pipes(oci):
    oci.start("c", ["sleep", "1000"], user_namespace=True)
    assert shell(oci, "echo x > /dev/stdout", "--user", "1000:1000").stdout == "x\n"


def test_preserved_descriptors_and_no_others(oci, pid, tmp_path):
    (tmp_path / "three").write_text("three")
    (tmp_path / "four").write_text("four")
    (tmp_path / "spare").write_text("")
    with open(tmp_path / "three") as three, open(tmp_path / "four") as four, open(tmp_path / "spare") as spare:
        def place():
            base = [os.dup2(file, 20 + i) for i, file in enumerate((three.fileno(), four.fileno(), spare.fileno()))]
            for number, fd in zip((3, 4, 5), base):
                os.dup2(fd, number)
        script = "cat <&3; cat <&4; ls -l /proc/self/fd"
        command = oci._command(["exec", "--preserve-fds", "2", "c", "sh", "-c", script])
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=place, close_fds=False, check=False, timeout=60)
    assert done.stdout.startswith("threefour"), done
    assert str(tmp_path / "four") in done.stdout and str(tmp_path / "spare") not in done.stdout
    missing = oci("exec", "--preserve-fds", "9", "c", "true")
    assert missing.returncode == 255 and "is not open" in missing.stderr


def test_signals_are_forwarded(oci, pid):
    process = background(oci, "exec", "c", "sh", "-c", "trap 'echo got; exit 5' USR1; echo ready; while :; do sleep 0.05; done")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGUSR1)
    out, _ = process.communicate(timeout=60)
    assert (out, process.returncode) == ("got\n", 5)


def test_detached_it_outlives_the_command(oci, pid):
    code, log = oci.quiet("exec", "-d", "--pid-file", oci.directory / "pid", "c", "sleep", "1000")
    assert code == 0, log
    listed = json.loads(oci("ps", "--format", "json", "c").stdout)
    assert sorted(listed) == sorted([pid, int((oci.directory / "pid").read_text())])


def test_a_detached_exec_tells_that_its_program_is_not_there(oci, pid):
    code, log = oci.quiet("exec", "-d", "c", "nope")
    assert code == 255 and "executable file not found" in log


def test_kernel_objects_are_not_leaked(oci, pid):
    def fds(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))
    before = fds(pid), len(json.loads(oci("ps", "-f", "json", "c").stdout))
    for _ in range(20):
        assert oci("exec", "c", "true").returncode == 0
        assert oci("exec", "c", "nope").returncode == 255
    wait_until(lambda: (fds(pid), len(json.loads(oci("ps", "-f", "json", "c").stdout))) == before, "as before")


# --- ps, run --keep, LISTEN_FDS: what stands beside exec ---


def test_ps_lists_only_the_containers(oci, pid):
    oci.start("other", ["sleep", "77777"])
    table = oci("ps", "c").stdout.splitlines()
    assert table[0].split()[:2] == ["UID", "PID"] and len(table) == 2 and table[1].endswith("sleep 1000"), table
    assert oci("ps", "c", "-o", "pid").stdout.split() == ["PID", str(pid)]
    assert oci("ps", "c", "-o", "args").returncode == 1
    assert oci("ps", "--format", "xml", "c").returncode == 1


def test_run_keeps_what_it_is_told_to_keep(oci):
    assert oci("run", "--keep", "--bundle", oci.bundle("c", ["sh", "-c", "exit 4"]), "c").returncode == 4
    assert oci.status("c") == "stopped"
    assert oci("delete", "c").returncode == 0


def test_sockets_of_an_activator_are_announced(oci):
    bundle = oci.bundle("c", ["sh", "-c", "echo $LISTEN_FDS $LISTEN_PID $$; readlink /proc/self/fd/3; cat <&4"])
    with socket.socket(socket.AF_UNIX) as listener, open("/proc/sys/kernel/ostype") as file:
        inode = os.fstat(listener.fileno()).st_ino

        def place():
            first, second = os.dup2(listener.fileno(), 20), os.dup2(file.fileno(), 21)
            os.dup2(first, 3), os.dup2(second, 4)
            os.environ["LISTEN_PID"] = str(os.getpid())
            os.environ["LISTEN_FDS"] = "1"
            os.execv(command[0], command)
        command = oci._command(["run", "--preserve-fds", "1", "--bundle", str(bundle), "c"])
        done = subprocess.run(command, capture_output=True, text=True, preexec_fn=place, close_fds=False, check=False, timeout=60)
    assert done.stdout.splitlines() == ["1 1 1", f"socket:[{inode}]", "Linux"], done


# --- Failing system calls ---


@pytest.mark.parametrize("options", [(), ("-t",)])
def test_every_failing_call_is_reported_and_leaves_nothing(oci, pid, options):
    """The first, second, third ... call fails with EIO, until for long none has been left to fail."""
    harmless = 0
    for number in range(1, 400):
        done = oci("exec", *options, "c", "true", env={**os.environ, "BERTH_FAULT": f"{number}:5"})
        # A child that could not say that it was born ends when it sees that nobody listens.
        wait_until(lambda: json.loads(oci("ps", "-f", "json", "c").stdout) == [pid], (number, done))
        harmless = harmless + 1 if done.returncode == 0 else 0
        if harmless == 20:
            return
        assert done.returncode == 0 or (done.returncode == 255 and "nput/output error" in done.stderr), (number, done)
    assert False, "there is always one more call"


def test_a_container_that_is_only_beginning_is_waited_for(oci, tmp_path):
    """Its init is there, and is shown, before it has left the host's namespaces: whoever comes then is led to none of them."""
    gate = tmp_path / "gate"
    gate.mkdir()
    wait_at_gate = {"path": "/bin/sh", "args": ["sh", "-c", ": >/gate/come; until [ -e /gate/go ]; do sleep 0.05; done"],
                    "env": ["PATH=/bin"]}

    def with_gate(config):
        config["hooks"] = {"startContainer": [wait_at_gate]}
        config["mounts"].append({"destination": "/gate", "type": "bind", "source": str(gate), "options": ["rbind", "rw"]})
    bundle = oci.bundle("c", ["sleep", "1000"], change=with_gate)
    run = background(oci, "run", "--bundle", bundle, "c")
    oci._note(("run", "c"))
    wait_until((gate / "come").exists, "the hook before the program")
    wait_until(lambda: oci.status("c") == "running", "the container in the list")
    entered = background(oci, "exec", "c", "sh", "-c", ": >/gate/entered; readlink /proc/self/ns/net")
    with pytest.raises(subprocess.TimeoutExpired):
        entered.wait(timeout=1)
    assert not (gate / "entered").exists()
    (gate / "go").touch()
    out, err = entered.communicate(timeout=60)
    assert out.strip() == os.readlink(f"/proc/{oci.pid('c')}/ns/net") != os.readlink("/proc/self/ns/net"), err
    oci("kill", "c", "KILL")
    assert run.wait(timeout=60) == 128 + signal.SIGKILL
