"""What a large layer takes: no more memory than others, none for what a compressor looked back to, and no long wait for the
disk at its end."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tarfile

import pytest

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS / "support"), str(TESTS / "bench")]
import leak_census  # noqa: E402
import pull_images  # noqa: E402
from waiting import wait_until  # noqa: E402

PROBE = os.environ["BERTH_BIN"] + "/image_probe"
MEBIBYTES_MAX = 64
SYNC_EVERY, LAST_SYNC = 64 << 20, 4 << 20  # compressed bytes; kEarlySyncBytes, kLastSyncBytes of image/commit_queue.h
FAR = {"gzip": 20 << 20, "window": 80 << 20}  # how far back the content repeats itself


def add_repeated(tar, half):
    """One file whose second half repeats the first: a window of 128 MiB finds 80 of them again."""
    entry = tarfile.TarInfo("large")
    entry.size = 2 * half

    def parts():
        for _ in range(2):
            chance = random.Random(1)
            for _ in range(half >> 20):
                yield chance.randbytes(1 << 20)

    tar.addfile(entry, pull_images.Parts(parts()))


def add_empty(tar, directories, files):
    """Long names, for they are what is held of them."""
    for directory in range(directories):
        for file in range(files):
            tar.addfile(tarfile.TarInfo(f"directory-{directory:06}/a-file-that-has-nothing-in-it-{file:06}"))


LAYERS = {
    "gzip": ("gzip", lambda tar: add_repeated(tar, FAR["gzip"])),
    "window": ("window", lambda tar: add_repeated(tar, FAR["window"])),
    "many files": ("zstd", lambda tar: add_empty(tar, 200, 1000)),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_large_layer(tmp_path, kind):
    layout, store = tmp_path / "layout", tmp_path / "store"
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)
    layer = pull_images.write_layer(blobs, *LAYERS[kind])
    pull_images.write_layout(layout, [layer])
    before = leak_census.take(tmp_path / "run", store)
    # By another small process: what this one has in memory would count for its child.
    command = ["/usr/bin/time", "-f", "%M", PROBE, store, f"oci:{layout}:latest", "always"]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=True)
    assert int(done.stderr.split()[-1]) / 1024 < MEBIBYTES_MAX
    leak_census.assert_equal(before, tmp_path / "run", store)


def test_what_comes_goes_to_the_disk_before_the_layer_is_whole(tmp_path):
    layout, store = tmp_path / "layout", tmp_path / "store"
    blobs = layout / "blobs/sha256"
    blobs.mkdir(parents=True)
    layer = pull_images.write_layer(blobs, "zstd", lambda tar: pull_images.add_single(tar, 256 << 20))
    pull_images.write_layout(layout, [layer])
    halves = (SYNC_EVERY // LAST_SYNC).bit_length()  # towards the end, one each
    syncs_max = 1 + layer[0]["size"] // SYNC_EVERY + halves
    assert syncs_max == 3 + 5

    def is_synced_early():
        """Who syncs may get no processor until the layer is there: then there is one sync for all."""
        done = subprocess.run([PROBE, store, f"oci:{layout}:latest", "always"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, env={**os.environ, "BERTH_TRACE": "1"}, check=True)
        shutil.rmtree(store)
        syncs = done.stderr.count("berth: trace: syncfs")
        assert 1 <= syncs <= syncs_max
        return syncs > 1

    wait_until(is_synced_early, "it is synced while it comes")
