"""FireLens: a router of the test's own (tests/support/log_router.py, Debian's python3 and msgpack) in the place of Fluent
Bit or Fluentd. It listens where the configuration that berth made for it says."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import time

import leak_census
import msgpack
import pytest
from berth import PROJECT, Instance, sh, task
from waiting import wait_until

HOLD = "trap 'echo bye; exit 0' TERM; while :; do usleep 50000; done"
VALUE = "s3cr3t-v4lue"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}"
CONFIGURATIONS = {"fluentbit": "/fluent-bit/etc/fluent-bit.conf", "fluentd": "/fluentd/etc/fluent.conf"}
# What Debian's python3 needs, in an image that has none.
VOLUMES = {"usr": "/usr", "lib": "/usr/lib", "lib64": "/usr/lib64", "test": f"{PROJECT}/tests/support"}


@pytest.fixture
def berth(tmp_path, layouts):
    instance = Instance(tmp_path, {"busybox": f"oci:{layouts['busybox']}:latest"},
                        {"environmentFiles": {"buckets": {"team": str(tmp_path / "team")}}})
    (tmp_path / "out").mkdir()
    before = leak_census.take(instance.state, instance.root)
    yield instance
    for each in json.loads(instance.berth("ps", "--format", "json").out):
        instance.berth("stop", "--kill", each["taskId"])
    leak_census.wait_for_sweepers(instance.name, (instance.state, instance.root))
    leak_census.assert_equal(before, instance.state, instance.root)


def router(kind, **options):
    mounts = [{"sourceVolume": name, "containerPath": f"/{name}", "readOnly": True} for name in VOLUMES]
    return {"name": "router", "image": "busybox", "memory": 100,
            "firelensConfiguration": {"type": kind, "options": {k.replace("_", "-"): v for k, v in options.items()}},
            "entryPoint": ["/usr/bin/python3", "-B", "/test/log_router.py"], "command": [CONFIGURATIONS[kind], "/out"],
            "mountPoints": [*mounts, {"sourceVolume": "out", "containerPath": "/out"}]}


def logged(script, options, **secret_options):
    secrets = [{"name": name, "valueFrom": value} for name, value in secret_options.items()]
    return sh(script, "app", logConfiguration={"logDriver": "awsfirelens", "options": options, "secretOptions": secrets})


def routed(tmp_path, *containers, **fields):
    volumes = {**VOLUMES, "out": str(tmp_path / "out")}
    return task(*containers, executionRoleArn="executor", **fields,
                volumes=[{"name": name, "host": {"sourcePath": path}} for name, path in volumes.items()])


def start(berth, definition):
    started = berth.run(definition, "--detach")
    assert started.code == 0, started
    return started.out.strip()


def records(tmp_path):
    path = tmp_path / "out" / "records"
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def texts(tmp_path, over="unix"):
    return [each["record"]["log"] for each in records(tmp_path) if each.get("over") == over]


@pytest.mark.parametrize("mode", ["awsvpc", "bridge"])
def test_fluent_bit_gets_what_a_container_prints_until_its_last_line(berth, tmp_path, mode):
    (tmp_path / "team").mkdir()
    assert berth.berth("secrets", "put", "key", stdin=VALUE).code == 0
    # A program may speak to the router itself, too.
    packed = "".join(f"\\{byte:03o}" for byte in msgpack.packb(["direct", 1, {"log": "by tcp"}, {}]))
    script = f"""
