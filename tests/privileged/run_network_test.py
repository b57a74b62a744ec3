"""`berth run`: packets that arrive, and packets that do not."""

import contextlib
import http.server
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import pytest

import waiting
from berth import BIN, PATIENCE, sh, task

SERVE = "mkdir -p /www; echo page of $(hostname) >/www/index.html; httpd -f -p {port} -h /www & echo ready; wait"
ADDRESS = "ip -4 -o addr show | awk '$2 != \"lo\" {split($4, a, \"/\"); print a[1]}'"
GATEWAY = "ip route | awk '$1 == \"default\" {print $3}'"


def server(name="web", port=80, before="", **fields):
    return sh(before + SERVE.format(port=port), name, stopTimeout=2, **fields)


def fetch(url):
    with urllib.request.urlopen(url, timeout=5 * PATIENCE) as answer:
        return answer.read().decode()


def fetch_when_up(url):
    """The server prints "ready" just before it listens."""
    return waiting.fetch(url)


@contextlib.contextmanager
def host_server():
    """An HTTP server in the host's network namespace, on all addresses; says who asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"hello {self.client_address[0]}\n".encode())

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("0.0.0.0", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield listener.server_address[1]
        finally:
            listener.shutdown()
            thread.join()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def address_of(running, name="web"):
    """The address that the container printed as its first line."""
    return running.wait_for("ready").lines(name)[0]


def test_containers_of_a_task_share_the_loopback(berth):
    client = sh("until wget -qO- http://127.0.0.1/; do usleep 50000; done", "client",
                dependsOn=[{"containerName": "web", "condition": "START"}])
    outcome = berth.run(task(server(essential=False), client))
    assert outcome.code == 0
    assert outcome.lines("client")[-1].startswith("page of")


def test_tasks_reach_each_other_and_the_host_reaches_them(berth):
    with berth.start(task(server(before=ADDRESS + "; "))) as web:
        address = address_of(web)
        assert fetch_when_up(f"http://{address}/").startswith("page of")
        outcome = berth.run(task(sh(f"{ADDRESS}; wget -qO- http://{address}/")))
        own, page = outcome.lines()
        assert own != address
        assert page.startswith("page of")


def test_two_runs_at_once_talk_to_each_other(berth, tmp_path):
    """Started at the same moment, in an instance that has no bridge yet; each is the other's server and client."""
    script = """mkdir -p /www; echo page of {me} >/www/index.html; httpd -p 80 -h /www
        {address} >/shared/{me}.new; mv /shared/{me}.new /shared/{me}
        until [ -e /shared/{other} ]; do usleep 20000; done
        wget -qO- http://$(cat /shared/{other})/; touch /shared/{me}.done
        until [ -e /shared/{other}.done ]; do usleep 20000; done"""

    def definition(me, other):
        return task(sh(script.format(me=me, other=other, address=ADDRESS),
                       mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}]),
                    volumes=[{"name": "shared", "host": {"sourcePath": str(tmp_path)}}])

    with berth.start(definition("one", "two")) as one, berth.start(definition("two", "one")) as two:
        outcomes = one.wait(), two.wait()
    assert [outcome.code for outcome in outcomes] == [0, 0], outcomes
    assert [outcome.lines() for outcome in outcomes] == [["page of two"], ["page of one"]]


def test_addresses_are_given_back(berth):
    addresses = {berth.run(task(sh(ADDRESS))).lines()[0] for _ in range(3)}
    with berth.start(task(sh(ADDRESS + "; echo ready; sleep 100", stopTimeout=2))) as running:
        addresses.add(address_of(running, "main"))
    assert all(address.startswith("172.29.") for address in addresses)


def test_task_reaches_the_host_at_its_gateway(berth):
    with host_server() as port:
        address, answer = berth.run(task(sh(f"{ADDRESS}; wget -qO- http://$({GATEWAY}):{port}/"))).lines()
    assert answer == f"hello {address}"


