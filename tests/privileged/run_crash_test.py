"""What stays when berth, its shim or a container is killed: nothing, at the latest after the next start."""

import os
import signal
import time

import leak_census
from berth import PATIENCE, sh, task

FOREVER = "echo ready; while :; do sleep 0.1; done"


def shims(instance):
    found = leak_census.processes(instance.name, (instance.state, instance.root))
    return [pid for pid, command in found.items() if command.split(" ", 1)[0].endswith("berth-shim")]


def wait_until(condition, what):
    deadline = time.monotonic() + 10 * PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_next_start_sweeps_what_a_killed_berth_left(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
        running.wait_for("ready")
        running.process.kill()
        running.process.wait()
    assert berth.run(task(sh("true"))).code == 0


def test_sweep_command_needs_no_task(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2), networkMode="bridge")) as running:
        running.wait_for("ready")
        running.process.kill()
        running.process.wait()
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0, outcome


def test_running_task_of_another_berth_is_not_swept(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
        running.wait_for("ready")
        assert berth.run(task(sh("true"))).code == 0
        assert berth.berth("system", "sweep").code == 0
        assert running.process.poll() is None
        assert running.pids()


def test_no_container_outlives_its_shim(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
        running.wait_for("ready")
        containers = running.pids()
        (shim,) = shims(berth)
        os.kill(shim, signal.SIGKILL)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in containers), "containers live on")
        assert running.wait().code != 0


def test_container_killed_from_outside_is_told(berth):
    with berth.start(task(sh(FOREVER))) as running:
        running.wait_for("ready")
        os.kill(running.pids()[0], signal.SIGKILL)
        outcome = running.wait()
    assert outcome.code == 137
    assert "OutOfMemory" not in outcome.err


def test_killed_at_any_moment_of_the_start(berth):
    """A start takes some 50 ms: kill berth at several of them, then one sweep must suffice."""
    for milliseconds in range(0, 100, 10):
        with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
            time.sleep(milliseconds / 1000 * PATIENCE)
            running.process.kill()
            running.process.wait()
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0, outcome


def test_nothing_at_all_stays_of_a_first_run(fresh):
    """Unlike `berth`, the census of `fresh` was taken before the instance made anything."""
    assert fresh.run(task(sh("true"))).code == 0
    assert fresh.run(task(sh("true"), networkMode="bridge")).code == 0