until printf '{packed}' | nc $FLUENT_HOST $FLUENT_PORT 2>/dev/null; do usleep 50000; done
echo one; echo two >&2; {HOLD}"""
    app = logged(script, {"Name": "http", "Host": "logs.example", "include-pattern": "o", "apikey": "of the definition",
                          "log-driver-buffer-limit": "1000"}, apikey=SECRET.format("key-AbC123"))
    task_id = start(berth, routed(tmp_path, app, router("fluentbit"), networkMode=mode))
    wait_until(lambda: len(texts(tmp_path)) >= 2 and texts(tmp_path, "tcp"))

    directory = berth.state / "tasks" / task_id / "firelens"
    assert (directory / "config").stat().st_mode & 0o077 == 0, "for the router alone"
    for command in (["inspect", task_id], ["explain", task_id], ["logs", "--container", "app", task_id]):
        outcome = berth.berth(*command)
        assert outcome.code in (0, 1) and VALUE not in outcome.out + outcome.err, command
    assert berth.berth("stop", task_id).code == 0

    # The router was stopped when all that it takes logs from had ended and told its last.
    *before, last = texts(tmp_path)
    assert sorted(before) == ["one", "two"] and last == "bye" and texts(tmp_path, "tcp") == ["by tcp"]
    assert records(tmp_path)[-1] == {"stopped": True}
    first = next(each for each in records(tmp_path) if each.get("record", {}).get("log") == "one")
    assert first["tag"] == f"app-firelens-{task_id}" and len(first["time"]) == 3, "with nanoseconds"
    assert set(first["record"]) == {"container_id", "container_name", "source", "log"}
    assert first["record"]["source"] == "stdout"
    configuration = (tmp_path / "out" / "fluent-bit.conf").read_text()
    address = {"awsvpc": "127.0.0.1", "bridge": "0.0.0.0"}[mode]
    assert configuration == f"""
[INPUT]
    Name forward
    Mem_Buf_Limit 50MB
    unix_path /var/run/fluent.sock

[INPUT]
    Name forward
    Listen {address}
    Port 24224

[INPUT]
    Name tcp
    Tag firelens-healthcheck
    Listen 127.0.0.1
    Port 8877

[FILTER]
    Name   grep
    Match app-firelens*
    Regex  log o

[FILTER]
    Name record_modifier
    Match *
    Record ecs_cluster default
    Record ecs_task_arn arn:aws:ecs:us-east-1:000000000000:task/default/{task_id}
    Record ecs_task_definition test:1

[OUTPUT]
    Name null
    Match firelens-healthcheck

[OUTPUT]
    Name http
    Match app-firelens*
    Host logs.example
    apikey ${{apikey_0}}
"""
    environment = json.loads((tmp_path / "out" / "environment").read_text())
    assert environment["apikey_0"] == VALUE and "FLUENT_UID" not in environment


def test_fluentd_with_a_file_of_s3_and_another_user(berth, tmp_path):
    (tmp_path / "team").mkdir()
    (tmp_path / "team" / "extra.conf").write_text("<match **>\n  @type stdout\n</match>\n")
    os.chmod(tmp_path / "out", 0o777)
    fluentd = {**router("fluentd", config_file_type="s3", config_file_value="arn:aws:s3:::team/extra.conf",
                        enable_ecs_log_metadata="false"), "user": "1000:1000"}
    start(berth, routed(tmp_path, logged(f"echo one; {HOLD}", {}), fluentd))
    wait_until(lambda: texts(tmp_path) == ["one"])
    assert (tmp_path / "out" / "fluent.conf").read_text() == """
<source>
    @type unix
    path /var/run/fluent.sock
</source>

<source>
    @type forward
    bind 127.0.0.1
    port 24224
</source>

@include /fluentd/etc/external.conf
"""
    assert (tmp_path / "out" / "external.conf").read_text() == (tmp_path / "team" / "extra.conf").read_text()
    assert json.loads((tmp_path / "out" / "environment").read_text())["FLUENT_UID"] == "0"


def test_a_file_of_s3_that_cannot_be_had_ends_the_start(berth, tmp_path):
    (tmp_path / "team").mkdir()
    gone = router("fluentbit", config_file_type="s3", config_file_value="arn:aws:s3:::team/gone.conf")
    outcome = berth.run(routed(tmp_path, logged("echo ran", {}), gone))
    assert outcome.code == 125, outcome
    assert ("ResourceInitializationError: unable to download firelens s3 config file: arn:aws:s3:::team/gone.conf: "
            in outcome.err), outcome


@contextlib.contextmanager
def decoy(path):
    """Somebody else's socket on this host, to which nobody is to connect."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(path))
        listener.listen()
        listener.setblocking(False)
        yield listener


