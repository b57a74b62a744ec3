"""169.254.170.2 as the containers of a task see it: who they are, how their siblings do, what they use."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import leak_census
import pytest
from berth import sh, task
from inside import Inside
from waiting import wait_until

HOLD = "trap 'exit 0' TERM; while :; do usleep 50000; done"
LABELS = {"com.amazonaws.ecs.cluster", "com.amazonaws.ecs.container-name", "com.amazonaws.ecs.task-arn",
          "com.amazonaws.ecs.task-definition-family", "com.amazonaws.ecs.task-definition-version"}


class Detached:
    def __init__(self, berth, task_id):
        self.id = task_id
        self._berth = berth

    def listed(self):
        return self._berth.listed(self.id)

    def inside(self, name="main"):
        (container,) = [each for each in self.listed()["containers"] if each["name"] == name]
        return Inside(container["pid"])

    def endpoint(self):
        """The process that answers, if it runs."""
        for pid, command in leak_census.processes(self._berth.name, (self._berth.state,)).items():
            if command.endswith(f"system endpoint {self.id}"):
                return pid
        return None


@pytest.fixture
def start(berth, detached):
    return lambda definition, *flags: Detached(berth, detached(definition, *flags))


def test_a_container_learns_who_it_is(berth, start):
    side = sh(HOLD, "side", essential=False, memory=32, cpu=128, dockerLabels={"team": "blue"},
              mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}])
    running = start(task(sh(HOLD, memory=64), side, family="known", cpu="256", memory="512",
                         requiresCompatibilities=["FARGATE"], tags=[{"key": "stage", "value": "test"}],
                         volumes=[{"name": "shared"}]))
    main = running.inside()
    environment = main.environment
    assert re.fullmatch(r"http://169\.254\.170\.2/v4/[0-9a-f-]{36}", main.v4)
    own_id = main.v4.rpartition("/")[2]
    assert environment["ECS_CONTAINER_METADATA_URI"] == f"http://169.254.170.2/v3/{own_id}"
    assert environment["ECS_AGENT_URI"] == f"http://169.254.170.2/api/{own_id}"
    assert environment["AWS_EXECUTION_ENV"] == "AWS_ECS_FARGATE"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "us-east-1"
    assert own_id not in running.inside("side").v4

    found = main.task()
    arn = f"arn:aws:ecs:us-east-1:000000000000:task/default/{running.id}"
    assert list(found) == ["Cluster", "TaskARN", "Family", "Revision", "DesiredStatus", "KnownStatus", "Limits",
                           "PullStartedAt", "PullStoppedAt", "AvailabilityZone", "LaunchType", "Group",
                           "FaultInjectionEnabled", "Containers", "EphemeralStorageMetrics"]
    assert (found["Cluster"], found["TaskARN"]) == ("arn:aws:ecs:us-east-1:000000000000:cluster/default", arn)
    assert (found["Family"], found["Revision"], found["LaunchType"]) == ("known", "1", "FARGATE")
    assert found["Limits"] == {"CPU": 0.25, "Memory": 512}
    assert (found["DesiredStatus"], found["KnownStatus"]) == ("RUNNING", "RUNNING")
    assert found["PullStartedAt"] < found["PullStoppedAt"]
    assert main.json(main.v4 + "/taskWithTags")["TaskTags"] == {"stage": "test"}

    container = main.container("side")
    assert list(container) == ["DockerId", "Name", "DockerName", "Image", "ImageID", "Labels", "DesiredStatus",
                               "KnownStatus", "Limits", "Type", "LogDriver", "ContainerARN", "Volumes", "Networks",
                               "Snapshotter", "CreatedAt", "StartedAt"]
    assert re.fullmatch(rf"{running.id}-\d{{10}}", container["DockerId"])
    assert container["Limits"] == {"CPU": 128, "Memory": 32}
    assert set(container["Labels"]) == LABELS | {"team"} and container["Labels"]["team"] == "blue"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", container["ImageID"])
    assert container["CreatedAt"] < container["StartedAt"]
    (volume,) = container["Volumes"]
    assert volume["Destination"] == "/shared"
    # On the storage of the task, which its supervisor alone has mounted.
    assert volume["Source"].endswith(f"/{running.id}/ephemeral/volumes/shared")
    (network,) = container["Networks"]
    (address,) = network["IPv4Addresses"]
    assert address == running.listed()["addresses"][0]["privateIpv4Address"]
    assert network["IPv4SubnetCIDRBlock"] == "172.29.0.0/16"
    assert network["SubnetGatewayIpv4Address"] == "172.29.0.1/16"
    assert network["PrivateDNSName"] == f"ip-{address.replace('.', '-')}.us-east-1.compute.internal"
    assert network["MACAddress"] in main.run("ip", "link").stdout
    assert main.json(main.v4) == main.container("main")

    # The forms of old.
    old = main.json(environment["ECS_CONTAINER_METADATA_URI"] + "/task")
    assert not {"LaunchType", "FaultInjectionEnabled"} & set(old)
    assert old["Containers"][1]["Networks"] == [{"NetworkMode": "awsvpc", "IPv4Addresses": [address]}]
    assert main.json("http://169.254.170.2/v2/metadata") == old
    assert main.json(f"http://169.254.170.2/v2/metadata/{container['DockerId']}") == old["Containers"][1]

    # What is not there.
    status, _, text = main.ask("http://169.254.170.2/v4/unknown/task")
    assert (status, json.loads(text)) == (404, "V4 container metadata handler: unable to get container ID from "
                                               "request: unable to get docker ID from v3 endpoint ID: unknown")
    assert main.ask("http://169.254.170.2/v3/unknown")[0] == 400
    assert main.ask("http://169.254.170.2/latest/meta-data")[0] == 404
    assert main.ask(main.v4, "POST")[0] == 405
    status, headers, _ = main.ask(main.v4.replace("/v4/", "//v4//"))
    assert (status, headers["Location"]) == (301, f"/v4/{own_id}")
    # Secrets of the containers are for root.
    document = berth.state / "tasks" / running.id / "endpoint.json"
    assert document.stat().st_mode & 0o777 == 0o600


def test_a_container_sees_its_siblings_change(hurried):
    shared = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
    first = sh("until [ -e /shared/go ]; do usleep 10000; done; exit 3", "first", essential=False, **shared)
    second = sh("touch /shared/well; " + HOLD, "second", essential=False, **shared,
                dependsOn=[{"containerName": "first", "condition": "COMPLETE"}],
                healthCheck={"command": ["CMD-SHELL", "test -e /shared/well || { echo ill; exit 7; }"], "interval": 5,
                             "retries": 1})
    with hurried.start(task(sh("echo ready; " + HOLD, **shared), first, second,
                            volumes=[{"name": "shared"}])) as running:
        running.wait_for("ready")
        check_that_siblings_change(Inside(running.pids()[0]))


def check_that_siblings_change(main):
    wait_until(lambda: main.container("first")["KnownStatus"] == "RUNNING")
    assert main.container("second")["KnownStatus"] == "PULLED"
    assert "CreatedAt" not in main.container("second")
    assert main.task()["KnownStatus"] == "PULLED"
    assert (main.container("first")["KnownStatus"], main.container("first")["DesiredStatus"]) == ("RUNNING", "RUNNING")
    shared_directory = pathlib.Path(main.container("main")["Volumes"][0]["Source"])
    (shared_directory / "go").touch()
    ended = wait_until(lambda: (seen := main.container("first"))["KnownStatus"] == "STOPPED" and seen)
    assert (ended["ExitCode"], ended["DesiredStatus"]) == (3, "STOPPED")
    assert ended["StartedAt"] < ended["FinishedAt"]
    wait_until(lambda: main.task()["KnownStatus"] == "RUNNING")
    wait_until(lambda: main.container("second")["Health"]["status"] == "HEALTHY")
    (shared_directory / "well").unlink()
    ill = wait_until(lambda: (seen := main.container("second"))["Health"]["status"] == "UNHEALTHY" and seen)["Health"]
    assert (ill["exitCode"], ill["output"]) == (7, "ill\n")
    assert "ExecutionStoppedAt" not in main.task()


def test_a_container_knows_that_it_is_to_stop(berth, start):
    """The last words of a container that is told to stop: what the endpoint then says."""
    script = ("trap 'wget -q -O - $ECS_CONTAINER_METADATA_URI_V4/task; echo; exit 0' TERM; echo ready; "
              "while :; do usleep 50000; done")
    with berth.start(task(sh(script))) as running:
        running.wait_for("ready")
        running.interrupt()
        outcome = running.wait()
    told = json.loads(outcome.lines()[-1])
    assert (told["DesiredStatus"], told["KnownStatus"]) == ("STOPPED", "RUNNING")


def test_statistics_are_those_of_the_kernel(berth, start):
    running = start(task(sh("while :; do :; done"), sh(HOLD, "side", essential=False), memory="256"))
    main = running.inside()
    first = main.json(main.v4 + "/stats")
    second = main.json(main.v4 + "/stats")
    for stats in (first, second):
        assert stats["preread"] < stats["read"]
        used, before = stats["cpu_stats"], stats["precpu_stats"]
        own = used["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
        host = used["system_cpu_usage"] - before["system_cpu_usage"]
        # At least a second apart, and busy all the time as far as others let it.
        assert host >= 0.9e9 * used["online_cpus"]
        assert 0.02 < own / host * used["online_cpus"] <= 1.2
        assert stats["memory_stats"]["limit"] == 64 << 20
        assert 0 < stats["memory_stats"]["usage"] < 64 << 20
        assert stats["pids_stats"]["current"] == 1
        assert set(stats["networks"]) == {"eth0"}
    assert second["networks"]["eth0"]["rx_packets"] >= first["networks"]["eth0"]["rx_packets"]
    assert second["network_rate_stats"]["rx_bytes_per_sec"] >= 0
    every = main.json(main.v4 + "/task/stats")
    assert set(every) == {each["DockerId"] for each in main.task()["Containers"]}
    assert all(stats["name"] in ("main", "side") for stats in every.values())
    assert main.json(main.environment["ECS_CONTAINER_METADATA_URI"] + "/stats")["id"] == first["id"]


def test_it_outlives_those_who_serve_it(berth, start):
    running = start(task(sh(HOLD)))
    main = running.inside()
    assert running.endpoint() is None, "nobody has asked yet"
    assert main.task()["KnownStatus"] == "RUNNING"
    os.kill(int(pathlib.Path(f"/proc/{running.listed()['supervisorPid']}/stat").read_text().rpartition(")")[2]
                .split()[1]), signal.SIGKILL)
    assert main.task()["TaskARN"].endswith(running.id)
    served_by = running.endpoint()
    os.kill(served_by, signal.SIGKILL)
    assert main.task()["TaskARN"].endswith(running.id)
    assert running.endpoint() not in (None, served_by)


def test_port_80_of_the_container_is_its_own(berth, start):
    running = start(task(sh("mkdir /www; echo mine >/www/index.html; exec httpd -f -p 80 -h /www")))
    main = running.inside()
    (address,) = main.container("main")["Networks"][0]["IPv4Addresses"]
    asks = ("busybox", "wget", "-qO", "/dev/null", "http://127.0.0.1/index.html")
    wait_until(lambda: main.run(*asks).returncode == 0, "it listens")
    assert main.ask("http://127.0.0.1/index.html")[2] == "mine\n"
    assert main.ask(f"http://{address}/index.html")[2] == "mine\n"
    assert main.task()["KnownStatus"] == "RUNNING"
    # From outside of the task the endpoint is not there, whatever the way.
    subprocess.run(["ip", "route", "add", "169.254.170.2", "via", address], check=True)
    try:
        with pytest.raises(OSError):
            socket.create_connection(("169.254.170.2", 80), timeout=1)
    finally:
        subprocess.run(["ip", "route", "del", "169.254.170.2"], check=True)


HOG = """
import socket, sys, time
slow = []
for _ in range(80):
    s = socket.create_connection(("169.254.170.2", 80))
    s.sendall(b"GET /v4/x HTTP/1.1\\r\\nHost: x\\r\\n")
    slow.append(s)
