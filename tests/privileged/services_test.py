"""Services of berthd over real tasks, asked by boto3, by Amazon's command line and by berth: replaced, deployed, rolled back,
scaled, removed, and not confused by berthd's death."""

import json
import os
import pathlib
import signal

import pytest

from berth import Instance
from service_host import CONFIG, QUICK, ServiceHost, first_processes
from waiting import wait_until

@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    return Instance(tmp_path_factory.mktemp("services"), images, CONFIG)


class Host(ServiceHost):
    """Its services are those that roll."""

    def tasks(self, name, status="RUNNING"):
        return self.ecs.list_tasks(serviceName=name, desiredStatus=status)["taskArns"]

    def messages(self, name):
        return [event["message"] for event in reversed(self.service(name)["events"])]


@pytest.fixture
def host(daemon):
    running = Host(daemon)
    yield running
    running.remove_all()


def id_of(arn):
    return arn.rsplit("/")[-1]


def test_a_killed_task_is_replaced_and_the_service_is_scaled_and_removed(host):
    host.register()
    created = host.daemon.aws("ecs", "create-service", "--service-name", "web", "--task-definition", "web",
                              "--desired-count", "2", "--enable-ecs-managed-tags")["service"]
    assert (created["status"], created["runningCount"], len(created["deployments"])) == ("ACTIVE", 0, 1)
    service = host.stable("web")
    assert (service["runningCount"], service["deployments"][0]["rolloutState"]) == (2, "COMPLETED")
    before = host.tasks("web")
    task = host.ecs.describe_tasks(tasks=before[:1], include=["TAGS"])["tasks"][0]
    assert (task["group"], task["startedBy"]) == ("service:web", service["deployments"][0]["id"])
    assert {"key": "aws:ecs:serviceName", "value": "web"} in task["tags"]
    os.kill(first_processes(host.daemon.instance)[id_of(before[0])], signal.SIGKILL)
    ended = wait_until(lambda: host.tasks("web", "STOPPED"), "ended")
    after = wait_until(lambda: len(found := host.tasks("web")) == 2 and found, "replaced")
    assert ended == before[:1] and before[1] in after and before[0] not in after
    host.stable("web")
    stopped = host.ecs.describe_tasks(tasks=ended)["tasks"][0]
    assert (stopped["stopCode"], stopped["containers"][0]["exitCode"]) == ("EssentialContainerExited", 137)
    scaled = host.berth("service", "scale", "web", "3", "--wait")
    assert scaled.code == 0 and len(host.tasks("web")) == 3, scaled
    assert len(host.service("web")["deployments"]) == 1
    host.ecs.update_service(service="web", desiredCount=1)
    host.stable("web")
    assert len(host.tasks("web")) == 1
    listed = json.loads(host.berth("service", "ls", "--format", "json").out)
    assert [(each["serviceName"], each["runningCount"]) for each in listed] == [("web", 1)]
    with pytest.raises(host.ecs.exceptions.InvalidParameterException, match="scaled above 0"):
        host.ecs.delete_service(service="web")
    assert host.berth("service", "rm", "--force", "web").code == 0
    host.ecs.get_waiter("services_inactive").wait(services=["web"], WaiterConfig=QUICK)
    assert host.tasks("web") == [] and host.ecs.list_services()["serviceArns"] == []


def ids_in(message):
    return [word.split(")")[0] for word in message.split("(task ")[1:]]


def test_a_deployment_keeps_what_it_promised_and_outlives_berthd(host):
    host.register()
    limits = {"minimumHealthyPercent": 100, "maximumPercent": 150}
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, deploymentConfiguration=limits)
    host.stable("web")
    old = {id_of(arn) for arn in host.tasks("web")}
    second = host.register()
    host.ecs.update_service(service="web", taskDefinition="web")
    # Killed when it has begun, which is long before it can be over.
    wait_until(lambda: {id_of(arn) for arn in host.tasks("web")} - old, "a new task: " + host.daemon.log())
    host.daemon.kill()
    host.daemon.start()
    host.again()
    service = host.stable("web")
    assert (service["taskDefinition"], service["runningCount"]) == (second, 2)
    assert not old & {id_of(arn) for arn in host.tasks("web")}
    # Never more than three, never fewer than two: as the events have it, one after the other.
    alive = set()
    for message in host.messages("web"):
        if " has started " in message:
            alive |= set(ids_in(message))
        if " has stopped " in message:
            alive -= set(ids_in(message))
            assert len(alive) >= 2, host.messages("web")
        assert len(alive) <= 3, host.messages("web")
    assert alive == {id_of(arn) for arn in host.tasks("web")}
    deployments = host.berth("why", "service/web")
    assert deployments.code == 0 and "because" in deployments.out and "steady state" in deployments.out, deployments


