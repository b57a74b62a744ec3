"""ExecuteCommand: a terminal in a container of a task, over the protocol of session-manager-plugin."""

import json
import os
import signal
import stat
import subprocess

import botocore.exceptions
import pytest

import leak_census
from berth import Instance, children, proc
from fake_aws import FakeAws
from session_plugin import Refused, Session, WebSocket
from waiting import wait_until

WINDOW = 64  # messages: aws/data_channel.h
QUICK = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture(scope="module")
def aws():
    with FakeAws({"AKIDHOST": ("host/+=", "")}, ["unused"]) as fake:
        fake.s3_keys = ("AKIDHOST", "host/+=")
        yield fake


@pytest.fixture(scope="module")
def daemon_instance(tmp_path_factory, layouts, aws):
    """One that knows where S3 is."""
    config = {"accountId": "123456789012", "region": "eu-central-1",
              "environmentFiles": {"s3": {"endpoint": aws.url, "profile": "dev", "region": "us-east-1"}}}
    instance = Instance(tmp_path_factory.mktemp("execute"), {"busybox": f"oci:{layouts['busybox']}:latest"}, config)
    instance.give_aws_profile("dev", "AKIDHOST", "host/+=")
    return instance


@pytest.fixture
def ecs(daemon):
    return daemon.client("ecs")


@pytest.fixture
def task(daemon, ecs, layouts):
    """One that runs, whose first container is of a user and whose second one has ended."""
    image = f"oci:{layouts['busybox']}:latest"
    containers = [
        {"name": "main", "image": image, "memory": 64, "user": "1000", "command": ["sleep", "600"],
         "environment": [{"name": "COLOUR", "value": "blue"}], "linuxParameters": {"initProcessEnabled": True}},
        {"name": "done", "image": image, "memory": 64, "essential": False, "command": ["true"]}]
    ecs.register_task_definition(family="exec", networkMode="none", containerDefinitions=containers)
    arn = ecs.run_task(taskDefinition="exec", enableExecuteCommand=True)["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=QUICK)
    wait_until(lambda: ecs.describe_tasks(tasks=[arn])["tasks"][0]["containers"][1]["lastStatus"] == "STOPPED")
    yield arn
    ecs = daemon.client("ecs")  # it may be another one now
    ecs.stop_task(task=arn)
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)


def execute(ecs, task, command, container="main", interactive=True):
    return ecs.execute_command(task=task, container=container, command=command, interactive=interactive)


def sessions_of(daemon):
    """Processes of sessions of this instance."""
    instance = daemon.instance
    listed = leak_census.processes(instance.name, (instance.state, instance.root))
    return [pid for pid, command in listed.items() if command.endswith(" system session")]


def listed_processes():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_shell_is_typed_at(daemon, ecs, task):
    (agent,) = ecs.describe_tasks(tasks=[task])["tasks"][0]["containers"][0]["managedAgents"]
    assert (agent["name"], agent["lastStatus"]) == ("ExecuteCommandAgent", "RUNNING")
    answer = execute(ecs, task, "sh")
    assert answer["containerName"] == "main" and answer["taskArn"] == task and answer["interactive"]
    with Session(answer["session"], size=(91, 17)) as session:
        session.type("echo $COLOUR-$(id -u)-$$ $(stty size)\r")
        session.wait_for(r"blue-0-\d+ 17 91\r\n")
        session.resize(132, 50)
        session.type("stty size\r")
        session.wait_for(r"\n50 132\r\n")
        session.type("sh -c 'echo runs; exec sleep 1000'\r")
        session.wait_for(r"\nruns\r\n")
        session.type("\x03")  # Ctrl-C is the terminal's business
        session.type("echo alive=$?\r")
        session.wait_for(r"\nalive=130\r\n")
        session.type("exit\r")
        assert session.wait_for_end() == ""
    wait_until(lambda: not sessions_of(daemon))


def test_what_is_shown_comes_whole_though_the_plugin_was_not_ready(ecs, task):
    words = "sh -c 'i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i of many that fill a window or two; done'"
    with Session(execute(ecs, task, words)["session"], deaf=3) as session:
        session.wait_for_end()
        numbers = [int(line.split()[1]) for line in session.shown.splitlines() if line.startswith("line ")]
        assert numbers == list(range(1, 3001))


def state_of(pid):
    """'S' while it waits, 'R' while it runs or would, 'Z' when nobody has asked how it ended; nothing when it has gone."""
    return proc(pid, "stat").rpartition(")")[2][1:2]


def test_a_client_that_acknowledges_nothing_costs_nothing(daemon, ecs, task):
    """What ran is killed when as much is on its way as may be: the session waits, and is not told again and again."""
    with Session(execute(ecs, task, "yes")["session"]) as opened:
        opened.take_without_a_word(WINDOW)
        (session,) = sessions_of(daemon)
        (program,) = children(session)
        os.kill(program, signal.SIGKILL)
        wait_until(lambda: state_of(program) == "Z")
        wait_until(lambda: state_of(session) == "S")
    wait_until(lambda: not sessions_of(daemon))


