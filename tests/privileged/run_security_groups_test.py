"""Security groups: a matrix of packets between tasks, to and from the host; what is let through, and what is not."""

import json
import socket
import subprocess

import pytest

import leak_census
from berth import BIN, Instance, sh, task
from waiting import wait_for_exactly

SERVE = ("mkdir -p /www; echo page >/www/index.html; ip -4 -o addr show eth0 | awk '{split($4, a, \"/\"); print a[1]}'; "
         "httpd -p 80 -h /www; httpd -p 81 -h /www; "
         "echo ready; sleep 100")
GROUPS = {
    "web": {"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "groups": ["client"]},
                        {"protocol": "icmp", "cidrs": ["172.29.0.1/32"]}], "egress": []},
    "client": {},
    "any.port": {"ingress": [{"protocol": "tcp", "cidrs": ["0.0.0.0/0"]}]},
    "dns": {"ingress": [{"protocol": "udp", "fromPort": 53, "toPort": 53, "cidrs": ["172.29.0.0/16"]}]},
    "asks": {"egress": [{"protocol": "udp", "fromPort": 53, "toPort": 53, "cidrs": ["172.29.0.0/16"]}]},
    "mute": {"egress": [{"protocol": "udp", "fromPort": 53, "toPort": 53, "groups": ["web"]}]},
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path_factory.mktemp("groups"), images, {"securityGroups": GROUPS})
    assert instance.run(task(sh("true"))).code == 0
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


def flags(*groups):
    return [word for group in groups for word in ("--security-group", group)]


def probe(address):
    """What of the server answers: its two ports and a ping. A packet that is dropped is waited for, once for all."""
    return (f"for p in 80 81; do (timeout 2 wget -qO /dev/null http://{address}:$p/ 2>/dev/null && echo tcp$p) & done; "
            f"(ping -c 1 -W 2 {address} >/dev/null && echo ping) & wait")


def answers(wanted, instance, address, *groups, why=""):
    """That this, and at no time anything else, is what a task in these groups sees of it."""
    def look():
        outcome = instance.run(task(sh(probe(address))), *flags(*groups))
        assert outcome.code == 0, outcome
        return outcome.lines()
    wait_for_exactly(wanted, look, f"{groups} {why}")


def from_host(address):
    seen = []
    try:
        socket.create_connection((address, 80), timeout=2).close()
        seen.append("tcp80")
    except OSError:
        pass
    ping = subprocess.run(["busybox", "ping", "-c", "1", "-W", "2", address], capture_output=True, check=False)
    return seen + (["ping"] if ping.returncode == 0 else [])


def test_a_matrix_of_groups(guarded):
    with guarded.start(task(sh(SERVE, stopTimeout=2)), *flags("web")) as web:
        address = web.wait_for("ready").lines()[0]
        answers(["tcp80"], guarded, address, "client")
        answers(["tcp80"], guarded, address, "client", "any.port", why="a further group of the client changes nothing")
        answers([], guarded, address, "any.port")
        answers([], guarded, address, why="no member of any group")
        answers([], guarded, address, "mute", why="what it may send is not let in, and the rest it may not send")
        wait_for_exactly(["ping"], lambda: from_host(address), "the host")


def test_several_groups_add_up_and_egress_is_asked_of_who_sends(guarded):
    with guarded.start(task(sh(SERVE, stopTimeout=2)), *flags("web", "any.port")) as web, \
            guarded.start(task(sh(SERVE, stopTimeout=2))) as free:
        address = web.wait_for("ready").lines()[0]
        open_address = free.wait_for("ready").lines()[0]
        answers(["tcp80", "tcp81"], guarded, address)
        wait_for_exactly(["tcp80", "ping"], lambda: from_host(address), "the host")
        # Without groups everything comes; with egress [] and another group's everything, everything goes.
        answers(["ping", "tcp80", "tcp81"], guarded, open_address)
        answers([], guarded, open_address, "web")
        answers([], guarded, open_address, "mute", why="its egress lets out nothing of this")
        answers(["ping", "tcp80", "tcp81"], guarded, open_address, "web", "client")


