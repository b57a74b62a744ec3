"""`berth run`: limits that the kernel enforces."""

import os
import pathlib
import re
import time

import leak_census
from berth import Instance, sh, task
from waiting import wait_until

SPIN = "echo ready; while :; do :; done"


def stat(path, key):
    return int(re.search(rf"^{key} (\d+)$", path.read_text(), re.MULTILINE).group(1))


def cpu_seconds(pid):
    user, system = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


EAT_MEMORY = "echo start; x=a; while :; do x=$x$x; done"


def test_container_beyond_its_memory_is_killed_and_the_reason_is_awss(berth):
    outcome = berth.run(task(sh(EAT_MEMORY, memory=32)))
    assert outcome.code == 137
    assert "berth: main: exit code 137, OutOfMemoryError: Container killed due to memory usage\n" in outcome.err


def test_task_beyond_its_memory_is_killed(berth):
    """Neither container has a limit of its own; the one that the kernel spared has not run out of memory.

    It asks for none while there is none to be had: then the kernel could rightly kill it, too.
    """
    greedy = sh(EAT_MEMORY, dependsOn=[{"containerName": "modest", "condition": "START"}])
    modest = sh("exec sleep 600", "modest", essential=False, stopTimeout=2)
    del greedy["memory"], modest["memory"]
    outcome = berth.run(task(greedy, modest, memory="64"))
    assert outcome.code == 137
    assert "berth: main: exit code 137, OutOfMemoryError: Container killed due to memory usage\n" in outcome.err
    assert "berth: modest: exit code 137\n" in outcome.err


def test_kill_without_memory_pressure_is_no_oom(berth):
    with berth.start(task(sh("trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done"))) as running:
        running.wait_for("ready")
        running.interrupt()
        running.wait_for("asked")
        running.interrupt()
        outcome = running.wait()
    assert outcome.code == 137
    assert "OutOfMemory" not in outcome.err


def test_fork_bomb_is_stopped_at_the_tasks_limit(warm, tmp_path):
    """Process 1 looks on with builtins only, for a shell that cannot fork ends; SIGCHLD interrupts its open()."""
    limit = 20
    instance = Instance(tmp_path, warm.images, {"taskPidsLimit": limit, "subnet": "172.30.0.0/24"})
    before = leak_census.take(instance.state, instance.root)
    bomb = "mkfifo /quiet; echo ready; bomb() { bomb & bomb & sleep 60; }; bomb & until read line </quiet; do :; done"
    with instance.start(task(sh(bomb))) as running:
        running.wait_for("ready")
        events = instance.cgroup_files("pids", "pids.events") + instance.cgroup_files("pids", "main/pids.events")
        (current,) = instance.cgroup_files("pids", "pids.current")
        wait_until(lambda: sum(stat(path, "max") for path in events) > 0, "a fork is refused")
        # Counted one by one while they come and go, there may seem to be more.
        wait_until(lambda: 1 < len(running.pids()) <= limit, "so many processes")
        assert int(current.read_text()) <= limit
    leak_census.assert_equal(before, instance.state, instance.root)


def test_task_cpu_is_a_quota(berth):
    """An eighth of a processor, which others leave to it: throttled, and no more time than that."""
    with berth.start(task(sh(SPIN), cpu="128", memory="128")) as running:
        running.wait_for("ready")
        (path,) = berth.cgroup_files("cpu", "cpu.stat")
        pid = running.pids()[0]
        throttled, used, begin = stat(path, "nr_throttled"), cpu_seconds(pid), time.monotonic()
        wait_until(lambda: stat(path, "nr_throttled") - throttled >= 10, "throttled in ten periods", seconds=120)
        used, elapsed = cpu_seconds(pid) - used, time.monotonic() - begin
        assert used / elapsed < 0.2


def test_cpu_time_is_shared_by_weight_not_capped(berth):
    """A container's cpu is a share: alone on the machine it is not throttled."""
    with berth.start(task(sh(SPIN, cpu=10))) as running:
        running.wait_for("ready")
        paths = berth.cgroup_files("cpu", "cpu.stat") + berth.cgroup_files("cpu", "main/cpu.stat")
        assert len(paths) == 2, paths  # the task's and the container's
        time.sleep(0.5)
        for path in paths:
            assert stat(path, "nr_throttled") == 0


def test_busy_containers_get_processor_time_by_their_weight(berth):
    """Both are put on one processor, or there would be nothing to share."""
    with berth.start(task(sh(SPIN, cpu=800), sh(SPIN, "light", cpu=200))) as running:
        running.wait_for(r"main +\| ready")
        running.wait_for(r"light +\| ready")
        pids = running.pids()[0], running.pids("light")[0]
        for pid in pids:
            os.sched_setaffinity(pid, {min(os.sched_getaffinity(pid))})
        before = [cpu_seconds(pid) for pid in pids]
        used = lambda: [cpu_seconds(pid) - start for pid, start in zip(pids, before)]
        wait_until(lambda: sum(used()) >= 1.5, "one and a half seconds between them", seconds=120, pause=0.1)
        heavy, light = used()
    assert light > 0
    assert 2.5 < heavy / light < 6


def test_devices_that_were_not_given_are_refused(berth):
    """With CAP_MKNOD the node can be made outside a user namespace; opening it is what the cgroup refuses."""
    script = ("exec 2>/dev/null; mknod /tmp/kmsg c 1 11 && echo made; cat /tmp/kmsg >/dev/null; echo $?; "
              "echo x >/dev/null; echo $?")
    assert berth.run(task(sh(script)), "--userns=host").lines() == ["made", "1", "0"]