def test_services_of_the_hosts_loopback_are_out_of_reach(berth):
    """Even for a task that routes 127.0.0.0/8 to its gateway."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        script = f"ip addr del 127.0.0.1/8 dev lo; ip route add 127.0.0.0/8 via $({GATEWAY}); nc -w 2 127.0.0.1 {port} </dev/null 2>/dev/null; echo end"
        parameters = {"capabilities": {"add": ["NET_ADMIN"]}}
        outcome = berth.run(task(sh(script, linuxParameters=parameters)))
        assert outcome.lines()[-1] == "end", outcome
        listener.settimeout(0)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.fixture
def world():
    """A network beyond the host: a namespace at 198.51.100.2 that has no route to tasks."""
    other = subprocess.Popen(["unshare", "--net", "sleep", "1000"], stdin=subprocess.DEVNULL)
    run = subprocess.check_call
    try:
        while os.readlink(f"/proc/{other.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        run(["ip", "link", "add", "world0", "type", "veth", "peer", "name", "eth0", "netns", str(other.pid)])
        run(["ip", "addr", "add", "198.51.100.1/24", "dev", "world0"])
        run(["ip", "link", "set", "world0", "up"])
        inside = ["nsenter", "--net", "--target", str(other.pid)]
        run([*inside, "ip", "addr", "add", "198.51.100.2/24", "dev", "eth0"])
        run([*inside, "ip", "link", "set", "eth0", "up"])
        yield inside
    finally:
        subprocess.run(["ip", "link", "del", "world0"], check=False)
        other.kill()
        other.wait()


ECHO_PEER = """
import socket
listener = socket.create_server(("198.51.100.2", 8080))
print("listening", flush=True)
connection, peer = listener.accept()
connection.sendall(f"seen as {peer[0]}\\n".encode())
"""


def test_task_reaches_the_world_as_the_host(world, berth):
    """Masqueraded: the world has no route back to the task's own address."""
    with subprocess.Popen([*world, sys.executable, "-c", ECHO_PEER], stdout=subprocess.PIPE, text=True) as peer:
        try:
            assert peer.stdout.readline() == "listening\n"
            outcome = berth.run(task(sh("nc -w 60 198.51.100.2 8080 </dev/null")))
        finally:
            peer.kill()
    assert outcome.lines() == ["seen as 198.51.100.1"]


@pytest.mark.parametrize("userns", [(), ("--userns=host",)])
def test_ping_and_a_low_port_work_for_root(berth, userns):
    definition = task(sh(f"ping -c 1 -W 2 $({GATEWAY}) | grep -c 'from'; (echo | nc -l -p 81 -w 1); echo $?"))
    assert berth.run(definition, *userns).lines()[0] == "1"


def test_bridge_publishes_on_the_hosts_port(berth):
    port = free_port()
    mappings = [{"containerPort": 80, "hostPort": port, "protocol": "tcp"}]
    with berth.start(task(server(portMappings=mappings), networkMode="bridge")) as running:
        running.wait_for("ready")
        assert fetch_when_up(f"http://127.0.0.1:{port}/").startswith("page of")
    with pytest.raises(OSError):
        fetch(f"http://127.0.0.1:{port}/")


def test_bridge_port_is_reached_from_the_world(world, berth):
    port = free_port()
    mappings = [{"containerPort": 80, "hostPort": port}]
    with berth.start(task(server(portMappings=mappings), networkMode="bridge")) as running:
        running.wait_for("ready")
        curl = ["curl", "-s", "-m", "20", "--retry", "5", "--retry-connrefused", f"http://198.51.100.1:{port}/"]
        page = subprocess.check_output([*world, *curl], text=True)
        assert page.startswith("page of")


ASK_BY_UDP = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
    asker.settimeout(1)
    for _ in range(10):
        asker.sendto(b"hello", (sys.argv[1], int(sys.argv[2])))
        try:
            print(asker.recv(100).decode())
            break
        except OSError:
            continue
