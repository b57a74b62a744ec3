"""Drives `berth-oci` as an engine does, on a root file system of busybox and with a state root of its own."""

import copy
import json
import os
import pathlib
import shutil
import subprocess

from berth import BIN, PATIENCE
from waiting import wait_until

OCI = BIN / "berth-oci"
CGROUP_ROOT = pathlib.Path("/sys/fs/cgroup")
FIRST_ID = 300000  # of the user namespaces that tests ask for


class Oci:
    """State root and bundles below `directory`; cgroups are /berth-test-NAME-CONTAINER."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.chmod(0o755)
        self.cgroup = f"/berth-test-{self.directory.parent.name}-{self.directory.name}"
        self.state = self.directory / "state"
        self._made = set()

    def bundle(self, name, args, *, user_namespace=False, change=None):
        """Writes the bundle NAME with a root file system and the default configuration, which `change` may change."""
        bundle = self.directory / name
        rootfs = bundle / "rootfs"
        if not rootfs.exists():
            for path in ("bin", "dev", "etc", "proc", "sys", "tmp", "vol"):
                (rootfs / path).mkdir(parents=True, exist_ok=True)
            (rootfs / "tmp").chmod(0o1777)
            shutil.copy("/bin/busybox", rootfs / "bin" / "busybox")
            for applet in ("sh", "sleep", "cat", "ls", "true", "mount", "mkdir", "readlink", "mknod", "id"):
                (rootfs / "bin" / applet).symlink_to("busybox")
            if user_namespace:
                for path in (rootfs, *rootfs.rglob("*")):
                    os.chown(path, FIRST_ID, FIRST_ID, follow_symlinks=False)
        config = copy.deepcopy(self.default())
        config["root"] = {"path": "rootfs"}
        config["process"]["args"] = args
        config["linux"]["cgroupsPath"] = f"{self.cgroup}-{name}"
        if user_namespace:
            config["linux"]["namespaces"].append({"type": "user"})
            ids = [{"containerID": 0, "hostID": FIRST_ID, "size": 65536}]
            config["linux"].update(uidMappings=ids, gidMappings=ids)
        if change:
            change(config)
        (bundle / "config.json").write_text(json.dumps(config))
        return bundle

    def default(self):
        directory = self.directory / "default"
        if not directory.exists():
            directory.mkdir()
            subprocess.run([OCI, "spec", "--bundle", directory], check=True)
        return json.loads((directory / "config.json").read_text())

    def __call__(self, *arguments, timeout=60, **options):
        """Runs berth-oci to its end, output caught."""
        self._note(arguments)
        return subprocess.run(self._command(arguments), capture_output=True, text=True, timeout=timeout * PATIENCE,
                              check=False, stdin=subprocess.DEVNULL, **options)

    def quiet(self, *arguments, **options):
        """For commands whose container outlives them and would hold our pipes; what went wrong is in the log."""
        log = self.directory / "oci.log"
        log.unlink(missing_ok=True)
        self._note(arguments)
        done = subprocess.run(self._command(("--log", log, *arguments)), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=60 * PATIENCE, check=False, **options)
        return done.returncode, log.read_text() if log.exists() else ""

    def run(self, name, args, pass_fds=(), **options):
        """A container of the same name as its bundle, in the foreground."""
        return self("run", "--bundle", self.bundle(name, args, **options), name, pass_fds=pass_fds)

    def start(self, name, args, **options):
        """The same, detached; returns the pid of its init."""
        code, log = self.quiet("run", "--detach", "--bundle", self.bundle(name, args, **options), name)
        assert code == 0, log
        return self.pid(name)

    def pid(self, name):
        return json.loads(self("state", name).stdout)["pid"]

    def status(self, name):
        done = self("state", name)
        return json.loads(done.stdout)["status"] if done.returncode == 0 else None

    def stopped(self, name):
        """Waits until it is; what is killed does not die at once."""
        return wait_until(lambda: self.status(name) == "stopped", f"{name} stops")

    def delete(self, name):
        return self("delete", "--force", name)

    def close(self):
        """Deletes every container; what is left then is a bug."""
        for name in sorted(self._made):
            self.delete(name)
        wait_until(lambda: not self.left(), f"nothing is left: {self.left()}")

    def left(self):
        """What there is of any container: files of the state, cgroups, mounts, processes."""
        state = [path for path in (self.state.iterdir() if self.state.exists() else ()) if path.name != ".seccomp"]
        groups = [path for pattern in ("", "*/") for path in CGROUP_ROOT.glob(f"{pattern}{self.cgroup[1:]}-*")]
        mounts = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(self.directory) in line]
        return state + groups + mounts + self._processes()

    def _processes(self):
        """Ours, and the processes that they cloned, by the state root on their command line. The dead have none."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:  # gone meanwhile
                continue
            if str(self.state).encode() in command:
                found.append((entry.name, command))
        return found

    def _note(self, arguments):
        if arguments and arguments[0] in ("create", "run"):
            self._made.add(arguments[-1])

    def _command(self, arguments):
        return [str(OCI), "--root", str(self.state), *map(str, arguments)]
