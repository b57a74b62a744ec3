"""IPv6: each task has its twin of the IPv4 address, and packets that pass for it are its own."""

import ipaddress
import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

import pytest

import leak_census
from berth import PATIENCE, Instance, sh, task
from waiting import fetch, wait_for_exactly, wait_until

SUBNET = "fd00:be::/64"
GATEWAY = "fd00:be::ac1d:1"
ADDRESSES = "ip -o addr show eth0 | awk '$3 == \"inet\" || /global/ {split($4, a, \"/\"); print a[1]}'"
SERVE = f"{ADDRESSES}; mkdir -p /www; echo page >/www/index.html; httpd -p '[::]:80' -h /www; echo ready; sleep 100"
GROUPS = {
    "web": {"ingress": [{"protocol": "tcp", "fromPort": 80, "toPort": 80, "groups": ["client"]},
                        {"protocol": "icmpv6", "cidrs": [GATEWAY + "/128"]}], "egress": []},
    "client": {},
    "old": {"egress": [{"protocol": "all", "cidrs": ["0.0.0.0/0"]}]},
}


@pytest.fixture(scope="module")
def dual(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path_factory.mktemp("dual"), images, {"ipv6Subnet": SUBNET, "securityGroups": GROUPS})
    ip("link", "add", "heeds0", "type", "veth", "peer", "name", "heeds1")
    settings = pathlib.Path("/proc/sys/net/ipv6/conf")
    assert (settings / "heeds0/accept_ra").read_text() == "1\n"
    assert instance.run(task(sh("true"))).code == 0
    # The host forwards from now on, and heeds its routers all the same.
    assert (settings / "all/forwarding").read_text() == "1\n"
    assert (settings / "heeds0/accept_ra").read_text() == "2\n"
    ip("link", "del", "heeds0")
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


def ip(*words):
    return subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout


def flags(*groups):
    return [word for group in groups for word in ("--security-group", group)]


def started(instance, *groups, **fields):
    return instance.start(task(sh(SERVE, "web", stopTimeout=2, **fields)), *flags(*groups))


def addresses_of(running):
    """(IPv4, IPv6) of a task that serves."""
    return running.wait_for("ready").lines("web")[:2]


def test_the_twin_is_the_ipv4_address_in_the_subnet(dual):
    with started(dual) as web:
        v4, v6 = addresses_of(web)
        assert v6 == "fd00:be::" + "{:x}:{:x}".format(*(int(a) << 8 | int(b) for a, b in re.findall(r"(\d+)\.(\d+)", v4)))
        assert fetch(f"http://[{v6}]/") == "page\n"
        script = f"{ADDRESSES}; wget -qO- http://[{v6}]/; ping6 -c 1 -W 2 {v6} >/dev/null && echo ping"
        _, own, page, ping = dual.run(task(sh(script))).lines()
        assert own != v6
        assert (page, ping) == ("page", "ping")


def test_the_first_packet_waits_for_nobody(dual):
    """No duplicate address detection (a second), no neighbour discovery: all is known when the task begins."""
    outcome = dual.run(task(sh(f"ip -6 addr show eth0 scope global | grep -c tentative; ip -6 neigh show {GATEWAY}; ping6 -c 1 -W 2 {GATEWAY} >/dev/null; echo $?")))
    tentative, neighbour, ping = outcome.lines()
    assert (tentative, ping) == ("0", "0")
    assert neighbour.endswith("PERMANENT")


def test_the_host_answers_at_the_gateway(dual):
    with socket.create_server((GATEWAY, 0), family=socket.AF_INET6) as listener:
        listener.settimeout(60 * PATIENCE)
        port = listener.getsockname()[1]
        with dual.start(task(sh(f"{ADDRESSES}; nc -w 60 {GATEWAY} {port} </dev/null"))) as client:
            connection, peer = listener.accept()
            connection.close()
            assert client.wait().lines()[1] == peer[0]


def test_what_the_host_knows_of_a_task_goes_with_it(dual):
    with started(dual) as one:
        _, first = addresses_of(one)
        (bridge,) = json.loads(ip("-j", "link", "show", "type", "bridge"))

        def known():
            return {each["dst"] for each in json.loads(ip("-j", "-6", "neigh", "show", "dev", bridge["ifname"], "nud", "permanent"))}

        assert dual.run(task(sh(ADDRESSES))).code == 0
        assert known() == {first}


