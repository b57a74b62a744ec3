"""berth explain: what it says of a file is what a start does, and what it says of a task is so."""

import json
import os
import pathlib
import re
import signal

import pytest
from berth import sh, task
from waiting import wait_until

HOLD = "trap 'exit 0' TERM; while :; do usleep 50000; done"

# One container with a field of each kind that a step comes from.
FIELDS = {
    "user": "1000:1000",
    "workingDirectory": "/tmp",
    "readonlyRootFilesystem": True,
    "cpu": 128,
    "memory": 64,
    "memoryReservation": 32,
    "hostname": None,
    "stopTimeout": 3,
    "ulimits": [{"name": "nofile", "softLimit": 256, "hardLimit": 512}],
    "dockerSecurityOptions": ["no-new-privileges"],
    "systemControls": [{"namespace": "net.core.somaxconn", "value": "777"}],
    "healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 5},
    "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True},
                    {"sourceVolume": "scratch", "containerPath": "/system"}],
    "dnsServers": [],
    "linuxParameters": {"sharedMemorySize": 8, "initProcessEnabled": True, "capabilities": {"add": ["SYS_PTRACE"], "drop": ["MKNOD"]},
                        "tmpfs": [{"containerPath": "/tmp", "size": 16, "mountOptions": ["noexec"]}]},
}


def rich(directory):
    fields = {name: value for name, value in FIELDS.items() if value is not None}
    return task(sh(HOLD, name="app", **fields), sh(HOLD, name="side", dependsOn=[{"containerName": "app", "condition": "START"}]),
                networkMode="awsvpc", cpu="256", memory="256",
                volumes=[{"name": "data", "host": {"sourcePath": str(directory)}}, {"name": "scratch"}])


@pytest.fixture
def running(detached, tmp_path):
    return detached(rich(tmp_path / "data"))


def steps_of(outcome):
    return json.loads(outcome.out)["steps"]


def test_a_file_is_explained_field_by_field_and_nothing_is_made(berth, tmp_path):
    source = tmp_path / "data"
    file = berth.write(rich(source))
    outcome = berth.berth("explain", "--format", "json", file)
    assert outcome.code == 0, outcome
    steps = steps_of(outcome)
    assert not source.exists(), "explaining a task made its volume"
    assert not list(pathlib.Path("/dev/shm").glob("berth-explain-*"))
    assert not any("seen" in look for step in steps for look in step["looks"]), "nothing runs that could be seen"

    definition = json.loads(pathlib.Path(file).read_text())
    asked = {each["field"]: each["value"] for step in steps for each in step["from"] if "value" in each}
    for pointer, value in asked.items():
        found = definition
        for piece in pointer.strip("/").split("/"):
            found = found[int(piece)] if isinstance(found, list) else found[piece]
        assert found == value, pointer
    wanted = {f"/containerDefinitions/0/{name}" for name in
              ("user", "readonlyRootFilesystem", "cpu", "memory", "memoryReservation", "stopTimeout", "ulimits",
               "dockerSecurityOptions", "systemControls", "healthCheck", "mountPoints", "workingDirectory", "command",
               "linuxParameters/initProcessEnabled", "linuxParameters/sharedMemorySize", "linuxParameters/capabilities", "linuxParameters/tmpfs")}
    (system,) = [step for step in steps if step["plan"] == "mounts[/system]"]
    assert "/containerDefinitions/0/mountPoints" in [each["field"] for each in system["from"]]
    assert "/containerDefinitions/0/dnsServers" not in asked, "an empty value is no value"
    assert wanted | {"/cpu", "/memory", "/networkMode", "/containerDefinitions/1/dependsOn"} <= set(asked)


def test_a_running_task_is_as_it_was_explained(berth, running):
    outcome = berth.berth("explain", "--format", "json", running)
    steps = steps_of(outcome)
    unseen = [(step["effect"], look) for step in steps for look in step["looks"] if not look["seen"]]
    assert outcome.code == 0 and not unseen, unseen
    # A look that anything satisfies proves nothing: each kind is there.
    files = {re.sub(r"^.*/", "", look["file"]) for step in steps for look in step["looks"]}
    assert {"mountinfo", "status", "limits", "uid_map", "net", "pid", "fib_trie", "pids.max"} <= files
    assert {step["process"] for step in steps} == {"berth", "berth-shim", "berth-oci", "init"}
    only = berth.berth("explain", "--container", "side", running)
    assert only.code == 0 and "container side" in only.out and "container app" not in only.out


