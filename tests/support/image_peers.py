"""Who else unpacks images: each makes the root file system of one image visible, in directories of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import layer_tree
from engine import Engine
from file_tree import walk
from waiting import wait_until

PROBE = pathlib.Path(os.environ["BERTH_BIN"]) / "image_probe"
CONTAINERD_CONFIG = """\
version = 2
root = "{0}/root"
state = "{0}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{0}/socket"
"""


def pull(store, reference, layers="images"):
    """What berth's puller says; on success its output are the trees of the layers, bottom first."""
    return subprocess.run([PROBE, store, reference, "always"], capture_output=True, text=True, timeout=300, check=False,
                          env={**os.environ, "DOCKER_CONFIG": "/nonexistent", "LAYERS": layers})


@contextlib.contextmanager
def overlay(layers, directory):
    """The view that a container has of unpacked layers, bottom first."""
    directory = pathlib.Path(directory)
    names = []
    with contextlib.ExitStack() as trees:
        for number, layer in enumerate(layers):  # by short names: all of them must fit into a page
            (directory / f"{number}").symlink_to(trees.enter_context(layer_tree.opened(layer)))
            names.insert(0, f"{number}")
        (directory / "none").mkdir()  # two at least are wanted where there is no upper one
        (directory / "merged").mkdir()
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"ro,lowerdir={':'.join([*names, 'none'])}", "merged"],
                       cwd=directory, check=True)
        try:
            yield directory / "merged"
        finally:
            subprocess.run(["umount", "merged"], cwd=directory, check=True)


# All of them: trees(layout, tags) gives what each of the images looks like: {tag: a tree as of file_tree.walk, or None
# where it was refused}. close() removes everything.


class Berth:
    def __init__(self, layers="images"):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="berth-", dir="/tmp"))
        self.kind = layers

    def trees(self, layout, tags):
        return {tag: self.tree(layout, tag) for tag in tags}

    def layers(self, layout, tag):
        """Their images or directories, bottom first; None when the image is refused."""
        done = pull(self.directory / "store", layout.reference(tag), self.kind)
        assert done.returncode in (0, 1), done
        return done.stdout.split() if done.returncode == 0 else None

    def tree(self, layout, tag):
        layers = self.layers(layout, tag)
        if layers is None:
            return None
        view = self.directory / tag
        view.mkdir()
        with overlay(layers, view) as merged:
            return walk(merged)

    def close(self):
        shutil.rmtree(self.directory)


class Umoci:
    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="umoci-", dir="/tmp"))

    def trees(self, layout, tags):
        return {tag: self.tree(layout, tag) for tag in tags}

    def tree(self, layout, tag):
        bundle = self.directory / tag
        done = subprocess.run(["umoci", "unpack", "--image", f"{layout.directory}:{tag}", bundle], capture_output=True,
                              check=False)
        return walk(bundle / "rootfs") if done.returncode == 0 else None

    def close(self):
        shutil.rmtree(self.directory)


class Podman(Engine):
    def __init__(self):
        super().__init__("podman", "podman")

    def words(self):
        return ["podman", "--root", self.directory / "root", "--runroot", self.directory / "run",
                "--tmpdir", self.directory / "tmp", "--storage-driver", "overlay"]

    def trees(self, layout, tags):
        # All at once: most of what a command takes is its start. Those that cannot be pulled are missing afterwards.
        self("pull", "--quiet", *(layout.reference(tag) for tag in tags), timeout=300)
        self.good("image", "mount", "--all")
        mounted = json.loads(self.good("image", "mount", "--format", "json"))
        roots = {"sha256:" + each["id"]: each["mountpoint"] for each in mounted}
        found = {tag: walk(roots[image]) if (image := layout.image_id(tag)) in roots else None for tag in tags}
        self.good("image", "unmount", "--all")
        return found

    def close(self):
        self("image", "unmount", "--all")
        subprocess.run(["umount", self.directory / "root/overlay"], stderr=subprocess.DEVNULL, check=False)
        super().close()


class Containerd(Engine):
    """Debian's, with a root and a socket of its own; its overlayfs snapshotter."""

    def __init__(self):
        super().__init__("containerd", "ctr")
        config = self.directory / "config.toml"
        config.write_text(CONTAINERD_CONFIG.format(self.directory))
        self._log = (self.directory / "log").open("w")
        self._daemon = subprocess.Popen(["containerd", "--config", config], stdout=self._log, stderr=subprocess.STDOUT,
                                        env=self.environment, cwd=self.directory)
        wait_until(lambda: self("version").code == 0, "containerd's answer")

    def words(self):
        return ["ctr", "--address", self.directory / "socket"]

    def trees(self, layout, tags):
        return {tag: self.tree(layout, tag) for tag in tags}

    def tree(self, layout, tag):
        merged = self.directory / "merged"
        merged.mkdir(exist_ok=True)
        if self("images", "import", "--base-name", "test/image", layout.archive(tag)).code != 0:
            return None
        self.good("images", "mount", f"test/image:{tag}", merged)
        try:
            return walk(merged)
        finally:
            self.good("images", "unmount", "--rm", merged)

    def close(self):
        self._daemon.send_signal(signal.SIGTERM)
        self._daemon.wait()
        self._log.close()
        super().close()
