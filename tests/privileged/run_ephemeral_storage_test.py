"""`berth run`: a task whose ephemeral storage has a size."""

import os
import pathlib
import signal

import leak_census
from berth import Instance, sh, task
from inside import Inside
from small_disk import small_disk
from waiting import wait_until

HOLD = "while :; do usleep 50000; done"
DATA = {"mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}]}
STORAGE = {"ephemeralStorage": {"sizeInGiB": 21}}
VOLUME = {"volumes": [{"name": "data"}], **STORAGE}
KIB_OF = "df -kP {} | tail -n 1 | awk '{{print $2}}'"


def loop_files():
    """What is on the loop devices of this machine."""
    found = []
    for file in pathlib.Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            found.append(file.read_text().strip())
        except OSError:  # gone meanwhile
            continue
    return found


def disks(instance):
    """The files of those that are disks of tasks, and no layers."""
    return [file for file in loop_files() if str(instance.root) in file and not file.endswith("/fs.erofs")]


def assert_no_loop_device(instance):
    wait_until(lambda: not [file for file in loop_files() if str(instance.root) in file])


def test_root_file_systems_and_volumes_have_the_size_together(berth):
    """Blocks are taken by fallocate(2), which the file system counts and the disk does not."""
    first = (f"size=$({KIB_OF.format('/')}); echo $size $({KIB_OF.format('/data')}); "
             "fallocate -l $((size + 1))k /whole 2>&1 | sed 's/.*: //'; rm -f /whole; "
             "fallocate -l $((size - 2097152))k /data/most && echo taken; touch /data/done")
    second = ("until [ -e /data/done ]; do usleep 20000; done; fallocate -l 3g /more 2>&1 | sed 's/.*: //'; rm -f /more; "
              "fallocate -l 1g /less && echo taken; "
              "rm /data/most; fallocate -l 3g /more && echo taken as well")
    definition = task(sh(first, essential=False, **DATA), sh(second, "second", **DATA), **VOLUME)
    with berth.start(definition) as running:
        outcome = running.wait()
    size, size_of_volume = map(int, outcome.lines()[0].split())
    assert 0 < size <= 21 << 20, outcome
    assert size_of_volume == size
    assert outcome.lines()[1:] == ["No space left on device", "taken"]
    assert outcome.lines("second") == ["No space left on device", "taken", "taken as well"]
    assert_no_loop_device(berth)


def test_on_fargates_terms_it_is_20_gib_unless_asked_for(berth):
    fargate = {"requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "volumes": [{"name": "data"}]}
    outcome = berth.run(task(sh(f"echo $({KIB_OF.format('/')}) $({KIB_OF.format('/data')})", **DATA), **fargate))
    assert outcome.code == 0, outcome
    size, size_of_volume = map(int, outcome.lines()[0].split())
    assert 0 < size <= 20 << 20
    assert size_of_volume == size
    assert_no_loop_device(berth)


def test_what_is_written_is_the_disks_only_as_long_as_it_is_there(berth):
    script = ("trap 'rm /data/file; sync; echo removed' USR1; "
              "dd if=/dev/zero of=/data/file bs=1M count=64 conv=fsync 2>/dev/null; echo written; " + HOLD)
    with berth.start(task(sh(script, **DATA), **VOLUME)) as running:
        running.wait_for("written")
        (image,) = disks(berth)
        taken = pathlib.Path(image).stat().st_blocks * 512
        assert taken >= 64 << 20
        assert pathlib.Path(image).stat().st_mode & 0o777 == 0o600
        os.kill(running.pids()[0], signal.SIGUSR1)
        running.wait_for("removed")
        wait_until(lambda: pathlib.Path(image).stat().st_blocks * 512 < taken - (60 << 20))
    assert_no_loop_device(berth)


def test_the_metadata_tell_use_and_size(berth):
    with berth.start(task(sh("fallocate -l 1g /data/file; echo ready; " + HOLD, **DATA), **VOLUME)) as running:
        running.wait_for("ready")
        main = Inside(running.pids()[0])
        metrics = main.json(main.environment["ECS_CONTAINER_METADATA_URI_V4"] + "/task")["EphemeralStorageMetrics"]
    assert 1024 <= metrics["Utilized"] < 1100
    assert metrics["Utilized"] < metrics["Reserved"] <= 21 << 10


def test_a_disk_with_less_room_bounds_it(tmp_path, layouts):
    instance = Instance(tmp_path, {"busybox": f"oci:{layouts['busybox']}:latest"})
    before = leak_census.take(instance.state, instance.root)
    with small_disk(instance.root / "tasks", 64):
        outcome = instance.run(task(sh(f"{KIB_OF.format('/')}; dd if=/dev/zero of=/file bs=1M count=64 2>/dev/null || echo full"),
                                    **STORAGE))
    assert int(outcome.lines()[0]) < 64 << 10, outcome
    assert outcome.lines()[-1] == "full"
    assert "the disk has less room than the task's ephemeralStorage" in outcome.err
    assert_no_loop_device(instance)
    leak_census.assert_equal(before, instance.state, instance.root)


def test_explain_shows_who_makes_it(berth):
    shown = berth.berth("explain", berth.write(task(sh("true", **DATA), **VOLUME)))
    assert shown.code == 0, shown
    steps = [step for step in shown.out.split("\n\n") if "/ephemeralStorage" in step]
    text = "".join(steps)
    for word in ("mkfs.ext4", "LOOP_CONFIGURE", "fsopen(ext4)", "noinit_itable"):
        assert word in text, shown


def test_it_goes_with_its_supervisor(berth, detached):
    """Killed, it unmounts nothing: its mount namespace does, and with it goes the loop device."""
    task_id = detached(task(sh(HOLD, **DATA), **VOLUME))
    assert [file for file in loop_files() if task_id in file]
    os.kill(berth.listed(task_id)["supervisorPid"], signal.SIGKILL)
    assert_no_loop_device(berth)