def test_a_session_ends_with_its_client_or_when_it_is_told(daemon, ecs, task):
    with Session(execute(ecs, task, "sleep 98761")["session"]):
        assert len(sessions_of(daemon)) == 1
        wait_until(lambda: "sleep 98761" in listed_processes())
    # The connection is lost.
    wait_until(lambda: not sessions_of(daemon))
    with Session(execute(ecs, task, "sleep 98762")["session"]) as session:
        session.terminate()
        session.wait_for_end()
    wait_until(lambda: not sessions_of(daemon))
    wait_until(lambda: not any(line in listed_processes() for line in ("sleep 98761", "sleep 98762")))


def shown_in(daemon, group):
    """The streams of a group, and the lines of each."""
    logs = daemon.client("logs")
    streams = [each["logStreamName"] for each in logs.describe_log_streams(logGroupName=group)["logStreams"]]
    return {name: [each["message"] for each in logs.get_log_events(logGroupName=group, logStreamName=name, startFromHead=True)["events"]]
            for name in streams}


def configure(ecs, logging, **log):
    execute_command = {"logging": logging, **({"logConfiguration": log} if log else {})}
    ecs.update_cluster(cluster="default", configuration={"executeCommandConfiguration": execute_command})


def test_what_sessions_show_is_kept_as_the_cluster_has_it(daemon, ecs, task):
    daemon.client("logs").create_log_group(logGroupName="/sessions")

    def run(words):
        session = execute(ecs, task, words)["session"]
        with Session(session) as opened:
            assert opened.wait_for_end() == ""
            assert "\\x" not in opened.shown, "all bytes in their order are UTF-8"
        wait_until(lambda: not sessions_of(daemon))
        return session["sessionId"]

    try:
        run("echo by default: the container has no awslogs")
        configure(ecs, "OVERRIDE", cloudWatchLogGroupName="/sessions")
        first = run("sh -c 'echo one; echo; printf two'")
        assert shown_in(daemon, "/sessions") == {first: ["one", "two"]}
        second = run("seq 1 20000")
        assert shown_in(daemon, "/sessions")[second][:3] == ["1", "2", "3"]
        assert len(list(daemon.instance.root.glob("log-groups/*/*/streams/*/put.log"))) == 2
        third = run("sh -c 'i=0; while [ $i -lt 4000 ]; do i=$((i+1)); printf %s €_wörter; done'")
        events = shown_in(daemon, "/sessions")[third]
        assert len(events) > 1 and "".join(events) == "€_wörter" * 4000, "characters are whole, whatever the events' ends"
        configure(ecs, "NONE")
        run("echo not kept")
        assert set(shown_in(daemon, "/sessions")) == {first, second, third}
        configure(ecs, "OVERRIDE", cloudWatchLogGroupName="/nowhere")
        with pytest.raises(ecs.exceptions.TargetNotConnectedException, match="log group does not exist"):
            execute(ecs, task, "true")
    finally:
        configure(ecs, "DEFAULT")


def test_what_sessions_show_is_put_into_a_bucket(daemon, ecs, task, aws):
    """Who serves the bucket checks each signature with botocore."""
    daemon.client("logs").create_log_group(logGroupName="/sessions-too")

    def run(words, why=""):
        session = execute(ecs, task, words)["session"]
        with Session(session) as opened:
            assert why in opened.wait_for_end()
        wait_until(lambda: not sessions_of(daemon))
        return session["sessionId"]

    try:
        configure(ecs, "OVERRIDE", s3BucketName="kept", s3KeyPrefix="a b/exec", cloudWatchLogGroupName="/sessions-too")
        first = run("sh -c 'echo one; echo; printf two'")
        assert aws.objects == {f"/kept/a%20b/exec/{first}.log": b"one\n\ntwo"}
        assert shown_in(daemon, "/sessions-too") == {first: ["one", "two"]}
        configure(ecs, "OVERRIDE", s3BucketName="safe", s3EncryptionEnabled=True)
        never = run("echo never", "encryption is not set up on the selected Amazon S3 bucket safe")
        assert not any(never in key for key in aws.objects)
        aws.encrypted.add("safe")
        last = run("seq 1 100000")
        assert aws.objects[f"/safe/{last}.log"].decode().split() == [str(i) for i in range(1, 100001)]
        aws.s3_keys, keys = ("AKIDHOST", "another"), aws.s3_keys
        refused = run("echo never", "SignatureDoesNotMatch")
        aws.s3_keys = keys
        assert not any(refused in key for key in aws.objects)
    finally:
        configure(ecs, "DEFAULT")


