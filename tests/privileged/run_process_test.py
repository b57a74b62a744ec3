"""`berth run`: what a container's process is started as, and how its end is told."""

import os
import re
import signal
import time

import pytest

from berth import sh, task

DEAF = "trap 'echo asked' TERM; echo ready; while :; do sleep 0.1; done"


def test_exit_code_is_the_essential_containers(berth):
    outcome = berth.run(task(sh("exit 42")))
    assert outcome.code == 42
    assert outcome.err.splitlines() == [
        "berth: main: exit code 42",
        "berth: task STOPPED: EssentialContainerExited, Essential container in task exited"]


def test_exit_code_of_a_signal_is_128_and_its_number(berth):
    """The kernel drops what a container's process 1 sends itself, so the host sends it."""
    with berth.start(task(sh("echo ready; while :; do sleep 0.1; done"))) as running:
        running.wait_for("ready")
        os.kill(running.pids()[0], signal.SIGKILL)
        outcome = running.wait()
    assert outcome.code == 137
    assert "berth: main: exit code 137\n" in outcome.err


def test_output_is_prefixed_with_the_containers_name(berth):
    outcome = berth.run(task(sh("echo to-out; echo to-err >&2")))
    assert sorted(outcome.lines()) == ["to-err", "to-out"]


def test_one_containers_output_alone_is_unprefixed_and_split(berth):
    definition = task(sh("echo mine; echo oops >&2; sleep 0.3"), sh("echo other", "side", essential=False))
    outcome = berth.run(definition, "--container", "main")
    assert outcome.out == "mine\n"
    assert "oops\n" in outcome.err
    assert "other" not in outcome.out + outcome.err


def test_output_without_a_final_newline_is_shown(berth):
    assert berth.run(task(sh("printf unfinished")), "--container", "main").out.rstrip("\n") == "unfinished"


def test_much_output_arrives_whole(berth):
    outcome = berth.run(task(sh("seq 1 20000")), "--container", "main")
    assert outcome.out.split() == [str(number) for number in range(1, 20001)]


def test_command_replaces_the_images_command(berth):
    definition = task({"name": "main", "image": "busybox", "memory": 64, "command": ["echo", "a b", "c"]})
    assert berth.run(definition).lines() == ["a b c"]


def test_entry_point_is_put_before_the_command(berth):
    container = {"name": "main", "image": "busybox", "memory": 64, "entryPoint": ["/bin/echo", "-n"], "command": ["x"]}
    assert berth.run(task(container), "--container", "main").out.rstrip("\n") == "x"


def test_environment_of_image_definition_and_flag_in_rising_order(berth):
    definition = task(sh("echo $PATH; echo $A; echo $B", environment=[{"name": "A", "value": "task"},
                                                                      {"name": "B", "value": "task"}]))
    path, a, b = berth.run(definition, "--env", "B=flag").lines()
    assert path == "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert (a, b) == ("task", "flag")


def test_overrides_replace_command_and_environment(berth, tmp_path):
    overrides = tmp_path / "overrides.json"
    overrides.write_text('{"containerOverrides": [{"name": "main", "command": ["sh", "-c", "echo over $A"],'
                         ' "environment": [{"name": "A", "value": "ride"}]}]}')
    outcome = berth.run(task(sh("echo plain")), "--overrides", overrides, "--env", "A=flag")
    assert outcome.lines() == ["over ride"]


def test_flag_can_set_the_environment_of_one_container(berth):
    definition = task(sh("echo a=$A"), sh("echo a=$A", "first", essential=False))
    definition["containerDefinitions"][0]["dependsOn"] = [{"containerName": "first", "condition": "SUCCESS"}]
    outcome = berth.run(definition, "--env", "first:A=b=c")
    assert (outcome.lines("first"), outcome.lines("main")) == (["a=b=c"], ["a="])


@pytest.mark.parametrize("overrides, path", [
    ('{"containerOverrides": [{"name": "ghost", "command": ["true"]}]}', "ghost"),
    ('{"containerOverrides": [{"name": "main", "command": "true"}]}', "containerOverrides[0].command"),
    ('{"containerOverrides": [{"name": "main", "magic": 1}]}', "containerOverrides[0].magic")])
def test_overrides_that_do_not_fit_are_refused(berth, tmp_path, overrides, path):
    file = tmp_path / "overrides.json"
    file.write_text(overrides)
    outcome = berth.run(task(sh("echo never")), "--overrides", file)
    assert (outcome.code, outcome.out) == (125, "")
    assert path in outcome.err


@pytest.mark.parametrize("flags", [("--env", "no-equals-sign"), ("--env", "ghost:A=b"), ("--container", "ghost")])
def test_flags_that_do_not_fit_are_refused(berth, flags):
    outcome = berth.run(task(sh("echo never")), *flags)
    assert (outcome.code, outcome.out) == (125, "")
    assert flags[1].split(":")[0] in outcome.err


def test_definition_is_read_from_standard_input(berth):
    text = berth.write(task(sh("echo from stdin"))).read_text()
    assert berth.berth("run", "-", stdin=text).lines() == ["from stdin"]


