"""Drives the `berth` program as a user does; what it did is then asked of the kernel."""

import dataclasses
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
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


def proc(pid, file):
    """What /proc says of a process; nothing of one that has gone, also between the open and the read."""
    try:
        return pathlib.Path(f"/proc/{pid}/{file}").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def children(pid):
    return [int(each) for each in proc(pid, f"task/{pid}/children").split()]


def log_processes(shim):
    """Children of a supervisor that write logs."""
    return [pid for pid in children(shim) if proc(pid, "comm") == "berth-log\n"]


def supervisors(instance):
    """The berth-shims of an instance. A child of one that is about to become a program looks like it, and is none."""
    found = leak_census.processes(instance.name, (instance.state, instance.root))
    shims = [pid for pid, command in found.items() if command.split(" ", 1)[0].endswith("berth-shim")]
    return [pid for pid in shims if parent(pid) not in shims]


def parent(pid):
    fields = proc(pid, "stat").rpartition(")")[2].split()
    return int(fields[1]) if fields else None


def waits_in_a_pipe(pids):
    """Whether one of the processes waits for room, or for bytes, in a pipe."""
    return any("pipe" in proc(pid, "wchan") for pid in pids)


def catches(pid, number):
    """Whether the process has a handler for the signal: a shell that has begun may not have come to its trap yet."""
    caught = re.search(r"^SigCgt:\s*([0-9a-f]+)$", proc(pid, "status"), re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def own_number(pid):
    """Its pid in its own namespace: there numbers begin with 1, while the host's begin anew after pid_max."""
    numbers = re.search(r"^NSpid:.*?(\d+)$", proc(pid, "status"), re.MULTILINE)
    return int(numbers[1]) if numbers else sys.maxsize


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


def output_file():
    """For what a process prints while we read it. Both have one offset: it must append, wherever we have just read."""
    file = tempfile.TemporaryFile("w+")
    fcntl.fcntl(file, fcntl.F_SETFL, fcntl.fcntl(file, fcntl.F_GETFL) | os.O_APPEND)
    return file


class Running:
    """A `berth run` in the foreground of nobody; leaving the context ends it, kindly at first."""

    def __init__(self, instance, arguments):
        self._instance = instance
        self._out, self._err = output_file(), output_file()
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

    def wait(self, timeout=120):
        self.process.wait(timeout * PATIENCE)
        return self._outcome()

    def wait_for(self, text, timeout=60):
        """Waits until a line of the output is or ends with `text`; returns the output so far."""
        deadline = time.monotonic() + timeout * PATIENCE
        is_over = False
        while not is_over:
            # Asked before the look: what it printed last is seen, too.
            is_over = self.process.poll() is not None or time.monotonic() > deadline
            outcome = self._outcome()
            if re.search(rf"{text}$", outcome.out, re.MULTILINE):
                return outcome
            time.sleep(0.02)
        raise AssertionError(f"never saw {text!r}: {outcome}")

    def pids(self, container="main"):
        """The container's processes as the host sees them, the first one first."""
        wanted = re.compile(rf"/berth/{self._instance.name}/[0-9a-f]+/{container}$", re.MULTILINE)
        found = [pid for pid in leak_census.processes(self._instance.name) if wanted.search(proc(pid, "cgroup"))]
        return sorted(found, key=own_number)

    def _outcome(self):
        texts = []
        for stream in (self._out, self._err):
            stream.seek(0)
            texts.append(stream.read())
        return Outcome(self.process.returncode, *texts)


class Instance:
    """One berth with directories of its own. `images` maps short names to references. What is gone with a reboot is in `run`."""

    def __init__(self, directory, images, config=None, run=None):
        directory = pathlib.Path(directory)
        self.root, self.state = directory / "root", pathlib.Path(run or directory / "run")
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

    def berth(self, *arguments, timeout=120, stdin="", **options):
        """Runs `berth ARGUMENTS` to its end."""
        done = subprocess.run(self.command(arguments), input=stdin, capture_output=True, text=True,
                              timeout=timeout * PATIENCE, env=self.environment, check=False, **options)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def listed(self, task_id):
        """What `berth ps` says of a detached task that runs."""
        (found,) = [each for each in json.loads(self.berth("ps", "--format", "json").out) if each["taskId"] == task_id]
        return found

    def run(self, definition, *flags, timeout=120):
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
