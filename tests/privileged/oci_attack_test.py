"""Attacks that container runtimes have fallen to, each tried against berth-oci. A control shows that the attack is one."""

import hashlib
import os
import pathlib
import shutil
import signal
import stat
import struct
import subprocess
import sys

import pytest

from berth import BIN
from waiting import wait_until


PROGRAMS = ("berth-oci", "berth-shim", "berth-init")


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


@pytest.mark.parametrize("user_namespace", (False, True), ids=("userns=host", "userns"))
def test_a_hostile_container_cannot_write_the_executable_of_exec(oci, programs_stay_whole, user_namespace):
    """The way it was found: what exec shall execute is a link of the container's to /proc/self/exe."""
    _, log = attack_executables(oci, (BIN / "berth-oci").stat().st_size, user_namespace)
    rootfs = oci.directory / "attacker" / "rootfs"
    (rootfs / "bin" / "tool").symlink_to("/proc/self/exe")
    arguments = entry_point_is_the_runtime(rootfs)[1:]
    code, text = oci.quiet("exec", "--detach", "--pid-file", oci.directory / "pid", "attacker", "/bin/tool", *arguments)
    assert code == 0, text
    wait_until(lambda: "opened" in log.read_text(), "the attacker holds the runtime's executable")
    pid = int((oci.directory / "pid").read_text())
    assert os.path.samestat(os.stat(f"/proc/{pid}/exe"), os.stat(BIN / "berth-oci"))
    for _ in range(20):  # more of them, for those who look before the exec
        oci("exec", "attacker", "/bin/tool", "--version")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: "done" in log.read_text(), "the attacker is done")
    answers = log.read_text().split("\n")
    final = "EACCES" if user_namespace else "EROFS"
    assert f"write {final}" in answers and "write 0" not in answers and "truncate 0" not in answers and "chmod 0" not in answers, answers


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


# --- Mounts: over /proc, and along symlinks that are swapped meanwhile ---

ROUNDS = 120  # containers made while a race goes on

SWAPPER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
first, second, count = (name.encode() for name in sys.argv[1:4])
swaps = 0
while os.getppid() == int(sys.argv[4]):
    libc.renameat2(-100, first, -100, second, 2)  # RENAME_EXCHANGE
    swaps += 1
    if swaps % 1000 == 0:
        with open(count + b".new", "w") as file:
            file.write(str(swaps))
        os.replace(count + b".new", count)
"""


class Swapper:
    """A process that goes on exchanging two names, as one that shares a volume with a container could."""

    def __init__(self, first, second, count):
        self._count = count
        self._process = subprocess.Popen([sys.executable, "-c", SWAPPER, str(first), str(second), str(count), str(os.getpid())])

    def __enter__(self):
        wait_until(self._count.exists, "the swapper begins")
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def swaps(self):
        return int(self._count.read_text() or 0)


def bind(source, destination, *options):
    return {"destination": destination, "type": "bind", "source": str(source), "options": ["rbind", *options]}


def tmpfs(destination):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]}


def mount_last(config, *mounts):
    """What an engine appends for volumes comes after /proc and /sys."""
    config["mounts"].extend(mounts)


def foreign_to_proc(mounts, masked):
    """What is mounted in /proc by /proc/mounts, but procfs and our own masks."""
    lines = [line.split() for line in mounts.splitlines()]
    return [line for line in lines if (line[1] + "/").startswith("/proc/") and line[2] != "proc" and line[1] not in masked]


@pytest.mark.parametrize("place", ("/proc", "/proc/self", "/proc/sys/kernel", "/proc/self/attr", "/proc/sysrq-trigger", "/", "/./"))
@pytest.mark.parametrize("by", ("name", "symlink"))
def test_nothing_is_mounted_over_proc_or_the_root(oci, tmp_path, place, by):
    """CVE-2019-16884 and its kin: a volume of the image's own naming, over what the runtime writes to."""
    rootfs = oci.bundle("c", []) / "rootfs"
    (tmp_path / "volume").mkdir()
    destination = place
    if by == "symlink":
        (rootfs / "link").symlink_to(place)
        destination = "/link"
    done = oci.run("c", ["true"], change=lambda config: mount_last(config, bind(tmp_path / "volume", destination)))
    assert done.returncode == 1, done
    assert not list((tmp_path / "volume").iterdir())


