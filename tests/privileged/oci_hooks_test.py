"""Hooks of all six kinds: order, namespaces, the state on standard input, timeouts, failures."""

import json
import os

import pytest

KINDS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]


def hook(script, **more):
    return {"path": "/bin/sh", "args": ["sh", "-c", script], "env": ["PATH=/bin:/usr/bin"], **more}


def log_of(box):
    path = box.directory / "log"
    return path.read_text().splitlines() if path.exists() else []


def record(box, *kinds):
    """Each hook appends its kind, its namespaces and its input to one log, seen inside at /vol."""
    box.mount("/vol", "bind", box.directory, "rbind", "rw")
    hooks = {}
    for kind in kinds or KINDS:
        log = "/vol/log" if kind == "startContainer" else box.directory / "log"
        hooks[kind] = [
            hook(f'echo "{kind} {n} $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/mnt) $(cat)" >> {log}')
            for n in (1, 2)
        ]
    box.config["hooks"] = hooks


def test_order_namespaces_and_state(box):
    record(box)
    box.config["annotations"] = {"a": "b"}
    assert box.create("sleep", "100").code == 0
    assert [line.split()[0] for line in log_of(box)] == [k for k in KINDS[:3] for _ in (1, 2)]
    pid = box.state()["pid"]
    inside = [os.readlink(f"/proc/{pid}/ns/{name}") for name in ("net", "mnt")]
    outside = [os.readlink(f"/proc/self/ns/{name}") for name in ("net", "mnt")]
    assert box.oci("start", box.id).code == 0
    assert box.delete().code == 0
    lines = [line.split(" ", 4) for line in log_of(box)]
    assert [line[0] for line in lines] == [k for k in KINDS for _ in (1, 2)]
    assert [line[1] for line in lines] == ["1", "2"] * 6
    expected = {
        "prestart": (outside, "creating", pid),
        "createRuntime": (outside, "creating", pid),
        "createContainer": (inside, "creating", 1),
        "startContainer": (inside, "created", 1),
        "poststart": (outside, "running", pid),
        "poststop": (outside, "stopped", None),
    }
    for kind, _, net, mnt, text in lines:
        state = json.loads(text)
        assert ([net, mnt], state["status"], state.get("pid")) == expected[kind], kind
        assert state["id"] == box.id and state["bundle"] == str(box.bundle)
        assert state["annotations"] == {"a": "b"} and state["ociVersion"] == box.config["ociVersion"]


@pytest.mark.parametrize("kind", ["prestart", "createRuntime", "createContainer"])
def test_a_failure_ends_create_and_runs_poststop(box, kind):
    record(box, "poststop")
    box.config["hooks"][kind] = [hook("echo why not; exit 3"), hook(f"echo second >> {box.directory}/log")]
    outcome = box.create("true")
    assert outcome.code == 1
    assert f"hooks.{kind}[0] /bin/sh" in outcome.err and "exit status 3: why not" in outcome.err
    assert box.state() is None
    assert [line.split()[0] for line in log_of(box)] == ["poststop", "poststop"]


@pytest.mark.parametrize("kind", ["startContainer", "poststart"])
def test_a_failure_ends_start_and_runs_poststop(box, kind):
    record(box, "poststop")
    box.config["hooks"][kind] = [hook("echo why not; exit 3")]
    assert box.create("sleep", "100").code == 0
    outcome = box.oci("start", box.id)
    assert outcome.code == 1 and f"hooks.{kind}[0] /bin/sh" in outcome.err, outcome
    assert "exit status 3: why not" in outcome.err
    assert box.state() is None
    assert [line.split()[0] for line in log_of(box)] == ["poststop", "poststop"]


@pytest.mark.parametrize("kind", ["createRuntime", "createContainer", "startContainer", "poststart"])
def test_run_fails_with_its_hooks(box, kind):
    box.config["hooks"] = {kind: [hook("kill -9 $$")]}
    outcome = box.run("sleep", "100")
    assert outcome.code == 1 and "killed by signal 9" in outcome.err, outcome
    assert box.state() is None


def test_poststop_failure_is_a_warning(box):
    record(box, "poststop")
    box.config["hooks"]["poststop"].insert(0, hook("exit 1"))
    outcome = box.run("true")
    assert outcome.code == 0 and "hook failed" in outcome.err
    assert len(log_of(box)) == 2


@pytest.mark.parametrize("kind", ["createRuntime", "startContainer"])
def test_timeout(box, kind):
    box.config["hooks"] = {kind: [hook("sleep 1000", timeout=1)]}
    outcome = box.run("true")
    assert outcome.code == 1 and "was killed after its timeout" in outcome.err, outcome


def test_what_cannot_be_executed_is_named(box):
    for kind in ("createRuntime", "createContainer", "startContainer"):
        box.config["hooks"] = {kind: [{"path": "/nope"}]}
        outcome = box.run("true")
        assert outcome.code == 1 and f"hooks.{kind}[0] /nope" in outcome.err, outcome
        assert "o such file or directory" in outcome.err


def test_bad_hooks_name_the_field(box):
    for entry, words in [
        ({"path": "x"}, "hooks.prestart[0].path: must be an absolute path"),
        ({}, "hooks.prestart[0].path: is required"),
        ({"path": "/x", "timeout": 0}, "hooks.prestart[0].timeout: must be from 1"),
    ]:
        box.config["hooks"] = {"prestart": [entry]}
        assert words in box.run("true").err


def test_start_container_hook_has_the_rights_of_the_program_only(box):
    box.mount("/vol", "bind", box.directory, "rbind", "rw")
    box.process["capabilities"] = {}
    box.process["user"] = {"uid": 1000, "gid": 1000}
    (box.directory / "out").mkdir(mode=0o777)
    (box.directory / "out").chmod(0o777)
    box.config["hooks"] = {"startContainer": [hook("(id -u; grep CapEff /proc/self/status; ls /proc/self/fd) > /vol/out/f")]}
    assert box.run("true").code == 0
    uid, caps, *fds = (box.directory / "out" / "f").read_text().split("\n")
    assert uid == "1000" and caps.split()[1] == "0" * 16
    assert [fd for fd in fds if fd] == ["0", "1", "2", "3"]  # 3 is ls's own


def test_prestart_hook_can_move_a_link_into_the_network(box):
    box.config["hooks"] = {
        "createRuntime": [hook("pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -n hostname >/dev/null && nsenter -t $pid -n ip link add eth7 type veth peer name eth8")]
    }
    box.config["hooks"]["createRuntime"][0]["env"] = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    box.linux["sysctl"] = {"net.ipv4.conf.eth7.forwarding": "1"}
    outcome = box.run("cat", "/proc/sys/net/ipv4/conf/eth7/forwarding")
    assert outcome.out == "1\n", outcome


def test_hooks_beside_a_user_namespace(box):
    box.user_namespace()
    box.config["hooks"] = {
        "createRuntime": [hook("test $(id -u) = 0 && grep -q 4294967295 /proc/self/uid_map")],
        "createContainer": [hook("test $(id -u) = 0 && grep -q 300000 /proc/self/uid_map")],
        "startContainer": [hook("test $(id -u) = 0 && grep -q 300000 /proc/self/uid_map")],
    }
    outcome = box.run("true")
    assert outcome.code == 0, outcome
