"""A new ext4 for each sample: what earlier ones left in the file system does not count.

(ext4 looks at each create whether inodes were deleted lately, one by one: after the removal of a store of 35,000 files
every tool unpacks several times slower for minutes.)
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

SIZE = 8 << 30  # sparse
MEMORY = pathlib.Path("/dev/shm")


def end_by_exception():
    """SIGTERM ends the program as Ctrl-C does: whoever has mounted something undoes it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def place():
    """Where the file behind it lies: BERTH_BENCH_DIR; memory if there is enough; the directory of temporary files."""
    if "BERTH_BENCH_DIR" in os.environ:
        return pathlib.Path(os.environ["BERTH_BENCH_DIR"])
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= SIZE
    return MEMORY if has_room else pathlib.Path(tempfile.gettempdir())


def unmount_all(directory):
    """It and what was mounted beneath, the last one first."""
    mounted = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for each in reversed(mounted):
        if pathlib.Path(each).is_relative_to(directory):
            subprocess.run(["umount", each], check=True)


def written_mebibytes(directory):
    """What the disk beneath has been given to write since it was set up."""
    device = os.stat(directory).st_dev
    sectors = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()[6]
    return int(sectors) * 512 / (1 << 20)


def used_mebibytes(directory):
    status = os.statvfs(directory)
    return (status.f_blocks - status.f_bfree) * status.f_frsize / (1 << 20)


@contextlib.contextmanager
def mounted():
    """Its directory; all of it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="berth-bench-") as directory, \
         tempfile.NamedTemporaryFile(prefix="berth-bench-", dir=place()) as image:
        image.truncate(SIZE)
        # Nothing of it is left for the kernel to write while we measure.
        subprocess.run(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", image.name], check=True)
        try:
            subprocess.run(["mount", "-o", "loop", image.name, directory], check=True)
            yield pathlib.Path(directory)
        finally:
            unmount_all(directory)