def test_a_bind_is_no_procfs_for_being_called_one(oci, tmp_path):
    (tmp_path / "sys" / "net" / "ipv4").mkdir(parents=True)
    fake = tmp_path / "sys" / "net" / "ipv4" / "ip_forward"
    fake.write_text("untouched")
    mount = {"destination": "/proc", "type": "proc", "source": str(tmp_path), "options": ["bind"]}
    sysctl = {"net.ipv4.ip_forward": "1"}
    for mounts in ([], oci.default()["mounts"]):
        def change(config):
            config["mounts"] = [*mounts, mount]
            config["linux"]["sysctl"] = sysctl
        assert oci.run("c", ["true"], change=change).returncode == 1
    assert fake.read_text() == "untouched"


@pytest.mark.parametrize("name", ("proc", "sys"))
def test_proc_and_sys_of_the_image_are_no_symlinks(oci, name):
    """Else the container could move the file system away between its mount and the masks on it."""
    rootfs = oci.bundle("c", []) / "rootfs"
    (rootfs / name).rmdir()
    (rootfs / "elsewhere").mkdir()
    (rootfs / name).symlink_to("elsewhere")
    done = oci.run("c", ["true"])
    assert done.returncode == 1 and f"/{name}" in done.stderr, done


def test_a_root_that_is_a_symlink_is_refused(oci):
    bundle = oci.bundle("c", ["ls", "/"])
    (bundle / "link").symlink_to("/")
    (bundle / "relative").symlink_to("rootfs")
    for path in ("link", "relative", bundle / "link"):
        done = oci.run("c", ["true"], change=lambda config: config["root"].update(path=str(path)))
        assert done.returncode == 1 and "symlink" in done.stderr, (path, done)


@pytest.mark.parametrize("target", ("outside", "/proc", "/proc/self", "/dev", "/"))
def test_a_mount_target_swapped_for_a_symlink_stays_inside(oci, tmp_path, target):
    """CVE-2021-30465: the target of one mount is in a volume, where another container swaps it for a symlink."""
    outside = tmp_path / "outside"
    outside.mkdir()
    volume = tmp_path / "volume"
    (volume / "a").mkdir(parents=True)
    (volume / "b").symlink_to(f"{UP}{outside}" if target == "outside" else target)
    mounts = [bind(volume, "/vol"), tmpfs("/vol/a/x"), bind(outside, "/vol/a/y"), tmpfs("/vol/a")]
    masked = oci.default()["linux"]["maskedPaths"]
    made = 0
    with Swapper(volume / "a", volume / "b", tmp_path / "count") as swapper:
        begin = swapper.swaps()
        for _ in range(ROUNDS):
            done = oci.run("c", ["cat", "/proc/mounts"], change=lambda config: mount_last(config, *mounts))
            made += done.returncode == 0
            if done.returncode == 0:
                assert not foreign_to_proc(done.stdout, masked)
            assert not list(outside.iterdir()), "made on the host"
        assert swapper.swaps() - begin > 1000
    # That nothing is mounted on the host either is looked at when the fixture ends.
    assert made > 0, "a race that nobody ever wins shows nothing"


