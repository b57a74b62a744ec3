"""Ways out of a container that runtimes have had: each is tried, and must fail."""

import hashlib

import pytest

from berth import BIN, sh, task


@pytest.mark.parametrize("fd", range(3, 20))
def test_a_working_directory_through_a_leaked_descriptor_is_refused(berth, fd):
    """CVE-2024-21626: /proc/self/fd/N as a working directory outside of the root."""
    outcome = berth.run(task(sh("cat ../../../../../etc/shadow", workingDirectory=f"/proc/self/fd/{fd}"), networkMode="none"))
    assert outcome.code == 125, outcome
    assert "working directory" in outcome.err
    assert not outcome.lines()


def test_the_runtime_executed_as_the_container_cannot_write_itself(berth):
    """CVE-2019-5736: the entry point is the runtime's own binary by /proc/self/exe, told to open itself for writing."""
    digest = hashlib.sha256((BIN / "berth-oci").read_bytes()).hexdigest()
    for target in ("/proc/self/exe", "/proc/1/exe"):
        container = {"name": "main", "image": "busybox", "memory": 64,
                     "command": ["/proc/self/exe", "--log", target, "state", "x"]}
        assert berth.run(task(container, networkMode="none")).code != 0
    assert hashlib.sha256((BIN / "berth-oci").read_bytes()).hexdigest() == digest
