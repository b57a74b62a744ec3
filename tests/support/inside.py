"""What a program inside a container of a task sees: its environment, and the network that it is in."""

import json
import pathlib
import subprocess

ASK = """
import http.client, json, sys
address, path, method, body = sys.argv[1:5]
connection = http.client.HTTPConnection(*address.split(":"), timeout=20)
connection.request(method, path, body or None)
answer = connection.getresponse()
print(json.dumps([answer.status, dict(answer.getheaders()), answer.read().decode()]))
"""


class Inside:
    def __init__(self, pid):
        self.pid = pid
        lines = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        self.environment = dict(line.decode().split("=", 1) for line in lines if line)

    def run(self, *command, **options):
        """A program of the host in the container's network, with nothing but the container's environment."""
        environment = {**self.environment, "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
        return subprocess.run(["nsenter", f"--net=/proc/{self.pid}/ns/net", *command], env=environment,
                              capture_output=True, text=True, check=False, **options)

    def ask(self, url, method="GET", body=""):
        """(status, headers, text) of a request to http://ADDRESS/PATH."""
        address, _, path = url.removeprefix("http://").partition("/")
        done = self.run("/usr/bin/python3", "-c", ASK, address, "/" + path, method, body)
        assert done.returncode == 0, done.stderr
        return tuple(json.loads(done.stdout))

    def json(self, url):
        status, headers, text = self.ask(url)
        assert status == 200, (status, text)
        assert headers["Content-Type"] == "application/json"
        return json.loads(text)

    @property
    def v4(self):
        return self.environment["ECS_CONTAINER_METADATA_URI_V4"]

    def task(self):
        return self.json(self.v4 + "/task")

    def container(self, name):
        (found,) = [each for each in self.task()["Containers"] if each["Name"] == name]
        return found