def test_masked_paths_swapped_for_symlinks_mask_nothing_else(oci, tmp_path):
    """CVE-2025-31133: masks use the host's /dev/null, whatever the container has at that place."""
    volume = tmp_path / "volume"
    volume.mkdir()
    (volume / "secret").write_text("secret")
    (volume / "link").symlink_to("/proc/self/attr")

    def change(config):
        config["mounts"] = [mount for mount in config["mounts"] if not mount["destination"].startswith("/dev")]
        config["mounts"].append(bind(volume, "/vol"))
        config["mounts"].append(bind(volume, "/dev"))
        config["linux"]["maskedPaths"] = ["/vol/secret", "/proc/keys", "/proc/timer_list"]
        config["linux"]["readonlyPaths"] = ["/vol/secret", "/proc/sys"]

    (volume / "null").symlink_to("/vol/canary")
    (volume / "null2").write_text("not null")
    (volume / "canary").write_text("canary")
    script = "for f in /proc/keys /proc/timer_list; do busybox stat -c '%F %t:%T' $f; done; cat /proc/keys; " \
        "echo x >/proc/keys; (echo x >/proc/sys/kernel/hostname) 2>&1"
    shown = 0
    with Swapper(volume / "secret", volume / "link", tmp_path / "count") as swapper, \
            Swapper(volume / "null", volume / "null2", tmp_path / "count2"):
        begin = swapper.swaps()
        for _ in range(ROUNDS):
            done = oci.run("c", ["sh", "-c", script], change=change)
            if done.returncode == 0 or done.stdout:
                assert done.stdout.startswith("character special file 1:3\n" * 2 + "sh: can't create"), done
                shown += 1
        assert swapper.swaps() - begin > 1000
    assert (volume / "canary").read_text() == "canary"
    assert shown > 0, "a race that nobody ever wins shows nothing"


def test_sysctls_go_to_procfs_and_nowhere_else(oci, tmp_path):
    """CVE-2025-52881: a write of the runtime's that a mount leads to a file of the container's, or of the host's."""
    volume = tmp_path / "volume"
    (volume / "a").mkdir(parents=True)
    (volume / "b").symlink_to("/proc/sys")
    (tmp_path / "fake" / "net" / "ipv4").mkdir(parents=True)
    fake = tmp_path / "fake" / "net" / "ipv4" / "ip_forward"
    fake.write_text("untouched")

    def change(config):
        config["linux"]["sysctl"] = {"net.ipv4.ip_forward": "1"}
        config["mounts"].extend([bind(volume, "/vol"), bind(tmp_path / "fake", "/vol/a")])

    made = 0
    with Swapper(volume / "a", volume / "b", tmp_path / "count"):
        for _ in range(ROUNDS):
            done = oci.run("c", ["cat", "/proc/sys/net/ipv4/ip_forward"], change=change)
            made += done.returncode == 0
            assert done.returncode != 0 or done.stdout == "1\n"
            assert fake.read_text() == "untouched"
    assert made > 0


