"""linux.resources: every limit by the file that the kernel reads it from, at create and by update."""

import json
import pathlib
import subprocess
import time

import pytest

from oci_bundle import CGROUPS, OCI
from waiting import wait_until

V2 = (CGROUPS / "cgroup.controllers").exists()

# field, value -> (controller, file, content) on v1 and on v2; None: must be refused by its name.
CASES = [
    ({"memory": {"limit": 64 << 20}}, ("memory", "memory.limit_in_bytes", 64 << 20), ("memory.max", 64 << 20)),
    (
        {"memory": {"limit": 64 << 20, "swap": 96 << 20}},
        ("memory", "memory.memsw.limit_in_bytes", 96 << 20),
        ("memory.swap.max", 32 << 20),
    ),
    (
        {"memory": {"reservation": 32 << 20}},
        ("memory", "memory.soft_limit_in_bytes", 32 << 20),
        ("memory.low", 32 << 20),
    ),
    ({"memory": {"kernelTCP": 32 << 20}}, ("memory", "memory.kmem.tcp.limit_in_bytes", 32 << 20), None),
    ({"memory": {"swappiness": 17}}, ("memory", "memory.swappiness", 17), None),
    ({"memory": {"disableOOMKiller": True}}, ("memory", "memory.oom_control", "oom_kill_disable 1"), None),
    ({"cpu": {"shares": 512}}, ("cpu", "cpu.shares", 512), ("cpu.weight", 59)),
    ({"cpu": {"quota": 20000, "period": 50000}}, ("cpu", "cpu.cfs_period_us", 50000), ("cpu.max", "20000 50000")),
    ({"cpu": {"quota": 20000}}, ("cpu", "cpu.cfs_quota_us", 20000), ("cpu.max", "20000 100000")),
    ({"cpu": {"period": 50000}}, ("cpu", "cpu.cfs_period_us", 50000), ("cpu.max", "max 50000")),
    ({"cpu": {"quota": 20000, "burst": 10000}}, ("cpu", "cpu.cfs_burst_us", 10000), ("cpu.max.burst", 10000)),
    ({"cpu": {"idle": 1}}, ("cpu", "cpu.idle", 1), ("cpu.idle", 1)),
    ({"cpu": {"cpus": "0", "mems": "0"}}, ("cpuset", "cpuset.cpus", 0), ("cpuset.cpus", 0)),
    ({"pids": {"limit": 20}}, ("pids", "pids.max", 20), ("pids.max", 20)),
    ({"pids": {"limit": -1}}, ("pids", "pids.max", "max"), ("pids.max", "max")),
    ({"network": {"classID": 5}}, None, None),
    ({"network": {"priorities": [{"name": "lo", "priority": 3}]}}, None, None),
    ({"rdma": {"mlx5_1": {"hcaHandles": 3}}}, None, None),
    ({"blockIO": {"leafWeight": 100}}, None, None),
]
# Fields that hosts differ on: honoured, or refused by name.
MAYBE = [
    {"memory": {"kernel": 64 << 20}},
    {"cpu": {"realtimeRuntime": 1000}},
    {"cpu": {"realtimePeriod": 1000000}},
    {"blockIO": {"weight": 200}},
    {"hugepageLimits": [{"pageSize": "2MB", "limit": 4 << 20}]},
]


def field_of(resources):
    (name, value), = resources.items()
    if name in ("hugepageLimits", "rdma"):
        return name
    return f"{name}.{list(value)[-1]}"


def check(box, expected):
    controller, file, value = ("", *expected) if V2 else expected
    if (box.group(controller) / file).exists():
        content = (box.group(controller) / file).read_text().strip()
        assert content.startswith(str(value)), (file, content)
    else:
        assert file.startswith("memory.swap") or file.startswith("memory.memsw")


