"""The resolver of tasks, asked by busybox, musl, glibc and by hand; behind it dnsmasq, or servers that behave badly."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

import pytest

import dns_wire
import leak_census
from berth import Instance, sh, task
from waiting import wait_until

SUPPORT = pathlib.Path(dns_wire.__file__).parent
# The host's glibc and Python inside of a container of busybox.
HOST = {"usr": ("/usr", "/usr"), "lib": ("/usr/lib", "/lib"), "lib64": ("/usr/lib64", "/lib64"),
        "support": (str(SUPPORT), "/support")}
EIGHT = [f"10.1.0.{i}" for i in range(1, 9)]
MANY = [f"10.2.0.{i}" for i in range(1, 61)]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def dnsmasq(tmp_path_factory):
    """A name server that knows what is below "example" and nothing else; yields its port."""
    hosts = tmp_path_factory.mktemp("dnsmasq") / "hosts"
    lines = ["10.9.8.7 web.example"]
    lines += [f"{address} eight.example" for address in EIGHT] + [f"{address} many.example" for address in MANY]
    hosts.write_text("\n".join(lines) + "\n")
    port = free_port()
    with subprocess.Popen(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
                           f"--port={port}", "--listen-address=127.0.0.1", "--bind-interfaces", "--user=root",
                           "--pid-file=", f"--addn-hosts={hosts}", "--local=/#/", "--edns-packet-max=4096",
                           "--log-facility=-"], stderr=subprocess.PIPE, text=True) as server:
        for line in server.stderr:
            if "read " in line:  # its hosts: it answers from here on
                break
        threading.Thread(target=server.stderr.read, daemon=True).start()
        yield port
        server.terminate()


class Scripted:
    """A server on the loopback: `behave(question)` says with what messages it answers."""

    def __init__(self, behave):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.asked = []  # (port, number) of each question
        self.thread = threading.Thread(target=self._serve, args=(behave,))
        self.thread.start()

    def _serve(self, behave):
        while True:
            question, sender = self.socket.recvfrom(65535)
            if not question:
                return
            self.asked.append((sender[1], int.from_bytes(question[:2], "big")))
            for message in behave(question):
                self.socket.sendto(message, sender)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
            stop.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def resolved(tmp_path_factory, layouts, dnsmasq):
    images = {name: f"oci:{layout}:latest" for name, layout in layouts.items()}
    made = Instance(tmp_path_factory.mktemp("dns"), images,
                    {"dns": {"servers": [f"127.0.0.1:{dnsmasq}"]}, "securityGroups": {"shut": {"egress": []}}})
    assert made.run(task(sh("true"))).code == 0
    before = leak_census.take(made.state, made.root)
    yield made
    leak_census.assert_equal(before, made.state, made.root)


def equipped(script, name="main", **fields):
    mounts = [{"sourceVolume": volume, "containerPath": path, "readOnly": True} for volume, (_, path) in HOST.items()]
    return sh(script, name, mountPoints=mounts, **{"memory": 128, **fields})


def equipped_task(*containers, **fields):
    volumes = [{"name": volume, "host": {"sourcePath": source}} for volume, (source, _) in HOST.items()]
    return task(*containers, volumes=volumes, **fields)


def python(script):
    """A command that runs it with what dns_wire has."""
    variables = f"DNS_PATIENCE={20 * leak_census.PATIENCE} PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/support"
    return f"{variables} /usr/bin/python3 -c '\nfrom dns_wire import *\n{script}'"


def ran(berth, definition, *flags):
    outcome = berth.run(definition, *flags)
    assert outcome.code == 0, outcome
    return outcome.lines()


RUNS = "trap 'exit 0' TERM; sleep 100 & wait"


def test_who_is_unhealthy_is_told_of_when_nobody_else_is_there(hurried):
    """Checks look for /sick, every 50 ms here; who was sick and is well is back.

    First here: the census of those below begins when theirs does.
    """
    check = {"command": ["CMD-SHELL", "[ ! -e /sick ]"], "interval": 5, "retries": 1}
    definition = {**task(sh(RUNS, healthCheck=check, stopTimeout=2)), "family": "pair"}
    ids = [hurried.berth("run", "--detach", hurried.write(definition)).out.strip() for _ in range(2)]
    addresses = {each: hurried.listed(each)["addresses"][0]["privateIpv4Address"] for each in ids}

    def found():
        told = hurried.berth("exec", ids[0], "nslookup", "-type=a", "pair.berth.internal").out
        return set(re.findall(r"^Address: *(172\.\S+)$", told, re.MULTILINE))

    def be(each, *command):
        assert hurried.berth("exec", each, *command).code == 0

    def soon(*wanted):
        wait_until(lambda: found() == {addresses[each] for each in wanted}, f"{wanted}: {found()}")

    one, two = ids
    soon(one, two)
    be(one, "touch", "/sick")
    soon(two)
    be(two, "touch", "/sick")
    soon(one, two)
    be(one, "rm", "/sick")
    soon(one)
    # By another name, which is its own alone, a sick one is found as well.
    told = hurried.berth("exec", one, "nslookup", "-type=a", f"{two}.pair.berth.internal").out
    assert addresses[two] in told
    be(two, "rm", "/sick")
    soon(one, two)
    assert hurried.berth("stop", *ids).code == 0
    wait_until(lambda: not list((hurried.state / "names").glob("*/*")), "their names have gone")
    leak_census.wait_for_sweepers(hurried.name, (hurried.state, hurried.root))


def test_libraries_find_what_the_host_finds_whatever_the_groups(resolved, tmp_path):
    """A-only names, eight addresses, more than fits into 512 octets; and no packet may leave the task."""
    subprocess.run(["musl-gcc", "-static", "-o", tmp_path / "lookup", SUPPORT / "musl_lookup.c"], check=True)
    script = """
        echo resolv; cat /etc/resolv.conf | grep nameserver
        echo busybox; busybox nslookup web.example | grep 10.9
        echo none; busybox nslookup none.example | grep -m 1 -o NXDOMAIN
        for name in web eight many; do
          echo musl-$name; /tools/lookup $name.example | sort -u -V
          echo glibc-$name; /usr/bin/getent ahosts $name.example | busybox awk '{print $1}' | sort -u -V
        done
        echo gone; /tools/lookup none.example; /usr/bin/getent ahosts none.example; echo end"""
    container = equipped(script)
    container["mountPoints"].append({"sourceVolume": "tools", "containerPath": "/tools"})
    definition = equipped_task(container)
    definition["volumes"].append({"name": "tools", "host": {"sourcePath": str(tmp_path)}})
    lines = ran(resolved, definition, "--security-group", "shut")
    found, said = {}, None
    for line in lines:
        if line[:1].isalpha() and line.split("-")[0] in ("resolv", "busybox", "none", "musl", "glibc", "gone", "end"):
            said = found.setdefault(line, [])
        else:
            said.append(line)
    assert found["resolv"] == ["nameserver 169.254.169.253"]
    assert found["busybox"] == ["Address: 10.9.8.7"]
    assert found["none"] == ["NXDOMAIN"]
    assert found["musl-web"] == found["glibc-web"] == ["10.9.8.7"]
    assert found["musl-eight"] == found["glibc-eight"] == EIGHT
    assert found["glibc-many"] == MANY, "by TCP, after TC"
    assert found["musl-many"] and set(found["musl-many"]) <= set(MANY), "musl 1.2.3 takes what fits"
    assert found["gone"] == ["Name does not resolve"]


def test_messages_by_hand(resolved):
    """EDNS, TC, many questions by one connection, and what is no question at all."""
    script = """
