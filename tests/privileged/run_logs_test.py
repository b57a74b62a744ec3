"""Where what containers print goes: rotation, followers, deaths of who writes, disks that are full or do not answer."""

import contextlib
import gzip
import json
import os
import pathlib
import signal
import subprocess

import leak_census
import pytest
from berth import log_processes, proc, sh, task, waits_in_a_pipe
from small_disk import small_disk
from waiting import wait_until

LINES = "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; done"
HOLD = "echo ready; while :; do usleep 50000; done"


def json_file(**options):
    return {"logConfiguration": {"logDriver": "json-file", "options": {k.replace("_", "-"): v for k, v in options.items()}}}


def log_directory(berth, task_id):
    (found,) = json.loads(berth.berth("inspect", task_id).out)
    return pathlib.Path(found["logDirectory"])


def shim_of(berth, task_id):
    return berth.listed(task_id)["supervisorPid"]


def state_of(pid):
    return proc(pid, "stat").rpartition(")")[2][1:2]


def text_of(path):
    """What was printed; nothing of a line that is being written, nor of a file that has just been renamed."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ""
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode().splitlines(keepends=True)
    return "".join(json.loads(line)["log"] for line in lines if line.endswith("\n"))


def numbers(text):
    return [int(line.rsplit(" ", 1)[1]) for line in text.splitlines()]


def test_rotation_keeps_so_many_files_of_such_a_size(berth, detached):
    task_id = detached(task(sh(LINES % 3000 + ";" + HOLD, **json_file(max_size="50k", max_file="3", compress="true"))))
    directory = log_directory(berth, task_id)
    wait_until(lambda: "ready" in text_of(directory / "main.log"))
    found = lambda: sorted(directory.glob("main.log*"))  # noqa: E731
    wait_until(lambda: [each.suffix for each in found()] == [".log", ".gz", ".gz"], "the last one is compressed, too")
    files = found()
    assert max(each.stat().st_size for each in files) <= 50000
    oldest, newer = sorted(files[1:], key=lambda each: int(each.name.split(".")[2]))
    kept = text_of(oldest) + text_of(newer) + text_of(files[0])
    seen = numbers(kept.removesuffix("ready\n"))
    assert seen == list(range(seen[0], 3001))
    assert berth.berth("logs", "--container", "main", task_id).out == kept


def test_followers_see_every_line_once_however_often_the_log_is_rotated(berth):
    options = json_file(max_size="20k", max_file="1000", compress="true")
    outcome = berth.run(task(sh(LINES % 20000, **options), sh(LINES % 5000 + "; usleep 300000", "other")))
    assert outcome.code == 0, outcome
    assert numbers("\n".join(outcome.lines())) == list(range(1, 20001))
    assert numbers("\n".join(outcome.lines("other"))) == list(range(1, 5001))


def test_attributes_stand_in_each_record(berth, detached):
    options = json_file(labels="team", env="COLOUR", tag="{{.Name}}")
    task_id = detached(task(sh(HOLD, dockerLabels={"team": "x", "other": "y"},
                               environment=[{"name": "COLOUR", "value": "red"}], **options)))
    path = log_directory(berth, task_id) / "main.log"
    wait_until(lambda: text_of(path))
    record = json.loads(path.read_text())
    assert record["attrs"] == {"team": "x", "COLOUR": "red", "tag": f"{task_id}-main"}


def test_a_time_stands_at_the_beginning_of_a_line_only(berth, detached):
    task_id = detached(task(sh(f"head -c 40000 /dev/zero | tr '\\0' x; echo; {HOLD}")))
    wait_until(lambda: "ready" in berth.berth("logs", task_id).out)
    lines = berth.berth("logs", "--timestamps", "--container", "main", task_id).out.splitlines()
    assert [len(line.split(" ", 1)[1]) for line in lines] == [40000, 5]
    assert berth.berth("logs", "--tail", "2", task_id).out.count("x") == 40000


def test_no_line_is_lost_when_keeper_reader_and_log_process_are_killed(berth, detached):
    """The container prints on; whoever follows afterwards, or goes on following, sees each line once."""
    options = json_file(max_size="20k", max_file="1000", compress="true")
    script = "i=0; while [ ! -e /stop ]; do i=$((i+1)); echo line $i; [ $((i % 50)) -ne 0 ] || usleep 10000; done"
    task_id = detached(task(sh(script, **options)))
    shim = shim_of(berth, task_id)
    keeper = int(pathlib.Path(f"/proc/{shim}/stat").read_text().rpartition(")")[2].split()[1])
    command = berth.command(("logs", "--follow", "--container", "main", task_id))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout.readline() == "line 1\n"
        os.kill(killed.pid, signal.SIGKILL)
    os.kill(keeper, signal.SIGKILL)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as follower:
        assert follower.stdout.readline() == "line 1\n"
        (writer,) = wait_until(lambda: log_processes(shim))
        # Not in the middle of its work: what it holds in memory is its own to lose. It sleeps when it has written what it had.
        (container,) = [each["pid"] for each in berth.listed(task_id)["containers"]]
        os.kill(container, signal.SIGSTOP)
        wait_until(lambda: state_of(container) == "T" and state_of(writer) == "S", "it has written what was printed")
        os.kill(writer, signal.SIGSTOP)
        wait_until(lambda: state_of(writer) == "T")
        os.kill(container, signal.SIGCONT)
        os.kill(writer, signal.SIGKILL)
        (another,) = wait_until(lambda: [pid for pid in log_processes(shim) if pid != writer])
        assert another != writer
        assert berth.berth("exec", task_id, "touch", "/stop").code == 0
        seen = numbers(follower.stdout.read())
    last = numbers(berth.berth("logs", "--container", "main", task_id).out)
    assert seen == last[1:]
    assert last == list(range(1, last[-1] + 1))
    assert berth.berth("system", "sweep").code == 0  # what the keeper would have cleaned up


def test_a_killed_supervisor_leaves_what_was_printed(berth, detached):
    """Also what is in the pipe when it dies."""
    task_id = detached(task(sh("i=0; while :; do i=$((i+1)); echo line $i; done")))
    shim = shim_of(berth, task_id)
    path = log_directory(berth, task_id) / "main.log"
    wait_until(lambda: path.exists() and path.stat().st_size > 100000)
    (writer,) = log_processes(shim)
    (container,) = [each["pid"] for each in json.loads(berth.berth("inspect", task_id).out)[0]["containers"]]
    # Its log file survives its name: the task's directories go with the task.
    with path.open() as log:
        os.kill(writer, signal.SIGSTOP)
        wait_until(lambda: waits_in_a_pipe([container]))
        before = len(log.read().splitlines())
        os.kill(shim, signal.SIGKILL)
        os.kill(writer, signal.SIGCONT)
        wait_until(lambda: not pathlib.Path(f"/proc/{writer}").exists())
        log.seek(0)
        seen = [json.loads(line)["log"] for line in log.read().splitlines()]
    whole = [line for line in seen if line.endswith("\n")]
    assert numbers("".join(whole)) == list(range(1, len(whole) + 1))
    assert len(seen) - len(whole) <= 1, "only the last one may be cut"
    # A pipe holds 64 KiB, and a line is about ten bytes.
    assert len(whole) - before > 4000, (before, len(whole))


@pytest.fixture
def disk(request, tmp_path, layouts):
    """An instance one of whose durable directories is a small disk."""
    from berth import Instance
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path, images)
    before = leak_census.take(instance.state, instance.root)
    with small_disk(instance.root / request.param, 24) as mounted:
        yield instance, mounted
    leak_census.assert_equal(before, instance.state, instance.root)


@pytest.mark.parametrize("disk", ["tasks"], indirect=True)
def test_a_full_disk_stops_neither_the_container_nor_its_stop(disk):
    instance, mounted = disk
    filler = mounted / "filler"
    script = ("trap 'exit 7' TERM; echo before; until [ -e /shared/go ]; do usleep 20000; done;"
              f"{LINES % 5000}; touch /shared/done; while :; do usleep 20000; done")
    shared = {"volumes": [{"name": "shared", "host": {"sourcePath": str(instance.state.parent / "shared")}}]}
    with instance.start(task(sh(script, mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}]),
                             **shared)) as running:
        running.wait_for("before")
        with contextlib.suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
        with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
            while True:
                file.write(bytes(512))
        directory = instance.state.parent / "shared"
        (directory / "go").touch()
        wait_until(lambda: (directory / "done").exists())
        running.interrupt()
        outcome = running.wait()
    assert outcome.code == 7, outcome
    assert "before" in outcome.out


@pytest.mark.parametrize("disk", ["log-groups"], indirect=True)
def test_a_disk_that_does_not_answer_does_not_keep_the_container_from_stopping(disk):
    instance, mounted = disk
    shared = instance.state.parent / "shared"
    script = ("trap 'touch /shared/stopped; exit 7' TERM; echo before; until [ -e /shared/go ]; do usleep 20000; done;"
              "echo more; while :; do usleep 20000; done")
    definition = task(sh(script, mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
                         **awslogs(create_group="true", mode="blocking")),
                      volumes=[{"name": "shared", "host": {"sourcePath": str(shared)}}])
    with instance.start(definition) as running:
        running.wait_for("before")
        (shim,) = [pid for pid, line in leak_census.processes(instance.name, (instance.state,)).items()
                   if "berth-shim" in line and log_processes(pid)]
        (writer,) = log_processes(shim)
        subprocess.run(["fsfreeze", "-f", mounted], check=True)
        try:
            (shared / "go").touch()
            stuck = lambda: state_of(writer) == "D"
            wait_until(stuck)
            running.interrupt()
            wait_until(lambda: (shared / "stopped").exists())
            outcome = running.wait()  # the end is told although the log does not take its last line
            assert stuck()
        finally:
            subprocess.run(["fsfreeze", "-u", mounted], check=True)
    assert outcome.code == 7, outcome


# ---- awslogs ----

def awslogs(group="/ecs/test", **options):
    named = {f"awslogs-{k.replace('_', '-')}": v for k, v in options.items() if k not in ("mode", "max_buffer_size")}
    plain = {k.replace("_", "-"): v for k, v in options.items() if k in ("mode", "max_buffer_size")}
    return {"logConfiguration": {"logDriver": "awslogs", "options": {
        "awslogs-group": group, "awslogs-region": "eu-west-1", **named, **plain}}}


def events(berth, group="/ecs/test", *flags):
    outcome = berth.berth("log-group", "events", "--region", "eu-west-1", "--format", "json", group, *flags)
    assert outcome.code == 0, outcome
    return [json.loads(line) for line in outcome.out.splitlines()]


@pytest.fixture
def group(berth):
    assert berth.berth("log-group", "create", "--region", "eu-west-1", "/ecs/test").code == 0
    yield "/ecs/test"
    assert berth.berth("log-group", "rm", "--region", "eu-west-1", "/ecs/test").code == 0


def test_a_group_that_is_deleted_does_not_hold_its_containers(berth, detached):
    """A container waits for its log in this mode, and there is nothing any more that could take it."""
    assert berth.berth("log-group", "create", "--region", "eu-west-1", "/ecs/goes").code == 0
    line = "x" * 1000
    script = ("until [ -e /go ]; do usleep 20000; done; "
              f"i=0; while [ $i -lt 40000 ]; do i=$((i+1)); echo {line}; done; touch /done; {HOLD}")
    task_id = detached(task(sh(script, **awslogs(group="/ecs/goes", mode="blocking", stream_prefix="p"))))
    assert berth.berth("log-group", "rm", "--region", "eu-west-1", "/ecs/goes").code == 0
    assert berth.berth("exec", task_id, "touch", "/go").code == 0
    wait_until(lambda: berth.berth("exec", task_id, "test", "-e", "/done").code == 0, pause=0.2)


def test_awslogs_fills_a_stream_named_after_prefix_container_and_task(berth, detached, group):
    script = "echo one; echo two >&2; until [ -e /stop ]; do usleep 20000; done; echo three"
    task_id = detached(task(sh(script, **awslogs(stream_prefix="pre"))))
    wait_until(lambda: berth.berth("logs", task_id).out.count("\n") == 2)
    command = berth.command(("logs", "--follow", "--container", "main", task_id))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as follower:
        assert follower.stdout.readline() == "one\n"
        assert berth.berth("exec", task_id, "touch", "/stop").code == 0
        assert follower.stdout.read() == "three\n"
        assert follower.stderr.read() == "two\n"
    wait_until(lambda: not json.loads(berth.berth("ps", "--format", "json").out))
    assert sorted(line.split("| ")[1] for line in berth.berth("logs", task_id).out.splitlines()) == ["one", "three", "two"]
    found = events(berth, group)
    assert [event["message"] for event in found if event["message"] != "two"] == ["one", "three"]
    assert {event["logStreamName"] for event in found} == {f"pre/main/{task_id}"}
    assert len({event["eventId"] for event in found}) == 3
    middle = found[-1]["timestamp"]
    assert [event["message"] for event in events(berth, group, "--start", str(middle))] == ["three"]
    assert "three" not in [event["message"] for event in events(berth, group, "--end", str(middle))]


def test_awslogs_joins_lines_to_events(berth, group):
    script = r"printf '[Nov 26, 2026 01:02:03] failed\n  at a\n  at b\n[Nov 26, 2026 01:02:04] again\n'"
    outcome = berth.run(task(sh(script, **awslogs(datetime_format="[%b %d, %Y %H:%M:%S]"))))
    assert outcome.code == 0, outcome
    assert outcome.lines()[1].endswith(" at a"), outcome
    assert [event["message"] for event in events(berth, group)] == [
        "[Nov 26, 2026 01:02:03] failed\n  at a\n  at b", "[Nov 26, 2026 01:02:04] again"]


def test_a_log_group_that_is_not_there_fails_the_start_in_awss_words(berth):
    outcome = berth.run(task(sh("echo ran", **awslogs(group="/ecs/missing"))))
    assert outcome.code == 125, outcome
    assert ("ResourceInitializationError: failed to validate logger args: create stream has been retried 1 times: failed "
            "to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist."
            ) in outcome.err
    assert "ran" not in outcome.out


def test_a_log_group_is_made_where_that_is_asked_for(berth):
    outcome = berth.run(task(sh("echo ran", **awslogs(group="/ecs/made", create_group="true"))))
    assert outcome.code == 0, outcome
    assert [event["message"] for event in events(berth, "/ecs/made")] == ["ran"]
    listed = json.loads(berth.berth("log-group", "ls", "--region", "eu-west-1", "--format", "json").out)
    assert [each["logGroupName"] for each in listed] == ["/ecs/made"]
    kept = berth.berth("log-group", "keep", "--region", "eu-west-1", "--retention", "2", "/ecs/made")
    assert kept.code == 125 and "1, 3, 5, 7" in kept.err
    assert berth.berth("log-group", "keep", "--region", "eu-west-1", "--retention", "3", "/ecs/made").code == 0
    assert "3 days" in berth.berth("log-group", "ls", "--region", "eu-west-1").out
    assert berth.berth("log-group", "rm", "--region", "eu-west-1", "/ecs/made").code == 0


@pytest.mark.parametrize("mode", ["non-blocking", "blocking"])
def test_only_a_blocking_container_waits_for_a_log_that_does_not_take_its_lines(tmp_path, layouts, mode):
    """The log stream's file system is frozen: what a container prints then goes nowhere."""
    from berth import Instance
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path, images)
    shared = tmp_path / "shared"
    options = {"mode": mode, **({"max_buffer_size": "100k"} if mode == "non-blocking" else {})}
    script = f"echo before; until [ -e /shared/go ]; do usleep 20000; done; {LINES % 50000}; touch /shared/done"
    definition = task(sh(script, mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
                         **awslogs(create_group="true", **options)),
                      volumes=[{"name": "shared", "host": {"sourcePath": str(shared)}}])
    before = leak_census.take(instance.state, instance.root)
    with small_disk(instance.root / "log-groups", 24) as mounted:
        with instance.start(definition) as running:
            running.wait_for("before")
            subprocess.run(["fsfreeze", "-f", mounted], check=True)
            try:
                (shared / "go").touch()
                if mode == "blocking":
                    # Its write into the pipe waits.
                    wait_until(lambda: waits_in_a_pipe(running.pids()))
                    assert not (shared / "done").exists()
                else:
                    wait_until(lambda: (shared / "done").exists())
            finally:
                subprocess.run(["fsfreeze", "-u", mounted], check=True)
            outcome = running.wait()
        assert outcome.code == 0, outcome
        assert (shared / "done").exists()
        seen = numbers("\n".join(outcome.lines()[1:]))
        if mode == "blocking":
            assert seen == list(range(1, 50001)), "nothing is lost"
        else:
            assert seen == sorted(set(seen)) and 0 < len(seen) < 50000, "what did not fit is dropped, the rest in order"
    leak_census.assert_equal(before, instance.state, instance.root)