@pytest.mark.parametrize("resources,v1,v2", CASES, ids=lambda case: str(case)[:40])
def test_limit_at_create(box, resources, v1, v2):
    box.resources.update(resources)
    outcome = box.create("true")
    expected = v2 if V2 else v1
    if expected is None:
        assert outcome.code == 1 and f"linux.resources.{field_of(resources)}: " in outcome.err, outcome
        return
    assert outcome.code == 0, outcome
    check(box, expected)


def groups_by(text):
    """Controller -> path, of a /proc/PID/cgroup; "" is that of v2."""
    lines = [line.split(":", 2) for line in text.splitlines()]
    return {controller: path for _, controllers, path in lines for controller in controllers.split(",")}


def leave_out_group_mounts(box):
    box.config["mounts"] = [mount for mount in box.config["mounts"] if mount["type"] != "cgroup"]


MADE_WHEN = {  # on v1: beside the init's mounts, all of them or those before the first of a group, or before the init
    "a group among the mounts": lambda box: None,
    "no group among the mounts": leave_out_group_mounts,
    "a user namespace": lambda box: box.user_namespace(),
    "a bind from the group": lambda box: box.mount("/vol", "bind", box.group("memory"), "bind", "ro"),
}


@pytest.mark.parametrize("own_namespace", [True, False], ids=["own namespace", "the host's"])
@pytest.mark.parametrize("case", MADE_WHEN)
def test_it_is_in_its_groups_however_they_are_made(box, case, own_namespace):
    """By the kernel's word: from outside in groups of its name, from inside at the root of its namespace."""
    box.drop_namespace("cgroup")
    if own_namespace:
        box.namespace("cgroup")
    MADE_WHEN[case](box)
    box.start_in_background("sleep", "100")
    entered = [""] if V2 else ["cpu", "cpuacct", "memory", "devices", "freezer", "pids"]
    outside = groups_by(pathlib.Path(f"/proc/{box.state()['pid']}/cgroup").read_text())
    assert {outside[name] for name in entered} == {box.cgroup}, outside
    seen = box.oci("exec", box.id, "cat", "/proc/1/cgroup")
    inside = groups_by(seen.out)
    assert {inside[name] for name in entered} == {"/" if own_namespace else box.cgroup}, seen
    if case == "a bind from the group":
        assert "cgroup.procs" in box.oci("exec", box.id, "ls", "/vol").out


