"""containerd as the other side of a comparison: a daemon of its own, its directories, `ctr`."""

import pathlib
import subprocess
import sys
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 60


class Containerd:
    """Runs between start() and stop()."""

    def __init__(self, directory):
        self._directory = pathlib.Path(directory)
        self._socket = self._directory / "c.sock"
        self.process = None

    def start(self):
        self._directory.mkdir(exist_ok=True)
        config = self._directory / "config.toml"
        config.write_text(f'version = 2\nroot = "{self._directory}/root"\nstate = "{self._directory}/state"\n'
                          'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]\n'
                          f'[grpc]\naddress = "{self._socket}"\n')
        with open(self._directory / "log", "wb") as log:
            self.process = subprocess.Popen(["containerd", "--config", config], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        deadline = time.monotonic() + PATIENCE
        while subprocess.run(self.ctr("version"), capture_output=True, check=False).returncode:
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"containerd did not start\n{(self._directory / 'log').read_text()}")
            time.sleep(0.05)

    def ctr(self, *arguments):
        return ["ctr", "--address", str(self._socket), *arguments]

    def load(self):
        """The busybox of our own images; its reference."""
        archive = self._directory / "busybox.tar"
        subprocess.run(["tar", "-C", f"{PROJECT}/build/images/busybox", "-cf", archive, "."], check=True)
        subprocess.run(self.ctr("images", "import", "--base-name", "busybox", archive), check=True, capture_output=True)
        return subprocess.check_output(self.ctr("images", "list", "-q"), text=True).split()[0]

    def containers(self):
        return subprocess.check_output(self.ctr("containers", "list", "-q"), text=True).split()

    def shims(self):
        """One for each container that `ctr run` started."""
        return [int(path.parent.name) for path in pathlib.Path("/proc").glob("[0-9]*/cmdline")
                if self._is_shim(path)]

    def _is_shim(self, cmdline):
        try:
            words = cmdline.read_bytes().split(b"\0")
        except OSError:  # gone meanwhile
            return False
        return b"containerd-shim" in words[0] and str(self._socket).encode() in b" ".join(words)

    def remove_containers(self):
        for name in self.containers():
            subprocess.run(self.ctr("tasks", "delete", "--force", name), capture_output=True, check=False)
            subprocess.run(self.ctr("containers", "delete", name), capture_output=True, check=False)

    def stop(self):
        self.process.terminate()
        self.process.wait()
