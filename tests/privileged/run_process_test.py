"""`berth run`: what a container's process is started as, and how its end is told."""

import os
import time

import pytest

from berth import sh, task


def test_exit_code_is_the_essential_containers(berth):
    outcome = berth.run(task(sh("exit 42")))
    assert outcome.code == 42
    assert "main" in outcome.err and "42" in outcome.err
    assert "EssentialContainerExited" in outcome.err
    assert "Essential container in task exited" in outcome.err


def test_exit_code_of_a_signal_is_128_and_its_number(berth):
    assert berth.run(task(sh("sh -c 'kill -TERM $$'; exit $?"))).code == 143


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
    assert berth.run(task(sh("echo plain")), "--overrides", overrides).lines() == ["over ride"]


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


def test_deaf_container_is_killed_after_its_stop_timeout(berth):
    with berth.start(task(sh("trap '' TERM; echo ready; while :; do sleep 0.1; done", stopTimeout=2))) as running:
        running.wait_for("ready")
        running.interrupt()
        begin = time.monotonic()
        outcome = running.wait()
    assert outcome.code == 137
    assert time.monotonic() - begin >= 1.9


def test_second_interrupt_kills_at_once(berth):
    with berth.start(task(sh("trap '' TERM; echo ready; while :; do sleep 0.1; done", stopTimeout=100))) as running:
        running.wait_for("ready")
        running.interrupt()
        time.sleep(0.3)
        running.interrupt()
        assert running.wait(timeout=20).code == 137


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


def test_timing_names_the_steps(berth):
    outcome = berth.run(task(sh("true")), "--timing")
    assert outcome.code == 0
    assert "ms" in outcome.err


def test_no_descriptor_of_the_host_reaches_the_container(berth):
    """0, 1, 2 and the one that ls itself opens."""
    readable, writable = os.pipe()
    os.set_inheritable(writable, True)
    try:
        assert berth.run(task(sh("ls /proc/self/fd | wc -l"))).lines() == ["4"]
    finally:
        os.close(readable)
        os.close(writable)
