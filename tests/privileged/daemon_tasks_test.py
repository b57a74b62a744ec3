"""Tasks that come by the API, and what becomes of them when berthd goes: nothing. Asked of the API and of the kernel."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

import leak_census
from berth import PATIENCE, proc, supervisors
from daemon import Daemon
from service_host import first_processes, wait_for_traps
from waiting import wait_until

FOREVER = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.1; done"


class Ecs:
    """boto3's client, and shared directory /host of the tasks that it starts."""

    def __init__(self, daemon, host):
        self.daemon, self.host, self.scripts = daemon, host, {}
        self.client = daemon.client("ecs")

    def again(self):
        """berthd listens on another port now."""
        self.client = self.daemon.client("ecs")

    def run(self, script, **fields):
        container = {"name": "main", "image": self.daemon.instance.images["busybox"], "memory": 64,
                     "command": ["sh", "-c", script], "stopTimeout": 5,
                     "mountPoints": [{"sourceVolume": "host", "containerPath": "/host"}], **fields}
        definition = self.client.register_task_definition(
            family="test", networkMode="bridge", containerDefinitions=[container],
            volumes=[{"name": "host", "host": {"sourcePath": str(self.host)}}])["taskDefinition"]
        answer = self.client.run_task(taskDefinition=definition["taskDefinitionArn"])
        assert not answer["failures"], answer
        arn = answer["tasks"][0]["taskArn"]
        self.scripts[arn] = script
        return arn

    def task(self, arn):
        (found,) = self.client.describe_tasks(tasks=[arn])["tasks"]
        return found

    def wait_for(self, arn, status):
        """Until it is so; a shell that runs has come to its trap for SIGTERM, too."""
        def reached():
            found = self.task(arn)
            assert found["lastStatus"] != "STOPPED" or status == "STOPPED", found
            return found if found["lastStatus"] == status else None
        found = wait_until(reached, f"{status}: {self.daemon.log()}")
        if status == "RUNNING" and "trap" in self.scripts[arn]:
            wait_for_traps(self.daemon.instance)
        return found

    def stop(self, arn):
        self.client.stop_task(task=arn)
        return self.wait_for(arn, "STOPPED")


@pytest.fixture
def ecs(daemon, tmp_path):
    return Ecs(daemon, tmp_path)


def containers(instance):
    """pid -> start time of the first process of each container, as their OCI runtime knows them and the kernel has them."""
    stats = {pid: proc(pid, "stat") for pid in first_processes(instance).values()}
    return {pid: stat.rsplit(") ", 1)[1].split()[19] for pid, stat in stats.items() if stat}


def test_a_task_runs_and_is_stopped(ecs):
    arn = ecs.run(FOREVER)
    running = ecs.wait_for(arn, "RUNNING")
    assert running["desiredStatus"] == "RUNNING" and containers(ecs.daemon.instance)
    stopped = ecs.stop(arn)
    assert stopped["containers"][0]["exitCode"] == 3
    assert stopped["stopCode"] == "UserInitiated"
    assert not list(ecs.daemon.instance.state.glob("oci/*/state.json"))


def preferred_policy():
    """SCHED_RR, but for hosts and control groups that have no real time to give (sched(7))."""
    probe = [sys.executable, "-c", "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"]
    had_it = subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0
    return os.SCHED_RR if had_it else os.SCHED_OTHER


def policies_of(pids):
    """Of those that have not ended meanwhile, as threads without work may."""
    found = {}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            found[pid] = os.sched_getscheduler(pid) & ~os.SCHED_RESET_ON_FORK
    return found


def processors_of(pids):
    found = {}
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            found[pid] = os.sched_getaffinity(pid)
    return found


def test_the_thread_that_answers_stays_on_one_processor_and_nothing_else_does(ecs):
    given = os.sched_getaffinity(0)
    settles = len(given) > 1 and preferred_policy() == os.SCHED_RR
    arn = ecs.run(FOREVER)
    ecs.wait_for(arn, "RUNNING")
    pid = ecs.daemon.process.pid

    def others_have_all():  # one that looks for old connections is elsewhere for a moment
        threads = processors_of(int(each.name) for each in pathlib.Path(f"/proc/{pid}/task").iterdir())
        assert threads.pop(pid) == ({max(given)} if settles else given)
        return threads and all(each == given for each in threads.values())
    wait_until(others_have_all, "workers that may be everywhere")
    started = [*supervisors(ecs.daemon.instance), *containers(ecs.daemon.instance)]
    assert len(started) == 2 and set(map(frozenset, processors_of(started).values())) == {frozenset(given)}
    assert ecs.stop(arn)["containers"][0]["exitCode"] == 3


