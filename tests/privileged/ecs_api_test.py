"""The ECS API of berthd over real tasks: boto3 and Amazon's command line register, run, watch and stop them; what they were
told survives the daemon's death."""

import json
import socket

import pytest

import ecs_model
from berth import PATIENCE
from daemon import ask
from service_host import wait_for_traps

QUICK = {"Delay": 1, "MaxAttempts": 60}
WAITS = 'trap "exit 9" TERM; while :; do sleep 0.1; done'
RUN_TASK = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.RunTask"}
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"], "securityGroups": ["sg-1"]}}


@pytest.fixture(scope="module")
def image(layouts):
    return f"oci:{layouts['busybox']}:latest"


@pytest.fixture
def daemon(daemon):
    """One whose tasks are stopped at the end."""
    yield daemon
    ecs = daemon.client("ecs")
    left = ecs.list_tasks()["taskArns"]
    for arn in left:
        ecs.stop_task(task=arn)
    if left:
        ecs.get_waiter("tasks_stopped").wait(tasks=left, WaiterConfig=QUICK)


def container(image, script, name="main", **fields):
    return {"name": name, "image": image, "memory": 64, "command": ["sh", "-c", script], **fields}


def ended(ecs, arn):
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)
    return ecs.describe_tasks(tasks=[arn])["tasks"][0]


def test_a_fargate_task_runs_is_overridden_and_ends(daemon, image):
    ecs = daemon.client("ecs")
    ecs_model.watch(ecs)
    ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container(image, 'echo "$GREETING" > /said; ' + WAITS,
                                        environment=[{"name": "GREETING", "value": "hello"}],
                                        healthCheck={"command": ["CMD-SHELL", "grep -qx overridden /said"], "interval": 5})])
    run = ecs.run_task(taskDefinition="web", launchType="FARGATE", networkConfiguration=NETWORK,
                       tags=[{"key": "team", "value": "blue"}], startedBy="test",
                       overrides={"containerOverrides": [{"name": "main", "environment": [
                           {"name": "GREETING", "value": "overridden"}]}]})
    assert run["failures"] == []
    arn = run["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=QUICK)
    task = ecs.describe_tasks(tasks=[arn], include=["TAGS"])["tasks"][0]
    assert task["tags"] == [{"key": "team", "value": "blue"}] and task["containers"][0]["imageDigest"].startswith("sha256:")
    address = task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]
    with pytest.raises(ConnectionRefusedError):  # somebody is there, and nothing listens
        socket.create_connection((address, 9), timeout=20 * PATIENCE)
    assert ecs.list_tasks(startedBy="test")["taskArns"] == [arn]
    # The container is told the same names as the API tells.
    url = "$ECS_CONTAINER_METADATA_URI_V4/task"
    told = daemon.instance.berth("exec", arn.rsplit("/")[-1], "sh", "-c", f"wget -qO- {url}")
    metadata = json.loads(told.out)
    assert (metadata["TaskARN"], metadata["Family"], metadata["Revision"]) == (arn, "web", "1")
    wait_for_traps(daemon.instance)
    ecs.stop_task(task=arn, reason="enough")
    task = ended(ecs, arn)
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "enough")
    assert task["containers"][0]["exitCode"] == 9
    assert [detail for detail in task["attachments"] if detail["status"] != "DELETED"] == []
    assert ecs.list_tasks(desiredStatus="STOPPED", family="web")["taskArns"] == [arn]


