"""Every system call of every command fails once: nothing is left of what did not come to be, and a retry mends the rest.

The calls are counted by sys/call.h; a child between clone and exec counts on from its birth, so one N may strike in both.
"""

import errno
import os
import select
import subprocess

import pytest

from berth import PATIENCE
from oci import OCI, Oci
from waiting import wait_until

CALLS_MAX = 2000  # far more than any command makes
ERRORS = [errno.EIO, errno.EPERM, errno.ENOMEM]


@pytest.fixture
def oci(tmp_path):
    runtime = Oci(tmp_path)
    # Compiled once, kept for all.
    assert runtime.run("c", ["true"]).returncode == 0
    yield runtime
    runtime.close()


class Faulty:
    """One run of a command with a fault: what came of it, whether it struck, what holds its standard output."""

    def __init__(self, oci, nth, error, *arguments):
        witness, told = os.pipe()
        self.output, theirs = os.pipe()
        log = oci.directory / "stderr"
        # As standard input, because all others are closed before the program is executed.
        environment = {**os.environ, "BERTH_FAULT": f"{nth}:{error}:0"}
        command = [str(OCI), "--root", str(oci.state), *map(str, arguments)]
        with log.open("w") as errors:
            self.code = subprocess.run(command, env=environment, stdin=told, stdout=theirs, stderr=errors,
                                       timeout=60 * PATIENCE, check=False).returncode
        os.close(theirs)
        os.close(told)
        os.set_blocking(witness, False)
        try:
            self.struck = len(os.read(witness, 16)) > 0
        except BlockingIOError:
            self.struck = False
        os.close(witness)
        self.error = log.read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.output)

    def output_is_held(self):
        """True when somebody still has our pipe; what was printed is read away."""
        while select.select([self.output], [], [], 0)[0]:
            if not os.read(self.output, 4096):
                return False
        return True

    def __str__(self):
        return f"exit code {self.code}: {self.error}"


def walk(oci, error, arguments, before=lambda: None):
    """Runs the command with the first call failing, then the second, ...; stops when it makes no more calls."""
    for nth in range(1, CALLS_MAX):
        before()
        with Faulty(oci, nth, error, *arguments) as faulty:
            if not faulty.struck:
                if nth == 1:
                    pytest.skip("built without BERTH_FAULTS")
                return
            yield nth, faulty
    raise AssertionError(f"{arguments}: more than {CALLS_MAX} calls")


def forget(oci):
    assert oci.delete("c").returncode == 0
    assert not oci.left()


# Not every combination: each is some 250 containers.
@pytest.mark.parametrize(("command", "user_namespace", "error"), (
    ("create", False, errno.EIO), ("create", True, errno.EPERM), ("run", False, errno.ENOMEM), ("run", True, errno.EIO)))
def test_a_container_that_did_not_come_to_be_leaves_nothing(oci, command, user_namespace, error):
    bundle = oci.bundle("b", ["true"], user_namespace=user_namespace)
    pid_file = oci.directory / "pid"
    failed = 0
    for nth, faulty in walk(oci, error, (command, "--bundle", bundle, "--pid-file", pid_file, "c")):
        if faulty.code == 0:
            assert oci.delete("c").returncode == 0
        else:
            failed += 1
            assert "berth-oci: " in faulty.error, nth
            assert not pid_file.exists(), (nth, faulty)
        # A child that could not say that it was born ends when it sees that nobody listens.
        wait_until(lambda: not oci.left() and not faulty.output_is_held(), (nth, str(faulty)))  # noqa: B023
        pid_file.unlink(missing_ok=True)
    assert failed > 50
    forget(oci)


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
def test_a_start_that_failed_can_be_tried_again(oci, error):
    bundle = oci.bundle("b", ["sleep", "1000"])

    def created():
        oci.delete("c")
        code, log = oci.quiet("create", "--bundle", bundle, "c")
        assert code == 0, log

    failed = 0
    for nth, faulty in walk(oci, error, ("start", "c"), created):
        if faulty.code != 0:
            failed += 1
            again = oci("start", "c")
            assert again.returncode == 0, (nth, str(faulty), again)
        assert oci.status("c") == "running", (nth, faulty)
    assert failed > 5
    forget(oci)


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("options", ((), ("--all",)), ids=("init", "all"))
def test_a_kill_that_failed_can_be_tried_again(oci, error, options):
    def running():
        oci.delete("c")
        oci.start("c", ["sleep", "1000"])

    failed = 0
    for nth, faulty in walk(oci, error, ("kill", *options, "c", "KILL"), running):
        if faulty.code != 0:
            failed += 1
            again = oci("kill", *options, "c", "KILL")
            assert again.returncode == 0, (nth, str(faulty), again)
        assert oci.stopped("c"), (nth, faulty)
    assert failed > 3
    forget(oci)


@pytest.mark.parametrize("error", ERRORS, ids=errno.errorcode.get)
@pytest.mark.parametrize("options", ((), ("--force",)), ids=("stopped", "force"))
def test_a_delete_that_failed_can_be_tried_again(oci, error, options):
    def made():
        oci.delete("c")
        oci.start("c", ["sleep", "1000"])
        if not options:
            assert oci("kill", "c", "KILL").returncode == 0
            assert oci.stopped("c")

    failed = 0
    for nth, faulty in walk(oci, error, ("delete", *options, "c"), made):
        if faulty.code != 0:
            failed += 1
            again = oci("delete", *options, "c")
            assert again.returncode == 0, (nth, str(faulty), again)
        wait_until(lambda: not oci.left(), (nth, str(faulty)))
    assert failed > 5
    forget(oci)
