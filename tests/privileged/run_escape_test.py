"""Ways out of a container that runtimes have had: each is tried, and must fail."""

import hashlib

import pytest

from berth import BIN, sh, task

PROGRAMS = [BIN / name for name in ("berth", "berth-oci", "berth-shim", "berth-init")]


@pytest.mark.parametrize("fd", range(3, 20))
def test_a_working_directory_through_a_leaked_descriptor_is_refused(berth, fd):
    """CVE-2024-21626: /proc/self/fd/N as a working directory outside of the root."""
    outcome = berth.run(task(sh("cat ../../../../../etc/shadow", workingDirectory=f"/proc/self/fd/{fd}"), networkMode="none"))
    assert outcome.code == 125, outcome
    assert "working directory" in outcome.err
    assert not outcome.lines()


@pytest.mark.parametrize("flags", ((), ("--userns=host",)), ids=("userns", "userns=host"))
@pytest.mark.parametrize("target", ("/proc/self/exe", "/proc/1/exe"))
def test_the_runtime_executed_as_the_container_cannot_write_itself(berth, target, flags):
    """CVE-2019-5736: the entry point is the runtime's own binary by /proc/self/exe, told to open itself for writing.

    With a second process that waits for the runtime to go: oci_attack_test.py.
    """
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROGRAMS}
    container = {"name": "main", "image": "busybox", "memory": 64, "command": ["/proc/self/exe", "--log", target, "state", "x"]}
    outcome = berth.run(task(container, networkMode="none"), *flags)
    assert outcome.code == 1, outcome
    assert any('container "x" does not exist' in line for line in outcome.lines()), f"the runtime never ran: {outcome}"
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROGRAMS} == digests


@pytest.mark.parametrize("flags", ((), ("--userns=host",)), ids=("userns", "userns=host"))
def test_the_init_process_of_a_container_cannot_be_written(berth, flags):
    """berth-init is a file of the host, executed inside: reached by /proc/1/exe, and where it is mounted."""
    digests = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROGRAMS}
    script = """
        exec 3</proc/1/exe && echo opened
        for path in /proc/1/exe /proc/self/fd/3 $(readlink /proc/1/exe); do
            (echo evil >$path) 2>/dev/null && echo "wrote $path"
            (echo evil >>$path) 2>/dev/null && echo "appended $path"
            chmod 777 $path 2>/dev/null && echo "chmod $path"
        done; exit 0"""
    definition = task(sh(script, linuxParameters={"initProcessEnabled": True}), networkMode="none")
    assert berth.run(definition, *flags).lines() == ["opened"]
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in PROGRAMS} == digests
