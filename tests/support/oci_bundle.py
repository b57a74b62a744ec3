"""A bundle of busybox and berth-oci over it, for tests of single fields of config.json."""

import json
import os
import pathlib
import shutil
import subprocess

OCI = pathlib.Path(os.environ.get("BERTH_BIN", "build/debug/bin")).resolve() / "berth-oci"
CGROUPS = pathlib.Path("/sys/fs/cgroup")
APPLETS = "sh true false sleep cat id ls mount touch dd echo date uname readlink stat chmod mknod grep head wc env nice sed mkdir ps kill ip".split()
DIRECTORIES = "bin proc sys dev tmp vol vol2 etc run".split()


class Outcome:
    def __init__(self, finished):
        self.code, self.out, self.err = finished.returncode, finished.stdout, finished.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.out}\n{self.err}"


class Bundle:
    """`config` is edited by the test, then one of the commands is called."""

    def __init__(self, directory):
        self.directory = directory
        self.root = directory / "state"
        self.bundle = directory / "bundle"
        self.rootfs = directory / "rootfs"
        self.id = "c" + directory.name.replace("_", "-")[-40:]
        self.cgroup = "/berth-fields-" + self.id
        directory.chmod(0o755)
        self.bundle.mkdir()
        for name in DIRECTORIES:
            (self.rootfs / name).mkdir(parents=True)
        (self.rootfs / "tmp").chmod(0o1777)
        shutil.copy("/bin/busybox", self.rootfs / "bin" / "busybox")
        for name in APPLETS:
            (self.rootfs / "bin" / name).symlink_to("busybox")
        spec = self.oci("spec", "--bundle", self.bundle)
        assert spec.code == 0, spec
        self.config = json.loads((self.bundle / "config.json").read_text())
        self.config["root"] = {"path": str(self.rootfs)}
        self.config["linux"]["cgroupsPath"] = self.cgroup
        self.linux = self.config["linux"]
        self.process = self.config["process"]
        self.resources = self.linux["resources"]

    def oci(self, *arguments, stdin="", quiet=False):
        """`quiet` for a container that outlives the command: it must not hold our pipes."""
        command = [str(OCI), "--root", str(self.root), *map(str, arguments)]
        if quiet:
            with open(self.directory / "stderr", "w+") as err, open(self.directory / "stdout", "w") as out:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, timeout=120)
                err.seek(0)
                done.stdout, done.stderr = "", err.read()
                return Outcome(done)
        return Outcome(subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120))

    def write(self, *args):
        if args:
            self.process["args"] = list(args)
        (self.bundle / "config.json").write_text(json.dumps(self.config))

    def run(self, *args):
        self.write(*args)
        return self.oci("run", "-b", self.bundle, self.id)

    def shell(self, script):
        return self.run("sh", "-c", script)

    def start_in_background(self, *args):
        self.write(*args)
        outcome = self.oci("run", "-d", "-b", self.bundle, self.id, quiet=True)
        assert outcome.code == 0, outcome

    def create(self, *args):
        self.write(*args)
        return self.oci("create", "-b", self.bundle, self.id, quiet=True)

    def state(self):
        outcome = self.oci("state", self.id)
        return json.loads(outcome.out) if outcome.code == 0 else None

    def delete(self):
        return self.oci("delete", "--force", self.id)

    def group(self, controller):
        """The directory of the container's group: on v2 the one, on v1 that of the controller."""
        if (CGROUPS / "cgroup.controllers").exists():
            return CGROUPS / self.cgroup[1:]
        return CGROUPS / controller / self.cgroup[1:]

    def namespace(self, kind, **more):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != kind]
        self.linux["namespaces"].append({"type": kind, **more})

    def drop_namespace(self, kind):
        self.linux["namespaces"] = [n for n in self.linux["namespaces"] if n["type"] != kind]

    def user_namespace(self):
        self.namespace("user")
        line = [{"containerID": 0, "hostID": 300000, "size": 65536}]
        self.linux["uidMappings"] = self.linux["gidMappings"] = line

    def mount(self, destination, kind, source, *options, **more):
        self.config["mounts"].append(
            {"destination": destination, "type": kind, "source": str(source), "options": list(options), **more}
        )

    def leftovers(self):
        groups = [str(p) for top in [CGROUPS, *CGROUPS.iterdir()] if (p := top / self.cgroup[1:]).is_dir()]
        mounts = [l for l in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(self.directory) in l]
        states = list(self.root.glob("c*")) if self.root.exists() else []
        return groups + mounts + states
