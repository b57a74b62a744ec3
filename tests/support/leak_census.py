"""What one instance of berth has made of this machine: equal before and after a test, or something leaked.

Only what carries the instance's name or directories is counted, so that other instances may run beside.
Links, nft tables and addresses are those of the current network namespace: run tests in one of their own
(tests/support/in_network_namespace).
"""

import os
import pathlib
import socket
import subprocess
import time

CGROUP_ROOT = pathlib.Path("/sys/fs/cgroup")
IN_GUEST = "BERTH_GUEST" in os.environ
PATIENCE = 10 if IN_GUEST else 1  # emulated: everything takes so much longer
SETTLE_SECONDS = 30 * PATIENCE  # the kernel dismantles network namespaces behind our back, on a busy host late


def instance_of(run):
    """As agent::instance_of(): the name that everything global of the instance carries."""
    if str(run) == "/run/berth":
        return "default"
    value = 2166136261
    for byte in str(run).encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return f"i{value:08x}"


def below(top):
    """(path, is a directory) of all that is there; pathlib's rglob() fails when a directory goes while it looks."""
    for directory, directories, names in os.walk(top):
        yield from ((pathlib.Path(directory, name), True) for name in directories)
        yield from ((pathlib.Path(directory, name), False) for name in names)


def cgroups(instance):
    """Directories below /berth/INSTANCE in every hierarchy, v1 or v2."""
    tops = [CGROUP_ROOT / "berth" / instance, *CGROUP_ROOT.glob(f"*/berth/{instance}")]
    return sorted(str(path) for top in tops for path, is_directory in below(top) if is_directory)


def processes(instance, directories=()):
    """pid -> command line of those in our cgroups or with one of our directories on the command line."""
    found = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            groups = (entry / "cgroup").read_text()
        except OSError:  # gone meanwhile
            continue
        program = command.split(" ", 1)[0].rsplit("/", 1)[-1]
        ours = program.startswith("berth") and any(str(directory) in command for directory in directories)
        if ours or f"/berth/{instance}/" in groups:
            found[int(entry.name)] = command
    return found


def mounts(directories):
    lines = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted(line.split()[4] for line in lines if any(str(directory) in line for directory in directories))


def loop_devices(directories):
    """Files of ours that a loop device has. The kernel shows them as the mount namespace saw them that attached them; without it,
    beneath the mount that they are on: so by the end of our directories."""
    ours = ["/".join(pathlib.Path(directory).parts[-2:]) + "/" for directory in directories]
    found = set()
    for device in pathlib.Path("/sys/block").glob("loop*"):
        try:
            file = (device / "loop" / "backing_file").read_text().strip()
        except OSError:  # without a file, or gone meanwhile
            continue
        if any(directory in file for directory in ours):
            found.add(file)
    return sorted(found)


def links():
    return sorted(name for _, name in socket.if_nameindex())


def nft_tables():
    return sorted(subprocess.check_output(["nft", "list", "tables"], text=True).splitlines())


def files(run, root):
    """Task directories, sockets, leases, half pulls; images, layers, compiled seccomp filters, the last port and the given addresses are meant to stay."""
    tops = [pathlib.Path(run) / "tasks", pathlib.Path(run) / "oci", pathlib.Path(run) / "names",
            *(pathlib.Path(root) / name for name in ("tasks", "leases", "tmp"))]
    return sorted(str(path) for top in tops for path, _ in below(top)
                  if ".seccomp" not in path.parts and path.name not in (".lock", ".last-port", ".given"))


def wait_for_sweepers(instance, directories):
    """`berth run` leaves the removal of its bridge to a `berth system sweep` that outlives it for a moment."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        if not any(" system sweep" in command for command in processes(instance, directories).values()):
            return
        time.sleep(0.02)


def take(run, root):
    instance = instance_of(run)
    wait_for_sweepers(instance, (run, root))
    return {
        "cgroups": cgroups(instance),
        "processes": sorted(processes(instance, (run, root)).values()),
        "mounts": mounts((run, root)),
        "loop devices": loop_devices((run, root)),
        "links": links(),
        "nft tables": nft_tables(),
        "files": files(run, root),
    }


def assert_equal(before, run, root):
    deadline = time.monotonic() + SETTLE_SECONDS
    while (now := take(run, root)) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    left = {kind: [item for item in now[kind] if item not in before[kind]] for kind in now}
    left = {kind: items for kind, items in left.items() if items}
    gone = {kind: [item for item in before[kind] if item not in now[kind]] for kind in now}
    gone = {kind: items for kind, items in gone.items() if items}
    assert not left, f"left behind: {left}"
    assert not gone, f"removed although not the test's: {gone}"
