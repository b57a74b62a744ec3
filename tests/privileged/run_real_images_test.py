"""`berth run` of what people run: redis and Python from Debian packages, asked by real clients."""

import os
import pathlib

from berth import task
from nginx import free_port
from waiting import fetch

IMAGES = pathlib.Path(__file__).resolve().parents[2] / "build" / "images"
REDIS, PYTHON = (f"oci:{IMAGES / name}:latest" for name in ("redis", "python"))
USER = 1000  # of the image of redis

# A web application as its first version: a page that counts its visits in redis.
APPLICATION = r"""
import http.server, os, signal, socket, sys

def ask(*words):
    with socket.create_connection((os.environ["REDIS"], 6379), 30) as server:
        server.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        return server.makefile("rb").readline().decode().strip().lstrip(":+")

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"visit {ask(b'INCR', b'visits')} of {os.environ['TITLE']}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
print("redis says", ask(b"PING"), flush=True)
http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
"""

METADATA = r"""
import json, os, urllib.request

def get(path=""):
    with urllib.request.urlopen(os.environ["ECS_CONTAINER_METADATA_URI_V4"] + path, timeout=30) as answer:
        return json.load(answer)

assert get("/stats")["memory_stats"]["usage"] > 1 << 20
print(get("/task")["Family"], get()["Name"], get()["Limits"]["Memory"])
"""

HEALTHY_CACHE = [{"containerName": "cache", "condition": "HEALTHY"}]


def cache(**fields):
    return {"name": "cache", "image": REDIS, "memory": 128,
            "healthCheck": {"command": ["CMD", "redis-cli", "ping"], "interval": 5, "retries": 10}, **fields}


def python(name, script, **fields):
    return {"name": name, "image": PYTHON, "memory": 128, "command": ["python3", "-c", script], **fields}


def test_a_web_application_counts_in_redis_and_goes_on_counting(hurried, tmp_path):
    """Two containers with a link, a client that comes to a port of the host, and data that outlive the task in a volume."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    os.chown(data, USER, USER)
    port = free_port()
    environment = [{"name": "TITLE", "value": "berth"}, {"name": "REDIS", "value": "cache"}]
    seen = []
    for _ in range(2):
        server = cache(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}],
                       command=["redis-server", "--protected-mode", "no"])
        web = python("web", APPLICATION, environment=environment, links=["cache"], dependsOn=HEALTHY_CACHE,
                     portMappings=[{"containerPort": 8000, "hostPort": port}])
        volumes = [{"name": "data", "host": {"sourcePath": str(data)}}]
        with hurried.start(task(server, web, networkMode="bridge", volumes=volumes)) as running:
            running.wait_for("redis says PONG")
            seen += [fetch(f"http://127.0.0.1:{port}/") for _ in range(2)]
            running.interrupt()
            outcome = running.wait()
        assert outcome.code == 0, outcome
        assert any("DB saved on disk" in line for line in outcome.lines("cache")), outcome
    assert seen == [f"visit {number} of berth\n" for number in (1, 2, 3, 4)]
    assert (data / "dump.rdb").stat().st_uid == USER


def test_redis_cli_asks_redis_over_the_loopback_of_the_task(hurried):
    script = "redis-cli set answer 41; redis-cli incr answer; redis-cli --raw config get dir; redis-cli info persistence"
    client = {"name": "client", "image": REDIS, "memory": 64, "command": ["sh", "-c", script], "dependsOn": HEALTHY_CACHE}
    outcome = hurried.run(task(cache(), client))
    assert outcome.code == 0, outcome
    lines = [line.strip() for line in outcome.lines("client")]
    assert lines[:4] == ["OK", "42", "dir", "/data"] and "rdb_last_bgsave_status:ok" in lines, outcome


def test_python_reads_the_metadata_of_its_task(hurried):
    outcome = hurried.run(task(python("main", METADATA), family="metadata"))
    assert outcome.code == 0, outcome
    assert outcome.lines() == ["metadata main 128"], outcome


def test_a_program_of_python_that_takes_too_much_is_killed_for_it(hurried):
    script = "print('begins', flush=True); taken = b'x' * (512 << 20); print(len(taken))"
    outcome = hurried.run(task(python("main", script)))
    assert outcome.code == 137, outcome
    assert outcome.lines() == ["begins"] and "OutOfMemoryError: Container killed due to memory usage" in outcome.err, outcome
