"""Deployments that go through stages, task sets and berth's own members of services, over real tasks: hooks that pause are
answered by berth and by the API, and berthd's death in any stage changes nothing."""

import json
import os
import pathlib
import signal

import botocore.exceptions
import pytest

from berth import Instance, proc
from service_host import CONFIG, QUICK, ServiceHost, first_processes, wait_for_traps
from waiting import wait_until


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    return Instance(tmp_path_factory.mktemp("strategies"), images, CONFIG)


class Host(ServiceHost):
    """Its services go through stages."""

    def tasks(self, name):
        return set(self.ecs.list_tasks(serviceName=name)["taskArns"])

    def deployment(self, name):
        arn = self.ask("DescribeServices", services=[name])["services"][0]["currentServiceDeployment"]
        (found,) = self.ask("DescribeServiceDeployments", serviceDeploymentArns=[arn])["serviceDeployments"]
        return found

    def at(self, name, stage):
        """The deployment, once it is at the stage."""
        return wait_until(lambda: (found := self.deployment(name)).get("lifecycleStage") == stage and found,
                          f"at {stage}: {self.deployment(name)} {self.daemon.log()}")

    def pauses_at(self, name, stage):
        """The id of the hook that waits there."""
        def waiting():
            found = self.deployment(name)
            hooks = [hook for hook in found.get("lifecycleHookDetails", ()) if hook["status"] == "AWAITING_ACTION"]
            return found.get("lifecycleStage") == stage and hooks
        (hook,) = wait_until(waiting, f"a hook waits at {stage}: " + self.daemon.log())
        return hook["hookId"]

    def dies(self):
        self.daemon.kill()
        self.daemon.start()
        self.again()


@pytest.fixture
def host(daemon):
    running = Host(daemon)
    yield running
    running.remove_all()


def weight(deployment):
    return deployment["targetServiceRevision"]["requestedProductionTrafficWeight"]


def test_blue_and_green_whatever_berthd_does(host):
    first = host.register()
    hook = {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT"]}
    rules = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 1440, "lifecycleHooks": [hook]}
    request = {"serviceName": "web", "taskDefinition": first, "desiredCount": 2, "deploymentConfiguration": rules}
    created = host.berth("service", "create", "-", stdin=json.dumps(request))
    assert created.code == 0, created
    # The first deployment has nothing to shift from, and asks all the same.
    host.pauses_at("web", "PRE_SCALE_UP")
    assert host.tasks("web") == set()
    assert host.berth("service", "continue", "web").code == 0
    host.pauses_at("web", "POST_TEST_TRAFFIC_SHIFT")
    assert (len(host.tasks("web")), weight(host.deployment("web"))) == (2, 0)
    through = host.berth("service", "continue", "web", "--wait")
    assert through.code == 0, through
    blue = host.tasks("web")
    second = host.register()
    assert host.berth("service", "update", "web", "--task-definition", second).code == 0
    host.pauses_at("web", "PRE_SCALE_UP")
    assert host.tasks("web") == blue
    host.dies()
    host.pauses_at("web", "PRE_SCALE_UP")
    why = host.berth("why", "service/web")
    assert "waits at PRE_SCALE_UP until " in why.out and "berth service continue web" in why.out, why
    assert host.berth("service", "continue", "web").code == 0
    hook_id = host.pauses_at("web", "POST_TEST_TRAFFIC_SHIFT")
    green = host.tasks("web") - blue
    assert len(green) == 2 and blue < host.tasks("web")
    host.dies()
    assert host.pauses_at("web", "POST_TEST_TRAFFIC_SHIFT") == hook_id
    deployment = host.deployment("web")
    assert (weight(deployment), deployment["targetServiceRevision"]["requestedTestTrafficWeight"]) == (0, 100)
    host.ask("ContinueServiceDeployment", serviceDeploymentArn=deployment["serviceDeploymentArn"], hookId=hook_id)
    assert weight(host.at("web", "BAKE_TIME")) == 100
    host.dies()
    host.at("web", "BAKE_TIME")
    assert host.tasks("web") == blue | green
    undone = host.berth("service", "rollback", "web", "--wait")
    assert undone.code == 1 and "ROLLBACK_SUCCESSFUL" in undone.err, undone
    assert host.tasks("web") == blue and host.service("web")["taskDefinition"] == first
    nothing = host.berth("service", "continue", "web")
    assert nothing.code == 125 and "no hook of its deployment waits" in nothing.err, nothing
    # Without hooks and time to bake it goes through by itself.
    rules = {"bakeTimeInMinutes": 0, "lifecycleHooks": []}
    host.ask("UpdateService", service="web", taskDefinition=second, deploymentConfiguration=rules)
    watched = host.berth("service", "watch", "web")
    assert watched.code == 0 and "of production traffic" in watched.err, watched
    assert host.deployment("web")["status"] == "SUCCESSFUL"
    service = host.service("web")
    assert (service["taskDefinition"], service["runningCount"], len(service["deployments"])) == (second, 2, 1)
    assert not host.tasks("web") & (blue | green)


