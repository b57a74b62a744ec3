"""What stays when berth, its shim or a container is killed: nothing, at the latest after the next start."""

import contextlib
import os
import signal
import socket
import time

import pytest

import leak_census
from berth import PATIENCE, sh, supervisors, task
from waiting import wait_until

FOREVER = "echo ready; while :; do sleep 0.1; done"


def kill(running):
    running.process.kill()
    running.process.wait()


def wait_for_the_end_of_shims(instance):
    """Until they are reaped: one that is exiting has lost its command line, but counts as alive.

    So does the child of a killed berth that is about to become a shim: it has the command line of berth, and its locks."""
    pids = supervisors(instance)

    def all_have_gone():
        pids.extend(leak_census.processes(instance.name, (instance.state, instance.root)))
        return not any(os.path.exists(f"/proc/{pid}") for pid in pids)

    wait_until(all_have_gone, "a shim without its berth lives on")


@pytest.mark.parametrize("mode", ["awsvpc", "bridge", "host"])
def test_next_start_sweeps_what_a_killed_berth_left(berth, mode):
    with berth.start(task(sh(FOREVER, stopTimeout=2), networkMode=mode)) as running:
        running.wait_for("ready")
        kill(running)
    wait_for_the_end_of_shims(berth)
    assert not running.pids()
    assert berth.run(task(sh("true"))).code == 0


def test_sweep_command_needs_no_task(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2), networkMode="bridge")) as running:
        running.wait_for("ready")
        kill(running)
    wait_for_the_end_of_shims(berth)
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0, outcome


def test_sweep_says_what_is_still_stopping(berth, tmp_path):
    script = "trap 'until [ -e /host/go ]; do sleep 0.1; done; exit' TERM; echo ready; while :; do sleep 0.1; done"
    main = sh(script, stopTimeout=120, mountPoints=[{"sourceVolume": "host", "containerPath": "/host"}])
    with berth.start(task(main, volumes=[{"name": "host", "host": {"sourcePath": str(tmp_path)}}])) as running:
        running.wait_for("ready")
        kill(running)
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0 and "still stopping it; sweep again later" in outcome.err, outcome
    (tmp_path / "go").touch()
    wait_for_the_end_of_shims(berth)
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0 and "stopping" not in outcome.err, outcome


def test_shim_of_a_killed_berth_stops_the_task_kindly(berth, tmp_path):
    """A start meanwhile does not disturb it."""
    script = "trap 'sleep 1; echo kindly >/host/stopped; exit' TERM; echo ready; while :; do sleep 0.1; done"
    main = sh(script, mountPoints=[{"sourceVolume": "host", "containerPath": "/host"}])
    with berth.start(task(main, volumes=[{"name": "host", "host": {"sourcePath": str(tmp_path)}}])) as running:
        running.wait_for("ready")
        kill(running)
    assert berth.run(task(sh("true"))).code == 0
    wait_for_the_end_of_shims(berth)
    assert (tmp_path / "stopped").read_text() == "kindly\n"
    assert berth.berth("system", "sweep").code == 0


def test_running_task_of_another_berth_is_not_swept(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
        running.wait_for("ready")
        assert berth.run(task(sh("true"))).code == 0
        assert berth.berth("system", "sweep").code == 0
        assert running.process.poll() is None
        assert running.pids()


def test_no_container_outlives_its_shim(berth):
    """Neither its first process nor one that left the session; berth says why it ends."""
    with berth.start(task(sh(f"setsid sleep 1000 & {FOREVER}", stopTimeout=2), sh(FOREVER, "side"))) as running:
        running.wait_for(r"main \| ready")
        running.wait_for(r"side \| ready")
        containers = running.pids("main") + running.pids("side")
        assert len(containers) >= 3
        (shim,) = supervisors(berth)
        os.kill(shim, signal.SIGKILL)
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in containers), "containers live on")
        outcome = running.wait()
    assert outcome.code not in (0, None)
    assert "main: ended, exit code unknown" in outcome.err
    assert "STOPPED: EssentialContainerExited, the supervisor of the task (berth-shim) ended unexpectedly" in outcome.err


def test_berth_and_its_shim_killed_together(berth):
    with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
        running.wait_for("ready")
        containers = running.pids()
        for pid in (running.process.pid, *supervisors(berth)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        running.process.wait()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in containers), "containers live on")
    assert berth.berth("system", "sweep").code == 0


def test_berth_and_its_shim_killed_before_a_container_starts(berth):
    """What is created and waits for its start has no death signal yet: its parent of then has gone already."""
    waited = 0
    for attempt in range(40):
        if attempt >= 6 and waited:
            break
        with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
            wait_until(lambda: supervisors(berth), "no shim", pause=0.001)
            # Now it cannot say `start` any more, unless it has; the shim creates the container meanwhile.
            os.kill(running.process.pid, signal.SIGSTOP)
            # The directory stays when we come too late for the socket.
            wait_until(lambda: list(berth.state.glob("oci/*/state.json")), "no container is created", pause=0.001)
            victims = (*supervisors(berth), running.process.pid)
            waited += len(list(berth.state.glob("oci/*/init.sock")))
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            running.process.wait()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in victims), "a dead shim is not reaped")
        wait_until(lambda: not leak_census.processes(berth.name), "a container waits for ever")
        assert berth.berth("system", "sweep").code == 0
    assert waited > 0


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
            kill(running)
    wait_for_the_end_of_shims(berth)
    outcome = berth.berth("system", "sweep")
    assert outcome.code == 0, outcome


def test_nothing_at_all_stays_of_a_first_run(fresh):
    """Unlike `berth`, the census of `fresh` was taken before the instance made anything."""
    assert fresh.run(task(sh("true"))).code == 0
    assert fresh.run(task(sh("true"), networkMode="bridge")).code == 0


def test_pull_that_fails_at_once_leaves_no_firewall_rule(berth):
    """The host's side of the network is made while images are pulled: the end must wait for it."""
    container = {"name": "main", "image": "oci:/nonexistent/layout:latest", "memory": 64}
    for _ in range(10):
        outcome = berth.run({"family": "test", "networkMode": "bridge", "containerDefinitions": [container]})
        assert outcome.code != 0
        assert "CannotPull" in outcome.err


def test_shim_killed_at_any_moment_of_the_start(berth):
    for milliseconds in (0, 5, 10, 20, 40, 60, 80):
        with berth.start(task(sh(FOREVER, stopTimeout=2))) as running:
            wait_until(lambda: supervisors(berth), "no shim")
            time.sleep(milliseconds / 1000 * PATIENCE)
            for shim in supervisors(berth):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(shim, signal.SIGKILL)
            outcome = running.wait()
        assert outcome.code not in (0, None), outcome
        assert "berth-shim" in outcome.err, outcome


def sweepers(instance):
    found = leak_census.processes(instance.name, (instance.state, instance.root))
    return [pid for pid, command in found.items() if " system sweep " in command]


def test_bridge_of_a_killed_sweeper_serves_the_next_run(berth):
    """The census afterwards proves that the sweeper of that run took it away."""
    definition = task(sh("true"))
    assert berth.run(definition).code == 0
    for pid in sweepers(berth):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not sweepers(berth), "the sweeper is killed")
    bridge = f"br-{berth.name}"
    if bridge not in leak_census.links():
        pytest.skip("the machine is so slow that the sweeper had swept already")
    index = socket.if_nametoindex(bridge)
    with berth.start(task(sh(FOREVER))) as running:
        running.wait_for("ready")
        assert socket.if_nametoindex(bridge) == index