def test_what_somebody_has_changed_is_seen(berth, running):
    looks = {look["file"] for step in steps_of(berth.berth("explain", "--format", "json", running))
             for look in step["looks"] if look["file"].endswith("/app/pids.max") or
             re.search(r"/app/memory\.(soft_limit_in_bytes|low)$", look["file"])}
    pathlib.Path(looks.pop()).write_text("20000000")
    outcome = berth.berth("explain", running)
    assert outcome.code == 1, outcome
    assert outcome.out.count("[IT IS NOT SO]") == 1


def test_what_cannot_be_explained_is_named(berth):
    file = berth.write({**task(sh("true")), "cpu": "many"})
    assert "cpu" in berth.berth("explain", file).err
    assert "nosuch" in berth.berth("explain", "nosuch").err
    good = berth.write(task(sh("true")))
    outcome = berth.berth("explain", "--container", "other", good)
    assert outcome.code != 0 and "other" in outcome.err


def why(berth, task_id):
    return json.loads(berth.berth("why", "--format", "json", task_id).out)


GO = "until [ -e /go ]; do usleep 20000; done; "


def stopped(berth, detached, definition):
    """A detached task whose first container has gone on and so ended it, and its id."""
    task_id = detached(definition)
    name = definition["containerDefinitions"][0]["name"]
    berth.berth("exec", "--container", name, task_id, "touch", "/go")  # it may end before this has
    wait_until(lambda: why(berth, task_id)["lastStatus"] == "STOPPED", "it stops")
    return task_id


def test_why_a_task_has_stopped_goes_back_to_its_root(berth, detached):
    container = sh(GO + "exit 127", name="app")
    account = why(berth, stopped(berth, detached, task(container, sh(HOLD, name="side", essential=False))))
    assert account["causes"][0] == "EssentialContainerExited: Essential container in task exited"
    assert account["causes"][1].startswith("container app exited with code 127 (127: the shell did not find a command)")
    events = [each["event"] for each in account["events"]]
    assert events[0] == "RunTaskRequested" and "ImagesPulled" in events and "TaskStopped" in events[-2:]
    assert events.index("ImagesPulled") < events.index("ContainerStarted") < events.index("ContainerExited")
    times = [each["at"] for each in account["events"]]
    assert times == sorted(times)


def test_why_says_that_memory_was_the_cause(berth, detached):
    greedy = sh(GO + "x=a; while :; do x=$x$x; done", name="greedy", memory=16)
    account = why(berth, stopped(berth, detached, task(greedy)))
    assert "OutOfMemoryError: Container killed due to memory usage" in account["causes"][1]


HARD_TO_STOP = "trap '' TERM; touch /up; while :; do usleep 50000; done"


@pytest.mark.parametrize("end, cause", [
    (("stop",), "its stopTimeout of 2 s was over"),
    (("stop", "--kill"), "it was to be killed, not stopped"),
    (None, "neither by berth nor for its memory: by a process of the container or of the host")])
def test_why_says_who_killed_a_container(berth, detached, end, cause):
    task_id = detached(task(sh(HARD_TO_STOP, name="app", stopTimeout=2)))
    wait_until(lambda: berth.berth("exec", task_id, "test", "-e", "/up").code == 0, "its trap is set")
    if end:
        assert berth.berth(*end, task_id).code == 0
    else:
        os.kill(berth.listed(task_id)["containers"][0]["pid"], signal.SIGKILL)
    wait_until(lambda: why(berth, task_id)["lastStatus"] == "STOPPED", "it stops")
    (told,) = [each["text"] for each in why(berth, task_id)["events"] if each["event"] == "ContainerExited"]
    assert told == f"container app exited with code 137 (128 + 9: SIGKILL, {cause})"


def test_why_a_container_does_not_start(berth):
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 60, "startPeriod": 300}
    definition = task(sh(f"echo up; {HOLD}", name="app", healthCheck=check),
                      sh(HOLD, name="late", dependsOn=[{"containerName": "app", "condition": "HEALTHY"}]))
    with berth.start({**definition, "family": "waits"}) as running:
        running.wait_for("up")
        assert why(berth, "waits")["causes"] == [
            "container late waits: app is not HEALTHY: no check has come to a verdict"]
        assert "because container late waits" in berth.berth("why", "waits").out


def test_why_a_task_was_stopped_by_its_user(berth, running):
    berth.berth("stop", running)
    text = berth.berth("why", running).out
    assert re.search(r"because UserInitiated: Task stopped by user\n +because asked to stop, at \d\d:", text), text
