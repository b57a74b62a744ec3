"""What the tag of a service's image means: to all tasks of a deployment what it meant to the first, whatever is pushed meanwhile."""

import shutil
import subprocess

import botocore.exceptions
import pytest

from berth import Instance
from service_host import CONFIG, ServiceHost
from waiting import wait_until


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory):
    return Instance(tmp_path_factory.mktemp("images"), {}, CONFIG)


@pytest.fixture(scope="module")
def versions(tmp_path_factory, layouts):
    """Two layouts of one image, whose digests differ."""
    directory = tmp_path_factory.mktemp("versions")
    for version in ("1", "2"):
        shutil.copytree(layouts["busybox"], directory / version)
        subprocess.run(["umoci", "config", "--image", f"{directory / version}:latest", "--config.label", f"version={version}"],
                       check=True, stdout=subprocess.DEVNULL)
    return {version: f"oci:{directory / version}:latest" for version in ("1", "2")}


@pytest.fixture
def host(daemon):
    running = ServiceHost(daemon)
    yield running
    running.remove_all()


def digests(host, count):
    """Task -> the digest of its image, of the tasks that run, once there are so many."""
    def running():
        arns = host.ecs.list_tasks(serviceName="web")["taskArns"]
        tasks = host.ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        found = {task["taskArn"]: task["containers"][0]["imageDigest"] for task in tasks if task["lastStatus"] == "RUNNING"}
        return len(found) == count and len(arns) == count and found

    return wait_until(running, "they run: " + host.daemon.log())


def register(host, image, **fields):
    container = {"name": "main", "image": image, "memory": 32, "cpu": 16, "stopTimeout": 2,
                 "command": ["sh", "-c", 'trap "exit 0" TERM; while :; do sleep 0.1; done'], **fields}
    host.ask("RegisterTaskDefinition", family="web", networkMode="none", containerDefinitions=[container])


def test_all_tasks_of_a_deployment_have_the_image_of_the_first(host, registry, versions):
    image = registry.push(versions["1"], "app:latest")
    register(host, image)
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    (first,) = digests(host, 1).values()
    registry.push(versions["2"], "app:latest")
    host.daemon.kill()
    host.daemon.start()
    host.again()
    host.ecs.update_service(service="web", desiredCount=3)
    assert set(digests(host, 3).values()) == {first}, "the tag means something else by now"
    (victim, *_) = digests(host, 3)
    host.ecs.stop_task(task=victim)
    wait_until(lambda: victim not in digests(host, 3), "it is replaced")
    assert set(digests(host, 3).values()) == {first}
    before = set(digests(host, 3))
    host.ecs.update_service(service="web", forceNewDeployment=True)
    wait_until(lambda: not before & set(digests(host, 3)), "all are new")
    (second,) = set(digests(host, 3).values())
    assert second != first, "another deployment asks the registry what the tag means"


def test_without_version_consistency_each_task_asks_the_registry(host, registry, versions):
    image = registry.push(versions["1"], "app:latest")
    register(host, image, versionConsistency="disabled")
    host.ecs.create_service(serviceName="web", taskDefinition="web", desiredCount=1)
    (first,) = digests(host, 1).values()
    registry.push(versions["2"], "app:latest")
    host.ecs.update_service(service="web", desiredCount=2)
    assert len(set(digests(host, 2).values()) - {first}) == 1


def test_another_word_is_refused(host):
    with pytest.raises(botocore.exceptions.ClientError, match="versionConsistency"):
        register(host, "busybox", versionConsistency="sometimes")
