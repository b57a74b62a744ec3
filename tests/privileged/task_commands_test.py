"""berth run --detach, ps, logs, exec, stop, inspect and stats, as a user types them."""

import fcntl
import json
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import termios

from berth import PATIENCE, sh, task
from waiting import wait_until

TICK = "i=0; while :; do i=$((i+1)); echo tick $i; usleep 100000; done"
HOLD = "trap 'exit 7' TERM; echo ready; while :; do usleep 50000; done"


def listed(berth, *flags):
    return {each["taskId"]: each for each in json.loads(berth.berth("ps", "--format", "json", *flags).out)}


def keeper_of(berth, task_id):
    """The `berth run --report` that looks after the task: the parent of its supervisor."""
    shim = listed(berth)[task_id]["supervisorPid"]
    return int(pathlib.Path(f"/proc/{shim}/stat").read_text().rpartition(")")[2].split()[1])


def test_a_detached_task_outlives_the_command(berth, detached):
    task_id = detached(task(sh(HOLD), family="holder"))
    found = listed(berth)[task_id]
    assert (found["family"], found["lastStatus"]) == ("holder", "RUNNING")
    (container,) = found["containers"]
    assert container["lastStatus"] == "RUNNING"
    assert pathlib.Path(f"/proc/{container['pid']}").exists()
    assert found["addresses"][0]["privateIpv4Address"]


def test_ps_is_a_table_and_ids_alone(berth, detached):
    task_id = detached(task(sh(HOLD), family="holder"))
    lines = berth.berth("ps").out.splitlines()
    assert lines[0].split()[:3] == ["TASK", "FAMILY", "STATUS"]
    (line,) = [each for each in lines if each.startswith(task_id[:12])]
    assert "holder  RUNNING" in line and "main RUNNING" in line
    assert berth.berth("ps", "-q").out.split() == [task_id]


def test_stop_is_kind_and_the_exit_code_is_kept(berth, detached):
    task_id = detached(task(sh(HOLD)))
    wait_until(lambda: "ready" in berth.berth("logs", task_id).out)
    outcome = berth.berth("stop", task_id[:8])
    assert (outcome.code, outcome.out) == (0, task_id + "\n"), outcome
    assert listed(berth) == {}
    stopped = listed(berth, "--all")[task_id]
    assert (stopped["lastStatus"], stopped["containers"][0]["exitCode"]) == ("STOPPED", 7)
    assert berth.berth("logs", task_id).out == "main | ready\n"


def test_stop_kill_does_not_ask(berth, detached):
    task_id = detached(task(sh("trap 'echo told' TERM; echo ready; while :; do usleep 50000; done", stopTimeout=60)))
    wait_until(lambda: "ready" in berth.berth("logs", task_id).out)
    assert berth.berth("stop", "--kill", task_id).code == 0
    assert berth.berth("logs", task_id).out == "main | ready\n"
    assert listed(berth, "--all")[task_id]["containers"][0]["exitCode"] == 137


def test_stop_of_a_task_in_the_foreground_ends_its_berth_run(berth):
    with berth.start(task(sh(HOLD), family="front")) as running:
        running.wait_for("ready")
        assert berth.berth("stop", "front").code == 0
        assert running.wait().code == 7


def test_logs_follow_until_the_task_stops(berth, detached):
    task_id = detached(task(sh("for i in 1 2 3 4 5; do echo line $i; usleep 200000; done")))
    followed = berth.berth("logs", "--follow", "--container", "main", task_id)
    assert followed.out.splitlines() == [f"line {i}" for i in range(1, 6)], followed


def test_logs_of_several_containers_are_in_the_order_of_time(berth, detached):
    volume = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
    # A line's time is that of its reader, one for each container: a second is enough for each to come to it.
    containers = [sh(f"until [ -e /shared/{i} ]; do usleep 10000; done; echo line {i}; sleep 1; touch /shared/{i + 1}; sleep 600",
                     f"c{i % 2}{i}", **volume) for i in range(4)]
    containers.append(sh("touch /shared/0; sleep 600", "last", **volume))
    task_id = detached(task(*containers, volumes=[{"name": "shared"}]))
    outcome = wait_until(lambda: (seen := berth.berth("logs", task_id)).out.count("line") == 4 and seen)
    assert re.findall(r"line \d", outcome.out) == [f"line {i}" for i in range(4)]
    assert berth.berth("logs", "--tail", "1", task_id).out.endswith("| line 3\n")
    stamped = berth.berth("logs", "--timestamps", "--container", "c11", task_id).out
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z line 1\n", stamped)


