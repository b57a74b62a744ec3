"""A day of clients at a berthd that dies at every commit: what was answered is there afterwards, what was not answered is
there whole or not at all, and nothing else has changed."""

import copy
import os
import random
import subprocess

import botocore.exceptions
import pytest

from berth import PROJECT
from waiting import wait_until

QUICK = {"Delay": 1, "MaxAttempts": 60}
# A life has 1 to 16 writes; a request takes two to five, and more as the day grows: each page that it changes is two, so a
# life may be longer after each that was too short for the request. BERTH_DEATHS=400 is a long day.
LIFE, LONGER = 16, 4
DEATHS = int(os.environ.get("BERTH_DEATHS", "40"))
SEED = 7
LOST = (botocore.exceptions.EndpointConnectionError, botocore.exceptions.ConnectionClosedError, botocore.exceptions.ReadTimeoutError)


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "die_at_write.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", path, PROJECT / "tests/support/die_at_write.c", "-ldl"], check=True)
    return path


def account(ecs):
    """All that clients can see of what they have made."""
    clusters = ecs.describe_clusters(clusters=ecs.list_clusters()["clusterArns"], include=["TAGS", "SETTINGS"])["clusters"]
    state = {"clusters": {each["clusterName"]: {tag["key"]: tag["value"] for tag in each["tags"]} for each in clusters},
             "settings": {each["name"]: each["value"] for each in ecs.list_account_settings()["settings"]}}
    for status in ("ACTIVE", "INACTIVE"):
        arns = ecs.list_task_definitions(status=status)["taskDefinitionArns"]
        state[status] = sorted(arn.rsplit("/")[-1] for arn in arns)
    tasks = []
    for status in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(desiredStatus=status)["taskArns"]
        tasks += ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
    state["tasks"] = {each["startedBy"]: each["desiredStatus"] for each in tasks}
    return state


class Day:
    """What clients do, each step as a call and as what it makes of the account."""

    def __init__(self, image):
        self._random, self._image, self._count = random.Random(SEED), image, 0

    def steps(self):
        return self._count

    def step(self, state):
        """A function of the API, and the account as it must be afterwards."""
        self._count += 1
        name, number = f"c{self._count}", str(self._count)
        after = copy.deepcopy(state)
        mine = [each for each in state["clusters"] if each != "default"]
        running = [each for each, status in state["tasks"].items() if status == "RUNNING"]
        kinds = ["register", "register", "setting"] + ["cluster"] * (len(mine) < 5) + ["tag", "delete"] * (len(mine) > 0)
        kinds += ["deregister"] * (len(state["ACTIVE"]) > 1) + ["run"] * (len(running) < 2 and bool(state["ACTIVE"])) + ["stop"] * bool(running)
        kind = self._random.choice(kinds)
        if kind == "cluster":
            after["clusters"][name] = {"n": number}
            return lambda ecs: ecs.create_cluster(clusterName=name, tags=[{"key": "n", "value": number}]), after
        if kind == "tag":
            chosen = self._random.choice(mine)
            after["clusters"][chosen]["n"] = number
            arn = f"arn:aws:ecs:eu-central-1:123456789012:cluster/{chosen}"
            return lambda ecs: ecs.tag_resource(resourceArn=arn, tags=[{"key": "n", "value": number}]), after
        if kind == "delete":
            chosen = self._random.choice(mine)
            del after["clusters"][chosen]
            return lambda ecs: ecs.delete_cluster(cluster=chosen), after
        if kind == "setting":
            after["settings"]["containerInsights"] = value = self._random.choice(["enabled", "disabled"])
            return lambda ecs: ecs.put_account_setting(name="containerInsights", value=value), after
        if kind == "register":
            revision = 1 + max([int(each.split(":")[1]) for each in state["ACTIVE"] + state["INACTIVE"]], default=0)
            after["ACTIVE"] = sorted([*state["ACTIVE"], f"day:{revision}"])
            container = {"name": "main", "image": self._image, "memory": 64, "command": ["sleep", "1000"], "stopTimeout": 2}
            return lambda ecs: ecs.register_task_definition(family="day", networkMode="none", containerDefinitions=[container]), after
        if kind == "deregister":
            chosen = self._random.choice(state["ACTIVE"])
            after["ACTIVE"].remove(chosen)
            after["INACTIVE"] = sorted([*state["INACTIVE"], chosen])
            return lambda ecs: ecs.deregister_task_definition(taskDefinition=chosen), after
        if kind == "run":
            chosen = self._random.choice(state["ACTIVE"])
            after["tasks"][number] = "RUNNING"
            return lambda ecs: ecs.run_task(taskDefinition=chosen, startedBy=number), after
        chosen = self._random.choice(running)
        after["tasks"][chosen] = "STOPPED"

        def stop(ecs):
            (arn,) = ecs.list_tasks(startedBy=chosen)["taskArns"]
            ecs.stop_task(task=arn)
        return stop, after


def test_a_death_at_every_commit_loses_nothing_that_was_answered(daemon, library, layouts):
    daemon.stop()
    lives, longest = random.Random(SEED + 1), LIFE

    def begin():
        while True:
            daemon.extra = {"LD_PRELOAD": str(library), "BERTH_DIE_AT_WRITE": str(lives.randint(1, longest))}
            try:
                daemon.start()
                return daemon.client("ecs")
            except AssertionError:
                assert daemon.process.wait() == -9, daemon.log()  # it may die while it takes up its tasks

    ecs, deaths = begin(), 0
    day = Day(f"oci:{layouts['busybox']}:latest")
    state = None
    while state is None:
        try:
            state = account(ecs)
        except LOST:
            ecs, deaths = begin(), deaths + 1
    while deaths < DEATHS:
        call, after = day.step(state)
        answered, done = False, False
        while not done:
            try:
                if not answered:
                    call(ecs)
                answered = True
                seen = account(ecs)
                assert seen == after, "what was answered is not so"
                done = True
            except LOST:
                daemon.process.wait()
                deaths, longest = deaths + 1, longest + LONGER
                ecs = begin()
                try:
                    seen = account(ecs)
                except LOST:
                    continue
                assert seen == after or not answered and seen == state, "neither before nor after"
                answered = seen == after
        state, longest = after, LIFE
    print(f"{deaths} deaths over {day.steps()} requests")
    daemon.process.kill()
    daemon.process.wait()
    daemon.extra = {}
    daemon.start()
    ecs = daemon.client("ecs")
    assert account(ecs) == state
    for arn in ecs.list_tasks()["taskArns"]:
        ecs.stop_task(task=arn)
    wait_until(lambda: not ecs.list_tasks()["taskArns"])
    arns = ecs.list_tasks(desiredStatus="STOPPED")["taskArns"]
    if arns:
        ecs.get_waiter("tasks_stopped").wait(tasks=arns, WaiterConfig=QUICK)
    for name in state["clusters"]:
        if name != "default":
            ecs.delete_cluster(cluster=name)