@pytest.mark.parametrize("then", ["lives on", "is killed"])
def test_the_network_of_the_last_task_goes_with_nobody_else(ecs, then):
    """berthd sweeps itself; one that was killed before it did is no different to the next."""
    bridges = leak_census.links()
    ecs.wait_for(ecs.run("true"), "STOPPED")
    if then == "is killed":
        ecs.daemon.kill()
        ecs.daemon.start()
        ecs.again()

    def is_swept():
        instance = ecs.daemon.instance
        assert not any(" system sweep" in each for each in leak_census.processes(instance.name, (instance.state, instance.root)).values())
        return leak_census.links() == bridges and not leak_census.nft_tables()
    wait_until(is_swept, "bridge and tables are gone")


def is_listening(address):
    with socket.socket() as client:
        return client.connect_ex(address) == 0


def test_the_network_of_a_task_that_was_being_released_goes_with_berthd(ecs):
    """It ends when the task is released: nobody but the program that sweeps is there then."""
    daemon, links = ecs.daemon, leak_census.links()
    leases, address = daemon.instance.root / "leases", daemon.address()
    arn = ecs.run(FOREVER)
    ecs.wait_for(arn, "RUNNING")
    with (leases / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ecs.client.stop_task(task=arn)
        ecs.wait_for(arn, "DEPROVISIONING")
        daemon.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not is_listening(address), "it is about to end")
    assert daemon.process.wait(60) == 0
    wait_until(lambda: leak_census.links() == links and not leak_census.nft_tables() and not [*leases.glob("*.json")],
               "somebody has swept")
    daemon.start()
    ecs.again()


def test_a_lease_that_cannot_be_read_keeps_berthd_from_nothing_else(ecs):
    ecs.daemon.stop()
    lease = ecs.daemon.instance.root / "leases" / "abc.json"
    lease.parent.mkdir(exist_ok=True)
    lease.write_text("garbage")
    ecs.daemon.start()
    ecs.again()
    assert ecs.client.list_tasks()["taskArns"] == []
    lease.unlink()


def test_only_the_thread_that_answers_is_preferred(ecs):
    arn = ecs.run(FOREVER)
    ecs.wait_for(arn, "RUNNING")
    pid = ecs.daemon.process.pid
    threads = policies_of(int(each.name) for each in pathlib.Path(f"/proc/{pid}/task").iterdir())
    assert threads.pop(pid) == preferred_policy() and threads and set(threads.values()) == {os.SCHED_OTHER}, threads
    (container,) = containers(ecs.daemon.instance)
    (shim,) = supervisors(ecs.daemon.instance)
    assert policies_of([container, shim]) == {container: os.SCHED_OTHER, shim: os.SCHED_OTHER}
    assert [os.getpriority(os.PRIO_PROCESS, each) for each in (container, shim)] == [0, 0]
    maps = pathlib.Path(f"/proc/{pid}/maps").read_text()
    assert "libsqlite3" in maps and "libcurl" not in maps, "nobody has needed it yet"
    ecs.stop(arn)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_end_of_berthd_changes_nothing_for_a_running_task(ecs, end):
    daemon = ecs.daemon
    arn = ecs.run(FOREVER, healthCheck={"command": ["CMD", "true"], "interval": 5, "startPeriod": 0})
    before = ecs.wait_for(arn, "RUNNING")
    before = wait_until(lambda: ecs.task(arn) if ecs.task(arn)["healthStatus"] == "HEALTHY" else None)
    processes = containers(daemon.instance)
    record = daemon.instance.root / "tasks" / arn.rsplit("/", 1)[1] / "events.jsonl"
    told = record.read_text()
    for written in range(2):
        getattr(daemon, end)()
        assert containers(daemon.instance) == processes
        # As if it had died before it wrote the other lines: they are stored.
        record.write_text("".join(told.splitlines(keepends=True)[:written]))
        daemon.start()
        ecs.again()
        assert ecs.task(arn) == before
        assert record.read_text().startswith(told)
    assert containers(daemon.instance) == processes
    events = [json.loads(line)["event"] for line in record.read_text().splitlines()]
    assert events[0] == "RunTaskRequested" and events.count("ContainerStarted") == 1, events
    assert ecs.stop(arn)["containers"][0]["exitCode"] == 3


