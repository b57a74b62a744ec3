"""Services on a berthd, as boto3 asks for them."""

import json
import signal

import ecs_model
from berth import catches, proc
from waiting import wait_until

TARGET = "AmazonEC2ContainerServiceV20141113."
QUICK = {"Delay": 1, "MaxAttempts": 120}
WAITS = 'trap "exit 0" TERM; while :; do sleep 0.1; done'
# Tasks count as healthy when they have run for a second, not for forty.
CONFIG = {"accountId": "123456789012", "region": "eu-central-1", "serviceHealthySeconds": 1}


class ServiceHost:
    """boto3's client of a berthd, and the services on it."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.again()

    def again(self):
        """berthd listens on another port now."""
        self.ecs = self.daemon.client("ecs")
        self.seen = ecs_model.watch(self.ecs)
        self.newer = self.daemon.client("ecs")

    def ask(self, operation, **members):
        """Any operation with any members, signed as botocore signs, its answer as it came."""
        answers = []

        def swap(params, **_):
            params["body"] = json.dumps(members).encode()
            params["headers"]["X-Amz-Target"] = TARGET + operation

        def keep(http_response, **_):
            answers.append(json.loads(http_response.content))

        events = self.newer.meta.events
        events.register("before-call.ecs.ListClusters", swap)
        events.register("after-call.ecs.ListClusters", keep)
        try:
            self.newer.list_clusters()
        finally:
            events.unregister("before-call.ecs.ListClusters", swap)
            events.unregister("after-call.ecs.ListClusters", keep)
        return answers[0]

    def register(self, script=WAITS, **fields):
        """The ARN of the family's next revision."""
        container = {"name": "main", "image": self.daemon.instance.images["busybox"], "memory": 32, "cpu": 16,
                     "stopTimeout": 5, "command": ["sh", "-c", script], **fields}
        definition = self.ecs.register_task_definition(family="web", networkMode="none", containerDefinitions=[container])
        return definition["taskDefinition"]["taskDefinitionArn"]

    def service(self, name):
        (found,) = self.ecs.describe_services(services=[name])["services"]
        return found

    def stable(self, name):
        self.ecs.get_waiter("services_stable").wait(services=[name], WaiterConfig=QUICK)
        return wait_until(lambda: (found := self.service(name))["deployments"][0]["rolloutState"] != "IN_PROGRESS" and found,
                          "settled: " + self.daemon.log())

    def berth(self, *arguments, **options):
        return self.daemon.instance.berth(*arguments, **options)

    def remove(self, name):
        self.ecs.delete_service(service=name, force=True)
        self.ecs.get_waiter("services_inactive").wait(services=[name], WaiterConfig=QUICK)

    def remove_all(self):
        for arn in self.ecs.list_services()["serviceArns"]:
            self.remove(arn)


def first_processes(instance):
    """Task id -> pid of its container's first process, as the OCI runtime knows it and as it still lives."""
    found = {}
    for state in instance.state.glob("oci/*/state.json"):
        try:
            pid = json.loads(state.read_text())["pid"]
        except FileNotFoundError:
            continue  # its state went between the look and the read
        _, of_instance, path = proc(pid, "cgroup").partition(f"/berth/{instance.name}/")
        if of_instance:  # one that has gone has none, and a zombie has left its own
            found[path.split("/")[0]] = pid
    return found


def wait_for_traps(instance):
    """Until every first process, a shell that has begun, has come to its trap for SIGTERM: the kernel says so."""
    wait_until(lambda: (pids := first_processes(instance).values()) and all(catches(pid, signal.SIGTERM) for pid in pids),
               "they catch SIGTERM")