def test_a_canary_is_stopped_where_it_is_and_the_next_deployment_cleans_up(host):
    host.register()
    canary = {"canaryPercent": 12.5, "canaryBakeTimeInMinutes": 1440}
    rules = {"strategy": "CANARY", "canaryConfiguration": canary}
    host.ask("CreateService", serviceName="web", taskDefinition="web", desiredCount=1, deploymentConfiguration=rules)
    host.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)
    wait_until(lambda: host.deployment("web")["status"] == "SUCCESSFUL", "complete")
    host.ecs.update_service(service="web", forceNewDeployment=True)
    deployment = host.at("web", "PRODUCTION_TRAFFIC_SHIFT")
    assert weight(deployment) == 12.5 and deployment["sourceServiceRevisions"][0]["requestedProductionTrafficWeight"] == 87.5
    host.ask("StopServiceDeployment", serviceDeploymentArn=deployment["serviceDeploymentArn"], stopType="ABORT")
    assert host.deployment("web")["status"] == "STOPPED" and len(host.tasks("web")) == 2
    with pytest.raises(botocore.exceptions.ClientError, match="ConflictException"):
        host.ask("StopServiceDeployment", serviceDeploymentArn=deployment["serviceDeploymentArn"])
    host.ask("UpdateService", service="web", forceNewDeployment=True, deploymentConfiguration={"strategy": "ROLLING"})
    host.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)
    assert len(host.tasks("web")) == 1


def test_task_sets_have_their_shares(host):
    host.register()
    host.ecs.create_service(serviceName="web", desiredCount=2, deploymentController={"type": "EXTERNAL"})
    where = {"cluster": "default", "service": "web"}
    make = {**where, "taskDefinition": "web"}
    blue = host.ecs.create_task_set(**make, externalId="blue")["taskSet"]
    host.ecs.update_service_primary_task_set(**where, primaryTaskSet=blue["id"])

    def sets(count):
        found = host.ecs.describe_task_sets(**where)["taskSets"]
        return len(found) == count and all(each["stabilityStatus"] == "STEADY_STATE" for each in found) and found
    (steady,) = wait_until(lambda: sets(1), "steady: " + host.daemon.log())
    assert (steady["status"], steady["runningCount"], steady["externalId"]) == ("PRIMARY", 2, "blue")
    green = host.ecs.create_task_set(**make, scale={"value": 50, "unit": "PERCENT"})["taskSet"]
    host.dies()
    assert [each["runningCount"] for each in wait_until(lambda: sets(2), "both steady")] == [2, 1]
    assert len(host.ecs.list_tasks(startedBy=green["id"])["taskArns"]) == 1
    host.ecs.update_service_primary_task_set(**where, primaryTaskSet=green["taskSetArn"])
    host.ecs.update_task_set(**where, taskSet=green["id"], scale={"value": 100, "unit": "PERCENT"})
    host.ecs.delete_task_set(**where, taskSet=blue["id"], force=True)
    (left,) = wait_until(lambda: sets(1), "blue has gone")
    assert (left["id"], left["status"], left["runningCount"]) == (green["id"], "PRIMARY", 2)
    service = host.service("web")
    assert [each["id"] for each in service["taskSets"]] == [green["id"]] and service["deployments"] == []
    told = host.berth("why", "service/web")
    assert told.code == 0 and "PRIMARY task set ecs-svc/" in told.out, told
    assert {"DeleteTaskSet", "UpdateTaskSet"} <= host.seen  # by the model's shapes, since berthd came back