def test_a_task_speaks_only_from_its_own_address(dual):
    ping = f"ping6 -c 1 -W 2 {GATEWAY} -I"
    script = (f"ip -6 addr add fd00:be::dead/128 dev eth0; while ip -6 addr show eth0 | grep -q 'dead.*tentative'; do usleep 50000; done; "
              f"{ping} eth0 >/dev/null && echo own; {ping} fd00:be::dead >/dev/null || echo none; "
              f"until {ping} fd00:be::dead >/dev/null; do :; done; echo through")
    with dual.start(task(sh(script, linuxParameters={"capabilities": {"add": ["NET_ADMIN"]}}))) as impostor:
        assert impostor.wait_for("none").lines() == ["own", "none"]
        # The control: it is our rule that dropped it. The chain goes with this task, the last one.
        subprocess.run(["nft", "insert", "rule", "bridge", f"berth_{dual.name}", "prerouting", "accept"], check=True)
        impostor.wait_for("through")


def test_published_ports_answer_on_ipv6(dual):
    """At an address of the host: from the host, from another task, and from the task itself."""
    web = sh("mkdir -p /www; echo page >/www/index.html; httpd -p '[::]:80' -h /www; echo ready; "
             f"until wget -qO- http://[{GATEWAY}]:8086/ >/tmp/page 2>/dev/null; do usleep 50000; done; cat /tmp/page; sleep 100",
             "web", stopTimeout=2, portMappings=[{"containerPort": 80, "hostPort": 8086}])
    with dual.start(task(web, networkMode="bridge")) as running:
        running.wait_for("page")
        assert fetch(f"http://[{GATEWAY}]:8086/") == "page\n"
        assert fetch("http://127.0.0.1:8086/") == "page\n"
        assert dual.run(task(sh(f"wget -qO- http://[{GATEWAY}]:8086/"))).lines() == ["page"]
    with pytest.raises(OSError):
        socket.create_connection((GATEWAY, 8086), timeout=5 * PATIENCE)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_host_port_that_somebody_has_on_ipv6_alone_is_not_taken(dual, tmp_path, protocol):
    """It would be led away from them. Whose tasks have no IPv6 does not ask."""
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM

    def definition(host_port):
        ports = [{"containerPort": 80, "hostPort": host_port, "protocol": protocol}]
        return task(sh("echo ran", portMappings=ports), networkMode="bridge")

    with socket.socket(socket.AF_INET6, kind) as taken:
        taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind(("::", 8087))
        if protocol == "tcp":
            taken.listen()
        outcome = dual.run(definition(8087))
        assert outcome.code == 125 and f"host port 8087/{protocol} is in use by another program" in outcome.err, outcome
        plain = Instance(tmp_path, dual.images, {"subnet": "172.28.0.0/16"})
        assert plain.run(definition(8087)).lines() == ["ran"]
        assert plain.berth("system", "sweep").code == 0
        leak_census.wait_for_sweepers(plain.name, (plain.state, plain.root))
    assert dual.run(definition(8087)).lines() == ["ran"]


def test_names_have_both_addresses(dual):
    with started(dual) as web:
        v4, v6 = addresses_of(web)
        reverse = ".".join(reversed(ipaddress.ip_address(v6).exploded.replace(":", ""))) + ".ip6.arpa"
        script = ("getent() { nslookup -type=$1 $2 | awk '/^Address/ && !/:53/ {print $NF} /name = / {print $NF}'; }; "
                  f"getent a web.test.berth.internal; getent aaaa web.test.berth.internal; getent ptr {reverse}; "
                  "grep -c \"^fd00:be::.* $(hostname)$\" /etc/hosts; grep '^::1' /etc/hosts")
        outcome = dual.run(task(sh(script)))
        host = "ip-" + v4.replace(".", "-") + ".us-east-1.compute.internal"
        assert outcome.lines() == [v4, v6, host, "1", "::1 localhost"], outcome


def test_the_metadata_tell_of_it(dual):
    outcome = dual.run(task(sh(f"{ADDRESSES}; wget -qO- $ECS_CONTAINER_METADATA_URI_V4")))
    _, v6, document = outcome.lines()
    network = json.loads(document)["Networks"][0]
    assert network["IPv6Addresses"] == [v6]
    assert network["IPv6SubnetCIDRBlock"] == SUBNET