def test_a_volume_that_is_configured_at_launch(daemon, image):
    """It outlives the daemon, and is shown as an attachment until it is deleted."""
    ecs = daemon.client("ecs")
    role = "arn:aws:iam::123456789012:role/ebs"
    target = "AmazonEC2ContainerServiceV20141113."

    def say(operation, **members):  # Debian's botocore does not know the members
        headers = {**RUN_TASK, "X-Amz-Target": target + operation}
        return json.loads(ask(daemon.instance.state / "berth.sock", headers=headers, body=json.dumps(members).encode())[2])

    say("RegisterTaskDefinition",
        family="disk", volumes=[{"name": "data", "configuredAtLaunch": True}],
        containerDefinitions=[container(image, WAITS, mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])])
    assert "configured at launch" in str(say("RunTask", taskDefinition="disk"))
    volumes = [{"name": "data", "managedEBSVolume": {"roleArn": role, "sizeInGiB": 1}}]
    arn = say("RunTask", taskDefinition="disk", volumeConfigurations=volumes)["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=QUICK)

    def attachment():
        (shown,) = [each for each in ecs.describe_tasks(tasks=[arn])["tasks"][0]["attachments"]
                    if each["type"] == "AmazonElasticBlockStorage"]
        return shown["status"], {each["name"]: each["value"] for each in shown["details"]}

    task_id = arn.rsplit("/")[-1]
    details = {"roleArn": role, "volumeName": "data", "deleteOnTermination": "true", "volumeId": "vol-0" + task_id[:16]}
    assert attachment() == ("ATTACHED", details)
    daemon.kill()
    daemon.start()
    ecs = daemon.client("ecs")  # on another port
    assert attachment() == ("ATTACHED", details)
    told = daemon.instance.berth("exec", task_id, "sh", "-c", "grep ' /data ' /proc/mounts")
    assert " xfs " in told.out, told
    ecs.stop_task(task=arn)
    ended(ecs, arn)
    assert attachment() == ("DELETED", details)


def test_exit_codes_and_failures_of_ec2_tasks(daemon, image):
    ecs = daemon.client("ecs")
    ecs_model.watch(ecs)
    port = {"containerPort": 80, "hostPort": 18080}
    shared = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
    ecs.register_task_definition(family="one", volumes=[{"name": "shared", "host": {}}], containerDefinitions=[
        container(image, "until [ -e /shared/up ]; do sleep 0.1; done; exit 3", **shared),
        container(image, WAITS.replace("while", "touch /shared/up; while"), name="side", essential=False, **shared)])
    ecs.register_task_definition(family="port", containerDefinitions=[container(image, WAITS, portMappings=[port])])
    ecs.register_task_definition(family="none", containerDefinitions=[container(image.replace(":latest", ":none"), "true")])
    task = ended(ecs, ecs.run_task(taskDefinition="one")["tasks"][0]["taskArn"])
    codes = {each["name"]: each["exitCode"] for each in task["containers"]}
    assert (task["stopCode"], codes["main"], codes["side"]) == ("EssentialContainerExited", 3, 9)
    task = ended(ecs, ecs.run_task(taskDefinition="none")["tasks"][0]["taskArn"])
    assert task["stopCode"] == "TaskFailedToStart" and task["stoppedReason"].startswith("CannotPullContainerError: ")
    assert "exitCode" not in task["containers"][0]
    run = ecs.run_task(taskDefinition="port", count=2)
    assert [failure["reason"] for failure in run["failures"]] == ["RESOURCE:PORTS"]
    ecs.get_waiter("tasks_running").wait(tasks=[run["tasks"][0]["taskArn"]], WaiterConfig=QUICK)
    running = ecs.describe_tasks(tasks=[run["tasks"][0]["taskArn"]])["tasks"][0]
    assert running["containers"][0]["networkBindings"][0]["hostPort"] == 18080
    run = ecs.run_task(taskDefinition="port", overrides={"memory": "16777215"})
    assert run["tasks"] == [] and run["failures"][0]["reason"] == "RESOURCE:MEMORY"


def test_what_was_told_outlives_the_daemons_death(daemon, image):
    ecs = daemon.client("ecs")
    ecs.create_cluster(clusterName="kept", tags=[{"key": "a", "value": "b"}])
    ecs.register_task_definition(family="kept", containerDefinitions=[container(image, WAITS)])
    run_once = json.dumps({"cluster": "kept", "taskDefinition": "kept", "clientToken": "once"}).encode()

    def run():  # Debian's botocore does not know the token
        return json.loads(ask(daemon.instance.state / "berth.sock", headers=RUN_TASK, body=run_once)[2])["tasks"][0]["taskArn"]

    arn = run()
    daemon.kill()  # whatever the start had come to
    daemon.start()
    ecs = daemon.client("ecs")
    ecs_model.watch(ecs)
    assert run() == arn  # the same request, not another task
    assert ecs.list_tags_for_resource(resourceArn=ecs.describe_clusters(clusters=["kept"])["clusters"][0]["clusterArn"])["tags"]
    ecs.stop_task(cluster="kept", task=arn)
    ecs.get_waiter("tasks_stopped").wait(cluster="kept", tasks=[arn], WaiterConfig=QUICK)
    assert ecs.delete_cluster(cluster="kept")["cluster"]["status"] == "INACTIVE"


def test_amazons_command_line(daemon, image, tmp_path):
    definition = tmp_path / "task.json"
    definition.write_text(json.dumps({"family": "cli", "containerDefinitions": [container(image, "exit 5")]}))
    registered = daemon.aws("ecs", "register-task-definition", "--cli-input-json", f"file://{definition}")
    assert registered["taskDefinition"]["taskDefinitionArn"] == "arn:aws:ecs:eu-central-1:123456789012:task-definition/cli:1"
    run = daemon.aws("ecs", "run-task", "--task-definition", "cli")
    arn = run["tasks"][0]["taskArn"]
    ended(daemon.client("ecs"), arn)  # its own waiter looks each six seconds
    daemon.aws("ecs", "wait", "tasks-stopped", "--tasks", arn)
    code = daemon.aws("ecs", "describe-tasks", "--tasks", arn, "--query", "'tasks[0].containers[0].exitCode'")
    assert code == 5