"""


def test_bridge_publishes_udp(world, berth, tmp_path):
    port = free_port()
    (tmp_path / "volume").mkdir()
    shutil.copy(BIN / "udp_echo", tmp_path / "volume")
    echo = {"name": "echo", "image": "busybox", "memory": 64, "stopTimeout": 2, "command": ["/volume/udp_echo", "7"],
            "mountPoints": [{"sourceVolume": "volume", "containerPath": "/volume"}],
            "portMappings": [{"containerPort": 7, "hostPort": port, "protocol": "udp"}]}
    volumes = [{"name": "volume", "host": {"sourcePath": str(tmp_path / "volume")}}]
    with berth.start(task(echo, networkMode="bridge", volumes=volumes)) as running:
        running.wait_for("ready")
        for place, address in ((world, "198.51.100.1"), ([], "127.0.0.1")):
            command = [*place, sys.executable, "-c", ASK_BY_UDP, address, str(port)]
            assert subprocess.check_output(command, text=True) == "hello\n"
        with pytest.raises(OSError):  # udp was asked for, tcp was not
            socket.create_connection(("127.0.0.1", port), timeout=1)


def test_bridge_gives_each_container_a_network_of_its_own(berth):
    definition = task(sh(f"{ADDRESS}; sleep 1", "one"), sh(f"{ADDRESS}; sleep 1", "two"), networkMode="bridge")
    outcome = berth.run(definition)
    assert outcome.lines("one") != outcome.lines("two")


def test_taken_host_port_is_refused(berth):
    mappings = [{"containerPort": 80, "hostPort": free_port()}]
    definition = task(server(portMappings=mappings), networkMode="bridge")
    with berth.start(definition) as running:
        running.wait_for("ready")
        second = berth.run(task(server(portMappings=mappings), networkMode="bridge"))
        assert second.code != 0
        assert str(mappings[0]["hostPort"]) in second.err


def test_awsvpc_publishes_nothing_on_the_host(berth):
    port = free_port()
    definition = task(server(port=port, portMappings=[{"containerPort": port}]))
    with berth.start(definition) as running:
        running.wait_for("ready")
        with pytest.raises(OSError):
            fetch(f"http://127.0.0.1:{port}/")


def test_host_mode_is_the_hosts_network(berth):
    port = free_port()
    with berth.start(task(server(port=port), networkMode="host")) as running:
        running.wait_for("ready")
        assert fetch_when_up(f"http://127.0.0.1:{port}/").startswith("page of")


def test_none_has_a_loopback_only(berth):
    outcome = berth.run(task(sh("ls /sys/class/net; nc -w 1 172.29.0.1 80 </dev/null 2>&1 >/dev/null |grep -q unreachable && echo unreachable"), networkMode="none"))
    assert outcome.lines()[0] == "lo"
    assert outcome.lines()[-1] == "unreachable"


def test_nginx_serves_its_page(berth):
    """A real server from a real image: port 80, logs on standard output and error."""
    port = free_port()
    web = {"name": "web", "image": "nginx", "memory": 128, "portMappings": [{"containerPort": 80, "hostPort": port}]}
    with berth.start(task(web, networkMode="bridge")) as running:
        running.wait_for("start worker process .*")
        assert "It works" in fetch_when_up(f"http://127.0.0.1:{port}/")
        running.wait_for('"GET / HTTP/1.1" 200 .*')


@pytest.mark.parametrize("mode", ["bridge", "host"])
def test_disable_networking_leaves_a_loopback_of_its_own(berth, mode):
    """Beside a container that has the network: the one without sees no other link and shares no namespace."""
    look = "sed -n 's/^ *\\(.*\\):.*/\\1/p' /proc/net/dev | tr '\\n' ' '; echo; readlink /proc/self/ns/net; "
    definition = task(
        sh(look + "ping -c 1 -w 2 127.0.0.1 >/dev/null && echo loopback", disableNetworking=True,
           dependsOn=[{"containerName": "online", "condition": "COMPLETE"}]),
        sh(look, "online", essential=False), networkMode=mode)
    outcome = berth.run(definition)
    assert outcome.code == 0, outcome
    links, namespace, loopback = outcome.lines()
    assert links.split() == ["lo"]
    assert loopback == "loopback"
    online_links, online_namespace = outcome.lines("online")
    assert namespace != online_namespace
    assert ("eth0" in online_links) == (mode == "bridge")
    assert (online_namespace == os.readlink("/proc/self/ns/net")) == (mode == "host")


def test_links_are_names_and_an_order(berth):
    """By alias, host name and name. The one that is linked to starts first, and the name of one is no endpoint's."""
    db = sh(ADDRESS + "; mkdir -p /www; echo page of db >/www/index.html; httpd -f -p 5432 -h /www", "db",
            essential=False, hostname="store", stopTimeout=2)
    # Nothing but the link says that it comes later.
    client = sh("cat /etc/hosts | tail -2; until wget -qO- http://database:5432/; do usleep 50000; done; "
                "for n in store db other; do wget -qO- http://$n:5432/; done", "task", links=["db:database", "db:other"])
    outcome = berth.run(task(client, db, networkMode="bridge"))
    assert outcome.code == 0, outcome
    address = outcome.lines("db")[0]
    assert outcome.lines("task")[:2] == [f"{address} database store db", f"{address} other store db"]
    assert outcome.lines("task")[2:] == ["page of db"] * 4


def test_a_port_range_is_published_port_by_port(berth):
    """Ends and middle, tcp beside udp; the numbers are those that inspect shows, and free again afterwards."""
    serve = "".join(f"mkdir -p /w{port}; echo {port} >/w{port}/index.html; httpd -p {port} -h /w{port}; "
                    for port in (8000, 8005, 8009))
    definition = task(sh(serve + "echo ready; sleep 100", stopTimeout=2,
                         portMappings=[{"containerPortRange": "8000-8009"}, {"containerPort": 53, "protocol": "udp"},
                                       {"containerPortRange": "8000-8003", "protocol": "udp"}]),
                      networkMode="bridge", family="ranged")
    with berth.start(definition) as running:
        running.wait_for("ready")
        bindings = json.loads(berth.berth("inspect", "ranged").out)[0]["networkBindings"]
        tcp, single, udp = bindings
        assert tcp["containerPortRange"] == "8000-8009" and "hostPort" not in tcp
        first, last = map(int, tcp["hostPortRange"].split("-"))
        assert last - first == 9
        assert udp["containerPortRange"] == "8000-8003" and "hostPortRange" in udp
        assert single["containerPort"] == 53 and 1024 < single["hostPort"] < 65536
        for offset in (0, 5, 9):
            assert fetch_when_up(f"http://127.0.0.1:{first + offset}/").strip() == str(8000 + offset)
        with pytest.raises(OSError):
            fetch(f"http://127.0.0.1:{first + 1}/")  # nobody listens at 8001
        shown = berth.berth("ps").out
        assert f"0.0.0.0:{first}-{last}->8000-8009/tcp" in shown


def test_a_port_range_in_awsvpc_is_the_containers_own(berth):
    outcome = berth.run(task(sh("echo fine", portMappings=[{"containerPortRange": "1-65535"}])))
    assert outcome.code == 0, outcome
