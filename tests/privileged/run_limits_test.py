"""`berth run`: limits that the kernel enforces."""

import re
import time

from berth import Instance, sh, task


def stat(path, key):
    return int(re.search(rf"^{key} (\d+)$", path.read_text(), re.MULTILINE).group(1))


EAT_MEMORY = "echo start; x=a; while :; do x=$x$x; done"


def test_container_beyond_its_memory_is_killed_and_the_reason_is_awss(berth):
    outcome = berth.run(task(sh(EAT_MEMORY, memory=32)))
    assert outcome.code == 137
    assert "OutOfMemoryError: Container killed due to memory usage" in outcome.err


def test_task_beyond_its_memory_is_killed(berth):
    container = sh(EAT_MEMORY)
    del container["memory"]
    outcome = berth.run(task(container, memory="64"))
    assert outcome.code == 137
    assert "OutOfMemoryError" in outcome.err


def test_kill_without_memory_pressure_is_no_oom(berth):
    with berth.start(task(sh("echo ready; sleep 100", stopTimeout=2))) as running:
        running.wait_for("ready")
        running.interrupt()
        running.interrupt()
        outcome = running.wait()
    assert outcome.code == 137
    assert "OutOfMemory" not in outcome.err


def test_task_has_a_limit_of_processes(warm, tmp_path):
    instance = Instance(tmp_path, warm.images, {"taskPidsLimit": 20, "subnet": "172.30.0.0/24"})
    outcome = instance.run(task(sh("for i in $(seq 40); do sleep 3 & done; wait")))
    assert "fork" in (outcome.out + outcome.err).lower(), outcome


def test_task_cpu_is_a_quota(berth):
    with berth.start(task(sh("echo ready; while :; do :; done"), cpu="256", memory="128")) as running:
        running.wait_for("ready")
        (path,) = berth.cgroup_files("cpu", "cpu.stat")
        before = stat(path, "nr_throttled")
        time.sleep(1)
        assert stat(path, "nr_throttled") - before >= 5


def test_cpu_time_is_shared_by_weight_not_capped(berth):
    """A container's cpu is a share: alone on the machine it is not throttled."""
    with berth.start(task(sh("echo ready; while :; do :; done", cpu=10))) as running:
        running.wait_for("ready")
        time.sleep(0.5)
        for path in berth.cgroup_files("cpu", "*/cpu.stat"):
            assert stat(path, "nr_throttled") == 0


def test_devices_that_were_not_given_are_refused(berth):
    """With CAP_MKNOD the node can be made outside a user namespace; opening it is what the cgroup refuses."""
    script = "mknod /tmp/kmsg c 1 11 && cat /tmp/kmsg >/dev/null; echo $?; echo x >/dev/null; echo $?"
    refused, allowed = berth.run(task(sh(script)), "--userns=host").lines()[-2:]
    assert refused != "0"
    assert allowed == "0"
