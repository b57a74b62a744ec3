"""Fault injection as the containers of a task ask for it: what then happens to their packets, and that it ends."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

import leak_census
import pytest
from berth import sh, task
from inside import Inside
from waiting import wait_until

HOLD = "trap 'exit 0' TERM; httpd -p 8080 -h /; httpd -p 8081 -h /; echo ready; while :; do usleep 50000; done"
OUTSIDE = "172.29.0.1"  # the host's side of the bridge, which answers pings
DELAY_MS = 300 * leak_census.PATIENCE  # far more than a round trip takes of itself
HOLE = {"Port": 8080, "Protocol": "tcp", "TrafficType": "ingress"}


def kernel_has_netem():
    """What the tests of effects ask themselves; asked of the kernel, not of berth."""
    return all(subprocess.run(["unshare", "--net", "tc", "qdisc", "add", "dev", "lo", "root", *kind.split()],
                              capture_output=True, check=False).returncode == 0
               for kind in ("prio", "netem delay 1ms"))


HAS_NETEM = kernel_has_netem()


class Asker:
    def __init__(self, inside):
        self.inside = inside
        self.base = inside.environment["ECS_AGENT_URI"] + "/fault/v1/"

    def raw(self, call, body, method="POST"):
        """(status, text). A call that comes too soon after the one before is made again, as FIS does."""
        text = body if isinstance(body, str) else json.dumps(body)
        ask = lambda: self.inside.ask(self.base + call, method, text)  # noqa: E731
        answer = wait_until(lambda: (got := ask())[0] != 429 and got, pause=0.5)
        return answer[0], answer[2]

    def __call__(self, call, body=""):
        status, text = self.raw(call, body)
        return status, json.loads(text)

    def status(self, call, body=""):
        code, answer = self(call + "/status", body)
        assert code == 200, answer
        return answer["Status"]


def connects(run, address, port):
    """Whether a TCP connection comes about within a second (as often as the emulated guest needs)."""
    script = f"import socket; socket.create_connection(('{address}', {port}), timeout={leak_census.PATIENCE})"
    return run("/usr/bin/python3", "-c", script).returncode == 0


def reaches(run, address, port):
    """Whether one comes about, sooner or later: what is let through may take its time on a busy host."""
    return wait_until(lambda: connects(run, address, port), f"{address}:{port} is reached")


def outside(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def ping_ms(inside, address=OUTSIDE):
    """The round trip; None when the answer never comes."""
    done = inside.run("busybox", "ping", "-c", "1", "-W", str(2 * leak_census.PATIENCE), address)
    if done.returncode != 0:
        return None
    return float(done.stdout.partition("time=")[2].split()[0])


def is_quick(inside, *address):
    """Whether a round trip takes less than the delay, if not the first one."""
    return any((ping_ms(inside, *address) or DELAY_MS) < DELAY_MS for _ in range(5))


def inside_of(berth, task_id):
    return Inside(berth.listed(task_id)["containers"][0]["pid"])


@pytest.fixture
def inside(berth, detached):
    task_id = detached(task(sh(HOLD), enableFaultInjection=True))
    found = inside_of(berth, task_id)
    wait_until(lambda: connects(found.run, "127.0.0.1", 8081))
    return found


@pytest.fixture
def ask(inside):
    return Asker(inside)


def test_a_black_hole_swallows_what_goes_to_its_port(inside, ask):
    (network,) = inside.task()["Containers"][0]["Networks"]
    (address,) = network["IPv4Addresses"]
    assert inside.task()["FaultInjectionEnabled"] is True
    assert ask("network-blackhole-port/start", HOLE) == (200, {"Status": "running"})
    assert not connects(outside, address, 8080)
    assert reaches(outside, address, 8081), "another port goes on"
    # The other way: of a port of a peer.
    with subprocess.Popen(["busybox", "httpd", "-f", "-p", f"{OUTSIDE}:8090", "-h", "/"]) as peer:
        try:
            wait_until(lambda: connects(inside.run, OUTSIDE, 8090))
            hole = {"port": 8090, "PROTOCOL": "tcp", "TrafficType": "egress", "Whatever": 1}  # names as Go takes them
            assert ask("network-blackhole-port/status", hole) == (200, {"Status": "not-running"})
            assert ask("network-blackhole-port/start", hole) == (200, {"Status": "running"})
            assert not connects(inside.run, OUTSIDE, 8090)
            assert not connects(outside, address, 8080), "both run"
            assert ask("network-blackhole-port/stop", hole) == (200, {"Status": "stopped"})
            assert reaches(inside.run, OUTSIDE, 8090)
        finally:
            peer.terminate()
    assert ask.status("network-blackhole-port", HOLE) == "running"
    assert ask("network-blackhole-port/stop", HOLE) == (200, {"Status": "stopped"})
    assert reaches(outside, address, 8080)
    assert "fault" not in inside.run("nft", "list", "ruleset").stdout


def test_what_is_filtered_is_spared_and_so_is_the_endpoint(inside, ask):
    (network,) = inside.task()["Containers"][0]["Networks"]
    (address,) = network["IPv4Addresses"]
    spared = {**HOLE, "SourcesToFilter": [f"{OUTSIDE}/32", "fd00::/8"]}
    assert ask("network-blackhole-port/start", spared) == (200, {"Status": "running"})
    assert reaches(outside, address, 8080), "from a source that is spared"
    assert not connects(inside.run, "127.0.0.1", 8080)
    # Both ways of a connection to the endpoint have its port as a destination here.
    own = {"Port": 80, "Protocol": "tcp", "TrafficType": "ingress"}
    assert ask("network-blackhole-port/start", own) == (200, {"Status": "running"})
    assert inside.task()["KnownStatus"] == "RUNNING"
    # A start of what runs changes nothing and is no error.
    assert ask("network-blackhole-port/start", HOLE) == (200, {"Status": "running"})
    assert reaches(outside, address, 8080)


@pytest.mark.skipif(not HAS_NETEM, reason="this kernel has no netem: see the test of the refusal; the guest has it")
def test_latency_delays_what_goes_to_the_sources(inside, ask):
    latency = {"DelayMilliseconds": DELAY_MS, "JitterMilliseconds": 0, "Sources": [f"{OUTSIDE}/32"]}
    assert ask.status("network-latency") == "not-running"
    assert is_quick(inside)
    before = inside.run("tc", "qdisc", "show", "dev", "eth0").stdout
    assert ask("network-latency/start", latency) == (200, {"Status": "running"})
    assert ping_ms(inside) >= DELAY_MS
    (network,) = inside.task()["Containers"][0]["Networks"]
    assert is_quick(inside, network["IPv4Addresses"][0]), "the loopback is not delayed"
    assert ask.status("network-latency") == "running"
    assert ask.status("network-packet-loss") == "not-running"
    loss = {"LossPercent": 1, "Sources": ["0.0.0.0/0"]}
    running = {"Error": "There is already one network latency fault running"}
    assert ask("network-packet-loss/start", loss) == (409, running)
    assert ask("network-packet-loss/stop") == (200, {"Status": "stopped"})
    assert ping_ms(inside) >= DELAY_MS, "the stop was for the other fault"
    assert ask("network-latency/stop") == (200, {"Status": "stopped"})
    assert is_quick(inside)
    assert inside.run("tc", "qdisc", "show", "dev", "eth0").stdout == before
    # What is spared is spared of what the sources have; IPv6 is taken as well.
    spared = {**latency, "Sources": ["0.0.0.0/0", "::/0"], "SourcesToFilter": [OUTSIDE, "fd00::1"]}
    assert ask("network-latency/start", spared) == (200, {"Status": "running"})
    assert is_quick(inside)


@pytest.mark.skipif(not HAS_NETEM, reason="this kernel has no netem: see the test of the refusal; the guest has it")
def test_loss_loses_so_many(inside, ask):
    assert ask("network-packet-loss/start", {"LossPercent": 100, "Sources": ["0.0.0.0/0"]})[0] == 200
    assert ping_ms(inside) is None
    assert ask.status("network-packet-loss") == "running"
    assert ask("network-packet-loss/stop") == (200, {"Status": "stopped"})
    assert ping_ms(inside) is not None
    # Of a hundred connections some thirty-five: which are hit is a matter of their ports.
    flows = {"LossPercent": 100, "Sources": [OUTSIDE], "FlowsPercent": 35}
    assert ask("network-packet-loss/start", flows) == (200, {"Status": "running"})
    script = ("import socket\nsent = []\nfor _ in range(200):\n s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              f" s.connect(('{OUTSIDE}', 9))\n s.send(b'x')\n sent.append(s)")
    received = pathlib.Path(f"/proc/{inside.pid}/net/dev")
    packets = lambda: int(next(line for line in received.read_text().splitlines()  # noqa: E731
                               if "eth0:" in line).split(":")[1].split()[9])
    before = packets()
    assert inside.run("/usr/bin/python3", "-c", script).returncode == 0
    assert 80 <= packets() - before <= 180, "200 were sent; the interface counts those that were not lost"
    assert ask("network-packet-loss/stop") == (200, {"Status": "stopped"})


@pytest.mark.skipif(HAS_NETEM, reason="this kernel has netem")
def test_a_kernel_without_netem_is_told_so(inside, ask):
    before = inside.run("tc", "qdisc", "show", "dev", "eth0").stdout
    code, answer = ask("network-latency/start", {"DelayMilliseconds": 1, "JitterMilliseconds": 0, "Sources": ["::/0"]})
    assert code == 500
    assert answer["Error"].startswith("internal error: eth0: the kernel of this host has no traffic control of kind prio"
                                      " (module sch_prio)")
    assert inside.run("tc", "qdisc", "show", "dev", "eth0").stdout == before
    assert ask.status("network-latency") == "not-running"
    assert ask("network-latency/stop") == (200, {"Status": "stopped"})


def test_refusals_are_the_agents(inside, ask):
    def error(call, body):
        code, answer = ask(call, body)
        assert code == 400, answer
        return answer["Error"]

    assert error("network-blackhole-port/start", "") == "required request body is missing"
    assert error("network-blackhole-port/stop", {"Port": 70000}) == (
        "json: cannot unmarshal number 70000 into Go struct field NetworkBlackholePortRequest.Port of type uint16")
    assert error("network-blackhole-port/status", {**HOLE, "Protocol": "icmp"}) == (
        "invalid value icmp for parameter Protocol")
    assert error("network-latency/start", {"DelayMilliseconds": 1}) == "required parameter JitterMilliseconds is missing"
    assert error("network-packet-loss/start", {"LossPercent": 50, "Sources": ["moon"]}) == (
        "invalid value moon for parameter Sources")
    # One of each call in five seconds, as text.
    again = lambda: inside.ask(ask.base + "network-packet-loss/start", "POST")[::2]  # noqa: E731
    assert wait_until(lambda: (got := again())[0] == 429 and got) == (429, "You have reached maximum request limit")
    # What is not there.
    assert ask.raw("network-blackhole/start", "")[0] == 404
    assert ask.raw("network-latency/begin", "")[0] == 404
    status, headers, _ = inside.ask(ask.base + "network-latency/start", "GET")
    assert (status, headers["Allow"]) == (405, "POST")
    stranger = "http://169.254.170.2/api/unknown/fault/v1/network-latency/status"
    assert inside.ask(stranger, "POST")[::2] == (404, json.dumps({
        "Error": "unable to get task arn from request: unable to get task Arn from v3 endpoint ID: unknown"},
        separators=(",", ":")))


def test_only_a_task_that_says_so_may_ask(berth, detached):
    task_id = detached(task(sh(HOLD)))
    found = inside_of(berth, task_id)
    arn = f"arn:aws:ecs:us-east-1:000000000000:task/default/{task_id}"
    assert Asker(found)("network-blackhole-port/start", HOLE) == (
        400, {"Error": f"enableFaultInjection is not enabled for task: {arn}"})
    outcome = berth.run(task(sh("true"), networkMode="bridge", enableFaultInjection=True))
    assert outcome.code == 125
    assert "enableFaultInjection: bridge mode is not supported. Please use either host or awsvpc mode." in outcome.err


def tables():
    return [line for line in leak_census.nft_tables() if "fault" in line]


def test_in_the_hosts_network_nothing_stays(berth, detached):
    """Faults there are of the whole host: they go with the task, however it ends."""
    def start():
        task_id = detached(task(sh("trap 'exit 0' TERM; while :; do usleep 50000; done"), networkMode="host",
                                enableFaultInjection=True))
        return berth.listed(task_id), Asker(inside_of(berth, task_id))

    first, ask_first = start()
    second, ask_second = start()
    with subprocess.Popen(["busybox", "httpd", "-f", "-p", "127.0.0.1:8080", "-h", "/"]) as peer:
        try:
            wait_until(lambda: connects(outside, "127.0.0.1", 8080))
            for ask in (ask_first, ask_second):
                assert ask("network-blackhole-port/start", HOLE) == (200, {"Status": "running"})
            # Not even the port of the endpoint itself.
            port = int(ask_first.base.split(":")[2].split("/")[0])
            assert ask_second("network-blackhole-port/start", {**HOLE, "Port": port})[0] == 200
            assert ask_second.status("network-blackhole-port", {**HOLE, "Port": port}) == "running"
            assert not connects(outside, "127.0.0.1", 8080)
            assert len(tables()) == 3
            # Each task has its own: the end of one takes nothing from the other.
            assert berth.berth("stop", "--kill", first["taskId"]).code == 0
            assert not connects(outside, "127.0.0.1", 8080)
            assert len(tables()) == 2
            # Nobody is left to clean up but the next start.
            os.kill(second["supervisorPid"], signal.SIGKILL)
            for keeper in keepers(berth, second["taskId"]):
                with contextlib.suppress(ProcessLookupError):  # some go with the supervisor
                    os.kill(keeper, signal.SIGKILL)
            wait_until(lambda: not keepers(berth, second["taskId"]))
            assert berth.run(task(sh("true"))).code == 0
            assert tables() == []
            assert reaches(outside, "127.0.0.1", 8080)
        finally:
            peer.terminate()


def keepers(berth, task_id):
    return [pid for pid, command in leak_census.processes(berth.name, (berth.state,)).items() if task_id in command]


@pytest.mark.skipif(not HAS_NETEM, reason="this kernel has no netem; the guest has it")
def test_in_the_hosts_network_latency_is_of_the_default_interface(berth, detached):
    subprocess.run("ip link add dflt type veth peer name dflt2 && ip addr add 192.0.2.1/24 dev dflt && ip link set dflt2 up"
                   " && ip link set dflt up && ip route add default via 192.0.2.2", shell=True, check=True)
    try:
        before = outside("tc", "qdisc", "show", "dev", "dflt").stdout
        task_id = detached(task(sh(HOLD), networkMode="host", enableFaultInjection=True))
        ask = Asker(inside_of(berth, task_id))
        latency = {"DelayMilliseconds": DELAY_MS, "JitterMilliseconds": 10, "Sources": ["0.0.0.0/0"], "FlowsPercent": 50}
        assert ask("network-latency/start", latency) == (200, {"Status": "running"})
        assert ask.status("network-latency") == "running"
        assert outside("tc", "qdisc", "show", "dev", "dflt").stdout.count("netem") == 5
        assert berth.berth("stop", "--kill", task_id).code == 0
        assert outside("tc", "qdisc", "show", "dev", "dflt").stdout == before
    finally:
        subprocess.run(["ip", "link", "del", "dflt"], check=True)
