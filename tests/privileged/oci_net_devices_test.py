"""linux.netDevices: links that become the container's, with their addresses, and come back when it does not come to be."""

import json
import socket
import subprocess

import pytest

NAME = "berth-nd0"
PEER = "berth-nd1"


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


def addresses(device):
    """Of global scope, without the prefix length."""
    return {entry["local"] for entry in device["addr_info"] if entry["scope"] == "global"}


def on_host(name):
    return json.loads(ip("-json", "address", "show", "dev", name))[0]


@pytest.fixture
def link():
    """A veth whose other end stays here; the whole file runs in a network namespace of its own."""
    ip("link", "add", NAME, "type", "veth", "peer", "name", PEER)
    ip("link", "set", PEER, "up")
    ip("address", "add", "10.77.0.2/24", "dev", NAME)
    ip("address", "add", "fd77::2/64", "dev", NAME, "nodad")
    ip("address", "add", "169.254.7.7/16", "dev", NAME, "scope", "link")
    yield NAME
    subprocess.run(["ip", "link", "delete", PEER], capture_output=True, check=False)


def seen(outcome):
    """What `ip address` of busybox says of the links that are up or down."""
    assert outcome.code == 0, outcome
    return outcome.out


def test_a_device_moves_with_its_lasting_addresses_and_is_up(box, link):
    box.linux["netDevices"] = {link: {"name": "eth0"}}
    out = seen(box.shell("ip address show dev eth0; ip -6 address show dev eth0"))
    assert "10.77.0.2/24" in out and "fd77::2/64" in out and "169.254.7.7" not in out
    assert ",UP" in out.split(">")[0] + ","


def test_a_device_keeps_its_name_unless_it_gets_another(box, link):
    box.linux["netDevices"] = {link: {}}
    box.start_in_background("sleep", "100")
    assert link in seen(box.oci("exec", box.id, "ip", "link", "show"))
    with pytest.raises(subprocess.CalledProcessError):
        on_host(link)


@pytest.mark.parametrize("user_namespace", (False, True))
def test_the_host_reaches_the_container_through_it(box, link, user_namespace):
    if user_namespace:
        box.user_namespace()
    ip("address", "add", "10.77.0.1/24", "dev", PEER)
    box.linux["netDevices"] = {link: {"name": "eth0"}}
    box.start_in_background("sleep", "100")
    with pytest.raises(ConnectionRefusedError):  # by the container, where nobody listens
        socket.create_connection(("10.77.0.2", 9), timeout=10)


@pytest.mark.parametrize("spoil", ("program", "second", "taken"))
def test_a_create_that_fails_gives_the_device_back(box, link, spoil):
    box.linux["netDevices"] = {link: {"name": "eth0"}}
    program = "true"
    if spoil == "program":
        program = "/no/such/program"
    elif spoil == "second":
        box.linux["netDevices"]["berth-zz"] = {}
    else:
        box.linux["netDevices"][link]["name"] = "lo"
    outcome = box.run(program)
    assert outcome.code != 0, outcome
    wanted = {"second": "linux.netDevices.berth-zz: there is no such link", "taken": f"linux.netDevices.{link}: there is a link lo",
              "program": "/no/such/program"}[spoil]
    assert wanted in outcome.err
    device = on_host(link)
    assert addresses(device) >= {"10.77.0.2", "fd77::2"}


def test_needs_a_network_namespace(box, link):
    box.drop_namespace("network")
    box.linux["netDevices"] = {link: {}}
    outcome = box.run("true")
    assert outcome.code == 1 and "linux.netDevices: needs a network namespace" in outcome.err
    assert addresses(on_host(link)) >= {"10.77.0.2"}
