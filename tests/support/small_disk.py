"""A file system of its own, with little room, at a directory."""

import contextlib
import os
import pathlib
import subprocess

from waiting import wait_until


@contextlib.contextmanager
def small_disk(directory, megabytes):
    """A file system of its own, in memory, at the place where logs go."""
    image = pathlib.Path("/dev/shm") / f"berth-disk-{os.getpid()}.img"
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-O", "^has_journal", image], check=True)
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-o", "loop", image, directory], check=True)
    try:
        yield directory
    finally:
        # Whoever still wrote to it, or had a loop device on it, may only be going.
        wait_until(lambda: subprocess.run(["umount", directory], capture_output=True, check=False).returncode == 0,
                   f"{directory} is unmounted")
        image.unlink()
