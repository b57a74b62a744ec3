"""Services whose tasks have a volume that is configured at launch: each task its own, of the size that its deployment says,
gone with the task."""

import os
import pathlib
import signal

import botocore.exceptions
import pytest

from berth import Instance
from run_ephemeral_storage_test import assert_no_loop_device, disks
from service_host import CONFIG, ServiceHost, first_processes
from waiting import wait_until

ROLE = "arn:aws:iam::123456789012:role/ebs"
EBS = "AmazonElasticBlockStorage"


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    return Instance(tmp_path_factory.mktemp("volumes"), images, CONFIG)


class Host(ServiceHost):
    """Its services have a task definition with a volume, which they configure."""

    def with_volume(self, image=None):
        """The ARN of the next revision of a family with a volume."""
        fields = {"image": image} if image else {}
        container = {"name": "main", "image": self.daemon.instance.images["busybox"], "memory": 32, "cpu": 16, "stopTimeout": 2,
                     "command": ["sh", "-c", 'trap "exit 0" TERM; while :; do sleep 0.1; done'],
                     "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}], **fields}
        definition = self.ask("RegisterTaskDefinition", family="disk", networkMode="none", containerDefinitions=[container],
                              volumes=[{"name": "data", "configuredAtLaunch": True}])
        return definition["taskDefinition"]["taskDefinitionArn"]

    def ids(self):
        return {arn.rsplit("/")[-1] for arn in self.ecs.list_tasks(serviceName="disk")["taskArns"]}

    def inside(self, task_id, script):
        told = self.berth("exec", task_id, "sh", "-c", script)
        assert told.code == 0, told
        return told.out.strip()

    def attachment(self, task_id):
        """Status and details of the task's volume, as DescribeTasks has them."""
        (described,) = self.ecs.describe_tasks(tasks=[task_id])["tasks"]
        (shown,) = [each for each in described["attachments"] if each["type"] == EBS]
        return shown["status"], {each["name"]: each["value"] for each in shown["details"]}

    def image_files(self):
        """Task id -> the file that its volume is in, of the tasks of this instance that have one on a loop device."""
        files = disks(self.daemon.instance)
        return {pathlib.Path(file).parts[-3]: file for file in files}

    def configurations(self):
        """Those of the PRIMARY deployment, as DescribeServices has them."""
        (service,) = self.ask("DescribeServices", services=["disk"])["services"]
        return service["deployments"][0].get("volumeConfigurations")


@pytest.fixture
def host(daemon):
    running = Host(daemon)
    yield running
    running.remove_all()
    assert_no_loop_device(daemon.instance)
    left = [file for file in daemon.instance.root.rglob("data.*") if file.suffix in (".xfs", ".ext4", ".ext3")]
    assert left == [], "a volume has outlived its task"


def volume(size_gib=1, **managed):
    return [{"name": "data", "managedEBSVolume": {"roleArn": ROLE, "sizeInGiB": size_gib, **managed}}]


def test_each_task_has_its_own_and_the_next_deployment_another(host):
    definition = host.with_volume()
    host.ask("CreateService", serviceName="disk", taskDefinition=definition, desiredCount=2, volumeConfigurations=volume())
    host.stable("disk")
    first = host.ids()
    assert host.configurations() == volume() and len(first) == 2
    # Its size, to each: what one has taken is not missing to the other.
    for task_id in first:
        taken = "test -z \"$(ls -A /data | grep -v lost)\" && fallocate -l 700m /data/most && echo $HOSTNAME"
        assert host.inside(task_id, taken) == host.inside(task_id, "echo $HOSTNAME")
        assert "No space left on device" in host.inside(task_id, "fallocate -l 500m /data/more 2>&1; true")
        details = {"roleArn": ROLE, "volumeName": "data", "deleteOnTermination": "true", "volumeId": "vol-0" + task_id[:16]}
        assert host.attachment(task_id) == ("ATTACHED", details)
    files = host.image_files()
    assert set(files) == first and len(set(files.values())) == 2
    # One that takes the place of another begins with an empty one.
    killed = min(first)
    os.kill(first_processes(host.daemon.instance)[killed], signal.SIGKILL)
    wait_until(lambda: killed not in host.ids(), "it ended")
    host.stable("disk")
    (new,) = wait_until(lambda: (found := host.ids() - first) and len(host.ids()) == 2 and found, "replaced")
    assert "most" not in host.inside(new, "ls /data") and "most" in host.inside(max(first), "ls /data")
    wait_until(lambda: host.attachment(killed)[0] == "DELETED", "its volume went")
    wait_until(lambda: not pathlib.Path(files[killed]).exists(), "its file went")
    # Another size and file system is another deployment; nothing else has changed.
    second = volume(2, filesystemType="ext4", volumeType="gp3")
    before = host.ids()
    deployments = host.ask("UpdateService", service="disk", volumeConfigurations=second)["service"]["deployments"]
    assert [each["volumeConfigurations"] for each in deployments] == [second, volume()]
    host.stable("disk")
    assert host.ids() & before == set()
    for task_id in host.ids():
        assert host.inside(task_id, "grep -c ' /data ext4 ' /proc/mounts; fallocate -l 1500m /data/most && echo taken") == "1\ntaken"
    assert wait_until(lambda: set(host.image_files()) == host.ids(), "those of before went")
    # The same again is none, and a count has nothing to do with volumes.
    kept = host.ids()
    host.ask("UpdateService", service="disk", volumeConfigurations=second, desiredCount=1)
    host.stable("disk")
    assert len(host.service("disk")["deployments"]) == 1 and host.ids() < kept
    assert wait_until(lambda: set(host.image_files()) == host.ids(), "it went with its task")


def test_a_rollback_takes_the_volume_of_before(host):
    host.ask("CreateService", serviceName="disk", taskDefinition=host.with_volume(), desiredCount=1,
             volumeConfigurations=volume(),
             deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": True}})
    host.stable("disk")
    kept = host.ids()
    broken = host.with_volume(host.daemon.instance.images["busybox"].replace(":latest", ":none"))
    updated = host.ask("UpdateService", service="disk", taskDefinition=broken, volumeConfigurations=volume(2))
    assert updated["service"]["deployments"][0]["volumeConfigurations"] == volume(2)
    arn = updated["service"]["currentServiceRevisions"][0]["arn"]
    (revision,) = host.ask("DescribeServiceRevisions", serviceRevisionArns=[arn])["serviceRevisions"]
    assert revision["volumeConfigurations"] == volume(2)
    watched = host.berth("service", "watch", "disk")
    assert watched.code == 1 and "ROLLBACK_" in watched.err, watched
    host.stable("disk")
    assert host.configurations() == volume() and host.ids() == kept
    assert wait_until(lambda: set(host.image_files()) == kept, "nothing of those that did not start")


def test_a_definition_and_its_configurations_belong_together(host):
    """Refused before there is a deployment, and [] takes them away."""
    def refused(operation, match, **members):
        with pytest.raises(botocore.exceptions.ClientError, match=match) as refusal:
            host.ask(operation, **members)
        assert refusal.value.response["Error"]["Code"] == "InvalidParameterException"

    definition, without = host.with_volume(), host.register()
    new = {"serviceName": "disk", "taskDefinition": definition, "desiredCount": 1}
    refused("CreateService", "is configured at launch", **new)
    refused("CreateService", "terminationPolicy", **new,
            volumeConfigurations=volume(terminationPolicy={"deleteOnTermination": False}))
    refused("CreateService", "no matching configuredAtLaunch volume", **{**new, "taskDefinition": without},
            volumeConfigurations=volume())
    host.ask("CreateService", **new, volumeConfigurations=volume())
    host.stable("disk")
    refused("UpdateService", "no matching configuredAtLaunch volume", service="disk", taskDefinition=without)
    refused("UpdateService", "is configured at launch", service="disk", volumeConfigurations=[])
    host.ask("UpdateService", service="disk", taskDefinition=without, volumeConfigurations=[])
    host.stable("disk")
    assert host.configurations() is None and len(host.ids()) == 1
    wait_until(lambda: not disks(host.daemon.instance), "the disk has gone with its task")