plain = ask("many.example")
print("plain", plain.truncated, len(plain.bytes) <= 512)
print("edns", len(ask("many.example", edns=4096).data()))
questions = [query("many.example", AAAA if i % 2 else A, number=i) for i in range(40)]
answers = ask_by_tcp(questions)
print("tcp", sorted(answers) == list(range(40)), {len(answers[i].data()) for i in answers})
print("case", ask("WEB.Example").question)
print("aaaa", ask("web.example", AAAA).rcode, ask("web.example", AAAA).data(AAAA))
print("none", ask("none.example").rcode)
print("transfer", ask("web.example", 252).rcode)
print("notify", ask("web.example", flags=0x2000).rcode)
bad = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
bad.settimeout(PATIENCE)
bad.connect(RESOLVER)
bad.send(b"x")
bad.send(query("web.example")[:-3])
print("bad", Answer(bad.recv(65535)).rcode)
bad.send(reply(query("web.example"), "1.2.3.4"))
bad.send(query("web.example", number=7))
print("after", Answer(bad.recv(65535)).number)
streams = [socket.create_connection(RESOLVER, timeout=PATIENCE) for _ in range(64)]
print("ports", ask("web.example").data())
"""
    lines = ran(resolved, equipped_task(equipped(python(script))))
    assert lines == ["plain True True", "edns 60", "tcp True {0, 60}", "case ('WEB.Example', 1)", "aaaa 0 []", "none 3",
                     "transfer 5", "notify 4", "bad 1", "after 7", "ports ['10.9.8.7']"]


def test_port_53_stays_the_containers(resolved):
    """A name server of its own on all addresses; and the resolver's own port is nobody's business."""
    script = """