def test_groups_are_asked_of_ipv6_too(dual):
    with started(dual, "web") as web:
        _, v6 = addresses_of(web)
        script = (f"(timeout 2 wget -qO /dev/null http://[{v6}]/ 2>/dev/null && echo tcp) & "
                  f"(ping6 -c 1 -W 2 {v6} >/dev/null && echo ping) & wait")

        def answer(wanted, *groups, why=""):
            wait_for_exactly(wanted, lambda: dual.run(task(sh(script)), *flags(*groups)).lines(), f"{groups} {why}")

        answer(["tcp"], "client")
        answer([])
        answer(["tcp"], "client", "old", why="groups add up")
        answer([], "old", why="its egress names networks of IPv4 alone")
        ping = subprocess.run(["busybox", "ping6", "-c", "1", "-W", "2", v6], capture_output=True, check=False)
        assert ping.returncode == 0, "from the gateway it may"


def test_what_an_earlier_task_began_is_forgotten(dual):
    """The next one has its address and, in its own namespace, the ping's process id: it must not pass for an answer."""
    with started(dual) as web:
        _, v6 = addresses_of(web)
        ping = task(sh(f"ping6 -c 1 -W 2 {v6} >/dev/null; echo $?"))
        wait_until(lambda: dual.run(ping).lines() == ["0"])
        assert dual.run(ping, *flags("old")).lines() == ["1"]


ECHO_PEER = """
import socket
listener = socket.create_server(("2001:db8:99::2", 8080), family=socket.AF_INET6)
print("listening", flush=True)
connection, peer = listener.accept()
connection.sendall(f"seen as {peer[0]}\\n".encode())
"""


@pytest.fixture
def world():
    """A network beyond the host that knows no way back to fd00:be::/64, and one to 2001:db8:be::/64."""
    other = subprocess.Popen(["unshare", "--net", "sleep", "1000"], stdin=subprocess.DEVNULL)
    try:
        while os.readlink(f"/proc/{other.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        inside = ["nsenter", "--net", "--target", str(other.pid)]
        ip("link", "add", "world0", "type", "veth", "peer", "name", "eth0", "netns", str(other.pid))
        ip("-6", "addr", "add", "2001:db8:99::1/64", "dev", "world0", "nodad")
        ip("link", "set", "world0", "up")
        for words in (["-6", "addr", "add", "2001:db8:99::2/64", "dev", "eth0", "nodad"], ["link", "set", "eth0", "up"],
                      ["-6", "route", "add", "2001:db8:be::/64", "via", "2001:db8:99::1"]):
            subprocess.run([*inside, "ip", *words], check=True)
        yield inside
    finally:
        subprocess.run(["ip", "link", "del", "world0"], check=False)
        other.kill()
        other.wait()


@pytest.mark.parametrize("subnet, seen", [(SUBNET, "2001:db8:99::1"), ("2001:db8:be::/64", None)])
def test_own_addresses_pass_for_the_hosts_and_the_worlds_are_routed(world, dual, tmp_path, subnet, seen):
    instance = Instance(tmp_path, dual.images, {"ipv6Subnet": subnet, "subnet": "172.28.0.0/16"})
    with subprocess.Popen([*world, sys.executable, "-c", ECHO_PEER], stdout=subprocess.PIPE, text=True) as peer:
        try:
            assert peer.stdout.readline() == "listening\n"
            _, v6, answer = instance.run(task(sh(f"{ADDRESSES}; nc -w 60 2001:db8:99::2 8080 </dev/null"))).lines()
        finally:
            peer.kill()
    assert answer == f"seen as {seen or v6}"
    assert instance.berth("system", "sweep").code == 0
    leak_census.wait_for_sweepers(instance.name, (instance.state, instance.root))
    assert leak_census.processes(instance.name, [instance.root, instance.state]) == {}


def test_explain_shows_what_is_done(dual):
    with started(dual) as web:
        addresses_of(web)
        text = dual.berth("explain", dual.write(task(sh("true")))).out
        assert "RTM_NEWADDR fd00:be::" in text
        assert "icmpv6 type nd-redirect drop" in text


@pytest.mark.parametrize("subnet", ["fd00::1/64", "fd00::/97", "fe80::/64", "ff02::/64", "::/0", "172.29.0.0/16", "fd00::"])
def test_a_subnet_that_cannot_be_is_named(tmp_path, layouts, subnet):
    instance = Instance(tmp_path, {name: f"oci:{directory}:latest" for name, directory in layouts.items()}, {"ipv6Subnet": subnet})
    outcome = instance.run(task(sh("true")))
    assert outcome.code == 125
    assert "bridge IPv6 subnet" in outcome.err and subnet.split("/")[0] in outcome.err