def test_a_source_swapped_meanwhile_is_one_or_the_other(oci, tmp_path):
    """What is looked at is what is mounted: a file is never mounted on a directory, and nothing is left."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "name").write_text("directory")
    (tmp_path / "file").write_text("file")
    script = "if [ -d /made ]; then cat /made/name; else cat /made; fi"
    seen = set()
    with Swapper(tmp_path / "directory", tmp_path / "file", tmp_path / "count"):
        for _ in range(ROUNDS):
            bundle = oci.bundle("c", [])
            made = bundle / "rootfs" / "made"
            made.rmdir() if made.is_dir() else made.unlink(missing_ok=True)
            done = oci.run("c", ["sh", "-c", script], change=lambda config: mount_last(config, bind(tmp_path / "file", "/made")))
            assert done.returncode == 0, done
            seen.add(done.stdout)
    assert seen == {"directory", "file"}, "the source was swapped all the time"


# --- Devices and cgroups ---


@pytest.mark.parametrize("user_namespace", (False, True), ids=("userns=host", "userns"))
def test_devices_that_are_made_cannot_be_used(oci, user_namespace):
    """mknod is among the default capabilities; the cgroup (or the user namespace) still says no."""
    script = "for n in 'b 8 0' 'c 1 1' 'c 1 11' 'b 7 0' 'b 254 0'; do busybox mknod /tmp/d $n 2>/dev/null && (cat /tmp/d >/dev/null) 2>&1; rm -f /tmp/d; done"
    done = oci.run("c", ["sh", "-c", script.replace("rm -f", "busybox rm -f")], user_namespace=user_namespace)
    lines = done.stdout.splitlines()
    assert all("Operation not permitted" in line for line in lines), done
    assert bool(lines) != user_namespace, "outside of a user namespace the nodes are made"


def test_a_device_of_the_image_is_no_device(oci):
    """A node that is on the disk already, with the numbers of memory."""
    rootfs = oci.bundle("c", []) / "rootfs"
    os.mknod(rootfs / "memory", 0o666 | stat.S_IFCHR, os.makedev(1, 1))
    done = oci.run("c", ["cat", "/memory"])
    assert "Operation not permitted" in done.stderr and done.stdout == "", done


@pytest.mark.parametrize("capability", (None, "CAP_SYS_ADMIN"))
def test_release_agent_is_out_of_reach(oci, capability):
    """CVE-2022-0492: a program of the container's, executed by the host's kernel when a v1 group empties."""
    def change(config):
        config["mounts"].append({"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid", "nodev", "noexec"]})
        if capability:
            for kind in ("bounding", "effective", "permitted"):
                config["process"]["capabilities"][kind].append(capability)

    # Through what is mounted; through a mount of one's own; through a user namespace of one's own.
    script = """
        for f in $(busybox find /sys/fs/cgroup -name release_agent 2>/dev/null); do (echo /evil >$f) 2>/dev/null && echo "wrote $f"; done
        mkdir -p /tmp/g
        for c in memory rdma pids; do
            mount -t cgroup -o $c cgroup /tmp/g 2>/dev/null || continue
            (echo /evil >/tmp/g/release_agent) 2>/dev/null && echo "wrote /tmp/g of $c"
            busybox umount /tmp/g
        done
        busybox unshare -UrmC sh -c 'mount -t cgroup -o memory cgroup /tmp/g && echo /evil >/tmp/g/release_agent && echo wrote' 2>/dev/null
        echo done"""
    agents = {path: path.read_text() for path in pathlib.Path("/sys/fs/cgroup").glob("*/release_agent")}
    done = oci.run("c", ["sh", "-c", script], change=change, user_namespace=capability is not None)
    assert done.stdout == "done\n", done
    assert {path: path.read_text() for path in pathlib.Path("/sys/fs/cgroup").glob("*/release_agent")} == agents


# --- A hostile container that exec enters ---


@pytest.mark.parametrize("arrangement", (
    "mount -t tmpfs none /proc; mkdir -p /proc/self/fd /proc/self/attr /proc/1",
    "mount -t tmpfs none /proc; busybox ln -s /host-is-here /proc/self",
    "mount -t tmpfs none /dev; mkdir /dev/pts; busybox ln -s /proc/sysrq-trigger /dev/console; busybox ln -s /etc /dev/null",
    "mount -t tmpfs none /etc; busybox mkfifo /etc/passwd",
    "mkdir /w; cd /w; busybox rmdir /w",
))
def test_exec_into_a_container_that_arranged_its_files(oci, arrangement):
    """It has all rights over its own mounts; what exec reads of it, and writes to, is still what it should be."""
    def change(config):
        for kind in ("bounding", "effective", "permitted"):
            config["process"]["capabilities"][kind].append("CAP_SYS_ADMIN")
        config["linux"].pop("seccomp", None)
        config["process"]["oomScoreAdj"] = 123

    ready = oci.directory / "c" / "rootfs" / "ready"
    oci.start("c", ["sh", "-c", f"({arrangement}) && echo >/ready; exec sleep 1000"], change=change, user_namespace=True)
    wait_until(ready.exists, "the container has arranged its files")
    pid_file = oci.directory / "pid"
    code, text = oci.quiet("exec", "--detach", "--pid-file", pid_file, "c", "sleep", "1000")
    assert code == 0, text
    status = pathlib.Path(f"/proc/{pid_file.read_text()}")
    assert (status / "oom_score_adj").read_text() == "123\n"
    assert os.readlink(status / "ns" / "mnt") == os.readlink(f"/proc/{oci.pid('c')}/ns/mnt")
    assert sorted(os.listdir(status / "fd")) == ["0", "1", "2"]