def test_berths_commands_show_whose_a_task_is_and_stop_it_through_berthd(ecs):
    berth = ecs.daemon.instance.berth
    listed = lambda *flags: {each["taskId"]: each for each in json.loads(berth("ps", "--format", "json", *flags).out)}  # noqa: E731
    first, second = ecs.run(FOREVER), ecs.run(FOREVER)
    for arn in (first, second):
        ecs.wait_for(arn, "RUNNING")
    ids = [arn.rsplit("/", 1)[1] for arn in (first, second)]
    shown = listed()[ids[0]]
    assert (shown["taskArn"], shown["cluster"], shown["group"], shown["desiredStatus"]) == (first, "default", "family:test", "RUNNING")
    head, *rows = berth("ps").out.splitlines()
    assert head.split()[4:6] == ["CLUSTER", "GROUP"] and all(row.split()[4:6] == ["default", "family:test"] for row in rows)
    assert json.loads(berth("inspect", ids[0]).out)[0]["group"] == "family:test"

    assert berth("stop", ids[0]).out == ids[0] + "\n"
    stopped = ecs.task(first)
    assert (stopped["lastStatus"], stopped["stopCode"], stopped["stoppedReason"]) == ("STOPPED", "UserInitiated", "berth stop")
    assert stopped["containers"][0]["exitCode"] == 3, "its stop signal was heard"
    assert listed("--all")[ids[0]]["stoppedReason"] == "berth stop"
    assert "berth stop" in berth("why", ids[0]).out
    assert berth("stop", "--kill", ids[1]).code == 0
    killed = ecs.task(second)
    assert (killed["stoppedReason"], killed["containers"][0]["exitCode"]) == ("berth stop --kill", 137)

    third = ecs.run(FOREVER)
    ecs.wait_for(third, "RUNNING")
    ecs.daemon.kill()
    task_id = third.rsplit("/", 1)[1]
    assert "cluster" not in listed()[task_id], "what berthd knows is its to tell"
    assert berth("stop", task_id).code == 0
    ecs.daemon.start()
    ecs.again()
    assert ecs.wait_for(third, "STOPPED")["containers"][0]["exitCode"] == 3

    broken = ecs.run(FOREVER, image="oci:/nowhere:latest")
    reason = ecs.wait_for(broken, "STOPPED")["stoppedReason"]
    of_no_directory = listed("--all")[broken.rsplit("/", 1)[1]]
    assert (of_no_directory["lastStatus"], of_no_directory["stoppedReason"]) == ("STOPPED", reason)
    assert "CannotPullContainerError" in berth("why", broken.rsplit("/", 1)[1]).out


AWSLOGS = {"logDriver": "awslogs", "options": {"awslogs-group": "/kept", "awslogs-region": "eu-central-1", "awslogs-create-group": "true"}}


@pytest.mark.parametrize("prefix", ["web", ""], ids=["with a prefix", "named after the container"])
def test_logs_of_a_task_are_found_by_its_names_and_outlive_its_directory(ecs, prefix):
    options = {**AWSLOGS["options"], **({"awslogs-stream-prefix": prefix} if prefix else {})}
    arn = ecs.run("echo first words; echo to err >&2; " + FOREVER, logConfiguration={"logDriver": "awslogs", "options": options})
    task_id = arn.rsplit("/", 1)[1]
    ecs.wait_for(arn, "RUNNING")
    berth = ecs.daemon.instance.berth
    expected = ["main | first words", "main | ready", "main | to err"]
    for name in (arn, task_id, task_id[:12]):
        wait_until(lambda: sorted(berth("logs", name).out.splitlines()) == expected, berth("logs", name))  # noqa: B023
    ecs.stop(arn)
    assert sorted(berth("logs", arn).out.splitlines()) == expected
    kept = ecs.daemon.instance.root / "stopped" / task_id
    wait_until(kept.is_dir)
    shutil.rmtree(kept)
    for name in (arn, task_id, task_id[:12]):
        shown = berth("logs", "--container", "main", name)
        assert sorted((shown.out + shown.err).splitlines()) == ["first words", "ready", "to err"], shown
    assert "no container \"side\"; it has main" in berth("logs", "--container", "side", arn).err
    assert 'no task "0123456789ab"' in berth("logs", "0123456789ab").err
    ecs.daemon.stop()  # what is on the disk needs nobody
    assert (berth("logs", task_id).code == 0) == bool(prefix)