import threading
own = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
own.bind(("0.0.0.0", 53))
listener = socket.socket()
listener.bind(("0.0.0.0", 53))
listener.listen()
def serve():
    while True:
        question, sender = own.recvfrom(4096)
        own.sendto(reply(question, "6.6.6.6"), sender)
threading.Thread(target=serve, daemon=True).start()
print(ask("web.example", at=("127.0.0.1", 53)).data(), ask("web.example").data())
print(ask_by_tcp([query("web.example", number=1)])[1].data())
"""
    lines = ran(resolved, equipped_task(equipped(python(script))))
    assert lines == ["['6.6.6.6'] ['10.9.8.7']", "['10.9.8.7']"]


def resolvers(berth):
    return [pid for pid, command in leak_census.processes(berth.name, (berth.state,)).items()
            if "berth-resolver" in command.split(" ", 1)[0]]


def test_a_process_comes_when_asked_for_and_again_when_it_was_killed(resolved):
    script = """ip -4 -o addr show eth0 | awk '{split($4, a, "/"); print a[1]}'
                echo ready; cat /fifo >/dev/null; nslookup web.example | grep 10.9
                echo asked; cat /fifo >/dev/null; nslookup web.example | grep 10.9; echo again; sleep 100"""
    with resolved.start(task(sh("mkfifo /fifo; " + script, stopTimeout=2))) as running:
        def go_on():
            (pid, *_) = running.pids()
            with open(f"/proc/{pid}/root/fifo", "w"):
                pass
        address = running.wait_for("ready").lines()[0]
        wait_until(lambda: resolvers(resolved) == [], "that of the task before has gone")
        # From outside, even with a route, there is nobody at the address.
        subprocess.run(["ip", "route", "add", "169.254.169.253", "via", address], check=True)
        try:
            for port in (53, 51680):
                with pytest.raises(OSError):
                    dns_wire.ask("web.example", at=("169.254.169.253", port), timeout=0.3)
                with pytest.raises(OSError):
                    socket.create_connection(("169.254.169.253", port), timeout=0.3)
        finally:
            subprocess.run(["ip", "route", "del", "169.254.169.253"], check=True)
        assert resolvers(resolved) == []
        go_on()
        running.wait_for("asked")
        (first,) = resolvers(resolved)
        status = pathlib.Path(f"/proc/{first}/status").read_text()
        assert all(f"{kind}:\t{0:016x}\n" in status for kind in ("CapPrm", "CapEff", "CapBnd", "CapInh")), status
        os.kill(first, signal.SIGKILL)
        go_on()
        assert running.wait_for("again").lines().count("Address: 10.9.8.7") == 2
        (second,) = resolvers(resolved)
        assert second != first


def test_servers_that_behave_badly(tmp_path, layouts, dnsmasq):
    """A closed port, a silent one, one that refuses, and forgeries before the truth; then none that answers."""
    def forges(question):
        number = int.from_bytes(question[:2], "big")
        yield dns_wire.reply(question, "6.6.6.6", number=number ^ 1)
        yield dns_wire.reply(question, "6.6.6.6", name="other.example")
        yield question
        yield b"\0"
        yield dns_wire.reply(question, "10.9.8.7")

    with Scripted(lambda _: []) as silent, \
            Scripted(lambda question: [dns_wire.reply(question, rcode=dns_wire.REFUSED)]) as refusing, \
            Scripted(forges) as forging:
        berth = Instance(tmp_path, {name: f"oci:{layout}:latest" for name, layout in layouts.items()})

        def answers(script, *servers):
            berth.configure({"dns": {"servers": [f"127.0.0.1:{port}" for port in servers]}})
            return ran(berth, equipped_task(equipped(python(script))))

        script = 'print(ask("web.example").data())\nfor i in range(9): ask("web.example", number=i)'
        assert answers(script, free_port(), silent.port, refusing.port, forging.port) == ["['10.9.8.7']"]
        # Ten were asked, and each may once have been kept waiting for longer than a try takes.
        for each in (silent, refusing):
            assert 1 <= len(each.asked) <= 3, "the one that answered is asked first from then on"
        assert 10 <= len(forging.asked) <= 13
        assert len({port for port, _ in forging.asked}) > 1 and len({number for _, number in forging.asked}) > 5
        # Both refuse, and the port that is closed does not even say so: at once, not after a time-out.
        # The quickest of five shows it: our resolver's patience with servers is four and a half seconds.
        refused = ('import time\ndef timed():\n begin = time.monotonic()\n rcode = ask("web.example").rcode\n'
                   " return time.monotonic() - begin, rcode\ntook, rcode = min(timed() for _ in range(5))\n"
                   f'print(rcode, ask_by_tcp([query("web.example", number=3)])[3].rcode, took < {4 * leak_census.PATIENCE})')
        assert answers(refused, refusing.port, free_port()) == ["5 2 True"]
        assert answers(refused, free_port()) == ["2 2 True"]
        before = len(silent.asked)
        assert answers('print(ask("web.example").rcode)', silent.port) == ["2"]
        assert 2 <= len(silent.asked) - before <= 5, "five tries, if none was late"
        assert answers('print(ask("web.example").data())', silent.port, dnsmasq) == ["['10.9.8.7']"]


@pytest.mark.parametrize("mode", ["awsvpc", "bridge"])
def test_where_there_is_ipv6_it_answers_at_its_ipv6_address_too(resolved, dnsmasq, tmp_path, mode):
    """By UDP and TCP, to who knows no other address; it takes no port, and no packet may leave the task."""
    dual = Instance(tmp_path, resolved.images, {"dns": {"servers": [f"127.0.0.1:{dnsmasq}"]}, "ipv6Subnet": "fd00:bd::/64",
                                                "subnet": "172.27.0.0/16", "securityGroups": {"shut": {"egress": []}}})
    script = python("""