s = socket.create_connection(("169.254.170.2", 80), timeout=20)
s.sendall(b"GET /" + b"a" * 20000 + b" HTTP/1.1\\r\\n\\r\\n")
print(s.recv(100).split()[1].decode())
"""
# All at once, whatever the answers: faster than anybody could ask one after the other, on a busy host too.
FLOOD = """
import socket, sys, urllib.parse
path = urllib.parse.urlsplit(sys.argv[1]).path
s = socket.create_connection(("169.254.170.2", 80), timeout=60)
s.sendall(f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n".encode() * 200)
answers, seen = s.makefile("rb"), []
for _ in range(200):
    status, length = int(answers.readline().split()[1]), 0
    while line := answers.readline().strip().lower():
        length = int(line.split(b":")[1]) if line.startswith(b"content-length:") else length
    seen.append((status, answers.read(length)))
refused = [text for status, text in seen if status == 429]
print(sum(status == 200 for status, _ in seen), len(refused), refused[0].decode() if refused else "")
"""


def test_a_container_cannot_keep_it_from_others(berth, start):
    running = start(task(sh(HOLD)))
    main = running.inside()
    # 80 connections that never send their request: those beyond 64 wait until the others are cut off.
    assert main.run("/usr/bin/python3", "-c", HOG).stdout.strip() == "414"
    good, refused, text = main.run("/usr/bin/python3", "-c", FLOOD, main.v4).stdout.split(" ", 2)
    assert int(good) >= 60 and int(refused) > 0 and int(good) + int(refused) == 200
    assert text.strip() == "You have reached maximum request limit."
    served_by = pathlib.Path(f"/proc/{running.endpoint()}/fd")
    wait_until(lambda: len(list(served_by.iterdir())) < 20)


@pytest.mark.parametrize("mode", ["bridge", "host", "none"])
def test_it_is_there_in_every_network_mode(berth, start, mode):
    running = start(task(sh(HOLD), sh(HOLD, "other", essential=False), networkMode=mode))
    main, other = running.inside(), running.inside("other")
    expected = r"http://127\.0\.0\.1:\d+/v4/.*" if mode == "host" else r"http://169\.254\.170\.2/v4/.*"
    assert re.fullmatch(expected, main.v4)
    assert main.environment["AWS_EXECUTION_ENV"] == "AWS_ECS_EC2"
    for each, name in ((main, "main"), (other, "other")):
        assert each.json(each.v4)["Name"] == name
        (network,) = each.json(each.v4)["Networks"]
        assert network["NetworkMode"] == mode and len(network["IPv4Addresses"]) == (mode == "bridge")
    assert main.task()["Cluster"] == "default"
    # In networks of their own, one's id is nothing to the other.
    if mode != "host":
        assert main.ask(other.v4)[0] == 404
    base = main.v4.partition("/v4/")[0]
    assert main.ask(base + "/v2/metadata")[0] == 404


def test_a_container_named_task_is_one_of_several(berth, start):
    """The network that all share in awsvpc mode has that name, too."""
    running = start(task(sh(HOLD, "task"), sh(HOLD, "other", essential=False), networkMode="bridge"))
    named, other = running.inside("task"), running.inside("other")
    assert named.ask(other.v4)[0] == 404
    assert named.ask(named.v4.partition("/v4/")[0] + "/v2/metadata")[0] == 404
    own = [each.json(each.v4)["Networks"][0]["IPv4Addresses"] for each in (named, other)]
    assert own[0] != own[1]
    for each, (address,) in zip((named, other), own):
        assert f" {address}/" in each.run("/usr/sbin/ip", "-4", "-o", "address", "show", "eth0").stdout


def test_a_region_that_is_given_stays(berth):
    given = sh("echo $AWS_REGION-$AWS_DEFAULT_REGION-$ECS_AGENT_URI",
               environment=[{"name": "AWS_DEFAULT_REGION", "value": "eu-west-3"}, {"name": "ECS_AGENT_URI", "value": "x"}])
    outcome = berth.run(task(given))
    assert re.fullmatch(r"-eu-west-3-http://169\.254\.170\.2/api/.*", outcome.lines()[0]), outcome