def test_all_containers_that_log_to_groups_are_kept(ecs):
    """Each in a group of its own, one in two: whatever somebody else puts beside it hides nothing."""
    image, groups = ecs.daemon.instance.images["busybox"], {"one": "/kept/a", "two": "/kept/b"}
    containers = [{"name": name, "image": image, "memory": 64, "command": ["echo", f"from {name}"], **fields} for name, fields in [
        *((name, {"logConfiguration": {"logDriver": "awslogs", "options": {
            **AWSLOGS["options"], "awslogs-group": group, "awslogs-stream-prefix": "p"}}}) for name, group in groups.items()),
        ("plain", {})]]
    ecs.client.register_task_definition(family="several", networkMode="none", containerDefinitions=containers)
    arn = ecs.client.run_task(taskDefinition="several")["tasks"][0]["taskArn"]
    task_id = arn.rsplit("/", 1)[1]
    ecs.wait_for(arn, "STOPPED")
    logs = ecs.daemon.client("logs")
    logs.create_log_group(logGroupName="/kept/z")
    logs.create_log_stream(logGroupName="/kept/z", logStreamName=f"q/one/{task_id}")
    kept = ecs.daemon.instance.root / "stopped" / task_id
    wait_until(kept.is_dir)
    shutil.rmtree(kept)
    berth = ecs.daemon.instance.berth
    shown = berth("logs", arn)
    assert sorted(shown.out.split()) == sorted("one | from one two | from two".split()), shown
    assert "only awslogs outlives it" in shown.err and "plain" in shown.err, shown
    assert berth("logs", "--container", "one", arn).out == "from one\n"
    refused = berth("logs", "--container", "plain", arn)
    assert refused.code != 0 and 'the log of container "plain"' in refused.err, refused
    logs.delete_log_group(logGroupName="/kept/z")


def test_follow_waits_for_a_task_that_has_not_begun(ecs):
    arn = ecs.run("echo one; sleep 0.3; echo two")
    shown = ecs.daemon.instance.berth("logs", "--follow", "--container", "main", arn)
    assert (shown.code, shown.out) == (0, "one\ntwo\n"), shown
    ecs.wait_for(arn, "STOPPED")


def test_exec_and_stats_of_tasks_of_berthd(ecs):
    berth = ecs.daemon.instance.berth
    arn = ecs.run(FOREVER)
    task_id = arn.rsplit("/", 1)[1]
    ecs.wait_for(arn, "RUNNING")
    for name in (arn, task_id, task_id[:12]):
        ran = berth("exec", name, "sh", "-c", "echo in $0; exit 5", "here")
        assert (ran.code, ran.out) == (5, "in here\n"), ran
        (line,) = berth("stats", "--no-stream", "--format", "json", name).out.splitlines()
        assert json.loads(line)["taskId"] == task_id and json.loads(line)["pids"] >= 1
    ecs.stop(arn)
    broken = ecs.run(FOREVER, image="oci:/nowhere:latest")
    ecs.wait_for(broken, "STOPPED")
    for stopped, why in ((arn, "Task stopped by user"), (broken, "CannotPullContainerError")):
        for command in (("exec", stopped, "true"), ("stats", "--no-stream", stopped)):
            refused = berth(*command)
            assert refused.code != 0 and "STOPPED" in refused.err and f"{command[0]} needs one that runs" in refused.err, refused
            assert why in refused.err, refused
    nothing = berth("logs", broken)
    assert nothing.code != 0 and "nothing is kept of what it printed" in nothing.err and "CannotPull" in nothing.err