def is_frozen(pid):
    """What the kernel says of the control group that the process is in."""
    groups = dict(line.split(":")[1:] for line in proc(pid, "cgroup").splitlines())
    if "freezer" in groups:
        return pathlib.Path("/sys/fs/cgroup/freezer" + groups["freezer"], "freezer.state").read_text().strip() == "FROZEN"
    return "frozen 1" in pathlib.Path("/sys/fs/cgroup" + groups[""], "cgroup.events").read_text()


def test_a_held_service_is_frozen_until_it_is_resumed(host):
    host.register(healthCheck={"command": ["CMD", "true"], "interval": 5})
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=3)
    host.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)
    before = first_processes(host.daemon.instance)
    assert len(before) == 3 and not any(map(is_frozen, before.values()))
    wait_for_traps(host.daemon.instance)
    known = host.tasks("web")
    assert host.berth("service", "hold", "web").code == 0
    wait_until(lambda: all(map(is_frozen, before.values())), "frozen: " + host.daemon.log())
    host.dies()
    assert all(map(is_frozen, before.values()))
    assert "it is held" in host.berth("why", "service/web").out
    stopped, killed, kept = before
    host.ecs.stop_task(task=stopped)
    host.ecs.get_waiter("tasks_stopped").wait(tasks=[stopped], WaiterConfig=QUICK)
    (task,) = host.ecs.describe_tasks(tasks=[stopped])["tasks"]
    assert task["containers"][0]["exitCode"] == 0, "it heard its stop signal"
    os.kill(before[killed], signal.SIGKILL)
    assert host.tasks("web") < known, "nothing is replaced while it is held"
    assert host.berth("service", "resume", "web").code == 0
    wait_until(lambda: len(now := host.tasks("web")) == 3 and not {killed, stopped} & {arn.rsplit("/")[-1] for arn in now},
               "both are replaced: " + host.daemon.log())
    host.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)
    assert not is_frozen(before[kept])


DRAINS = 'trap "[ -e /drained ] && exit 7 || exit 9" TERM; while :; do sleep 0.1; done'


@pytest.mark.parametrize("command, timeout, code, told", [
    ("echo draining; sleep 0.5; touch /drained", 60, 7, "main: its preStop has ended, exit code 0: draining"),
    ("echo hangs; sleep 600", 5, 137, "main: its preStop has ended, it did not run to its end: stopTimeout is over: hangs"),
], ids=["ends", "hangs"])
def test_a_command_runs_before_the_stop_signal(host, command, timeout, code, told):
    host.register(DRAINS, stopTimeout=timeout)
    before = [{"containerName": "main", "command": ["sh", "-c", command]}]
    host.ask("CreateService", serviceName="web", taskDefinition="web", desiredCount=1, **{"x-berth-preStop": before})
    host.ecs.get_waiter("services_stable").wait(services=["web"], WaiterConfig=QUICK)
    (task,) = host.tasks("web")
    wait_for_traps(host.daemon.instance)
    host.ecs.update_service(service="web", desiredCount=0)
    host.ecs.get_waiter("tasks_stopped").wait(tasks=[task], WaiterConfig=QUICK)
    (stopped,) = host.ecs.describe_tasks(tasks=[task])["tasks"]
    assert stopped["containers"][0]["exitCode"] == code
    why = host.berth("why", task.rsplit("/")[-1])
    assert told in why.out, why


def test_a_service_starts_after_those_that_it_depends_on(host):
    host.register()
    request = {"taskDefinition": "web", "desiredCount": 1}
    host.ask("CreateService", serviceName="db", **request)
    host.ask("CreateService", serviceName="web", **request, **{"x-berth-dependsOn": ["db"]})
    host.ecs.get_waiter("services_stable").wait(services=["db", "web"], WaiterConfig=QUICK)
    db, web = (host.ask("DescribeServices", services=[name], include=["CAUSES"])["services"][0]["events"] for name in ("db", "web"))
    steady = min(event["createdAt"] for event in db if event["name"] == "SERVICE_STEADY_STATE")
    started = min(event["createdAt"] for event in web if "has started" in event["message"])
    assert started >= steady
    assert any(event["name"] == "SERVICE_WAITS" and "service db" in event["cause"] for event in web), web
