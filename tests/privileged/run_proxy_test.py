"""proxyConfiguration: the task's TCP goes through its proxy, the proxy's own goes straight, and nothing of it is left."""

import http.server
import json
import shutil
import socket
import subprocess
import threading

import pytest

import leak_census
from berth import BIN, Instance, sh, task
from waiting import fetch

SUBNET = "fd00:be::/64"
GATEWAYS = ("172.29.0.1", "fd00:be::ac1d:1")
INGRESS, EGRESS = 15000, 15001
ADDRESSES = "ip -o addr show eth0 | awk '$3 == \"inet\" || /global/ {split($4, a, \"/\"); print a[1]}'"


@pytest.fixture(scope="module")
def mesh(tmp_path_factory, layouts):
    images = {name: f"oci:{directory}:latest" for name, directory in layouts.items()}
    instance = Instance(tmp_path_factory.mktemp("mesh"), images, {"ipv6Subnet": SUBNET})
    assert instance.run(task(sh("true"))).code == 0
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


@pytest.fixture
def volume(tmp_path):
    (tmp_path / "bin").mkdir()
    shutil.copy(BIN / "tcp_proxy", tmp_path / "bin")
    return {"name": "bin", "host": {"sourcePath": str(tmp_path / "bin")}}


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{self.server.server_port} {self.client_address[0]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@pytest.fixture
def ports():
    """Two servers of the host, at every address it has; their pages say which, and who asked."""
    servers = [Server(("::", 0), Page) for _ in range(2)]
    for each in servers:
        threading.Thread(target=each.serve_forever, daemon=True).start()
    yield [each.server_port for each in servers]
    for each in servers:
        each.shutdown()
        each.server_close()


def meshed(script, volume, properties, user="1337:1338", **fields):
    """A task with `script` as its application, and the proxy."""
    properties = {"ProxyEgressPort": EGRESS, **properties}
    envoy = {"name": "envoy", "image": "busybox", "memory": 64, "user": user, "stopTimeout": 2,
             "command": ["/proxy/tcp_proxy", str(INGRESS), str(EGRESS)],
             "mountPoints": [{"sourceVolume": "bin", "containerPath": "/proxy", "readOnly": True}]}
    app = sh(script, "app", stopTimeout=2, dependsOn=[{"containerName": "envoy", "condition": "START"}])
    return task(app, envoy, volumes=[volume], proxyConfiguration={
        "type": "APPMESH", "containerName": "envoy",
        "properties": [{"name": name, "value": str(value)} for name, value in properties.items()]}, **fields)


def ask(*urls):
    """A shell script that asks each until somebody answers: the proxy may begin to listen a moment later."""
    return "".join(f"tries=0; until wget -qO- {url} 2>/tmp/why; do tries=$((tries + 1)); "
                   f"[ $tries -lt 100 ] || {{ cat /tmp/why; exit 1; }}; usleep 50000; done; " for url in urls)


def seen(outcome):
    """What the proxy said of connections."""
    return [line for line in outcome.lines("envoy") if line != "ready"]


def host(address):
    return f"[{address}]" if ":" in address else address


@pytest.mark.parametrize("gateway", GATEWAYS)
@pytest.mark.parametrize("flags", [(), ("--userns=host",)], ids=["userns", "host-ids"])
def test_what_the_application_asks_goes_through_the_proxy_once(mesh, volume, ports, gateway, flags):
    outcome = mesh.run(meshed(ADDRESSES + "; " + ask(f"http://{host(gateway)}:{ports[0]}/"), volume, {"IgnoredUID": 1337}), *flags)
    *addresses, page = outcome.lines("app")
    assert page.split()[0] == str(ports[0]), outcome
    assert page.split()[1].removeprefix("::ffff:") in addresses
    # Once: had the proxy's own connection come back to it, it would have said so without end.
    assert seen(outcome) == [f"{EGRESS} {gateway}:{ports[0]}"], outcome


def test_a_group_is_spared_as_a_user_is(mesh, volume, ports):
    url = f"http://{GATEWAYS[0]}:{ports[0]}/"
    outcome = mesh.run(meshed(ask(url), volume, {"IgnoredGID": 1338}))
    assert seen(outcome) == [f"{EGRESS} {GATEWAYS[0]}:{ports[0]}"], outcome


def test_spared_ports_and_addresses_go_straight(mesh, volume, ports):
    script = ask(*(f"http://{host(gateway)}:{port}/" for gateway in GATEWAYS for port in ports), "$ECS_CONTAINER_METADATA_URI_V4")
    outcome = mesh.run(meshed(script + "echo; echo end", volume,
                              {"IgnoredUID": 1337, "EgressIgnoredPorts": f"22, {ports[1]}", "EgressIgnoredIPs": "10.0.0.0/8, fd00:be::ac1d:0/112"}))
    assert outcome.code == 0 and outcome.lines("app")[-1] == "end", outcome
    assert seen(outcome) == [f"{EGRESS} {GATEWAYS[0]}:{ports[0]}"], outcome


def test_what_comes_for_the_application_passes_the_proxy(mesh, volume):
    serve = "".join(f"mkdir -p /w{port}; echo page {port} >/w{port}/index.html; httpd -p '[::]:{port}' -h /w{port}; " for port in (8080, 8081, 9090))
    script = f"{ADDRESSES}; {serve} wget -qO- http://127.0.0.1:8080/; echo ready; sleep 100"
    with mesh.start(meshed(script, volume, {"IgnoredUID": 1337, "AppPorts": "8080,8081", "ProxyIngressPort": INGRESS})) as running:
        v4, v6, inside, _ = running.wait_for(r"app\s*\|.*ready").lines("app")
        assert inside == "page 8080"
        assert [fetch(f"http://{host(address)}:{port}/") for address in (v4, v6) for port in (8080, 8081, 9090)] == \
            [f"page {port}\n" for _ in (v4, v6) for port in (8080, 8081, 9090)]
        expected = [f"{INGRESS} {address}:{port}" for address in (v4, v6) for port in (8080, 8081)]
        assert seen(running.wait_for(expected[-1])) == expected
        # The rules are in the task's network alone.
        assert "berth_proxy" not in subprocess.run(["nft", "list", "tables"], capture_output=True, text=True, check=True).stdout


def test_a_proxy_that_is_not_there_is_missed(mesh, volume, ports):
    """The control: without anybody at the proxy's port nothing gets out, so it was the redirection all along."""
    script = f"wget -qO- http://{GATEWAYS[0]}:{ports[0]}/ 2>&1 || echo refused"
    outcome = mesh.run(meshed(script, volume, {"IgnoredUID": 1337, "ProxyEgressPort": 15002}))
    assert outcome.lines("app")[-1] == "refused" and seen(outcome) == [], outcome
    assert "onnection refused" in outcome.out


def test_explain_shows_the_rules(mesh, volume):
    definition = mesh.write(meshed("sleep 100", volume, {"IgnoredUID": 1337, "AppPorts": 80, "ProxyIngressPort": INGRESS}))
    text = mesh.berth("explain", definition).out
    assert f"nft table inet berth_proxy in the task: TCP to elsewhere leads to port {EGRESS}, what comes for 80 to port {INGRESS}" in text
    assert "meta skuid 1337 accept" in text and "/proxyConfiguration" in text
    started = mesh.berth("run", "--detach", definition)
    assert started.code == 0, started
    of_task = mesh.berth("explain", started.out.strip(), "--format", "json")
    stop = mesh.berth("stop", started.out.strip())
    assert stop.code == 0, stop
    assert "berth_proxy" in json.dumps(json.loads(of_task.out)), of_task


def test_a_proxy_that_the_task_does_not_have_is_refused(mesh, volume):
    definition = meshed("true", volume, {"IgnoredUID": 1337})
    definition["proxyConfiguration"]["containerName"] = "linkerd"
    definition["networkMode"] = "bridge"
    outcome = mesh.run(definition)
    assert outcome.code == 125
    assert "proxyConfiguration.containerName: Proxy container [linkerd] does not exist" in outcome.err
    assert "APPMESH proxy configuration is only supported in networkMode=awsvpc" in outcome.err
