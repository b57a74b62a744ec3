"""`berth run` with pidMode and ipcMode: what the containers of a task share, and with whom."""

import os
import pathlib
import select
import signal

import pytest

from berth import PATIENCE, sh, task

AFTER = {"dependsOn": [{"containerName": "main", "condition": "START"}]}
# Which namespaces, by their numbers.
LOOK = "for n in pid ipc; do readlink /proc/self/ns/$n; done; "


def own(kind):
    return os.readlink(f"/proc/self/ns/{kind}")


def await_file(path):
    return f"until [ -e {path} ]; do usleep 20000; done; "


SHARED = {"volumes": [{"name": "v", "host": {}}]}
MOUNTED = {"mountPoints": [{"sourceVolume": "v", "containerPath": "/v"}]}


def test_pid_mode_task_shows_the_processes_of_all_and_keeps_the_rest_apart(berth):
    look = sh(LOOK + "until ps -o args | grep -qx 'sleep 4321'; do usleep 20000; done; "
              "ps -o args | grep -xc 'sleep 4321'; cat /proc/1/comm; "
              # Nothing of process 1 can be had, with SYS_PTRACE neither, and it does not go.
              "for f in root exe cwd ns/net; do readlink /proc/1/$f && echo open $f; done; "
              "ls /proc/1/fd/ 2>/dev/null; cat /proc/1/environ 2>/dev/null; tr -d '\\0' </proc/1/cmdline; echo; kill -9 1; kill -TERM 1; kill -0 1 && echo stays; touch /v/seen",
              "look", essential=False, linuxParameters={"capabilities": {"add": ["SYS_PTRACE"]}}, **AFTER, **MOUNTED)
    main = sh(LOOK + "sleep 4321 & " + await_file("/v/seen") + "echo $$", **MOUNTED)
    outcome = berth.run(task(main, look, pidMode="task", **SHARED))
    assert outcome.code == 0, outcome
    pids, ipc, main_pid = outcome.lines()
    assert int(main_pid) != 1
    assert outcome.lines("look")[2:] == ["1", "pause", "pause", "stays"]
    assert outcome.lines("look")[0] == pids != own("pid")
    assert outcome.lines("look")[1] != ipc, "the IPC namespaces are not shared"


def test_the_end_of_a_container_ends_its_processes_and_no_others(berth):
    """A process in a session of its own, whose parent has gone, belongs to process 1: no zombie, no survivor."""
    side = sh("setsid sleep 4444 & setsid sleep 0 & trap 'exit 0' TERM; " + await_file("/v/up"), "side",
              essential=False, **MOUNTED)
    script = ("sleep 4321 & until pidof sleep | grep -q ' '; do usleep 20000; done; touch /v/up; "
              # Killed, it is there until it is reaped; one that nobody reaps would be there for ever.
              "while ps -o stat,args | grep -q -e '^Z' -e 'sleep 4444$'; do usleep 20000; done; "
              "ps -o stat,args | grep -c '^Z'; ps -o args | grep -xc 'sleep 4321'")
    outcome = berth.run(task(sh(script, **MOUNTED), side, pidMode="task", **SHARED))
    assert outcome.code == 0, outcome
    assert outcome.lines() == ["0", "1"]


def test_a_restarted_container_comes_back_into_the_namespace(hurried):
    script = ("echo >>/runs; readlink /proc/self/ns/pid; sleep 0.9; "
              "[ $(wc -l </runs) -ge 2 ] && ps -o args | grep -xc 'sleep 4321'")
    policy = {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]}
    outcome = hurried.run(task(sh(script, restartPolicy=policy), sh("exec sleep 4321", "other", essential=False),
                               pidMode="task"))
    assert outcome.code == 0, outcome
    first, second, seen = outcome.lines()
    assert first == second
    assert seen == "1"


