"""berth events: what happens to tasks and services, as it happens and through an upgrade."""

import json
import signal
import subprocess

import pytest

from waiting import wait_until

QUICK = {"Delay": 1, "MaxAttempts": 60}


class Follower:
    """`berth events --follow` with its lines as JSON."""

    def __init__(self, instance, path, *flags):
        self._out = open(path, "a+")  # both have one offset: what it writes is appended, wherever we read
        self.process = subprocess.Popen(instance.command(("events", "--follow", "--format", "json", *flags)), stdout=self._out,
                                        stderr=subprocess.DEVNULL, env=instance.environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.process.wait()

    def events(self):
        self._out.seek(0)
        return [json.loads(line) for line in self._out.read().splitlines(keepends=True) if line.endswith("\n")]


@pytest.fixture
def ecs(daemon, layouts):
    ecs = daemon.client("ecs")
    ecs.register_task_definition(family="once", networkMode="none", containerDefinitions=[
        {"name": "main", "image": f"oci:{layouts['busybox']}:latest", "memory": 64, "command": ["sh", "-c", "exit 3"]}])
    return ecs


def run_once(ecs):
    arn = ecs.run_task(taskDefinition="once")["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)
    return arn.rsplit("/")[-1]


def test_what_happened_and_what_happens(daemon, ecs, tmp_path):
    first = run_once(ecs)
    with Follower(daemon.instance, tmp_path / "all") as follower:
        wait_until(lambda: [each for each in follower.events() if each["event"] == "TaskReleased"])
        second = run_once(ecs)
        wait_until(lambda: [each for each in follower.events() if each["task"] == second and each["event"] == "TaskReleased"])
        daemon.process.send_signal(signal.SIGHUP)
        daemon.hear("READY=1", times=2)
        third = run_once(ecs)
        wait_until(lambda: [each for each in follower.events() if each["task"] == third and each["event"] == "TaskReleased"])
        for task in (first, second, third):
            story = [each for each in follower.events() if each["task"] == task]
            assert story[0]["event"] == "RunTaskRequested" and story[-1]["status"] == "STOPPED"
            assert [each["decision"] for each in story if "decision" in each] == [
                "EssentialContainerExited: Essential container in task exited"]
    shown = daemon.instance.berth("events", "--task", third[:8])
    assert shown.code == 0 and "container main exited with code 3" in shown.out and second[:8] not in shown.out
    arn = f"arn:aws:ecs:eu-central-1:123456789012:task/default/{third}"
    assert daemon.instance.berth("events", "--task", arn).out == shown.out
    refused = daemon.instance.berth("events", "--service", "quiet", "--rule", "nightly")
    assert refused.code != 0 and "excludes" in refused.err, refused


def test_services_tell_why(daemon, ecs):
    ecs.create_service(serviceName="quiet", taskDefinition="once", desiredCount=0)
    ecs.delete_service(service="quiet")
    wait_until(lambda: "SERVICE_DELETED" in daemon.instance.berth("events", "--service", "quiet").out)
    lines = daemon.instance.berth("events", "--service", "quiet").out.splitlines()
    assert lines and all("service quiet" in line for line in lines)


def test_without_a_daemon_there_is_nothing_to_show(daemon):
    daemon.stop()
    shown = daemon.instance.berth("events")
    assert shown.code == 125 and "no berthd serves this instance" in shown.err
    daemon.start()
