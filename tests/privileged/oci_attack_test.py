"""Attacks that container runtimes have fallen to, each tried against berth-oci. A control shows that the attack is one."""

import hashlib
import os
import shutil
import signal
import struct

import pytest

from berth import BIN
from oci import Oci, wait_until

PROGRAMS = ("berth-oci", "berth-shim", "berth-init")


@pytest.fixture
def oci(tmp_path):
    runtime = Oci(tmp_path)
    yield runtime
    runtime.close()


# --- The runtime's own executable (CVE-2019-5736) ---


@pytest.fixture
def programs_stay_whole():
    before = {name: hashlib.sha256((BIN / name).read_bytes()).hexdigest() for name in PROGRAMS}
    modes = {name: (BIN / name).stat().st_mode for name in PROGRAMS}
    yield
    assert {name: hashlib.sha256((BIN / name).read_bytes()).hexdigest() for name in PROGRAMS} == before
    assert {name: (BIN / name).stat().st_mode for name in PROGRAMS} == modes


def attack_executables(oci, size, user_namespace):
    """Starts the container `attacker`, which waits for an executable of that size; returns its pid and its log."""
    bundle = oci.bundle("attacker", [], user_namespace=user_namespace)
    shutil.copy(BIN / "exe_attacker", bundle / "rootfs" / "bin")
    pid = oci.start("attacker", ["/bin/exe_attacker", str(size), "/log"], user_namespace=user_namespace,
                    change=lambda config: config["process"].update(noNewPrivileges=False))
    log = bundle / "rootfs" / "log"
    wait_until(lambda: log.exists() and "began" in log.read_text(), "the attacker begins")
    return pid, log


def beside(pid, user_namespace, mount=None):
    """Puts a container into the pid namespace (and the user namespace) of another."""
    def change(config):
        for namespace in config["linux"]["namespaces"]:
            if namespace["type"] == "pid" or (user_namespace and namespace["type"] == "user"):
                namespace["path"] = f"/proc/{pid}/ns/{namespace['type']}"
        if user_namespace:
            config["linux"].pop("uidMappings")
            config["linux"].pop("gidMappings")
        if mount:
            config["mounts"].append(mount)
    return change


def elf_interpreted_by(interpreter):
    """A program of no code whose dynamic linker, which the kernel starts in its place, is `interpreter`."""
    name = interpreter.encode() + b"\0"
    header, entry, base = 64, 56, 0x10000000
    end = header + 2 * entry
    elf = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 62, 1, base + end, header, 0, 0, header, entry, 2, 0, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 3, 4, end, base + end, base + end, len(name), len(name), 1)
    elf += struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, end + len(name), end + len(name), 0x1000)
    return elf + name


def entry_point_is_the_runtime(rootfs):
    """Reads a bundle that is a pipe, and so runs for as long as nobody writes into it."""
    (rootfs / "b").mkdir()
    os.mkfifo(rootfs / "b" / "config.json")
    (rootfs / "b" / "config.json").chmod(0o666)
    return ["/proc/self/exe", "create", "--bundle", "/b", "x"]


def script_of_the_runtime(rootfs):
    """An unknown command, to be told to a log that is a pipe."""
    os.mkfifo(rootfs / "log")
    (rootfs / "log").chmod(0o666)
    (rootfs / "bin" / "evil").write_text("#!/proc/self/exe --log=/log\n")
    (rootfs / "bin" / "evil").chmod(0o755)
    return ["/bin/evil"]


@pytest.mark.parametrize("user_namespace", (False, True), ids=("userns=host", "userns"))
@pytest.mark.parametrize("victim", (entry_point_is_the_runtime, script_of_the_runtime))
def test_a_process_beside_the_runtime_cannot_write_its_executable(oci, programs_stay_whole, victim, user_namespace):
    """It opens /proc/PID/exe while the container's program is the runtime itself, and writes when that has gone."""
    attacker, log = attack_executables(oci, (BIN / "berth-oci").stat().st_size, user_namespace)
    rootfs = oci.bundle("victim", [], user_namespace=user_namespace) / "rootfs"
    pid = oci.start("victim", victim(rootfs), user_namespace=user_namespace, change=beside(attacker, user_namespace))
    wait_until(lambda: "opened" in log.read_text(), "the attacker holds the runtime's executable")
    assert os.path.samestat(os.stat(f"/proc/{pid}/exe"), os.stat(BIN / "berth-oci"))
    assert oci.delete("victim").returncode == 0
    wait_until(lambda: "done" in log.read_text(), "the attacker is done")
    answers = log.read_text().split("\n")
    # The root of a user namespace may not even ask: the file belongs to an id that it does not have.
    final = "EACCES" if user_namespace else "EROFS"
    for attempt in ("write", "truncate", "chmod"):
        given = [line.split()[1] for line in answers if line.startswith(attempt)]
        assert given and set(given) <= {"ETXTBSY", "EROFS", final}, answers
    assert f"write {final}" in answers


def test_the_same_attack_on_any_other_program_succeeds(oci, tmp_path):
    """The control: what is executed from a writable mount is overwritten."""
    victim = tmp_path / "volume" / "sleep"
    victim.parent.mkdir()
    victim.write_bytes(open("/bin/busybox", "rb").read() + b"\0")
    victim.chmod(0o755)
    attacker, log = attack_executables(oci, victim.stat().st_size, False)
    mount = {"destination": "/vol", "type": "bind", "source": str(victim.parent), "options": ["rbind"]}
    oci.start("victim", ["/vol/sleep", "100"], change=beside(attacker, False, mount))
    wait_until(lambda: "opened" in log.read_text(), "the attacker holds the executable")
    oci.delete("victim")  # a zombie would keep its directory in /proc
    wait_until(lambda: "done" in log.read_text(), "the attacker is done")
    assert "write 0" in log.read_text()
    assert victim.stat().st_size == 0, "truncated"


