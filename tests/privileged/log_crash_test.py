"""Lines while who looks after the task is killed: each is there once, in order, whatever keeps the log."""

import json
import os
import pathlib
import signal

import pytest

from berth import sh, task
from waiting import wait_until

GROUP = "crash"
# Numbers without end, some hundreds a second; the last one is told when it is told to stop.
COUNT = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo line $i; [ $((i % 20)) -ne 0 ] || usleep 20000; done"
DRIVERS = {
    "json-file": {"logDriver": "json-file", "options": {"max-size": "20k", "max-file": "1000", "mode": "blocking"}},
    "awslogs": {"logDriver": "awslogs", "options": {"awslogs-group": GROUP, "awslogs-region": "eu-central-1",
                                                    "awslogs-stream-prefix": "p", "awslogs-create-group": "true",
                                                    "mode": "blocking"}},
}


def events(instance):
    if not (instance.root / "log-groups").exists():
        return []
    told = instance.berth("log-group", "events", "--region", "eu-central-1", "--format", "json", GROUP)
    return [json.loads(line)["message"] for line in told.out.splitlines()]


def lines(instance, driver, task_id):
    if driver == "awslogs":
        return events(instance)
    return instance.berth("logs", "--container", "main", task_id).out.splitlines()


def assert_whole(seen, at_least):
    numbers = [int(line.split()[1]) for line in seen]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= at_least


def grow(instance, driver, task_id):
    """Waits for many more lines than any buffer on the way holds back; returns how many there are."""
    before = len(lines(instance, driver, task_id))
    return wait_until(lambda: (n := len(lines(instance, driver, task_id))) > before + 200 and n)


@pytest.mark.parametrize("driver", DRIVERS)
def test_the_keeper_is_killed(berth, detached, driver):
    task_id = detached(task(sh(COUNT, logConfiguration=DRIVERS[driver])))
    shim = json.loads(berth.berth("inspect", task_id).out)[0]["supervisorPid"]
    keeper = int(pathlib.Path(f"/proc/{shim}/stat").read_text().rpartition(")")[2].split()[1])
    grow(berth, driver, task_id)
    os.kill(keeper, signal.SIGKILL)
    printed = grow(berth, driver, task_id)
    assert berth.berth("stop", task_id).code == 0  # which sweeps
    assert_whole(lines(berth, driver, task_id), printed)
    if driver == "awslogs":
        assert berth.berth("log-group", "rm", "--region", "eu-central-1", GROUP).code == 0


@pytest.mark.parametrize("driver", DRIVERS)
def test_berthd_is_killed_and_killed_again(daemon, driver):
    instance = daemon.instance
    container = {"name": "main", "image": instance.images["busybox"], "memory": 64, "command": ["sh", "-c", COUNT],
                 "logConfiguration": DRIVERS[driver]}
    client = daemon.client("ecs")
    client.register_task_definition(family="count", networkMode="bridge", containerDefinitions=[container])
    arn = client.run_task(taskDefinition="count")["tasks"][0]["taskArn"]
    task_id = arn.rsplit("/", 1)[1]
    wait_until(lambda: client.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "RUNNING")
    grow(instance, driver, task_id)
    for _ in range(3):
        daemon.kill()
        grow(instance, driver, task_id)  # nobody looks after it
        daemon.start()
        printed = grow(instance, driver, task_id)
    client = daemon.client("ecs")
    client.stop_task(task=arn)
    wait_until(lambda: client.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"] == "STOPPED")
    assert_whole(lines(instance, driver, task_id), printed)
    if driver == "awslogs":
        assert instance.berth("log-group", "rm", "--region", "eu-central-1", GROUP).code == 0
