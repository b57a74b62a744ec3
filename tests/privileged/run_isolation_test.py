"""`berth run`: what a container cannot see, reach or do."""

import os
import pathlib

import pytest

from berth import sh, task


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
    definition = task(sh("echo ready; sleep 100", stopTimeout=2), sh("sleep 100", "side", stopTimeout=2))
    with berth.start(definition) as running:
        running.wait_for("ready")
        while not running.pids("side"):
            pass
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


def test_seccomp_filter_is_on_and_refuses(berth):
    """unshare(CLONE_NEWUSER) needs no capability: only the filter can refuse it to an ordinary user."""
    mode, refused = berth.run(task(sh("grep '^Seccomp:' /proc/self/status; unshare -U true; echo $?", user="1000"))).lines()[-2:]
    assert mode.split()[1] == "2"
    assert refused != "0"


def test_masked_paths_show_nothing(berth):
    outcome = berth.run(task(sh("wc -c </proc/kcore; wc -c </proc/keys; ls /proc/acpi /sys/firmware 2>/dev/null | grep -v : | wc -w")))
    assert outcome.lines() == ["0", "0", "0"]


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
    assert berth.run(task(sh(script))).lines()[-1] == "/bin/busybox"


def test_no_new_privileges_when_asked(berth):
    container = sh("grep NoNewPrivs /proc/self/status", dockerSecurityOptions=["no-new-privileges"])
    assert berth.run(task(container)).lines()[0].split() == ["NoNewPrivs:", "1"]


def test_system_controls_are_the_tasks_own(berth):
    path = pathlib.Path("/proc/sys/net/core/somaxconn")
    before = path.read_text()
    controls = [{"namespace": "net.core.somaxconn", "value": "777"}]
    assert berth.run(task(sh(f"cat {path}", systemControls=controls))).lines() == ["777"]
    assert path.read_text() == before


def test_shared_memory_size_and_tmpfs(berth):
    parameters = {"sharedMemorySize": 8, "tmpfs": [{"containerPath": "/scratch", "size": 4, "mountOptions": ["noexec"]}]}
    outcome = berth.run(task(sh("df -m /dev/shm /scratch | awk 'NR > 1 {print $2}'; grep -c ' /scratch tmpfs.*noexec' /proc/mounts",
                                linuxParameters=parameters)))
    assert outcome.lines() == ["8", "4", "1"]