# With one file in the place of another, in mounts of its own.
HIDE = 'mount --bind "$0" "$1" && shift && exec "$@"'


def test_a_libcurl_that_is_installed_later_is_found(daemon_instance, registry, layouts, tmp_path):
    """It is loaded with the first pull; one that failed for the want of it is not remembered."""
    reference = registry.push(f"oci:{layouts['busybox']}:latest", "team/app:1")
    library = pathlib.Path("/usr/lib/x86_64-linux-gnu/libcurl.so.4").resolve()
    (tmp_path / "empty").touch()
    daemon = Daemon(daemon_instance)
    plain = daemon.command
    hidden = ["unshare", "--mount", "bash", "-c", HIDE, str(tmp_path / "empty"), str(library)]
    daemon.command = lambda *flags: [*hidden, *plain(*flags)]
    with daemon:
        ecs = Ecs(daemon, tmp_path)
        reason = ecs.wait_for(ecs.run("true", image=reference), "STOPPED")["stoppedReason"]
        assert "libcurl.so.4" in reason and "install Debian's package libcurl4" in reason, reason
        subprocess.run(["nsenter", f"--mount=/proc/{daemon.process.pid}/ns/mnt", "umount", library], check=True)
        stopped = ecs.wait_for(ecs.run("exit 4", image=reference), "STOPPED")
        assert stopped["containers"][0].get("exitCode") == 4, stopped


def test_what_ended_meanwhile_is_told(ecs):
    arn = ecs.run("while [ ! -e /host/go ]; do sleep 0.05; done; exit 7")
    ecs.wait_for(arn, "RUNNING")
    ecs.daemon.kill()
    pids = supervisors(ecs.daemon.instance)
    (ecs.host / "go").touch()
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the shim ends by itself", seconds=60)
    ecs.daemon.start()
    ecs.again()
    stopped = ecs.wait_for(arn, "STOPPED")
    assert stopped["containers"][0]["exitCode"] == 7
    assert (stopped["stopCode"], stopped["stoppedReason"]) == ("EssentialContainerExited", "Essential container in task exited")


def test_a_task_whose_supervisor_was_killed_meanwhile_is_over(ecs):
    arn = ecs.run(FOREVER)
    ecs.wait_for(arn, "RUNNING")
    ecs.daemon.kill()
    pids = supervisors(ecs.daemon.instance)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids), "the shim is dead", seconds=60)
    # A `berth` that sweeps meanwhile takes away what is left.
    assert ecs.daemon.instance.berth("system", "sweep").code == 0
    ecs.daemon.start()
    ecs.again()
    stopped = ecs.wait_for(arn, "STOPPED")
    assert "exitCode" not in stopped["containers"][0]
    assert stopped["stopCode"] == "EssentialContainerExited" and "supervisor was killed" in stopped["stoppedReason"]


def test_killed_at_any_moment_of_a_start_the_task_runs_once(ecs):
    daemon = ecs.daemon
    for number, milliseconds in enumerate((0, 20, 50, 100, 200, *[0] * 20)):
        if number >= 5 and "how=begin anew" in daemon.log():
            break  # on a busy host we may be late, more than once
        arn = ecs.run(f"echo ran >>/host/{number}; {FOREVER}")
        time.sleep(milliseconds / 1000 * PATIENCE)
        daemon.kill()
        daemon.start()
        ecs.again()
        ecs.wait_for(arn, "RUNNING")
        wait_until((ecs.host / str(number)).exists)
        assert ecs.stop(arn)["stopCode"] == "UserInitiated"
        assert (ecs.host / str(number)).read_text() == "ran\n"
    assert "how=begin anew" in daemon.log(), "never killed early enough"


def test_killed_at_any_moment_of_a_stop_the_task_stops(ecs):
    daemon = ecs.daemon
    for milliseconds in (0, 10, 40, 80):
        arn = ecs.run(FOREVER)
        ecs.wait_for(arn, "RUNNING")
        ecs.client.stop_task(task=arn)
        time.sleep(milliseconds / 1000 * PATIENCE)
        daemon.kill()
        daemon.start()
        ecs.again()
        stopped = ecs.wait_for(arn, "STOPPED")
        assert stopped["containers"][0]["exitCode"] == 3 and stopped["stopCode"] == "UserInitiated"
