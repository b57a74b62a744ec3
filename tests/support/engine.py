"""Other people's container engines with berth-oci as their runtime, each in directories of its own."""

import contextlib
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import time

from berth import BIN, PATIENCE, Outcome
import leak_census
from waiting import wait_until

RUNTIME = BIN / "berth-oci"


def cgroups(parent):
    """The directories of `parent` (without its leading slash) in all hierarchies, the deepest first."""
    tops = [leak_census.CGROUP_ROOT / parent, *leak_census.CGROUP_ROOT.glob(f"*/{parent}")]
    found = {path for top in tops for path, is_directory in leak_census.below(top) if is_directory}
    found |= {top for top in tops if top.is_dir()}
    return sorted(found, key=lambda path: -len(path.parts))


def remove_cgroups(parent):
    for path in cgroups(parent):
        with contextlib.suppress(FileNotFoundError):
            path.rmdir()


class Engine:
    """A command line tool; subclasses give the words that come before every command."""

    def __init__(self, prefix, name):
        # Sockets are made below it, and their paths must be short.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir="/tmp"))
        self.cgroup = f"berth-test-{self.directory.name}"
        self.program = name
        self.environment = {**os.environ, "HOME": str(self.directory)}
        self.environment.pop("NOTIFY_SOCKET", None)

    def words(self):
        return [self.program]

    def __call__(self, *arguments, stdin="", timeout=120, cwd=None):
        """Runs one command to its end."""
        done = subprocess.run([*self.words(), *map(str, arguments)], input=stdin, capture_output=True, text=True,
                              timeout=timeout * PATIENCE, env=self.environment, cwd=cwd or self.directory, check=False)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def good(self, *arguments, **options):
        """The same, which must succeed; what it printed, without the last newline."""
        outcome = self(*arguments, **options)
        assert outcome.code == 0, f"{' '.join(map(str, arguments))}: {outcome}"
        return outcome.out.rstrip("\n")

    def in_terminal(self, *arguments, columns=77, lines=33, typed=b"", timeout=120):
        """Runs one command in a terminal of its own; its exit code and everything that the terminal showed."""
        import fcntl
        import struct
        import termios
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.directory)
            os.execvpe(self.program, [*map(str, self.words()), *map(str, arguments)], self.environment)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        shown = self._converse(pid, terminal, typed, time.monotonic() + timeout * PATIENCE)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        return os.waitstatus_to_exitcode(status), shown.decode(errors="replace").replace("\r\n", "\n")

    def _converse(self, pid, terminal, typed, deadline):
        shown = b""
        while True:
            readable, _, _ = select.select([terminal], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                raise AssertionError(f"no end; the terminal shows {shown!r}")
            try:
                piece = os.read(terminal, 4096)
            except OSError:  # EIO: the last end of the other side is closed
                return shown
            if not piece:
                return shown
            shown += piece
            if typed and b"ready" in shown:
                os.write(terminal, typed)
                typed = b""

    def close(self):
        remove_cgroups(self.cgroup)
        shutil.rmtree(self.directory)


# What podman and buildah would set by default this machine may not raise.
LIMITS = ("nofile=1024:1024", "nproc=1024:1024")


class Podman(Engine):
    def __init__(self, layout):
        super().__init__("podman", "podman")
        config = self.directory / "containers.conf"
        config.write_text(f"[containers]\ndefault_ulimits = {json.dumps(LIMITS)}\n")
        self.environment["CONTAINERS_CONF"] = str(config)
        self.good("pull", "--quiet", f"oci:{layout}:latest")
        self.image = self.good("images", "--quiet")

    def words(self):
        return ["podman", "--root", self.directory / "root", "--runroot", self.directory / "run",
                "--tmpdir", self.directory / "tmp", "--cgroup-manager", "cgroupfs", "--runtime", RUNTIME]

    def arguments(self, flags, image_and_command):
        network = () if any(str(flag).startswith("--network") for flag in flags) else ("--network", "none")
        return (*network, "--cgroup-parent", f"/{self.cgroup}", *flags, self.image, *image_and_command)

    def run(self, *flags, command=("true",), **options):
        return self("run", *self.arguments(flags, command), **options)

    def start(self, *flags, command):
        """A container in the background; its id."""
        return self.good("run", "--detach", *self.arguments(flags, command))

    def inspect(self, container):
        return json.loads(self.good("inspect", container))[0]

    def states(self):
        """Ids of the containers that berth-oci still knows about."""
        return [path.name for path in (self.directory / "state").glob("*")]

    def close(self):
        self("rm", "--force", "--all", "--time", "0")
        self("volume", "rm", "--force", "--all")
        wait_until(lambda: not self._conmons(), "conmon's end")
        subprocess.run(["umount", self.directory / "root/overlay"], stderr=subprocess.DEVNULL, check=False)
        super().close()

    def _conmons(self):
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_text(errors="replace")
            except OSError:
                continue
            if "conmon" in command.split("\0", 1)[0] and str(self.directory) in command:
                found.append(entry.name)
        return found