def test_by_default_a_session_is_kept_where_its_container_logs(daemon, ecs, layouts):
    options = {"awslogs-group": "/of-container", "awslogs-region": "eu-central-1", "awslogs-create-group": "true", "awslogs-stream-prefix": "p"}
    container = {"name": "main", "image": f"oci:{layouts['busybox']}:latest", "memory": 64, "command": ["sleep", "600"],
                 "logConfiguration": {"logDriver": "awslogs", "options": options}}
    ecs.register_task_definition(family="logged", networkMode="none", containerDefinitions=[container])
    arn = ecs.run_task(taskDefinition="logged", enableExecuteCommand=True)["tasks"][0]["taskArn"]
    ecs.get_waiter("tasks_running").wait(tasks=[arn], WaiterConfig=QUICK)
    answer = execute(ecs, arn, "sh")["session"]
    with Session(answer) as session:
        session.type("echo $((6*7)) is it\r")
        session.wait_for(r"\n42 is it\r\n")
        wait_until(lambda: "42 is it" in shown_in(daemon, "/of-container").get(answer["sessionId"], []), seconds=20)
        session.terminate()
        session.wait_for_end()
    wait_until(lambda: not sessions_of(daemon))
    ecs.stop_task(task=arn)
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)


def test_the_daemon_reaps_all_that_it_starts(daemon, ecs, task):
    """Sessions here; sweeps and prunes are started in the same way."""
    with Session(execute(ecs, task, "true")["session"]) as session:
        session.wait_for_end()
    wait_until(lambda: not sessions_of(daemon))
    wait_until(lambda: "Z" not in map(state_of, children(daemon.process.pid)), "it reaps")


def test_a_session_outlives_the_daemon(daemon, ecs, task):
    with Session(execute(ecs, task, "sh")["session"]) as session:
        session.type("echo before-$((6*7))\r")
        session.wait_for("before-42")
        daemon.kill()
        daemon.start()
        session.type("echo after-$((6*7))\r")
        session.wait_for("after-42")
        session.type("exit\r")
        session.wait_for_end()


def test_a_program_that_is_not_there_is_named(ecs, task):
    with Session(execute(ecs, task, "/no/such/program")["session"]) as session:
        session.wait_for_end()
        assert "/no/such/program" in session.shown


def test_only_who_has_the_token_comes_in_and_once(ecs, task):
    session = execute(ecs, task, "sh")["session"]
    with pytest.raises(Refused):
        Session(session, token="guess")
    with pytest.raises(Refused, match="404"):
        Session(session)  # the first that came took it
    with pytest.raises(Refused, match="404"):
        WebSocket(session["streamUrl"] + "x")


def refusal(ecs, **members):
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        ecs.execute_command(**members)
    return refused.value.response["Error"]["Code"], refused.value.response["Error"]["Message"]


def test_what_ecs_would_refuse_is_refused(ecs, task):
    invalid = "InvalidParameterException"
    assert refusal(ecs, task=task, container="main", command="sh", interactive=False) == (
        invalid, "Interactive is the only mode supported currently.")
    assert refusal(ecs, task=task, command="sh", interactive=True)[0] == invalid  # which container?
    assert refusal(ecs, task=task, container="other", command="sh", interactive=True)[0] == invalid
    assert "not closed" in refusal(ecs, task=task, container="main", command="sh 'x", interactive=True)[1]
    assert refusal(ecs, task=task, container="done", command="sh", interactive=True)[0] == "TargetNotConnectedException"
    arn = ecs.run_task(taskDefinition="exec")["tasks"][0]["taskArn"]
    assert "not enabled" in refusal(ecs, task=arn, container="main", command="sh", interactive=True)[1]
    ecs.stop_task(task=arn)
    ecs.get_waiter("tasks_stopped").wait(tasks=[arn], WaiterConfig=QUICK)


def test_amazons_command_line_hands_the_session_to_its_plugin(daemon, task, tmp_path):
    """What stands in for the plugin writes down what it is given."""
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text(f'#!/usr/bin/python3\nimport json, sys\nif len(sys.argv) > 1:\n  json.dump(sys.argv[1:], open("{tmp_path}/given", "w"))\n')
    plugin.chmod(plugin.stat().st_mode | stat.S_IXUSR)
    daemon.instance.environment["PATH"] = f"{tmp_path}:{os.environ['PATH']}"
    daemon.aws("ecs", "execute-command", "--task", task, "--container", "main", "--interactive", "--command", "'sh -l'")
    session, _, operation, _, target, _ = json.loads((tmp_path / "given").read_text())
    assert operation == "StartSession"
    assert json.loads(target)["Target"].startswith(f"ecs:default_{task.split('/')[-1]}_")
    with Session(json.loads(session)) as opened:
        opened.type("echo -$((6*7))-\r")
        opened.wait_for("-42-")
        opened.type("exit\r")
        opened.wait_for_end()