def test_exec_runs_in_the_container(berth, detached):
    task_id = detached(task(sh(HOLD), sh(HOLD, "side", essential=False)))
    outcome = berth.berth("exec", task_id, "sh", "-c", "hostname -i; echo $X; pwd; id -u; exit 5")
    assert outcome.code == 5, outcome
    address = listed(berth)[task_id]["addresses"][0]["privateIpv4Address"]
    assert outcome.out.splitlines() == [address, "", "/", "0"], outcome
    outcome = berth.berth("exec", "--env", "X=y", "--workdir", "/tmp", "--user", "1:2", "--container", "side", task_id,
                          "sh", "-c", "echo $X; pwd; id -u; id -g")
    assert outcome.out.splitlines() == ["y", "/tmp", "1", "2"], outcome
    for flags in ([], ["-i"], ["--interactive"]):
        fed = berth.berth("exec", *flags, task_id, "cat", stdin="through\n")
        assert fed.out == "through\n", fed
    unknown = berth.berth("exec", "--colour", task_id, "true")
    assert unknown.code == 125 and "not expected: --colour" in unknown.err, "an option of nobody's is not the program: " + unknown.err


def test_exec_knows_users_by_name(berth, detached):
    task_id = detached(task(sh(HOLD)))
    assert berth.berth("exec", task_id, "sh", "-c", "echo app:x:1234:99::/:/bin/sh >/etc/passwd").code == 0
    assert berth.berth("exec", "--user", "app", task_id, "sh", "-c", "id -u; id -g").out == "1234\n99\n"
    unknown = berth.berth("exec", "--user", "nobody-here", task_id, "true")
    assert unknown.code == 125
    assert "unable to find user nobody-here" in unknown.err


def test_exec_with_a_terminal(berth, detached):
    task_id = detached(task(sh(HOLD)))
    master, slave = pty.openpty()
    command = berth.command(("exec", "-it", task_id, "sh", "-c", "tty; stty size; exit 3"))
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    output = b""
    while True:
        try:
            piece = os.read(master, 4096)
        except OSError:
            break
        if not piece:
            break
        output += piece
    os.close(master)
    assert process.wait(30 * PATIENCE) == 3, output
    assert output.split() == [b"/dev/pts/0", b"33", b"77"]


def test_stats_are_the_kernels(berth, detached):
    busy = sh("while :; do :; done", "busy", memory=48, cpu=256)
    task_id = detached(task(busy, sh(HOLD, "calm", memory=32), cpu="512", memory="128"))
    outcome = berth.berth("stats", "--no-stream", "--format", "json", task_id)
    found = {line["container"]: line for line in map(json.loads, outcome.out.splitlines())}
    assert found["busy"]["cpuPercent"] > found["calm"]["cpuPercent"]
    assert found["busy"]["memoryLimitBytes"] == 48 << 20
    assert found["calm"]["memoryLimitBytes"] == 32 << 20
    assert found["calm"]["pids"] >= 1
    table = berth.berth("stats", "--no-stream").out
    assert re.search(rf"^{task_id[:12]}  busy ", table, re.MULTILINE), table


def test_a_task_goes_on_without_its_keeper(berth, detached):
    """kill -9 of berth changes nothing; the stop cleans up what the keeper would have."""
    task_id = detached(task(sh(TICK)))
    os.kill(keeper_of(berth, task_id), signal.SIGKILL)
    before = berth.berth("logs", "--container", "main", task_id).out.count("tick")
    wait_until(lambda: berth.berth("logs", "--container", "main", task_id).out.count("tick") > before + 3)
    assert listed(berth)[task_id]["lastStatus"] == "RUNNING"
    assert berth.berth("exec", task_id, "true").code == 0
    outcome = berth.berth("stop", "--kill", task_id)
    assert outcome.code == 0, outcome
    assert listed(berth) == {}
    lines = berth.berth("logs", "--container", "main", task_id).out.splitlines()
    assert lines == [f"tick {i + 1}" for i in range(len(lines))]


def test_a_start_that_fails_says_why(berth):
    outcome = berth.run(task({"name": "main", "image": "busybox", "memory": 64, "command": ["/no/such/program"]}),
                        "--detach")
    assert outcome.code == 125, outcome
    assert outcome.out == ""
    assert "CannotStartContainerError" in outcome.err


def test_names_that_mean_nothing(berth, detached):
    task_id = detached(task(sh(HOLD)))
    for command in (("logs", "nobody"), ("stop", "nobody"), ("inspect", "nobody"), ("exec", "nobody", "true")):
        outcome = berth.berth(*command)
        assert outcome.code == 125
        assert 'no task "nobody"' in outcome.err
    outcome = berth.berth("exec", "--container", "x", task_id, "true")
    assert 'no container "x"; it has main' in outcome.err


def test_inspect_tells_where_things_are(berth, detached):
    task_id = detached(task(sh(HOLD)))
    (found,) = json.loads(berth.berth("inspect", task_id).out)
    assert pathlib.Path(found["taskDirectory"]).is_dir()
    assert pathlib.Path(found["logDirectory"], "main.log").exists()
    (container,) = found["containers"]
    assert container["imageDigest"].startswith("sha256:")
    groups = pathlib.Path(f"/proc/{container['pid']}/cgroup").read_text()
    assert container["cgroup"] in groups