def test_a_router_that_does_not_listen_holds_nothing_up_and_is_led_nowhere(berth, tmp_path):
    """What stands in the place of its socket may be anything: here, a link to a socket of the host."""
    idle = {**router("fluentbit"), "entryPoint": ["sh", "-c"], "mountPoints": [],
            "command": [f"ln -s {tmp_path}/decoy.sock /var/run/fluent.sock; " + HOLD]}
    lines = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo $i; done"
    with decoy(tmp_path / "decoy.sock") as waiting:
        outcome = berth.run(routed(tmp_path, logged(lines, {}), idle))
        assert outcome.code == 0, outcome
        assert outcome.lines("app")[-1] == "20000", "what it printed is kept here"
        with pytest.raises(BlockingIOError):
            waiting.accept()


def test_lines_wait_while_the_router_is_restarted(tmp_path, layouts):
    """What is printed while there is none reaches the next one: whole, once, in order; the app does not notice."""
    hurried = Instance(tmp_path, {"busybox": f"oci:{layouts['busybox']}:latest"},
                       {"shim": str(PROJECT / "tests" / "support" / "hurried_shim")})
    out = tmp_path / "out"
    out.mkdir()
    before = leak_census.take(hurried.state, hurried.root)
    listens = router("fluentbit")
    # The second one comes up when it may.
    command = " ".join([*listens["entryPoint"], *listens["command"]])
    listens.update(entryPoint=["sh", "-c"], command=[f"while [ -e /out/wait ]; do usleep 20000; done; exec {command}"],
                   restartPolicy={"enabled": True, "restartAttemptPeriod": 60})
    count = ("i=0; for part in 1 2; do until [ -e /out/go$part ]; do usleep 20000; done; "
             f"n=0; while [ $n -lt 500 ]; do n=$((n+1)); i=$((i+1)); echo $i; done; touch /out/done$part; done; {HOLD}")
    app = {**logged(count, {}), "mountPoints": [{"sourceVolume": "out", "containerPath": "/out"}]}
    task_id = start(hurried, routed(tmp_path, app, listens))
    (out / "go1").touch()
    wait_until(lambda: len(texts(tmp_path)) == 500)
    # Longer than restartAttemptPeriod, in the measure of the one in a hurry, who counts from when it has heard of the start.
    wait_until(lambda: age_of(hurried, task_id) > 5)
    (out / "wait").touch()
    os.kill(pid_of(hurried, task_id), signal.SIGKILL)
    (out / "go2").touch()
    wait_until((out / "done2").exists, "the app prints on")
    assert len(texts(tmp_path)) == 500
    (out / "wait").unlink()
    wait_until(lambda: len(texts(tmp_path)) >= 1000)
    assert hurried.berth("stop", task_id).code == 0
    assert texts(tmp_path) == [*map(str, range(1, 1001)), "bye"]
    assert sum(1 for each in records(tmp_path) if each.get("listening")) == 2
    leak_census.wait_for_sweepers(hurried.name, (hurried.state, hurried.root))
    leak_census.assert_equal(before, hurried.state, hurried.root)


def pid_of(instance, task_id):
    return next(each["pid"] for each in instance.listed(task_id)["containers"] if each["name"] == "router")


def age_of(instance, task_id):
    """Seconds since the router's process was started."""
    stat = pathlib.Path(f"/proc/{pid_of(instance, task_id)}/stat").read_text().rsplit(") ", 1)[1].split()
    return time.clock_gettime(time.CLOCK_BOOTTIME) - int(stat[19]) / os.sysconf("SC_CLK_TCK")