def test_udp_is_let_through_by_port(guarded):
    """What the client is let out with, and what the server lets in, both by ports of UDP.

    The clients come from one address, one after the other, and from the same ports: what the first began must be
    forgotten when the second begins, or it is taken for its answer.
    """
    serve = "/probe/udp_echo 53 >/dev/null & /probe/udp_echo 54 >/dev/null & " + SERVE
    ask = "for p in 53 54; do /probe/udp_echo {} $p | sed s/^/$p:/ & done; wait"
    probe_mount = {"mountPoints": [{"sourceVolume": "probe", "containerPath": "/probe", "readOnly": True}]}
    volumes = [{"name": "probe", "host": {"sourcePath": str(BIN)}}]
    with guarded.start(task(sh(serve, stopTimeout=2, **probe_mount), volumes=volumes), *flags("dns")) as server:
        address = server.wait_for("ready").lines()[0]
        for groups, seen in (([], ["53:ping"]), (["mute"], []), (["asks"], ["53:ping"])):
            definition = task(sh(ask.format(address), **probe_mount), volumes=volumes)
            wait_for_exactly(seen, lambda: guarded.run(definition, *flags(*groups)).lines(), groups)  # noqa: B023
    with guarded.start(task(sh(serve, stopTimeout=2, **probe_mount), volumes=volumes)) as server:
        address = server.wait_for("ready").lines()[0]
        for groups, seen in (([], ["53:ping", "54:ping"]), (["asks"], ["53:ping"])):
            definition = task(sh(ask.format(address), **probe_mount), volumes=volumes)
            wait_for_exactly(seen, lambda: guarded.run(definition, *flags(*groups)).lines(), groups)  # noqa: B023


@pytest.mark.parametrize("fields, groups, error", [
    ({}, ["nobody"], "--security-group nobody: securityGroups of berth.json has none such"),
    ({}, ["web", "web"], "--security-group web: is given twice"),
    ({}, ["a", "b", "c", "d", "e", "f"], "--security-group: at most 5 for a task"),
    ({"networkMode": "bridge"}, ["web"], "Network Configuration is not valid for the given networkMode of this task"),
])
def test_groups_that_cannot_be(guarded, fields, groups, error):
    outcome = guarded.run(task(sh("true"), **fields), *flags(*groups))
    assert outcome.code == 125
    assert error in outcome.err


@pytest.mark.parametrize("groups, error", [
    ({"a b": {}}, 'securityGroups: "a b" must be 1 to 64 of letters, digits, - _ .'),
    ({"a": {"ingress": [{"protocol": "sctp", "cidrs": ["0.0.0.0/0"]}]}}, 'ingress[0].protocol: "sctp" is not one of all, tcp'),
    ({"a": {"ingress": [{"protocol": "all", "fromPort": 1, "toPort": 2, "cidrs": ["0.0.0.0/0"]}]}}, "ports are for tcp and udp"),
    ({"a": {"ingress": [{"protocol": "tcp", "fromPort": 2, "toPort": 1, "cidrs": ["0.0.0.0/0"]}]}}, "needs fromPort and toPort"),
    ({"a": {"egress": [{"protocol": "tcp"}]}}, "needs cidrs or groups"),
    ({"a": {"egress": [{"protocol": "tcp", "cidrs": ["10.0.0.1/8"]}]}}, "10.0.0.1/8 has bits beyond its prefix"),
    ({"a": {"egress": [{"protocol": "tcp", "groups": ["b"]}]}}, 'securityGroups.a: a rule names "b", which is no group'),
])
def test_a_configuration_that_is_wrong_is_named(tmp_path, groups, error):
    path = tmp_path / "berth.json"
    path.write_text(json.dumps({"securityGroups": groups}))
    done = subprocess.run([BIN / "berth", "--config", path, "system", "config"], capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert error in done.stderr
