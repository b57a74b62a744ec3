"""Deployments of a service of nginx tasks under steady requests, every second one to a revision that is broken.

What was there when is taken from DescribeTasks afterwards, of every task that there was (when it ran, when it was told to
stop), so that nothing falls between two looks. A task is in service from when it counts as healthy until it is told to stop.
"""

import dataclasses
import http.client
import random
import statistics
import threading
import time

DESIRED = 3
HEALTHY_SECONDS = 1
CLIENTS = 4
PAUSE_SECONDS = 0.02  # of a client, between two requests
LEARN_SECONDS = 0.1
ANSWER_SECONDS_MAX = 5  # of a request, with all that are asked for it
ASK_SECONDS_MAX = 2  # of one of them: who asks a task that is gone hears nothing
SETTLE_SECONDS_MAX = 300
NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
LIMITS = {"minimumHealthyPercent": 100, "maximumPercent": 134,
          "deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def broken_change(number):
    """What is wrong with the broken revision of that number: mostly it ends at once, as with an error in its configuration."""
    if number % 10 == 9:
        return {"healthCheck": {"command": ["CMD", "false"], "interval": 5, "retries": 1}}
    if number % 5 == 4:
        return {"image": "oci:/nowhere:latest"}
    return {"command": ["nginx", "-c", "/nowhere"]}


@dataclasses.dataclass
class Stay:
    """When a task was in service, in seconds since 1970; `end` is None while it is."""
    address: str
    begin: float
    end: float | None


class History:
    """Every task that the service had, as ECS tells of it."""

    def __init__(self, ecs, service):
        self._ecs, self._service = ecs, service
        self._over = set()
        self.tasks = {}

    def gather(self):
        arns = []
        for status in ("RUNNING", "STOPPED"):
            for page in self._ecs.get_paginator("list_tasks").paginate(serviceName=self._service, desiredStatus=status):
                arns += [arn for arn in page["taskArns"] if arn not in self._over]
        for first in range(0, len(arns), 100):
            for task in self._ecs.describe_tasks(tasks=arns[first:first + 100])["tasks"]:
                self.tasks[task["taskArn"]] = task
                if task["lastStatus"] == "STOPPED":
                    self._over.add(task["taskArn"])

    def stays(self, broken):
        """Of tasks that came to be healthy; those of broken revisions are none."""
        stays = []
        for task in self.tasks.values():
            if "startedAt" not in task or task["taskDefinitionArn"] in broken:
                continue
            begin = task["startedAt"].timestamp() + HEALTHY_SECONDS
            ends = [task[key].timestamp() for key in ("stoppingAt", "executionStoppedAt") if key in task]
            end = min(ends) if ends else None
            interfaces = task["containers"][0]["networkInterfaces"]
            if (end is None or begin < end) and interfaces:
                stays.append(Stay(interfaces[0]["privateIpv4Address"], begin, end))
        return stays

    def of(self, definition):
        return [task for task in self.tasks.values() if task["taskDefinitionArn"] == definition]


def fewest_at_once(stays, since):
    """Begins count before ends of the same instant: one goes because another is healthy."""
    changes = sorted([(stay.begin, 0, 1) for stay in stays] + [(stay.end, 1, -1) for stay in stays if stay.end is not None])
    count, fewest = 0, None
    for index, (at, _, change) in enumerate(changes):
        count += change
        is_last_of_instant = index + 1 == len(changes) or changes[index + 1][:2] != changes[index][:2]
        if at >= since and is_last_of_instant:
            fewest = count if fewest is None else min(fewest, count)
    return fewest


@dataclasses.dataclass
class Failure:
    address: str
    begin: float
    end: float
    why: str


class Clients:
    """Ask any task that is in service, again and again; without a load balancer they learn of tasks from DescribeTasks."""

    def __init__(self, ecs, service):
        self._ecs, self._service = ecs, service
        self._addresses = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.asked = self.unanswered = 0
        self.failures = []
        self._learn()
        self._threads = [threading.Thread(target=self._keep_learning)] + [
            threading.Thread(target=self._keep_asking) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _learn(self):
        arns = self._ecs.list_tasks(serviceName=self._service)["taskArns"]
        tasks = self._ecs.describe_tasks(tasks=arns)["tasks"] if arns else []
        now = time.time()
        found = [task["containers"][0]["networkInterfaces"][0]["privateIpv4Address"] for task in tasks
                 if task["lastStatus"] == "RUNNING" and task["desiredStatus"] == "RUNNING"
                 and task["healthStatus"] != "UNHEALTHY" and task["startedAt"].timestamp() + HEALTHY_SECONDS <= now]
        self._addresses = found or self._addresses

    def _keep_learning(self):
        while not self._stop.wait(LEARN_SECONDS):
            self._learn()

    def _ask(self, address):
        """None, or why there was no answer."""
        connection = http.client.HTTPConnection(address, 80, timeout=ASK_SECONDS_MAX)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
            return None
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

    def _is_answered(self):
        """By any of those that are known, which become others meanwhile: whoever did not answer is not asked again."""
        silent = set()
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while time.monotonic() < deadline:
            left = [address for address in self._addresses if address not in silent]
            if not left:
                time.sleep(LEARN_SECONDS)
                continue
            address = random.choice(left)
            begin = time.time()
            why = self._ask(address)
            if why is None:
                return True
            silent.add(address)
            with self._lock:
                self.failures.append(Failure(address, begin, time.time(), why))
        return False

    def _keep_asking(self):
        while not self._stop.wait(PAUSE_SECONDS):
            is_answered = self._is_answered()
            with self._lock:
                self.asked += 1
                self.unanswered += not is_answered

    def failures_in_service(self, stays):
        """Those of tasks that were in service all the while."""
        def is_within(failure, stay):
            return stay.address == failure.address and stay.begin <= failure.begin and (
                stay.end is None or failure.end <= stay.end)
        return [each for each in self.failures if any(is_within(each, stay) for stay in stays)]


class Deployed:
    """A service of nginx tasks, and what its deployments came to."""

    def __init__(self, ecs, image):
        self._ecs, self._image = ecs, image
        self.good_seconds, self.broken_seconds = [], []
        self.broken, self.wrong = set(), []
        self.history = History(ecs, "web")
        self._good = self._register({})
        ecs.create_service(serviceName="web", taskDefinition=self._good, desiredCount=DESIRED, networkConfiguration=NETWORK,
                           deploymentConfiguration=LIMITS)
        self._settle()

    def _register(self, change):
        container = {"name": "main", "image": self._image, "memory": 64, "cpu": 64, "stopTimeout": 5, **change}
        registered = self._ecs.register_task_definition(family="web", networkMode="awsvpc", containerDefinitions=[container])
        return registered["taskDefinition"]["taskDefinitionArn"]

    def _service(self):
        return self._ecs.describe_services(services=["web"])["services"][0]

    def _settle(self):
        """What the last deployment came to: the definition that serves alone, or why none does."""
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        while time.monotonic() < deadline:
            deployments = self._service()["deployments"]
            state = deployments[0]["rolloutState"]
            if len(deployments) == 1 and state != "IN_PROGRESS":
                return deployments[0]["taskDefinition"] if state == "COMPLETED" else deployments[0]["rolloutStateReason"]
            time.sleep(0.05)
        return f"still {state} with {len(deployments)} deployments after {SETTLE_SECONDS_MAX} s"

    def deploy(self, number):
        """Each second one is broken."""
        is_broken = number % 2 == 1
        definition = self._register(broken_change(number // 2) if is_broken else {})
        begin = time.monotonic()
        self._ecs.update_service(service="web", taskDefinition=definition)
        serves = self._settle()
        (self.broken_seconds if is_broken else self.good_seconds).append(time.monotonic() - begin)
        if is_broken:
            self.broken.add(definition)
        else:
            self._good = definition
        if serves != self._good:
            self.wrong.append(f"deployment {number} of {definition}: {self._good} was to serve, and it is {serves}")
        self.history.gather()
        if is_broken and not self.history.of(definition):
            self.wrong.append(f"deployment {number} of {definition} never started a task")


def show(name, seconds):
    if seconds:
        print(f"{len(seconds)} {name}: median {statistics.median(seconds):.1f} s, longest {max(seconds):.1f} s")


def measure(ecs, image, deployments):
    """Prints what it found; the list of what must not have been."""
    deployed = Deployed(ecs, image)
    time.sleep(HEALTHY_SECONDS)
    since = time.time()
    with Clients(ecs, "web") as clients:
        for number in range(deployments):
            deployed.deploy(number)
    deployed.history.gather()
    stays = deployed.history.stays(deployed.broken)
    fewest = fewest_at_once(stays, since) or DESIRED
    lost = clients.failures_in_service(stays)
    wrong = deployed.wrong + [f"{each.address} was in service and did not answer: {each.why}" for each in lost[:10]]
    if fewest < DESIRED:
        wrong.append(f"{fewest} healthy tasks of the {DESIRED} that were promised")
    if clients.unanswered:
        wrong.append(f"{clients.unanswered} requests that no task answered in time")
    show("deployments that succeeded", deployed.good_seconds)
    show("deployments of a broken revision, rolled back", deployed.broken_seconds)
    print(f"{len(deployed.history.tasks)} tasks in all; never fewer than {fewest} healthy ones of {DESIRED} promised")
    gone = len(clients.failures) - len(lost)
    print(f"{clients.asked} requests meanwhile: {clients.unanswered} that nobody answered in {ANSWER_SECONDS_MAX} s, "
          f"{len(lost)} failed on a task in service, {gone} times one had just been told to stop, and another was asked")
    return wrong