@pytest.mark.parametrize("user_namespace", (False, True), ids=("userns=host", "userns"))
def test_a_waiting_init_shows_its_executable_to_nobody(oci, programs_stay_whole, user_namespace):
    """Before it becomes the program: it is in the container's pid namespace, and still the runtime."""
    attacker, log = attack_executables(oci, (BIN / "berth-oci").stat().st_size, user_namespace)
    bundle = oci.bundle("victim", ["true"], user_namespace=user_namespace, change=beside(attacker, user_namespace))
    code, text = oci.quiet("create", "--bundle", bundle, "victim")
    assert code == 0, text
    wait_until(lambda: "saw" in log.read_text(), "the attacker finds the init")
    assert "opened" not in log.read_text()
    assert oci("start", "victim").returncode == 0
    wait_until(lambda: oci.status("victim") == "stopped", "the program ends")
    assert "opened" not in log.read_text()


def test_the_runtime_as_dynamic_linker_is_not_writable(oci, programs_stay_whole):
    """The kernel maps the interpreter of a program; here that is the runtime, executed inside."""
    rootfs = oci.bundle("c", []) / "rootfs"
    (rootfs / "bin" / "evil").write_bytes(elf_interpreted_by("/proc/self/exe"))
    (rootfs / "bin" / "evil").chmod(0o755)
    done = oci.run("c", ["/bin/evil", "--version"])
    # The runtime's code did run: it says its version, or crashes over program headers that are not its own.
    assert done.returncode == 128 + signal.SIGSEGV or "berth-oci version" in done.stdout, done


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_program_of_ours_loads_libraries(name):
    """A library of the container's, loaded by the runtime, would run with the runtime's rights."""
    elf = (BIN / name).read_bytes()
    offset, size, count = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    kinds = [struct.unpack_from("<I", elf, offset + size * index)[0] for index in range(count)]
    assert 3 not in kinds, "PT_INTERP"


# --- Descriptors of the host (CVE-2024-21626) ---

UP = "../" * 20
DESCRIPTORS = range(3, 32)


@pytest.fixture
def outside(tmp_path):
    """A directory of the host with a program in it, which an engine left open for its runtime; and its descriptor."""
    directory = tmp_path / "outside"
    directory.mkdir(mode=0o755)
    shutil.copy("/bin/busybox", directory / "busybox")
    (directory / "secret").write_text("secret\n")
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.set_inheritable(fd, True)
    yield directory, fd
    os.close(fd)


def ways_out(outside):
    """Paths to the directory `outside`: by the leaked descriptor, and upwards from any that the runtime may have open."""
    directory, fd = outside
    return [f"/proc/self/fd/{fd}", *(f"/proc/self/fd/{n}/{UP}{directory}" for n in DESCRIPTORS)]


def test_a_program_through_a_descriptor_of_the_host_is_not_found(oci, outside):
    for way in ways_out(outside):
        done = oci.run("c", [f"{way}/busybox", "echo", "escaped"], pass_fds=(outside[1],))
        assert done.returncode == 1 and "escaped" not in done.stdout, (way, done)


def test_an_interpreter_through_a_descriptor_of_the_host_is_not_found(oci, outside):
    rootfs = oci.bundle("c", []) / "rootfs"
    for way in ways_out(outside):
        (rootfs / "bin" / "evil").write_text(f"#!{way}/busybox echo\nescaped\n")
        (rootfs / "bin" / "evil").chmod(0o755)
        done = oci.run("c", ["/bin/evil"], pass_fds=(outside[1],))
        assert done.returncode == 1 and "evil" not in done.stdout, (way, done)


@pytest.mark.parametrize("link", (False, True), ids=("direct", "symlink"))
def test_a_working_directory_through_a_descriptor_of_the_host_is_refused(oci, outside, link):
    directory, fd = outside
    rootfs = oci.bundle("c", []) / "rootfs"
    for way in [f"/proc/self/fd/{n}" for n in (fd, *DESCRIPTORS)] + [f"/proc/self/fd/{fd}/made", f"/proc/1/fd/{fd}", "/proc/1/cwd"]:
        cwd = way
        if link:
            (rootfs / "cwd").unlink(missing_ok=True)
            (rootfs / "cwd").symlink_to(way)
            cwd = "/cwd"
        done = oci.run("c", ["sh", "-c", "cat secret; pwd"], pass_fds=(fd,), change=lambda config: config["process"].update(cwd=cwd))
        assert done.returncode == 1 and done.stdout == "", (way, done)
    assert sorted(path.name for path in directory.iterdir()) == ["busybox", "secret"]


def test_a_process_that_enters_finds_no_descriptor_of_the_host(oci, outside):
    """The same three ways, by exec; the container's /proc is its own to arrange."""
    directory, fd = outside
    oci.start("c", ["sleep", "1000"])
    for way in ways_out(outside):
        done = oci("exec", "c", f"{way}/busybox", "echo", "escaped", pass_fds=(fd,))
        assert done.returncode != 0 and "escaped" not in done.stdout, (way, done)
    for n in (fd, *DESCRIPTORS):
        done = oci("exec", "--cwd", f"/proc/self/fd/{n}", "c", "cat", "secret", pass_fds=(fd,))
        assert done.returncode != 0 and "secret\n" not in done.stdout, (n, done)
    done = oci("exec", "c", "ls", "/proc/self/fd", pass_fds=(fd,))
    assert done.stdout.split() == ["0", "1", "2", "3"], "the last is the directory that ls reads"
