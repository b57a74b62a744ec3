"""podman as the other side of a comparison: its own directories, the limits that berth gives, nothing left behind."""

import os
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CGROUP_PARENT = "/berth-bench-podman"
LIMITS = ["--cgroup-parent", CGROUP_PARENT, "--cpus", "1", "--memory", "128m",
          "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"]


def enter_network_namespace():
    """The whole program, from its beginning, in one of its own."""
    if "BERTH_BENCH_INSIDE" not in os.environ:
        wrapper = str(PROJECT / "tests/support/in_network_namespace")
        environment = {**os.environ, "BERTH_BENCH_INSIDE": "1"}
        os.execvpe(wrapper, [wrapper, sys.executable, *sys.argv], environment)


def ensure_image():
    subprocess.run([PROJECT / "tools/images/ensure", PROJECT / "build/images", "busybox"], check=True)


def command(directory):
    """podman, without a subcommand."""
    return ["podman", "--root", directory / "podman", "--runroot", directory / "podman-run",
            "--cgroup-manager", "cgroupfs", "--runtime", "runc"]


def pull(podman):
    source = f"oci:{PROJECT}/build/images/busybox:latest"
    return subprocess.check_output([*podman, "pull", "-q", source], text=True).split()[-1]


def remove_cgroups():
    """podman leaves the parent that it was told, and conmon's beside the containers'."""
    root = pathlib.Path("/sys/fs/cgroup")
    for top in [*root.glob(f"*{CGROUP_PARENT}"), *root.glob(CGROUP_PARENT[1:])]:
        for path in sorted([top, *(child for child in top.rglob("*") if child.is_dir())], reverse=True):
            path.rmdir()
