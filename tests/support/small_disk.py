"""A file system of its own, with little room, at a directory."""

import contextlib
import os
import pathlib
import subprocess


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
        subprocess.run(["umount", directory], check=True)
        image.unlink()