def test_a_broken_revision_is_rolled_back(host):
    first = host.register()
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=3, deploymentConfiguration=breaker)
    host.stable("web")
    kept = set(host.tasks("web"))
    broken = host.register(image=host.daemon.instance.images["busybox"].replace(":latest", ":none"))
    watched = host.berth("service", "update", "--task-definition", broken, "--wait", "web")
    assert watched.code == 1 and "ROLLBACK_" in watched.err, watched
    service = host.stable("web")
    assert service["taskDefinition"] == first, service
    assert set(host.tasks("web")) == kept, "the tasks of before were not to be touched"
    messages = host.messages("web")
    assert any("deployment failed: tasks failed to start." in message for message in messages), messages
    assert any("rolling back to deployment" in message for message in messages), messages
    failed = host.ecs.describe_tasks(tasks=host.tasks("web", "STOPPED"))["tasks"]
    codes = {task["stopCode"] for task in failed if task["taskDefinitionArn"] == broken}
    assert "TaskFailedToStart" in codes and codes <= {"TaskFailedToStart", "ServiceSchedulerInitiated"}, codes


def test_berth_makes_a_service_tells_of_it_and_takes_a_deployment_back(host):
    # Until its first check it is neither healthy nor unhealthy: the deployment is under way for as long.
    checked = {"command": ["CMD", "true"], "interval": 60}
    first = host.register()
    request = {"serviceName": "web", "taskDefinition": first, "desiredCount": 1}
    created = host.berth("service", "create", "-", "--wait", stdin=json.dumps(request))
    assert created.code == 0 and created.out.splitlines()[0].endswith(":service/default/web"), created
    assert created.out.splitlines()[-1].endswith("has reached a steady state."), created
    (kept,) = host.tasks("web")
    second = host.register(healthCheck=checked)
    updated = host.berth("service", "update", "web", "--task-definition", second)
    assert updated.code == 0, updated
    undone = host.berth("service", "rollback", "web", "--wait")
    assert undone.code == 1 and "ROLLBACK_SUCCESSFUL" in undone.err, undone
    assert host.service("web")["taskDefinition"] == first and host.tasks("web") == [kept]
    again = host.berth("service", "rollback", "web")
    assert again.code == 125 and "ConflictException" in again.err, again
    events = [json.loads(line) for line in host.berth("service", "events", "--format", "json", "web").out.splitlines()]
    assert [event["message"] for event in events] == host.messages("web") and all(event["cause"] for event in events)
    unknown = host.berth("service", "watch", "no")
    assert unknown.code == 125 and "the cluster default has none of that name" in unknown.err, unknown


def test_a_draining_instance_lets_tasks_of_services_go_and_no_others(host):
    host.register()
    limits = {"minimumHealthyPercent": 50, "maximumPercent": 200}
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=2, deploymentConfiguration=limits)
    host.stable("web")
    (alone,) = [task["taskArn"] for task in host.ecs.run_task(taskDefinition="web")["tasks"]]
    host.ecs.get_waiter("tasks_running").wait(tasks=[alone], WaiterConfig=QUICK)
    (instance,) = host.ecs.list_container_instances()["containerInstanceArns"]
    processes = first_processes(host.daemon.instance)
    of_before = set(host.tasks("web", "STOPPED"))  # of services of that name
    host.ecs.update_container_instances_state(containerInstances=[instance], status="DRAINING")
    try:
        (stopped,) = wait_until(lambda: set(host.tasks("web", "STOPPED")) - of_before, "one has gone")
        wait_until(lambda: not pathlib.Path(f"/proc/{processes[id_of(stopped)]}").exists(), "its process, too")
        assert len(host.tasks("web")) == 1
        assert pathlib.Path(f"/proc/{processes[id_of(alone)]}").exists(), "it is of no service"
        wait_until(lambda: any("No Container Instances were found" in message for message in host.messages("web")),
                   "it says why there is no other")
        told = host.berth("why", "service/web")
        assert told.code == 0 and "the container instance drains" in told.out, told
    finally:
        host.ecs.update_container_instances_state(containerInstances=[instance], status="ACTIVE")
    host.stable("web")
    assert len(host.tasks("web")) == 2
    host.ecs.stop_task(task=alone)
    host.ecs.get_waiter("tasks_stopped").wait(tasks=[alone], WaiterConfig=QUICK)


def test_a_composite_alarm_ends_a_deployment(host):
    cloudwatch = host.daemon.client("cloudwatch")
    for name in ("errors", "latency"):
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="None", MetricName="x", Statistic="Sum", Period=60, EvaluationPeriods=1, Threshold=1,
            ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore")
    cloudwatch.put_composite_alarm(AlarmName="bad", AlarmRule="ALARM(errors) AND ALARM(latency)")
    host.register()
    # Debian's botocore does not know alarms of deployments yet.
    request = {"serviceName": "web", "taskDefinition": "web", "desiredCount": 1, "deploymentConfiguration": {
        "alarms": {"alarmNames": ["bad"], "enable": True, "rollback": True}}}
    created = host.berth("service", "create", "-", "--wait", stdin=json.dumps(request))
    assert created.code == 0, created
    first = host.stable("web")["taskDefinition"]
    never = host.register("exit 1")
    host.ecs.update_service(service="web", taskDefinition=never)
    cloudwatch.set_alarm_state(AlarmName="errors", StateValue="ALARM", StateReason="a test")
    assert host.service("web")["taskDefinition"] == never, "one of two is not enough"
    cloudwatch.set_alarm_state(AlarmName="latency", StateValue="ALARM", StateReason="a test")
    wait_until(lambda: host.service("web")["taskDefinition"] == first, f"rolled back: {host.daemon.log()}")
    cloudwatch.delete_alarms(AlarmNames=["bad", "errors", "latency"])