def test_what_cannot_enter_all_its_groups_does_not_run(box):
    """The init is given the files of its groups: none of them may be lost because it has too many open."""
    box.drop_namespace("cgroup")
    box.write("cat", "/proc/self/cgroup")
    entered = [""] if V2 else ["cpu", "cpuacct", "memory", "devices", "freezer", "pids"]
    ran = 0
    for most in range(4, 64):
        done = subprocess.run(["prlimit", f"--nofile={most}:{most}", OCI, "--root", box.root, "run", "-b", box.bundle, box.id],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode == 0:
            ran += 1
            inside = groups_by(done.stdout)
            assert {inside[name] for name in entered} == {box.cgroup}, (most, done)
        assert box.delete().code == 0
    assert 0 < ran < 60


def test_limits_by_update(box):
    box.start_in_background("sleep", "100")
    for resources, v1, v2 in CASES:
        if "idle" in str(resources) or "disableOOMKiller" in str(resources):
            continue
        (box.directory / "update.json").write_text(json.dumps(resources))
        outcome = box.oci("update", "-r", box.directory / "update.json", box.id)
        expected = v2 if V2 else v1
        if expected is None:
            assert outcome.code == 1 and f"{field_of(resources)}: " in outcome.err, outcome
            continue
        assert outcome.code == 0, (resources, outcome)
        # A quota alone keeps the period, and a period alone the quota, that are there.
        if resources.get("cpu", {}).keys() not in ({"quota"}, {"period"}):
            check(box, expected)


@pytest.mark.parametrize("resources", MAYBE, ids=str)
def test_honoured_or_refused_by_name(box, resources):
    box.resources.update(resources)
    outcome = box.create("true")
    assert outcome.code == 0 or f"linux.resources.{field_of(resources)}: " in outcome.err, outcome


def test_update_flags(box):
    box.start_in_background("sleep", "100")
    outcome = box.oci(
        "update", "--memory", "64m", "--memory-reservation", "32M", "--cpu-quota", "30000",
        "--cpu-period", "60000", "--cpu-share", "512", "--pids-limit", "33", "--cpuset-cpus", "0", box.id,
    )  # fmt: skip
    assert outcome.code == 0, outcome
    if V2:
        for file, value in [("memory.max", 64 << 20), ("memory.low", 32 << 20), ("cpu.max", "30000 60000"), ("pids.max", 33), ("cpuset.cpus", 0)]:
            check(box, (file, value))
    else:
        for expected in [
            ("memory", "memory.limit_in_bytes", 64 << 20),
            ("cpu", "cpu.cfs_quota_us", 30000),
            ("cpu", "cpu.shares", 512),
            ("pids", "pids.max", 33),
            ("cpuset", "cpuset.cpus", 0),
        ]:
            check(box, expected)
    # What stands in relation to what is there, in whichever order it goes.
    for quota, burst in [("60000", "50000"), ("10000", "5000"), ("50000", "40000")]:
        outcome = box.oci("update", "--cpu-quota", quota, "--cpu-burst", burst, box.id)
        assert outcome.code == 0, outcome
    for memory, swap in [("128m", "256m"), ("32m", "48m"), ("-1", "-1"), ("64m", "64m")]:
        outcome = box.oci("update", "--memory", memory, "--memory-swap", swap, box.id)
        assert outcome.code == 0, outcome
    # From standard input.
    assert box.oci("update", "-r", "-", box.id, stdin='{"pids":{"limit":44}}').code == 0
    check(box, ("pids.max", 44) if V2 else ("pids", "pids.max", 44))


def test_update_needs_a_running_container(box):
    assert "does not exist" in box.oci("update", "--pids-limit", "5", "nope").err
    box.start_in_background("true")
    wait_until(lambda: box.state()["status"] == "stopped", "it ends")
    assert "not running" in box.oci("update", "--pids-limit", "5", box.id).err


def test_update_of_devices(box):
    box.start_in_background("sh", "-c", "while :; do sleep 1; done")
    null = [{"allow": False, "access": "rwm"}, {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"}]
    assert box.oci("update", "-r", "-", box.id, stdin=json.dumps({"devices": null})).code == 0
    outcome = box.oci("exec", box.id, "sh", "-c", "echo x > /dev/null && cat /dev/zero")
    assert "not permitted" in outcome.err, outcome


def test_throttles(box):
    device = next((p for p in pathlib.Path("/sys/block").glob("vd*")), None)
    if device is None:
        pytest.skip("no block device to throttle")
    major, minor = map(int, (device / "dev").read_text().split(":"))
    rate = {"major": major, "minor": minor, "rate": 1 << 20}
    box.resources["blockIO"] = {"throttleReadBpsDevice": [rate], "throttleWriteIOPSDevice": [{**rate, "rate": 100}]}
    assert box.create("true").code == 0
    if V2:
        check(box, ("io.max", f"{major}:{minor} rbps=1048576 wbps=max riops=max wiops=100"))
    else:
        check(box, ("blkio", "blkio.throttle.read_bps_device", f"{major}:{minor} 1048576"))
        check(box, ("blkio", "blkio.throttle.write_iops_device", f"{major}:{minor} 100"))


def test_unified(box):
    box.resources["unified"] = {"memory.high": "33554432", "cgroup.max.descendants": "7"}
    outcome = box.create("true")
    if V2:
        check(box, ("memory.high", 33554432))
        check(box, ("cgroup.max.descendants", 7))
    else:
        assert "linux.resources.unified: is for cgroup v2" in outcome.err


@pytest.mark.parametrize(
    "resources,words",
    [
        ({"memory": {"limit": -2}}, "linux.resources.memory.limit: must be -1"),
        ({"memory": {"swappiness": 101}}, "linux.resources.memory.swappiness: must be from 0 to 100"),
        ({"cpu": {"idle": 2}}, "linux.resources.cpu.idle: must be 0 or 1"),
        ({"cpu": {"quota": 10000, "burst": 20000}}, "linux.resources.cpu.burst: is above quota"),
        ({"blockIO": {"weight": 5}}, "linux.resources.blockIO.weight: must be from 10 to 1000"),
        ({"blockIO": {"weightDevice": [{"major": 8, "minor": 0}]}}, "weightDevice[0]: needs weight or leafWeight"),
        ({"hugepageLimits": [{"pageSize": "../x", "limit": 1}]}, "hugepageLimits[0].pageSize: must be like"),
        ({"rdma": {"a": {}}}, "linux.resources.rdma.a: needs hcaHandles"),
        ({"unified": {"../x": "1"}}, "must be a file name"),
    ],
)
def test_contradictions_name_the_field(box, resources, words):
    box.resources.update(resources)
    outcome = box.run("true")
    assert outcome.code == 1 and words in outcome.err, outcome


def test_pause_and_resume(box):
    box.start_in_background("sh", "-c", "while :; do date +%s%N > /tmp/t; sleep 0.01; done")
    assert "not paused" in box.oci("resume", box.id).err
    assert box.oci("pause", box.id).code == 0
    assert box.state()["status"] == "paused"
    assert json.loads(box.oci("list", "--format", "json").out)[0]["status"] == "paused"
    before = (box.rootfs / "tmp" / "t").read_text()
    time.sleep(0.1)
    assert (box.rootfs / "tmp" / "t").read_text() == before
    assert "it is paused" in box.oci("pause", box.id).err
    assert box.oci("delete", box.id).code == 1
    assert box.oci("resume", box.id).code == 0
    assert box.state()["status"] == "running"
    wait_until(lambda: (box.rootfs / "tmp" / "t").read_text() not in ("", before), "it goes on")


def test_a_paused_container_can_be_killed(box):
    box.start_in_background("sleep", "100")
    assert box.oci("pause", box.id).code == 0
    assert box.oci("kill", box.id, "KILL").code == 0
    wait_until(lambda: box.state()["status"] == "stopped", "it dies")


def test_a_paused_container_can_be_deleted_by_force(box):
    box.start_in_background("sleep", "100")
    assert box.oci("pause", box.id).code == 0
    assert box.delete().code == 0
    assert box.state() is None


def test_statistics(box):
    box.resources["pids"] = {"limit": 77}
    box.resources["memory"] = {"limit": 64 << 20}
    box.start_in_background("sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 100")
    time.sleep(0.3)
    event = json.loads(box.oci("events", "--stats", box.id).out)
    data = event["data"]
    assert event["type"] == "stats" and event["id"] == box.id
    assert data["pids"]["limit"] == 77 and data["pids"]["current"] >= 1
    assert data["cpu"]["usage"]["total"] > 0
    assert data["memory"]["usage"]["limit"] == 64 << 20 and data["memory"]["usage"]["usage"] > 0
    assert data["memory"]["raw"]
    assert "not running" in box.oci("events", "--stats", box.id).err or True


def test_events_tell_oom_and_end_with_the_container(box):
    box.resources["memory"] = {"limit": 16 << 20, "swap": 16 << 20}
    assert box.create("sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 5").code == 0
    events = subprocess.Popen([OCI, "--root", box.root, "events", "--interval", "100ms", box.id], stdout=subprocess.PIPE, text=True)
    first = json.loads(events.stdout.readline())  # it watches
    assert first["type"] == "stats"
    assert box.oci("start", box.id).code == 0
    out, _ = events.communicate(timeout=60)
    assert events.returncode == 0
    kinds = [json.loads(line)["type"] for line in out.splitlines()]
    assert "oom" in kinds and "stats" in kinds, out
