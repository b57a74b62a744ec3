"""`berth run`: what a container cannot see, reach or do."""

import os
import pathlib
import shutil
import stat
import subprocess

import pytest

from berth import BIN, IN_GUEST, sh, task


DOCKERS_CAPABILITIES = 0xA80425FB


def namespace(pid, kind):
    return os.readlink(f"/proc/{pid}/ns/{kind}")


def test_namespaces_are_all_its_own(berth):
    with berth.start(task(sh("echo ready; sleep 100", stopTimeout=2))) as running:
        running.wait_for("ready")
        pid = running.pids()[0]
        for kind in ("mnt", "pid", "ipc", "uts", "net", "user", "cgroup"):
            assert namespace(pid, kind) != namespace("self", kind), kind


def test_containers_of_a_task_share_network_and_user_namespaces_only(berth):
    definition = task(sh("echo ready; sleep 100", stopTimeout=2), sh("echo side ready; sleep 100", "side", stopTimeout=2))
    with berth.start(definition) as running:
        running.wait_for(r"\| ready")
        running.wait_for("side ready")
        one, other = running.pids("main")[0], running.pids("side")[0]
        for kind in ("net", "user"):
            assert namespace(one, kind) == namespace(other, kind), kind
        for kind in ("mnt", "pid", "ipc", "uts", "cgroup"):
            assert namespace(one, kind) != namespace(other, kind), kind


def test_user_namespace_maps_a_range_of_the_tasks_own(berth):
    inside, outside, count = berth.run(task(sh("cat /proc/self/uid_map"))).lines()[0].split()
    assert (inside, count) == ("0", "65536")
    assert int(outside) >= 65536


def test_root_of_the_container_is_nobody_on_the_host(berth):
    with berth.start(task(sh("echo ready; sleep 100", stopTimeout=2))) as running:
        running.wait_for("ready")
        assert pathlib.Path(f"/proc/{running.pids()[0]}").stat().st_uid >= 65536


def test_userns_host_is_the_identity(berth):
    outcome = berth.run(task(sh("cat /proc/self/uid_map")), "--userns=host")
    assert outcome.lines()[0].split() == pathlib.Path("/proc/self/uid_map").read_text().split()


def test_first_process_is_number_one_and_sees_only_its_own(berth):
    number, count = berth.run(task(sh("echo $$; ls -d /proc/[0-9]* | wc -l"))).lines()
    assert number == "1"
    assert int(count) <= 3


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_capabilities_are_dockers_fourteen(berth, userns):
    outcome = berth.run(task(sh("grep -E 'Cap(Eff|Bnd)' /proc/self/status")), *userns)
    assert [int(line.split()[1], 16) for line in outcome.lines()] == [DOCKERS_CAPABILITIES] * 2


def test_added_and_dropped_capabilities(berth):
    parameters = {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["NET_RAW"]}}
    outcome = berth.run(task(sh("grep CapBnd /proc/self/status", linuxParameters=parameters)))
    sys_ptrace, net_raw = 1 << 19, 1 << 13
    assert int(outcome.lines()[0].split()[1], 16) == (DOCKERS_CAPABILITIES | sys_ptrace) & ~net_raw


def test_other_user_has_no_effective_capabilities(berth):
    assert berth.run(task(sh("grep CapEff /proc/self/status", user="1000"))).lines()[0].split()[1].strip("0") == ""


@pytest.fixture
def probe(tmp_path):
    """A container that runs tests/support/container_probe.cc from a volume."""
    (tmp_path / "probe").mkdir()
    shutil.copy(BIN / "container_probe", tmp_path / "probe" / "run")

    def definition(**fields):
        container = {"name": "main", "image": "busybox", "memory": 64, "command": ["/probe/run"],
                     "mountPoints": [{"sourceVolume": "probe", "containerPath": "/probe", "readOnly": True}], **fields}
        return task(container, volumes=[{"name": "probe", "host": {"sourcePath": str(tmp_path / "probe")}}])

    return definition


def answers(lines):
    """What container_probe printed: system call -> error."""
    return dict(line.split() for line in lines)


ALLOWED = {"getpid", "ptrace", "openat2"}


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
@pytest.mark.parametrize("user", ["0", "1000"])
def test_seccomp_refuses_system_calls(berth, probe, user, userns):
    """Only the filter can be what refuses: root outside of containers gets another answer from each."""
    outside = answers(subprocess.check_output([BIN / "container_probe"], text=True).splitlines())
    assert "EPERM" not in outside.values()
    inside = answers(berth.run(probe(user=user), *userns).lines())
    assert {call: inside.pop(call) for call in ALLOWED} == {call: outside.pop(call) for call in ALLOWED}
    assert inside.pop("clone3") == "ENOSYS"  # so that libraries fall back to clone, whose flags can be judged
    del outside["clone3"]
    assert inside == dict.fromkeys(outside, "EPERM")


def test_seccomp_filter_is_on_for_all_processes(berth):
    lines = berth.run(task(sh("grep -h '^Seccomp:' /proc/1/status /proc/self/status"))).lines()
    assert [line.split()[1] for line in lines] == ["2", "2"]


DOCKERS_MASKED_PATHS = ("/proc/asound /proc/acpi /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list "
                        "/proc/timer_stats /proc/sched_debug /proc/scsi /sys/firmware /sys/devices/virtual/powercap")


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_masked_paths_show_nothing(berth, userns):
    script = f"for p in {DOCKERS_MASKED_PATHS}; do [ -e $p ] || continue; echo $p $(if [ -d $p ]; then ls -A $p; else cat $p; fi | wc -c); done"
    sizes = dict(line.split() for line in berth.run(task(sh(script)), *userns).lines())
    assert set(sizes) == {path for path in DOCKERS_MASKED_PATHS.split() if os.path.exists(path)}
    assert set(sizes.values()) == {"0"}


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_devices_are_dockers_few(berth, userns):
    lines = berth.run(task(sh("cd /dev; find . -type b; find . -type c | grep -v '^./pts/' | sort")), *userns).lines()
    assert lines == ["./full", "./null", "./random", "./tty", "./urandom", "./zero"]


