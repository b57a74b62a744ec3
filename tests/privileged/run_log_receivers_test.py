"""The log drivers that send lines elsewhere, each with a receiver that is not ours at the other end."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import pytest
from berth import PATIENCE, log_processes, sh, task, waits_in_a_pipe
from forward import forward
from gelf import gelf
from waiting import wait_until

HOLD = "while :; do usleep 50000; done"


def log(driver, **options):
    return {"logConfiguration": {"logDriver": driver, "options": {k.replace("_", "-"): v for k, v in options.items()}}}


# ---- syslog: rsyslogd ----

@pytest.fixture
def rsyslog(tmp_path):
    """rsyslogd on TCP and UDP 5514 and on two unix sockets; gives its directory and the lines that it wrote."""
    out = tmp_path / "received"
    (tmp_path / "rsyslog.conf").write_text(f"""
module(load="imtcp") input(type="imtcp" port="5514" address="127.0.0.1")
module(load="imudp") input(type="imudp" port="5514" address="127.0.0.1")
module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="{tmp_path}/log.sock" UseSysTimeStamp="off")
template(name="t" type="string" string="%pri% %hostname% %app-name% %procid% %timereported:::date-rfc3339% %msg:::drop-last-lf%\\n")
action(type="omfile" file="{out}" template="t" flushOnTXEnd="on")
""")
    process = subprocess.Popen(["rsyslogd", "-n", "-f", tmp_path / "rsyslog.conf", "-i", tmp_path / "pid"],
                               stderr=subprocess.PIPE)
    try:
        wait_until(lambda: (tmp_path / "log.sock").exists() and connects(5514))
        yield tmp_path, lambda: out.read_text().splitlines() if out.exists() else []
    finally:
        process.terminate()
        process.wait(60)


def connects(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 20):
        return True


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("form", ["rfc5424", "rfc5424micro", "rfc3164"])
def test_syslog_over_the_network(berth, rsyslog, transport, form):
    _, received = rsyslog
    options = log("syslog", syslog_address=f"{transport}://localhost:5514", syslog_format=form, syslog_facility="local3",
                  tag="web")
    outcome = berth.run(task(sh("echo one; usleep 50000; echo two >&2", **options)))
    assert outcome.code == 0, outcome
    assert sorted(outcome.lines()) == ["one", "two"], "what is sent elsewhere is shown, too"
    lines = wait_until(lambda: len(received()) >= 2 and received())
    fields = [line.split(" ", 5) for line in lines]
    assert [(pri, text.strip()) for pri, *_, text in fields] == [(str(19 * 8 + 6), "one"), (str(19 * 8 + 3), "two")]
    for _, host, app, pid, stamp, _ in fields:
        assert host == socket.gethostname()
        assert app == "web" and pid.isdigit()
        assert bool(re.search(r"\.\d{6}", stamp)) == (form == "rfc5424micro"), stamp


def test_syslog_to_a_unix_socket(berth, rsyslog):
    directory, received = rsyslog
    options = log("syslog", syslog_address=f"unixgram://{directory}/log.sock", tag="web")
    assert berth.run(task(sh("echo local", **options))).code == 0
    (line,) = wait_until(received)
    assert line.startswith(f"{3 * 8 + 6} ") and line.endswith("local"), line


def test_a_receiver_that_is_not_there_fails_the_start(berth):
    outcome = berth.run(task(sh("echo ran", **log("syslog", syslog_address="tcp://127.0.0.1:5599"))))
    assert outcome.code == 125, outcome
    assert "CannotStartContainerError: failed to initialize logging driver: connect 127.0.0.1:5599: " in outcome.err
    assert "refused" in outcome.err.lower()
    outcome = berth.run(task(sh("echo ran", **log("syslog", syslog_address="tcp://no-such-host.invalid:1"))))
    assert "lookup no-such-host.invalid" in outcome.err


# ---- journald: a journal of the test's own ----

JOURNAL = "mount -t tmpfs none /run && mkdir -p /run/systemd/journal && mount --bind {0} /run/systemd/journal && exec \"$@\""
NO_JOURNAL = "mount -t tmpfs none /run && exec \"$@\""


def run_in_mounts(berth, mounts, definition):
    """`berth run` where /run is another one."""
    command = berth.command(("run", berth.write(definition)))
    return subprocess.run(["unshare", "--mount", "sh", "-c", mounts, "sh", *command], capture_output=True, text=True,
                          env=berth.environment, timeout=60 * PATIENCE, check=False)


def test_journald_gets_entries_that_systemd_can_read(berth, tmp_path):
    directory = tmp_path / "journal"
    directory.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(directory / "socket"))
        journal.settimeout(20 * PATIENCE)
        definition = task(sh("echo plain; usleep 50000; printf 'carriage\\rreturn' >&2", dockerLabels={"com.team": "x\ny"},
                             **log("journald", labels="com.team", tag="{{.Name}}")))
        outcome = run_in_mounts(berth, JOURNAL.format(directory), definition)
        assert outcome.returncode == 0, outcome
        entries = [journal.recv(1 << 20) for _ in range(2)]
    # The native protocol is the export format without times; systemd's own importer reads it.
    stamps = b"__REALTIME_TIMESTAMP=%d\n__MONOTONIC_TIMESTAMP=%d\n_BOOT_ID=" + b"a" * 32 + b"\n"
    exported = b"".join(stamps % (1700000000000000 + i, 1000 + i) + entry + b"\n" for i, entry in enumerate(entries))
    output = tmp_path / "out.journal"
    subprocess.run(["/lib/systemd/systemd-journal-remote", f"--output={output}", "-"], input=exported, check=True,
                   capture_output=True)
    shown = subprocess.run(["journalctl", "--file", output, "--output=json", "--all"], check=True, capture_output=True)
    first, second = [json.loads(line) for line in shown.stdout.splitlines()]
    assert first["MESSAGE"] == "plain" and first["PRIORITY"] == "6" and "CONTAINER_PARTIAL_MESSAGE" not in first
    assert second["PRIORITY"] == "3" and second["CONTAINER_PARTIAL_MESSAGE"] == "true"
    assert first["COM_TEAM"] == "x\ny"
    assert first["CONTAINER_TAG"] == first["SYSLOG_IDENTIFIER"] == first["CONTAINER_NAME"]
    assert first["CONTAINER_NAME"].endswith("-main")
    assert first["CONTAINER_ID_FULL"].startswith(first["CONTAINER_ID"]) and len(first["CONTAINER_ID"]) == 12


def test_where_there_is_no_journal_the_start_says_so(berth):
    outcome = run_in_mounts(berth, NO_JOURNAL, task(sh("echo ran", **log("journald"))))
    assert outcome.returncode == 125, outcome
    assert "failed to initialize logging driver: journald is not enabled on this host" in outcome.stderr


# ---- fluentd ----

def test_fluentd_over_tcp(berth):
    with forward(("127.0.0.1", 24224)) as receiver:
        options = log("fluentd", tag="app.{{.ImageName}}", env="COLOUR", fluentd_request_ack="true",
                      fluentd_sub_second_precision="true")
        before = int(time.time())
        outcome = berth.run(task(sh("echo one; usleep 50000; printf two >&2",
                                    environment=[{"name": "COLOUR", "value": "red"}], **options)))
        assert outcome.code == 0, outcome
        wait_until(lambda: len(receiver.messages) == 2)
        first, second = receiver.messages
    tag, (code, seconds, nanoseconds), record, option = first
    assert tag.startswith("app.oci:") and code == 0 and before <= seconds <= time.time() and nanoseconds < 10**9
    assert record["log"] == "one" and record["source"] == "stdout" and record["COLOUR"] == "red"
    assert record["container_name"].startswith("/") and len(record["container_id"]) == 32
    assert option["chunk"]
    assert second[2]["log"] == "two" and second[2]["source"] == "stderr" and second[2]["partial_message"] == "true"


def test_fluentd_over_a_unix_socket_with_whole_seconds(berth, tmp_path):
    with forward(str(tmp_path / "fluent.sock")) as receiver:
        outcome = berth.run(task(sh("echo one", **log("fluentd", fluentd_address=f"unix://{tmp_path}/fluent.sock"))))
        assert outcome.code == 0, outcome
        ((_, seconds, _, option),) = wait_until(lambda: receiver.messages)
    assert isinstance(seconds, int) and option == {}


def test_fluentd_that_comes_later_gets_all_when_it_is_asynchronous(berth):
    options = log("fluentd", fluentd_async="true", fluentd_retry_wait="100ms", fluentd_request_ack="true")
    script = f"trap 'exit 0' TERM; for i in 1 2 3; do echo line $i; usleep 200000; done; {HOLD}"
    with berth.start(task(sh(script, **options))) as running:
        running.wait_for("line 3")  # what is kept here waits for nobody
        with forward(("127.0.0.1", 24224)) as receiver:
            wait_until(lambda: receiver.texts() == ["line 1", "line 2", "line 3"])
            running.interrupt()
            assert running.wait().code == 0


def test_fluentd_that_is_not_there_fails_the_start_unless_it_is_asynchronous(berth):
    outcome = berth.run(task(sh("echo ran", **log("fluentd"))))
    assert outcome.code == 125, outcome
    assert "failed to initialize logging driver: connect 127.0.0.1:24224" in outcome.err


def test_a_fluentd_that_goes_and_comes_back_misses_nothing_that_it_acknowledges(berth):
    script = "i=0; until [ -e /shared/stop ]; do i=$((i+1)); echo $i; usleep 5000; done"
    options = log("fluentd", fluentd_request_ack="true", fluentd_retry_wait="50ms", mode="blocking")
    shared = berth.state.parent / "forward-shared"
    shared.mkdir()
    definition = task(sh(script, mountPoints=[{"sourceVolume": "s", "containerPath": "/shared"}], **options),
                      volumes=[{"name": "s", "host": {"sourcePath": str(shared)}}])
    with forward(("127.0.0.1", 24224)) as first, berth.start(definition) as running:
        wait_until(lambda: len(first.messages) > 20)
        first.close()
        with forward(("127.0.0.1", 24224)) as second:
            wait_until(lambda: len(second.messages) > 20)
            (shared / "stop").touch()
            outcome = running.wait()
            assert outcome.code == 0, outcome
    printed = outcome.lines()
    seen = first.texts() + second.texts()
    assert [each for i, each in enumerate(seen) if each not in seen[:i]] == printed
    assert len(seen) - len(printed) <= 1, "at most the one whose acknowledgement was cut off comes twice"


def test_a_log_process_that_dies_while_its_receiver_is_away_is_replaced_when_that_is_back(berth, detached):
    """A synchronous driver cannot be opened without one: the next process is tried again and again."""
    script = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; usleep 20000; done"
    with forward(("127.0.0.1", 24224)) as first:
        task_id = detached(task(sh(script, **log("fluentd", fluentd_request_ack="true"))))
        wait_until(lambda: first.messages)
    listed = berth.listed(task_id)
    shim = listed["supervisorPid"]
    told = pathlib.Path(listed["taskDirectory"]) / "shim.log"
    (writer,) = log_processes(shim)
    os.kill(writer, signal.SIGKILL)
    wait_until(lambda: told.read_text().count("log driver not opened") >= 2)
    with forward(("127.0.0.1", 24224)) as second:
        # Meanwhile it is no bar to looking after the container.
        assert berth.berth("exec", task_id, "true").code == 0
        wait_until(lambda: second.messages)
        assert berth.berth("stop", task_id).code == 0


# ---- gelf ----

@pytest.mark.parametrize("transport, options", [
    ("udp", {}), ("udp", {"gelf_compression_type": "zlib", "gelf_compression_level": "9"}), ("udp", {"gelf_compression_type": "none"}),
    ("tcp", {})], ids=["gzip", "zlib", "none", "tcp"])
def test_gelf(berth, transport, options):
    with gelf(transport) as receiver:
        named = log("gelf", gelf_address=f"{transport}://localhost:{receiver.port}", tag="{{.Name}}", labels="com.team",
                    env="COLOUR", **options)
        before = time.time()
        # Of 6,000 digits there is more than a datagram, compressed or not.
        script = "echo one; echo; printf 'zwö\\351' >&2; cut -c 1-6000 /shared/digits"
        shared = berth.state.parent / f"gelf-{'-'.join([transport, *options])}"
        shared.mkdir()
        digits = os.urandom(4000).hex()
        (shared / "digits").write_text(digits + "\n")
        outcome = berth.run(task(sh(script, dockerLabels={"com.team": "x"}, environment=[{"name": "COLOUR", "value": "red"}],
                                    mountPoints=[{"sourceVolume": "s", "containerPath": "/shared"}], **named),
                                 volumes=[{"name": "s", "host": {"sourcePath": str(shared)}}]))
        assert outcome.code == 0, outcome
        received = wait_until(lambda: len(receiver.messages) >= 3 and receiver.messages)
    # Of two streams neither comes first.
    levels = {each["short_message"]: each["level"] for each in received}
    assert levels == {"one": 6, "zwö\ufffd": 3, digits[:6000]: 6} and len(received) == 3, "an empty line is none"
    for message in received:
        assert message["version"] == "1.1" and message["host"] == socket.gethostname()
        assert before - 1 <= message["timestamp"] <= time.time() + 1
        assert message["_com.team"] == "x" and message["_COLOUR"] == "red"
        assert message["_tag"] == message["_container_name"] and message["_tag"].endswith("-main")
        assert message["_command"].startswith("sh -c echo one; echo;") and message["_image_name"].startswith("oci:")
        assert re.fullmatch("[0-9a-f]{32}", message["_container_id"]) and message["_image_id"].startswith("sha256:")
        assert re.match(r"\d{4}-\d\d-\d\dT", message["_created"])
    wanted = {"udp": {"gzip": 2, "zlib": 2, "none": 4}[options.get("gelf_compression_type", "gzip")], "tcp": 0}[transport]
    assert receiver.chunks >= wanted


def test_gelf_over_tcp_that_is_not_there_fails_the_start_and_one_that_comes_back_goes_on(berth):
    with gelf("tcp") as receiver:
        port = receiver.port
    named = log("gelf", gelf_address=f"tcp://127.0.0.1:{port}", gelf_tcp_max_reconnect="60", gelf_tcp_reconnect_delay="1", mode="blocking")
    outcome = berth.run(task(sh("echo ran", **named)))
    assert outcome.code == 125, outcome
    assert f"failed to initialize logging driver: connect 127.0.0.1:{port}" in outcome.err
    script = "trap 'exit 0' TERM; i=0; while :; do i=$((i+1)); echo $i; usleep 5000; done"
    with gelf("tcp", port) as first, berth.start(task(sh(script, **named))) as running:
        wait_until(lambda: len(first.messages) > 20)
        first.close()
        with gelf("tcp", port) as second:
            wait_until(lambda: len(second.messages) > 20)
            running.interrupt()
            outcome = running.wait()
            assert outcome.code == 0, outcome
            wait_until(lambda: second.messages[-1]["short_message"] == outcome.lines()[-1])
    seen = [int(each["short_message"]) for each in second.messages]
    assert seen == list(range(seen[0], seen[-1] + 1)), "once it is back nothing is missing"


@pytest.mark.parametrize("mode", ["non-blocking", "blocking"])
def test_a_receiver_that_does_not_read_holds_up_a_blocking_container_alone(berth, mode):
    """SIGSTOP to whoever should read: its buffers fill up."""
    shared = berth.state.parent / f"stopped-{mode}"
    shared.mkdir()
    options = log("fluentd", mode=mode, **({"max_buffer_size": "100k"} if mode == "non-blocking" else {}))
    line = "x" * 1000
    script = f"i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo {line}; done; touch /shared/done; {HOLD}"
    definition = task(sh(script, stopTimeout=2, mountPoints=[{"sourceVolume": "s", "containerPath": "/shared"}], **options),
                      volumes=[{"name": "s", "host": {"sourcePath": str(shared)}}])
    reader = subprocess.Popen(["python3", "-c", "import socket\ns = socket.create_server(('127.0.0.1', 24224))\n"
                               "print('up', flush=True)\nc, _ = s.accept()\nwhile c.recv(65536): pass"],
                              stdout=subprocess.PIPE, text=True)
    try:
        assert reader.stdout.readline() == "up\n"
        os.kill(reader.pid, signal.SIGSTOP)
        with berth.start(definition) as running:
            if mode == "blocking":
                wait_until(lambda: waits_in_a_pipe(running.pids()))
                assert not (shared / "done").exists()
            else:
                wait_until(lambda: (shared / "done").exists())
            # And neither of them is kept from stopping.
            running.interrupt()
            assert running.wait().code == 137
    finally:
        reader.kill()
        reader.wait()
