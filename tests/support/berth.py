"""Drives the `berth` program as a user does; what it did is then asked of the kernel."""

import dataclasses
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

import leak_census
from leak_census import IN_GUEST, PATIENCE  # noqa: F401

PROJECT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("BERTH_BIN", PROJECT / "build" / "debug" / "bin"))


def sh(script, name="main", **fields):
    """A container definition that runs a busybox shell script."""
    return {"name": name, "image": "busybox", "memory": 64, "command": ["sh", "-c", script], **fields}


def task(*containers, **fields):
    return {"family": "test", "networkMode": "awsvpc", "containerDefinitions": list(containers), **fields}


def log_processes(shim):
    """Children of a supervisor that write logs."""
    children = pathlib.Path(f"/proc/{shim}/task/{shim}/children").read_text().split()
    return [int(pid) for pid in children if pathlib.Path(f"/proc/{pid}/comm").read_text() == "berth-log\n"]


@dataclasses.dataclass
class Outcome:
    code: int
    out: str
    err: str

    def lines(self, name="main"):
        """What the container printed, without the prefix."""
        found = [re.match(rf"{re.escape(name)} *\| ?(.*)", line) for line in self.out.splitlines()]
        return [match.group(1) for match in found if match]

    def __str__(self):
        return f"exit code {self.code}\n--- stdout\n{self.out}--- stderr\n{self.err}"


class Running:
    """A `berth run` in the foreground of nobody; leaving the context ends it, kindly at first."""

    def __init__(self, instance, arguments):
        self._instance = instance
        self._out, self._err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=self._out, stderr=self._err,
                                        env=instance.environment, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.interrupt()
            time.sleep(0.05)
            self.interrupt()
            self.wait()

    def interrupt(self):
        """Ctrl-C as a terminal does it: to the whole process group, which must not be more than berth."""
        os.killpg(self.process.pid, signal.SIGINT)

    def wait(self, timeout=60):
        self.process.wait(timeout * PATIENCE)
        return self._outcome()

    def wait_for(self, text, timeout=20):
        """Waits until a line of the output is or ends with `text`; returns the output so far."""
        deadline = time.monotonic() + timeout * PATIENCE
        while time.monotonic() < deadline:
            outcome = self._outcome()
            if re.search(rf"{text}$", outcome.out, re.MULTILINE):
                return outcome
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise AssertionError(f"never saw {text!r}: {self._outcome()}")

    def pids(self, container="main"):
        """The container's processes as the host sees them, the oldest first."""
        wanted = re.compile(rf"/berth/{self._instance.name}/[0-9a-f]+/{container}$", re.MULTILINE)
        found = []
        for pid in leak_census.processes(self._instance.name):
            try:
                if wanted.search(pathlib.Path(f"/proc/{pid}/cgroup").read_text()):
                    found.append(pid)
            except OSError:
                continue
        return sorted(found)

    def _outcome(self):
        texts = []
        for stream in (self._out, self._err):
            stream.seek(0)
            texts.append(stream.read())
        return Outcome(self.process.returncode, *texts)


class Instance:
    """One berth with directories of its own. `images` maps short names to references."""

    def __init__(self, directory, images, config=None):
        directory = pathlib.Path(directory)
        self.root, self.state = directory / "root", directory / "run"
        self.name = leak_census.instance_of(self.state)
        self.images = images
        self.environment = {**os.environ, "HOME": str(directory)}
        self._directory = directory
        self._count = 0
        self._config = directory / "berth.json"
        self.configure(config or {})

    def configure(self, config):
        """For what is started from then on."""
        self._config.write_text(json.dumps(config))

    def give_aws_profile(self, name, key_id, secret):
        """Keys in the home directory of whoever runs berth, and none in its environment."""
        (self._directory / ".aws").mkdir()
        (self._directory / ".aws" / "credentials").write_text(
            f"[{name}]\naws_access_key_id = {key_id}\naws_secret_access_key = {secret}\n")
        self.environment = {name: value for name, value in self.environment.items() if not name.startswith("AWS_")}

    def berth(self, *arguments, timeout=60, stdin="", **options):
        """Runs `berth ARGUMENTS` to its end."""
        done = subprocess.run(self.command(arguments), input=stdin, capture_output=True, text=True,
                              timeout=timeout * PATIENCE, env=self.environment, check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def listed(self, task_id):
        """What `berth ps` says of a detached task that runs."""
        (found,) = [each for each in json.loads(self.berth("ps", "--format", "json").out) if each["taskId"] == task_id]
        return found

    def run(self, definition, *flags, timeout=60):
        return self.berth("run", self.write(definition), *flags, timeout=timeout)

    def start(self, definition, *flags):
        return Running(self, self.command(("run", self.write(definition), *flags)))

    def write(self, definition):
        """Writes the task definition to a file, short image names replaced; a string is written as it is."""
        self._count += 1
        path = self._directory / f"task-{self._count}.json"
        if isinstance(definition, str):
            path.write_text(definition)
            return path
        for container in definition.get("containerDefinitions", []):
            container["image"] = self.images.get(container.get("image"), container.get("image"))
        path.write_text(json.dumps(definition, indent=1))
        return path

    def cgroup_files(self, controller, file):
        """`file` of the task's cgroup (not the container's), from the hierarchy that has `controller` on v1."""
        tops = [leak_census.CGROUP_ROOT / "berth", leak_census.CGROUP_ROOT / controller / "berth"]
        return [path for top in tops for path in (top / self.name).glob(f"*/{file}")]

    def command(self, arguments):
        """The whole command line of `berth ARGUMENTS`."""
        return [str(BIN / "berth"), "--config", str(self._config), "--root", str(self.root), "--run", str(self.state),
                *map(str, arguments)]
