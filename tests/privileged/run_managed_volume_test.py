"""Volumes that are configured at launch: where Amazon has EBS, a file system of the size in a file."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

from berth import sh, task
from run_ephemeral_storage_test import assert_no_loop_device, loop_files

HOLD = "while :; do usleep 50000; done"
DATA = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
VOLUME = {"volumes": [{"name": "data", "configuredAtLaunch": True}]}
ROLE = "arn:aws:iam::123456789012:role/ebs"


@pytest.fixture
def configured(tmp_path):
    """The flags for a volume of 1 GiB with these members."""
    def flags(**managed):
        file = tmp_path / "volumes.json"
        managed = {"roleArn": ROLE, "sizeInGiB": 1, **managed}
        file.write_text(json.dumps([{"name": "data", "managedEBSVolume": managed}]))
        return "--volume-configurations", file
    return flags


@pytest.mark.parametrize("kind, mounted", [(None, "xfs"), ("ext4", "ext4"), ("ext3", "ext4")])
def test_it_is_a_file_system_of_its_size(berth, configured, kind, mounted):
    script = ("grep ' /data ' /proc/mounts | cut -d' ' -f3; stat -c '%u %g' /data; "
              "fallocate -l 1100m /data/whole 2>&1 | sed 's/.*: //'; rm -f /data/whole; "
              "fallocate -l 700m /data/most && echo taken; dd if=/dev/zero of=/data/more bs=1M count=400 2>&1 | "
              "grep -o 'No space left on device'")
    outcome = berth.run(task(sh(script, **DATA), **VOLUME), *configured(**({"filesystemType": kind} if kind else {})))
    assert outcome.lines() == [mounted, "0 0", "No space left on device", "taken", "No space left on device"], outcome
    assert_no_loop_device(berth)
    assert berth.berth("volume", "ls", "--quiet").out == ""


def test_one_that_is_kept_is_a_named_volume_with_what_was_written(berth, configured, tmp_path):
    tags = [{"resourceType": "volume", "tags": [{"key": "team", "value": "blue"}]}]
    outcome = berth.run(task(sh("echo written >/data/file", **DATA), **VOLUME),
                        *configured(terminationPolicy={"deleteOnTermination": False}, tagSpecifications=tags))
    assert outcome.code == 0, outcome
    (name,) = berth.berth("volume", "ls", "--quiet").out.split()
    assert name.startswith("vol-0")
    (shown,) = json.loads(berth.berth("volume", "inspect", name).out)
    assert (shown["FileSystem"], shown["SizeInGiB"], shown["InUse"], shown["Labels"]["team"]) == ("xfs", 1, False, "blue")
    assert name in berth.berth("system", "df", "--verbose").out
    there = tmp_path / "there"
    there.mkdir()
    subprocess.run(["mount", "-o", "loop,ro", shown["Mountpoint"], there], check=True)
    try:
        assert (there / "file").read_text() == "written\n"
    finally:
        subprocess.run(["umount", there], check=True)
    assert berth.berth("volume", "prune").out.split() == [name]
    assert_no_loop_device(berth)


def test_it_goes_with_its_supervisor(berth, configured, detached):
    """Killed, it unmounts nothing: its mount namespace does, and with it goes the loop device."""
    task_id = detached(task(sh(HOLD, **DATA), **VOLUME), *configured())
    (image,) = [file for file in loop_files() if task_id in file]
    assert pathlib.Path(image).stat().st_mode & 0o777 == 0o600
    os.kill(berth.listed(task_id)["supervisorPid"], signal.SIGKILL)
    assert_no_loop_device(berth)


def test_one_that_nobody_configures_is_told(berth, configured):
    outcome = berth.run(task(sh("true", **DATA), **VOLUME))
    assert outcome.code == 125 and "The volume 'data' in your Task Definition is configured at launch" in outcome.err
    outcome = berth.run(task(sh("true")), *configured())
    assert "no matching configuredAtLaunch volume found in task definition" in outcome.err


def test_explain_shows_who_makes_it(berth, configured):
    shown = berth.berth("explain", *configured(), berth.write(task(sh("true", **DATA), **VOLUME)))
    assert shown.code == 0, shown
    for word in ("mkfs.xfs -q -f -K", "LOOP_CONFIGURE", "fsopen(xfs)", "mount -t xfs -o loop,discard"):
        assert word in shown.out, shown