def test_devices_work(berth):
    script = ("head -c 3 /dev/zero | wc -c; head -c 3 /dev/urandom | wc -c; echo x >/dev/null && echo null; "
              "(echo x >/dev/full) 2>/dev/null || echo full; readlink /dev/fd; test -c /dev/pts/ptmx && echo ptmx")
    assert berth.run(task(sh(script))).lines() == ["3", "3", "null", "full", "/proc/self/fd", "ptmx"]


def test_device_made_by_the_container_does_not_open(berth):
    """Docker lets root make any node, so that packages unpack; the device filter refuses to open it."""
    script = ("mknod /tmp/memory c 1 1 && mknod /tmp/zero c 1 5 && mknod /tmp/disk b 259 0 && echo made; "
              "head -c 1 /tmp/zero | wc -c; for f in memory disk; do head -c 1 /tmp/$f 2>&1; done")
    made, zero, *refused = berth.run(task(sh(script)), "--userns=host").lines()
    assert (made, zero) == ("made", "1")
    assert [line.rsplit(": ", 1)[-1] for line in refused] == ["Operation not permitted"] * 2


def test_no_device_can_be_made_in_a_user_namespace(berth):
    assert "not permitted" in str(berth.run(task(sh("mknod /tmp/zero c 1 5; true"))))


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_device_of_the_task_definition_opens_as_permitted(berth, tmp_path, userns):
    """/dev/fuse opens for everybody; with "read" only, the filter refuses to write."""
    fuse = tmp_path / "fuse"
    os.mknod(fuse, 0o666 | stat.S_IFCHR, os.makedev(10, 229))
    fuse.chmod(0o666)
    devices = [{"hostPath": str(fuse), "containerPath": "/dev/given", "permissions": ["read"]}]
    script = "(: </dev/given) && echo read; (: >>/dev/given) 2>&1"
    outcome = berth.run(task(sh(script, linuxParameters={"devices": devices})), *userns)
    read, refused = outcome.lines()
    assert read == "read"
    assert refused.endswith("Operation not permitted")


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_read_only_paths_refuse_writes(berth, userns):
    script = "for f in /proc/sys/kernel/hostname /proc/sysrq-trigger /sys/kernel/mm/ksm/run; do (echo 0 >$f) 2>/dev/null && echo wrote $f; done; echo end"
    assert berth.run(task(sh(script)), *userns).lines() == ["end"]


def test_read_only_root_file_system(berth):
    script = "(echo x >/etc/new) 2>/dev/null && echo wrote; (echo x >/dev/shm/new) && echo shm"
    assert berth.run(task(sh(script, readonlyRootFilesystem=True))).lines() == ["shm"]


def test_root_file_system_is_thrown_away(berth):
    berth.run(task(sh("echo x >/etc/kept")))
    assert berth.run(task(sh("test -e /etc/kept && echo kept; echo end"))).lines() == ["end"]


def test_host_is_not_below_the_root(berth, tmp_path):
    (tmp_path / "secret").write_text("secret")
    script = f"cat {tmp_path}/secret ../../../../../..{tmp_path}/secret /proc/1/root{tmp_path}/secret 2>/dev/null; echo end"
    assert berth.run(task(sh(script))).lines() == ["end"]


def test_runtimes_program_is_out_of_reach(berth):
    """CVE-2019-5736: #!/proc/self/exe would run, and could overwrite, the host's runtime."""
    script = "printf '#!/proc/self/exe\\n' >/tmp/x; chmod 755 /tmp/x; /tmp/x 2>/dev/null; readlink /proc/1/exe"
    assert berth.run(task(sh(script))).lines()[-1] == "/bin/sh"


def test_no_new_privileges_when_asked(berth):
    container = sh("grep NoNewPrivs /proc/self/status", dockerSecurityOptions=["no-new-privileges"])
    assert berth.run(task(container)).lines()[0].split() == ["NoNewPrivs:", "1"]


@pytest.mark.parametrize("name", ["net.ipv4.tcp_keepalive_time", "net.core.somaxconn", "kernel.msgmax"])
def test_system_controls_are_the_tasks_own(berth, name):
    path = pathlib.Path("/proc/sys") / name.replace(".", "/")
    before = path.read_text()
    outcome = berth.run(task(sh(f"cat {path}", systemControls=[{"namespace": name, "value": "777"}])))
    assert path.read_text() == before
    if name.startswith("net.core.") and IN_GUEST:
        # Linux 6.1 keeps net.core.* out of networks that a user namespace owns: refused, never ignored.
        assert outcome.code == 125 and "--userns=host" in outcome.err
    else:
        assert outcome.lines() == ["777"]


def test_shared_memory_size_and_tmpfs(berth):
    parameters = {"sharedMemorySize": 8, "tmpfs": [{"containerPath": "/scratch", "size": 4, "mountOptions": ["noexec"]}]}
    outcome = berth.run(task(sh("df -m /dev/shm /scratch | awk 'NR > 1 {print $2}'; grep -c ' /scratch tmpfs.*noexec' /proc/mounts",
                                linuxParameters=parameters)))
    assert outcome.lines() == ["8", "4", "1"]
