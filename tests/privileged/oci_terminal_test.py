"""process.terminal: the master by --console-socket, as engines take it, and relayed by ourselves in the foreground."""

import fcntl
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import termios
import time

import pytest

from berth import PATIENCE
from waiting import wait_until


def terminal(**more):
    return lambda config: config["process"].update(terminal=True, **more)


class Engine:
    """Listens for the master as conmon and containerd's shim do."""

    def __init__(self, directory):
        self.path = str(directory / "console.sock")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen()
        self.listener.settimeout(20 * PATIENCE)

    def take(self):
        connection, _ = self.listener.accept()
        with connection:
            name, fds, _, _ = socket.recv_fds(connection, 4096, 8)
        assert len(fds) == 1
        self.name = name.decode()
        return fds[0]

    def close(self):
        self.listener.close()


@pytest.fixture
def engine(tmp_path):
    made = Engine(tmp_path)
    yield made
    made.close()


def read_until(fd, wanted, timeout=20):
    """What came out of a terminal up to and with `wanted`; all of it when the other side closes."""
    text, deadline = "", time.monotonic() + timeout * PATIENCE
    while wanted is None or wanted not in text:
        ready, _, _ = select.select([fd], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"never came: {wanted!r} in {text!r}"
        try:
            chunk = os.read(fd, 65536)
        except OSError:  # EIO: nobody has the slave open any more
            break
        if not chunk:
            break
        text += chunk.decode()
    return text


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


# --- By --console-socket ---


@pytest.mark.parametrize("user_namespace", [False, True])
def test_create_sends_the_master(oci, engine, user_namespace):
    script = "busybox tty; busybox stty size; cat /proc/self/stat; busybox stat -c '%u %t:%T' /dev/console /dev/pts/0; read x; echo got $x"
    bundle = oci.bundle("c", ["sh", "-c", script], user_namespace=user_namespace,
                        change=terminal(consoleSize={"width": 91, "height": 17}, user={"uid": 7, "gid": 7}))
    code, log = oci.quiet("create", "--bundle", bundle, "--console-socket", engine.path, "c")
    assert code == 0, log
    master = engine.take()
    assert engine.name == "/dev/ptmx"
    assert oci("start", "c").returncode == 0
    lines = read_until(master, "7 88:0\r\n7 88:0\r\n").split("\r\n")
    assert lines[:2] == ["/dev/pts/0", "17 91"]
    session, controlling = lines[2].rpartition(")")[2].split()[3:5]
    assert session == "1" and controlling != "0", "a session of its own, and the terminal controls it"
    os.write(master, b"hello\n")
    assert "got hello" in read_until(master, "got hello")
    os.close(master)


def test_exec_sends_the_master(oci, engine):
    oci.start("c", ["sleep", "1000"])
    code, log = oci.quiet("exec", "-d", "-t", "--console-socket", engine.path, "c", "sh", "-c", "busybox tty; read x; echo got $x")
    assert code == 0, log
    master = engine.take()
    assert read_until(master, "\r\n") == "/dev/pts/0\r\n"
    os.write(master, b"hello\n")
    assert "got hello" in read_until(master, "got hello")
    os.close(master)


def test_a_hang_up_ends_the_program(oci, engine):
    bundle = oci.bundle("c", ["sh", "-c", "trap 'exit 9' HUP; echo ready; sleep 1000 & wait"], change=terminal())
    assert oci.quiet("run", "-d", "--bundle", bundle, "--console-socket", engine.path, "c")[0] == 0
    master = engine.take()
    read_until(master, "ready")
    os.close(master)
    wait_until(lambda: oci.status("c") == "stopped", "the container stops when its terminal hangs up")


def test_combinations_that_make_no_sense(oci, engine):
    with_terminal = oci.bundle("t", ["true"], change=terminal())
    without = oci.bundle("c", ["true"])
    for arguments, why in (
        (["create", "--bundle", with_terminal, "t"], "without setting console socket"),
        (["run", "-d", "--bundle", with_terminal, "t"], "without setting console socket"),
        (["create", "--console-socket", engine.path, "--bundle", without, "c"], "cannot use console socket"),
        (["run", "--console-socket", engine.path, "--bundle", with_terminal, "t"], "cannot use console socket"),
        (["create", "--console-socket", "/nowhere", "--bundle", with_terminal, "t"], "connect /nowhere"),
    ):
        done = oci(*arguments)
        assert done.returncode == 1 and why in done.stderr, done
        assert oci.status("t") is None and oci.status("c") is None


def test_dev_console_is_bound_in_the_container_only(oci, engine):
    rootfs = oci.bundle("c", ["sleep", "1000"]) / "rootfs"
    assert oci.quiet("run", "-d", "--bundle", oci.bundle("c", ["sleep", "1000"], change=terminal()),
                     "--console-socket", engine.path, "c")[0] == 0
    master = engine.take()
    assert not (rootfs / "dev" / "console").exists()
    done = oci("exec", "c", "sh", "-c", "mount | busybox grep /dev/console; echo x > /dev/console")
    assert "devpts on /dev/console" in done.stdout, done
    assert read_until(master, "\n") == "x\r\n"
    os.close(master)


# --- Attacks ---


def test_a_symlink_for_dev_console_is_refused(oci, engine, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("whole")

    def change(config):
        config["process"]["terminal"] = True
        config["mounts"] = [m for m in config["mounts"] if m["destination"] != "/dev"]
    bundle = oci.bundle("c", ["true"], change=change)
    (bundle / "rootfs" / "dev" / "console").symlink_to("/vol/victim")
    done = oci("create", "--bundle", bundle, "--console-socket", engine.path, "c")
    assert done.returncode == 1 and "open console /dev/console" in done.stderr, done
    assert not (bundle / "rootfs" / "vol" / "victim").exists() and victim.read_text() == "whole"


@pytest.mark.parametrize("decoy", ["fifo", "symlink", "file", "null"])
def test_a_false_ptmx_is_no_terminal(oci, engine, decoy):
    """A container that has mounted over its devpts must not hand the engine something else as a terminal."""
    def change(config):
        config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/dev/pts", "/dev")]
    bundle = oci.bundle("c", ["sleep", "1000"], change=change)
    pts = bundle / "rootfs" / "dev" / "pts"
    pts.mkdir(parents=True)
    if decoy == "fifo":
        os.mkfifo(pts / "ptmx")
    elif decoy == "symlink":
        (pts / "ptmx").symlink_to("/dev/ptmx")
    elif decoy == "file":
        (pts / "ptmx").write_text("")
    else:
        os.mknod(pts / "ptmx", 0o20666, os.makedev(1, 3))
    oci.start("c", ["sleep", "1000"], change=change)
    done = oci("exec", "-d", "-t", "--console-socket", engine.path, "c", "true")
    assert done.returncode == 255 and "open console /dev/pts/ptmx" in done.stderr, done


# --- Relayed by ourselves ---


class Session:
    """berth-oci in the foreground on a terminal of our own."""

    def __init__(self, oci, *arguments):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            set_size(0, 33, 111)
            os.execv(oci._command(())[0], oci._command(arguments))
        self.before = termios.tcgetattr(self.terminal)

    def expect(self, wanted):
        return read_until(self.terminal, wanted)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def close(self):
        """What is still to come, and the exit code."""
        rest = read_until(self.terminal, None)
        _, status = os.waitpid(self.pid, 0)
        os.close(self.terminal)
        return rest, os.waitstatus_to_exitcode(status)


@pytest.mark.parametrize("command", ["run", "exec"])
def test_the_foreground_is_a_terminal(oci, command):
    script = "busybox stty size; echo ready; read x; echo got $x; exit 6"
    if command == "run":
        oci._made.add("c")
        session = Session(oci, "run", "--bundle", oci.bundle("c", ["sh", "-c", script], change=terminal()), "c")
    else:
        oci.start("c", ["sleep", "1000"])
        session = Session(oci, "exec", "-t", "c", "sh", "-c", script)
    assert session.expect("ready\r\n") == "33 111\r\nready\r\n"
    raw = termios.tcgetattr(session.terminal)
    assert not raw[3] & (termios.ICANON | termios.ECHO | termios.ISIG), "every key is the program's"
    session.type("hello\r")
    rest, code = session.close()
    assert "got hello\r\n" in rest and code == 6


def test_the_terminal_is_restored(oci):
    oci.start("c", ["sleep", "1000"])
    parent, child = pty.openpty()
    before = termios.tcgetattr(child)
    for arguments in (("true",), ("nope",), ("sh", "-c", "kill -9 $$")):
        subprocess.run(oci._command(("exec", "-t", "c", *arguments)), stdin=child, stdout=child, stderr=child, timeout=60, check=False)
        assert termios.tcgetattr(child) == before
    os.close(parent), os.close(child)


def test_keys_and_window_sizes_reach_the_program(oci):
    oci.start("c", ["sleep", "1000"])
    session = Session(oci, "exec", "-t", "c", "sh", "-c",
                      "trap 'echo interrupted' INT; trap 'busybox stty size; exit 3' WINCH; echo ready; while :; do sleep 0.05; done")
    session.expect("ready")
    session.type("\x03")
    session.expect("interrupted")
    set_size(session.terminal, 40, 120)
    os.kill(session.pid, signal.SIGWINCH)
    session.expect("40 120")
    assert session.close()[1] == 3


def test_much_output_comes_whole_and_input_does_not_block_it(oci):
    oci.start("c", ["sleep", "1000"])
    session = Session(oci, "exec", "-t", "c", "sh", "-c", "busybox stty -echo; echo ready; busybox seq 1 50000; read x; echo end $x")
    session.expect("ready")
    session.type("x" * 3000)  # nobody reads it yet
    session.expect("\n50000\r\n")
    session.type("\r")
    rest, code = session.close()
    assert "end xxx" in rest and code == 0


def test_without_a_terminal_of_our_own_it_is_relayed_all_the_same(oci):
    oci.start("c", ["sleep", "1000"])
    done = subprocess.run(oci._command(("exec", "-t", "c", "sh", "-c", "read x; echo got $x; busybox tty")), input="hello\n",
                          capture_output=True, text=True, timeout=60, check=False, start_new_session=True)
    assert "got hello\n/dev/pts/0\n" in done.stdout and done.returncode == 0, done