def test_bad_definition_on_standard_input_is_refused(berth):
    outcome = berth.berth("run", "-", stdin='{"family": "x", "containerDefinitions": 1}')
    assert outcome.code == 125
    assert "containerDefinitions" in outcome.err


@pytest.mark.parametrize("user, expected", [
    ("1000", "1000 1000"), ("user", "1000 1000"), ("1000:50", "1000 50"), ("user:staff", "1000 50"), ("33:0", "33 0")])
def test_user_by_name_and_by_number(berth, user, expected):
    assert berth.run(task(sh("echo $(id -u) $(id -g)", user=user))).lines() == [expected]


def test_working_directory_is_made_when_missing(berth):
    assert berth.run(task(sh("pwd", workingDirectory="/made/here"))).lines() == ["/made/here"]


def test_ulimits(berth):
    limits = [{"name": "nofile", "softLimit": 123, "hardLimit": 456}, {"name": "core", "softLimit": 0, "hardLimit": 0}]
    assert berth.run(task(sh("ulimit -Sn; ulimit -Hn; ulimit -c", ulimits=limits))).lines() == ["123", "456", "0"]


def test_hostname_and_hosts_file(berth):
    hostname, entry = berth.run(task(sh("hostname; grep -c $(hostname) /etc/hosts"))).lines()
    assert hostname and int(entry) >= 1


def test_interrupt_stops_gracefully(berth):
    with berth.start(task(sh("trap 'echo bye; exit 5' TERM; echo ready; while :; do sleep 0.1; done"))) as running:
        running.wait_for("ready")
        running.interrupt()
        outcome = running.wait()
    assert outcome.lines() == ["ready", "bye"]
    assert outcome.code == 5
    assert outcome.err.splitlines()[-2:] == [
        "berth: main: exit code 5", "berth: task STOPPED: UserInitiated, Task stopped by user"]


def test_deaf_container_is_killed_after_its_stop_timeout(berth):
    with berth.start(task(sh(DEAF, stopTimeout=4))) as running:
        running.wait_for("ready")
        running.interrupt()
        begin = time.monotonic()
        outcome = running.wait()
    assert outcome.code == 137
    assert outcome.lines() == ["ready", "asked"]
    assert time.monotonic() - begin >= 3.9


def test_second_interrupt_kills_at_once(berth):
    with berth.start(task(sh(DEAF, stopTimeout=100))) as running:
        running.wait_for("ready")
        running.interrupt()
        running.wait_for("asked")
        running.interrupt()
        assert running.wait(timeout=60).code == 137


def test_stop_signal_is_the_images(berth):
    """nginx answers SIGQUIT by a graceful end with exit code 0; SIGTERM would be fast, SIGKILL 137."""
    server = {"name": "web", "image": "nginx", "memory": 128}
    with berth.start(task(server)) as running:
        running.wait_for("start worker process .*")
        running.interrupt()
        outcome = running.wait()
    assert outcome.code == 0
    assert any("SIGQUIT" in line or "gracefully shutting down" in line for line in outcome.lines("web")), outcome


def test_command_that_does_not_exist_fails_with_its_name(berth):
    outcome = berth.run(task({"name": "main", "image": "busybox", "memory": 64, "command": ["/no/such/program"]}))
    assert outcome.code != 0
    assert "/no/such/program" in outcome.err
    assert "TaskFailedToStart" in outcome.err


@pytest.mark.parametrize("condition", ["START", "COMPLETE", ""])
def test_a_container_that_cannot_start_fails_the_task_whatever_the_others_end_with(berth, condition):
    """The others are stopped for it, and end well: that is not how the task went."""
    others = [sh("trap 'exit 0' TERM; while :; do usleep 50000; done", name="runs"), sh("true", name="first", essential=False)]
    waits_for = {"START": "runs", "COMPLETE": "first"}.get(condition)
    depends_on = [{"containerName": waits_for, "condition": condition}] if waits_for else []
    broken = {"name": "main", "image": "busybox", "memory": 64, "command": ["/no/such/program"], "dependsOn": depends_on}
    outcome = berth.run(task(*others, broken))
    assert outcome.code == 125, outcome
    assert "task STOPPED: TaskFailedToStart, CannotStartContainerError: exec: \"/no/such/program\"" in outcome.err, outcome


def test_timing_names_the_steps(berth):
    outcome = berth.run(task(sh("true")), "--timing")
    steps = [line for line in outcome.err.splitlines() if line.startswith("berth: timing: ")]
    assert outcome.code == 0
    for step in ("pull ", "network of the task", "shim: create main", "shim: start main", "tear down "):
        assert any(re.fullmatch(rf"berth: timing: +\d+\.\d\d ms  {step}.*", line) for line in steps), outcome


def test_no_descriptor_of_the_host_reaches_the_container(berth):
    """0, 1, 2 and the one that ls itself opens."""
    readable, writable = os.pipe()
    os.set_inheritable(writable, True)
    try:
        assert berth.run(task(sh("ls /proc/self/fd | wc -l"))).lines() == ["4"]
    finally:
        os.close(readable)
        os.close(writable)
