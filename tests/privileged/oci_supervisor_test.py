"""BERTH_SUPERVISOR_FD: a container that waits to be started ends with whoever would start it, and only with that one."""

import os

import pytest

from waiting import wait_until


@pytest.fixture
def supervisor():
    """The end to pass, and the end that is the supervisor's life."""
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:  # the test closed it
            pass


def create(oci, supervisor=None, user_namespace=False):
    bundle = oci.bundle("c", ["sh", "-c", "ls /proc/self/fd >/tmp/fds; exec sleep 1000"], user_namespace=user_namespace)
    passed = {}
    if supervisor is not None:
        passed = {"pass_fds": (supervisor,), "env": {**os.environ, "BERTH_SUPERVISOR_FD": str(supervisor)}}
    code, log = oci.quiet("create", "--bundle", bundle, "c", **passed)
    return code, log


@pytest.mark.parametrize("user_namespace", (False, True), ids=("userns=host", "userns"))
def test_what_waits_ends_with_its_supervisor(oci, supervisor, user_namespace):
    read, write = supervisor
    code, log = create(oci, read, user_namespace)
    assert code == 0, log
    assert oci.status("c") == "created"
    os.close(write)
    assert oci.stopped("c")


def test_what_was_started_is_left_alone(oci, supervisor):
    """From the start on it is the parent death signal that ends a container with its parent."""
    read, write = supervisor
    create(oci, read)
    assert oci("start", "c").returncode == 0
    fds = oci.directory / "c" / "rootfs" / "tmp" / "fds"
    # Of the four the last is the directory that ls reads.
    wait_until(lambda: fds.exists() and len(fds.read_text().split()) >= 4, "the program runs")
    assert fds.read_text().split() == ["0", "1", "2", "3"], "the supervisor's descriptor is not the container's"
    os.close(write)
    assert oci.status("c") == "running"


def test_other_engines_create_and_go(oci):
    assert create(oci)[0] == 0
    assert oci.status("c") == "created"
    assert oci("start", "c").returncode == 0
    assert oci.status("c") == "running"


def test_a_descriptor_that_is_none_is_named(oci):
    bundle = oci.bundle("c", ["true"])
    for text in ("x", "0", "99"):
        code, log = oci.quiet("create", "--bundle", bundle, "c", env={**os.environ, "BERTH_SUPERVISOR_FD": text})
        assert code == 1
        assert "BERTH_SUPERVISOR_FD" in log, log