def test_a_killed_supervisor_takes_the_namespace_along(berth):
    script = "setsid sleep 4444 & echo ready; wait"
    with berth.start(task(sh(script), sh(script, "other"), pidMode="task", ipcMode="task",
                          networkMode="bridge")) as running:
        running.wait_for("main  *\\| ready")
        running.wait_for("other *\\| ready")
        pids = running.pids() + running.pids("other")
        assert len(pids) >= 4
        pidfds = [os.pidfd_open(pid) for pid in pids]
        shim = int(pathlib.Path(f"/proc/{pids[0]}/stat").read_text().rsplit(")", 1)[1].split()[1])
        os.kill(shim, signal.SIGKILL)
        outcome = running.wait()
    assert outcome.code != 0
    assert "berth-shim" in outcome.err
    for fd in pidfds:
        assert select.select([fd], [], [], 60 * PATIENCE)[0], "one lives on"
        os.close(fd)


@pytest.mark.parametrize("flags", [(), ("--userns=host",)])
def test_pid_mode_host_shows_the_hosts_processes(berth, flags):
    """By pids of the host. In the task's user namespace they are seen and cannot be signalled."""
    script = (f"readlink /proc/self/ns/pid; kill -0 {os.getpid()} 2>/dev/null && echo allowed; "
              f"tr '\\0' '\\n' </proc/{os.getpid()}/cmdline | head -1; setsid sleep 4444 & echo $$ >/v/pid; "
              "sleep 0.2; cat /proc/sys/net/ipv4/ip_default_ttl")
    control = [{"namespace": "net.ipv4.ip_default_ttl", "value": "77"}]
    outcome = berth.run(task(sh(script, systemControls=control, **MOUNTED), pidMode="host", **SHARED), *flags)
    assert outcome.code == 0, outcome
    allowed = ["allowed"] if flags else []
    assert outcome.lines() == [own("pid"), *allowed, "/usr/bin/python3", "77"]


def test_ipc_mode_task_shares_queues_and_memory(berth):
    """The largest /dev/shm that a container asks for is what all have; what is left in it goes with the task."""
    make = sh(LOOK + "touch /dev/mqueue/q /dev/shm/m; chmod 600 /dev/shm/m; df -m /dev/shm | tail -1 | awk '{print $2}'; "
              "touch /v/made; " + await_file("/v/seen"), linuxParameters={"sharedMemorySize": 96}, **MOUNTED)
    look = sh(LOOK + await_file("/v/made") + "ls /dev/mqueue /dev/shm; stat -c '%u %a' /dev/shm /dev/shm/m; "
              "echo x >/dev/shm/m; rm /dev/shm/m && touch /v/seen", "look", essential=False,
              linuxParameters={"sharedMemorySize": 32}, **AFTER, **MOUNTED)
    outcome = berth.run(task(make, look, ipcMode="task", **SHARED))
    assert outcome.code == 0, outcome
    pids, ipc, size = outcome.lines()
    assert size == "96"
    other_pids, other_ipc, *seen = outcome.lines("look")
    assert other_pids != pids
    assert other_ipc == ipc != own("ipc")
    assert seen == ["/dev/mqueue:", "q", "", "/dev/shm:", "m", "0 1777", "0 600"]


@pytest.mark.parametrize("flags", [(), ("--userns=host",)])
def test_ipc_mode_host_is_the_hosts(berth, flags):
    mine = pathlib.Path(f"/dev/shm/berth-test-{os.getpid()}")
    mine.write_text("of the host\n")
    try:
        outcome = berth.run(task(sh(f"{LOOK} cat {mine}; grep -c ' /dev/shm ' /proc/self/mounts"), ipcMode="host"),
                            *flags)
    finally:
        mine.unlink()
    assert outcome.code == 0, outcome
    assert outcome.lines()[1:] == [own("ipc"), "of the host", "1"]


def test_ipc_mode_none_has_no_shared_memory(berth):
    outcome = berth.run(task(sh(LOOK + "grep -c ' /dev/shm ' /proc/self/mounts; touch /dev/mqueue/q && ls /dev/mqueue"),
                             ipcMode="none"))
    assert outcome.lines()[1] != own("ipc")
    assert outcome.lines()[2:] == ["0", "q"]