at = {"at": RESOLVER6}
print(ask("web.example", **at).data(), ask("none.example", **at).rcode)
short, whole = ask("many.example", **at), ask("many.example", edns=4096, **at)
print(short.truncated, len(short.bytes) <= 512, len(whole.data()))
told = ask_by_tcp([query("many.example", number=1), query("web.example", number=2)], **at)
print(len(told[1].data()), told[2].data())
for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET6, kind) as own:
        # As every server: a connection that the resolver was the first to close is remembered for a minute.
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
        own.bind(("::", 53))
print(ask("web.example").data())""")
    libraries = ("grep nameserver /etc/resolv.conf; echo nameserver fd00:ec2::253 >/etc/resolv.conf; "
                 "/usr/bin/getent ahosts web.example | busybox head -n 1 | busybox cut -d\" \" -f1; busybox nslookup web.example | grep -c 10.9.8.7")
    definition = equipped_task(equipped(script + "\n" + libraries), networkMode=mode)
    lines = ran(dual, definition, *(("--security-group", "shut") if mode == "awsvpc" else ()))
    assert lines == ["['10.9.8.7'] 3", "True True 60", "60 ['10.9.8.7']", "['10.9.8.7']",
                     "nameserver 169.254.169.253", "nameserver fd00:ec2::253", "10.9.8.7", "1"]
    explained = dual.berth("explain", dual.write(task(sh("true"))))
    assert "the same at fd00:ec2::253/128" in explained.out, explained
    assert dual.berth("system", "sweep").code == 0
    leak_census.wait_for_sweepers(dual.name, (dual.state, dual.root))
    assert leak_census.processes(dual.name, [dual.root, dual.state]) == {}


def test_tasks_are_found_by_name_while_they_run(resolved):
    def server(family, *containers, **fields):
        return {**task(*containers, **fields), "family": family}

    def look(*names):
        script = "".join(f'print(ask("{name}", {kind}).rcode, *ask("{name}", {kind}).data({kind}))\n'
                         for name, kind in names)
        return ran(resolved, equipped_task(equipped(python(script))))

    def detached(definition):
        outcome = resolved.berth("run", "--detach", resolved.write(definition))
        assert outcome.code == 0, outcome
        return outcome.out.strip()

    one = detached(server("Api", sh(RUNS, "web", stopTimeout=2)))
    two = detached(server("Api", sh(RUNS, "web", stopTimeout=2)))
    bridge = detached(server("pair", sh(RUNS, "a", stopTimeout=2), sh(RUNS, "b", stopTimeout=2),
                             networkMode="bridge"))
    waits = server("late", sh("echo runs; " + RUNS, "first", stopTimeout=2,
                              healthCheck={"command": ["CMD", "false"], "retries": 10, "interval": 300}),
                   sh("true", "second", dependsOn=[{"containerName": "first", "condition": "HEALTHY"}]))
    with resolved.start(waits) as late_task:
        late_task.wait_for("runs")
        both, of_one, of_two, web, none, late, origin, aaaa = look(
            ("api.berth.internal", "A"), (f"{one}.api.berth.internal", "A"), (f"{two}.API.Berth.Internal", "A"),
            ("web.api.berth.internal", "A"), ("no.berth.internal", "A"), ("late.berth.internal", "A"),
            ("berth.internal", "A"), ("api.berth.internal", "AAAA"))
        assert sorted(both.split()[1:]) == sorted([of_one.split()[1], of_two.split()[1]])
        assert sorted(web.split()[1:]) == sorted(both.split()[1:])
        assert (none, late, origin, aaaa) == ("3", "3", "0", "0"), "NXDOMAIN, not RUNNING yet, NODATA"
        first = of_one.split()[1]
        dashed, reverse = first.replace(".", "-"), ".".join(reversed(first.split(".")))
        a, b, whole, host, back, nobody = look(
            ("a.pair.berth.internal", "A"), ("b.pair.berth.internal", "A"), ("pair.berth.internal", "A"),
            (f"ip-{dashed}.us-east-1.compute.internal", "A"), (f"{reverse}.in-addr.arpa", "PTR"),
            ("250.250.29.172.in-addr.arpa", "PTR"))
        assert a == whole != b and b.startswith("0 172.29.")
        assert host == f"0 {first}"
        assert back == f"0 ip-{dashed}.us-east-1.compute.internal"
        assert nobody == "3", "an address of the subnet that nobody has is not asked about elsewhere"
        assert resolved.berth("stop", one).code == 0
        assert look(("api.berth.internal", "A"), (f"{one}.api.berth.internal", "A")) == [of_two, "3"]
    assert resolved.berth("stop", two, bridge).code == 0


def test_other_resolv_confs(resolved):
    """A container's own servers win; the host's network has the host's; who has no network has no resolver either."""
    show = "cat /etc/resolv.conf; echo end"
    own = ran(resolved, task(sh(show, dnsServers=["10.0.0.9"], dnsSearchDomains=["a.example"]), networkMode="bridge"))
    assert own[:2] == ["nameserver 10.0.0.9", "search a.example"]
    assert ran(resolved, task(sh(show), networkMode="bridge"))[0] == "nameserver 169.254.169.253"
    host = ran(resolved, task(sh(show), networkMode="host"))
    assert host[:-1] == pathlib.Path("/etc/resolv.conf").read_text().splitlines()
    script = 'try: ask("web.example")\nexcept OSError as error: print(type(error).__name__)'
    (alone,) = ran(resolved, equipped_task(equipped(python(script)), networkMode="none"))
    assert alone in ("OSError", "ConnectionRefusedError")
