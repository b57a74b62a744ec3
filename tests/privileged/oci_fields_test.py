"""Fields of config.json by their effects: namespaces, mounts, process, seccomp."""

import array
import json
import os
import socket
import subprocess
import threading

import pytest

from oci_bundle import OCI


def lines(outcome):
    assert outcome.code == 0, outcome
    return outcome.out.splitlines()


# Namespaces


def test_time_namespace_has_its_offsets(box):
    box.namespace("time")
    box.linux["timeOffsets"] = {"monotonic": {"secs": 100000}, "boottime": {"secs": 200000, "nanosecs": 5}}
    uptime, link = lines(box.shell("cat /proc/uptime; readlink /proc/self/ns/time"))
    assert float(uptime.split()[0]) > 200000
    assert link != os.readlink("/proc/self/ns/time")


def test_time_namespace_without_offsets_and_with_a_user_namespace(box):
    box.namespace("time")
    assert lines(box.shell("readlink /proc/self/ns/time")) != [os.readlink("/proc/self/ns/time")]
    box.user_namespace()
    assert lines(box.shell("readlink /proc/self/ns/time; id -u"))[1] == "0"


def test_without_a_mount_namespace_the_root_comes_by_chroot(box):
    box.drop_namespace("mount")
    refused = box.run("true")
    assert refused.code == 1 and "mounts: needs a mount namespace" in refused.err
    box.config["mounts"] = []
    refused = box.run("true")
    assert refused.code == 1 and "linux.maskedPaths: needs a mount namespace" in refused.err
    box.linux["maskedPaths"] = box.linux["readonlyPaths"] = []
    (box.rootfs / "mark").write_text("here")
    box.start_in_background("sleep", "100")
    mine = os.readlink("/proc/self/ns/mnt")
    assert os.readlink(f"/proc/{box.state()['pid']}/ns/mnt") == mine
    assert os.readlink(f"/proc/{box.state()['pid']}/root") == str(box.rootfs)
    assert lines(box.oci("exec", box.id, "cat", "/mark")) == ["here"]
    assert "sys" in lines(box.oci("exec", box.id, "ls", "/")) and lines(box.oci("exec", box.id, "ls", "/proc")) == []
    assert (box.rootfs / "dev" / "null").is_char_device()


def test_a_path_that_looks_like_systemds_is_a_path(box):
    box.cgroup += ".slice:berth:c"
    box.linux["cgroupsPath"] = box.cgroup[1:]
    box.start_in_background("sleep", "100")
    assert box.group("memory").is_dir()


def test_exec_enters_the_time_namespace(box):
    box.namespace("time")
    box.linux["timeOffsets"] = {"boottime": {"secs": 200000}}
    box.start_in_background("sleep", "100")
    assert float(lines(box.oci("exec", box.id, "cat", "/proc/uptime"))[0].split()[0]) > 200000


@pytest.mark.parametrize("kind,file", [("network", "net"), ("ipc", "ipc"), ("uts", "uts"), ("pid", "pid"), ("cgroup", "cgroup"), ("time", "time"), ("mount", "mnt")])
def test_namespace_by_path(box, kind, file):
    flags = {"net": "--net", "ipc": "--ipc", "uts": "--uts", "pid": "--pid", "cgroup": "--cgroup", "time": "--time", "mnt": "--mount"}
    holder = subprocess.Popen(["unshare", flags[file], "--fork", "sh", "-c", "echo; exec sleep 100"], stdout=subprocess.PIPE)
    try:
        holder.stdout.readline()
        child = subprocess.check_output(["ps", "-o", "pid=", "--ppid", str(holder.pid)], text=True).split()[0]
        path = f"/proc/{child}/ns/{file}"
        box.namespace(kind, path=path)
        if kind in ("pid", "cgroup"):
            box.config["mounts"] = [m for m in box.config["mounts"] if m["destination"] != "/sys/fs/cgroup"]
        if kind == "uts":
            del box.config["hostname"]
        wanted = os.readlink(path)
        assert lines(box.shell(f"readlink /proc/self/ns/{file}"))[0] == wanted
    finally:
        holder.kill()
        subprocess.run(["kill", "-9", child], stderr=subprocess.DEVNULL)
        holder.wait()


def test_wrong_kind_and_duplicates_are_refused(box):
    box.namespace("network", path="/proc/self/ns/uts")
    assert "is not a net namespace" in box.run("true").err
    box.namespace("network", path="/etc/passwd")
    assert "is not a net namespace" in box.run("true").err
    box.namespace("network")
    box.linux["namespaces"].append({"type": "network"})
    assert "linux.namespaces" in (err := box.run("true").err) and "is given twice" in err


def test_offsets_need_their_namespace(box):
    box.linux["timeOffsets"] = {"monotonic": {"secs": 1}}
    assert "linux.timeOffsets: needs a new time namespace" in box.run("true").err


# Mounts


def mount_options_of(box, target, *options):
    box.mount(target, "tmpfs", "tmpfs", *options)
    for line in lines(box.shell("cat /proc/self/mountinfo")):
        fields = line.split()
        if fields[4] == target:
            return set(fields[5].split(",")) | set(fields[-1].split(",")), fields
    pytest.fail("not mounted")


@pytest.mark.parametrize(
    "options,wanted",
    [
        (["ro", "nosuid", "nodev", "noexec"], {"ro", "nosuid", "nodev", "noexec"}),
        (["ro", "rw", "noatime", "nodiratime"], {"rw", "noatime", "nodiratime"}),
        (["strictatime"], {"rw"}),
        (["norelatime", "nostrictatime", "atime"], {"relatime"}),
        (["sync", "dirsync"], {"sync", "dirsync"}),
        (["lazytime"], {"lazytime"}),
        (["async", "defaults", "silent", "loud", "iversion", "noiversion", "nolazytime"], {"rw"}),
        (["nosymfollow"], {"nosymfollow"}),
        (["rro", "rnosuid", "rnoexec"], {"ro", "nosuid", "noexec"}),
        (["size=1m", "mode=700"], {"size=1024k", "mode=700"}),
    ],
    ids=str,
)
def test_options_of_a_file_system(box, options, wanted):
    found, _ = mount_options_of(box, "/vol", *options)
    assert wanted <= found


@pytest.mark.parametrize("name,tag", [("shared", "shared:"), ("rshared", "shared:"), ("private", None), ("unbindable", "unbindable")])
def test_propagation_of_a_file_system(box, name, tag):
    _, fields = mount_options_of(box, "/vol", name)
    optional = fields[6 : fields.index("-")]
    assert (tag is None and optional == []) or any(field.startswith(tag) for field in optional), fields


def test_recursive_attributes_of_a_bind(box):
    source = box.directory / "source"
    (source / "below").mkdir(parents=True)
    subprocess.check_call(["mount", "-t", "tmpfs", "x", source / "below"])
    try:
        box.mount("/vol", "bind", source, "rbind", "rro")
        box.mount("/vol2", "bind", source, "rbind", "ro")
        outcome = box.shell("touch /vol/below/a; touch /vol2/below/b; ls /vol2/below")
        assert "/vol/below/a: Read-only" in outcome.err and outcome.out == "b\n", outcome
    finally:
        subprocess.check_call(["umount", source / "below"])


def test_slave_bind_sees_what_the_host_mounts(box):
    source = box.directory / "source"
    (source / "below").mkdir(parents=True)
    subprocess.check_call(["mount", "-t", "tmpfs", "x", source])
    try:
        subprocess.check_call(["mount", "--make-shared", source])
        (source / "below").mkdir()
        box.mount("/vol", "bind", source, "rbind", "rslave")
        box.mount("/vol2", "bind", source, "rbind", "rprivate")
        box.start_in_background("sleep", "100")
        subprocess.check_call(["mount", "-t", "tmpfs", "y", source / "below"])
        (source / "below" / "f").touch()
        assert lines(box.oci("exec", box.id, "ls", "/vol/below", "/vol2/below"))[:2] == ["/vol/below:", "f"]
        assert "f" not in lines(box.oci("exec", box.id, "ls", "/vol2/below"))
    finally:
        subprocess.call(["umount", source / "below"])
        subprocess.check_call(["umount", "-l", source])


def test_remount_changes_what_is_there(box):
    box.mount("/vol", "tmpfs", "tmpfs", "size=1m")
    box.mount("/vol", "", "", "remount", "bind", "ro", "nosuid")
    assert "Read-only" in box.shell("touch /vol/a").err


def test_relative_destination_is_below_the_root(box):
    box.mount("vol", "tmpfs", "tmpfs")
    assert any(line.split()[4] == "/vol" for line in lines(box.shell("cat /proc/self/mountinfo")))


def test_idmap_by_its_own_mappings(box):
    source = box.directory / "source"
    source.mkdir()
    (source / "f").touch()
    line = [{"containerID": 0, "hostID": 1000, "size": 10}]
    box.mount("/vol", "bind", source, "rbind", "ridmap", uidMappings=line, gidMappings=line)
    assert lines(box.shell("stat -c %u:%g /vol/f")) == ["1000:1000"]


def test_idmap_without_any_mapping_is_refused(box):
    box.mount("/vol", "bind", box.directory, "rbind", "idmap")
    assert "idmap needs mappings or a user namespace" in box.run("true").err


def test_cgroup_mount_shows_the_container_its_own_group(box):
    out = box.shell("ls /sys/fs/cgroup").out
    assert "pids" in out or "cgroup.procs" in out


@pytest.mark.parametrize("name,tag", [("shared", "shared:"), ("unbindable", "unbindable"), ("private", None)])
def test_rootfs_propagation(box, name, tag):
    box.linux["rootfsPropagation"] = name
    root = next(line.split() for line in lines(box.shell("cat /proc/self/mountinfo")) if line.split()[4] == "/")
    optional = root[6 : root.index("-")]
    assert (tag is None and optional == []) or any(field.startswith(tag) for field in optional), root


# Process


def test_scheduler(box):
    box.process["scheduler"] = {"policy": "SCHED_BATCH", "nice": 7}
    fields = lines(box.shell("cat /proc/self/stat"))[0].rsplit(")", 1)[1].split()
    assert fields[16] == "7" and fields[38] == "3"


def test_scheduler_that_the_kernel_refuses_is_named(box):
    box.process["scheduler"] = {"policy": "SCHED_FIFO", "priority": 0}
    outcome = box.run("true")
    assert outcome.code == 1 and "process.scheduler" in outcome.err


@pytest.mark.parametrize("entry", [{"policy": "X"}, {}, {"policy": "SCHED_OTHER", "nice": 99}, {"policy": "SCHED_OTHER", "flags": ["X"]}], ids=str)
def test_bad_scheduler(box, entry):
    box.process["scheduler"] = entry
    assert "process.scheduler" in box.run("true").err


def test_io_priority(box):
    box.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 6}
    assert lines(box.shell("busybox ionice -p $$")) == ["best-effort: prio 6"]
    box.process["ioPriority"] = {"class": "IOPRIO_CLASS_BE", "priority": 8}
    assert "process.ioPriority.priority: must be from 0 to 7" in box.run("true").err


def test_exec_cpu_affinity(box):
    if os.cpu_count() < 2:
        pytest.skip("needs two CPUs")
    box.process["execCPUAffinity"] = {"initial": "0", "final": "1"}
    box.start_in_background("sleep", "100")
    outcome = box.oci("exec", box.id, "grep", "Cpus_allowed_list", "/proc/self/status")
    assert lines(outcome)[0].split()[1] == "1"
    box.delete()
    box.process["execCPUAffinity"] = {"initial": "x"}
    assert "process.execCPUAffinity.initial" in box.run("true").err


def test_personality(box):
    box.linux["personality"] = {"domain": "LINUX32"}
    assert lines(box.shell("uname -m")) == ["i686"]
    box.start_in_background("sleep", "100")
    assert lines(box.oci("exec", box.id, "uname", "-m")) == ["i686"]
    box.delete()
    box.linux["personality"] = {"domain": "BSD"}
    assert "linux.personality.domain: must be LINUX or LINUX32" in box.run("true").err


def test_user_umask_and_groups(box):
    box.process["user"] = {"uid": 5, "gid": 6, "umask": 0o077, "additionalGids": [7, 8]}
    assert lines(box.shell("umask; id -u; id -g; id -G")) == ["0077", "5", "6", "6 7 8"]


def test_ambient_capabilities_reach_a_user(box):
    sets = {name: ["CAP_NET_BIND_SERVICE"] for name in ("bounding", "effective", "permitted", "inheritable", "ambient")}
    box.process["capabilities"] = sets
    box.process["user"] = {"uid": 5, "gid": 5}
    out = box.shell("grep Cap /proc/self/status").out
    assert [line.split()[1] for line in out.splitlines()] == ["0000000000000400"] * 5


def test_unknown_capability_is_a_warning(box):
    box.process["capabilities"]["bounding"].append("CAP_NOPE")
    outcome = box.run("true")
    assert outcome.code == 0 and "CAP_NOPE" in outcome.err


def test_duplicate_rlimits_are_refused(box):
    box.process["rlimits"] = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}] * 2
    assert "process.rlimits[1].type: is given twice" in box.run("true").err


@pytest.mark.parametrize(
    "place,field,value,words",
    [
        ("process", "apparmorProfile", "x", "process.apparmorProfile: "),
        ("process", "selinuxLabel", "x", "process.selinuxLabel: "),
        ("linux", "mountLabel", "x", "linux.mountLabel: "),
        ("linux", "intelRdt", {"closID": "x"}, "linux.intelRdt: needs a mounted resctrl"),
        ("linux", "netDevices", {"berth-none": {}}, "linux.netDevices.berth-none: there is no such link"),
        ("linux", "netDevices", {"a/b": {}}, "linux.netDevices.a/b: must be the name of a link"),
        ("linux", "netDevices", {"a": {"name": "x"}, "b": {"name": "x"}}, "linux.netDevices.b: gets the name of another one, x"),
        ("linux", "memoryPolicy", {"mode": "MPOL_NONE"}, "linux.memoryPolicy.mode: MPOL_NONE is not known"),
        ("linux", "memoryPolicy", {"mode": "MPOL_BIND", "nodes": "1000"}, "linux.memoryPolicy: "),
    ],
)
def test_refused_by_name(box, place, field, value, words):
    box.config[place][field] = value
    outcome = box.run("true")
    assert outcome.code == 1 and words in outcome.err, outcome


def test_memory_policy(box):
    box.linux["memoryPolicy"] = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}
    box.start_in_background("sleep", "100")
    for out in (box.oci("exec", box.id, "cat", "/proc/1/numa_maps"), box.oci("exec", box.id, "cat", "/proc/self/numa_maps")):
        assert lines(out)[0].split()[1] == "bind=static:0"


def test_domainname_and_devices(box):
    box.config["domainname"] = "example.org"
    box.linux["devices"] = [{"path": "/dev/mine", "type": "c", "major": 1, "minor": 5, "fileMode": 0o640, "uid": 3, "gid": 4}]
    box.resources["devices"].append({"allow": True, "type": "c", "major": 1, "minor": 5, "access": "rwm"})
    out = lines(box.shell("cat /proc/sys/kernel/domainname; stat -c '%a %u %g %t %T' /dev/mine; head -c 1 /dev/mine | wc -c"))
    assert out == ["example.org", "640 3 4 1 5", "1"]


# Seccomp


def filter_of(box, **more):
    box.linux["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64"], **more}


def test_seccomp_actions_and_arguments(box):
    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28}
    filter_of(box, syscalls=[rule])
    assert "No space left" in box.shell("mkdir /tmp/x").err
    rule["action"] = "SCMP_ACT_KILL_PROCESS"
    del rule["errnoRet"]
    filter_of(box, syscalls=[rule])
    assert "Bad system call" in box.shell("mkdir /tmp/x; true").err
    # kill(2) of signal 10 alone.
    filter_of(box, syscalls=[{"names": ["kill"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}]}])
    outcome = box.shell("sleep 9 & kill -USR1 $!; kill -TERM $! && echo sent")
    assert outcome.out == "sent\n" and "not permitted" in outcome.err


@pytest.mark.parametrize("flag", ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"])
def test_seccomp_flags(box, flag):
    filter_of(box, flags=[flag])
    assert box.run("true").code == 0


@pytest.mark.parametrize(
    "more,words",
    [
        ({"flags": ["X"]}, "linux.seccomp.flags: unknown X"),
        ({"defaultErrnoRet": 5}, "SCMP_ACT_ALLOW takes no errnoRet"),
        ({"listenerMetadata": "x"}, "linux.seccomp.listenerMetadata: needs listenerPath"),
        ({"defaultAction": "SCMP_ACT_NOTIFY"}, "linux.seccomp.defaultAction: must not be"),
        ({"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}, "linux.seccomp.listenerPath: is required"),
        ({"syscalls": [{"names": ["mkdir"], "action": "X"}]}, "unknown action X"),
    ],
    ids=str,
)
def test_bad_seccomp_is_named(box, more, words):
    filter_of(box, **more)
    assert words in box.run("true").err


class Agent(threading.Thread):
    """Accepts so many listeners and remembers what came with them; answers no notification."""

    def __init__(self, path, count):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.received = []
        self.count = count
        self.start()

    def run(self):
        for _ in range(self.count):
            peer, _ = self.socket.accept()
            fds = array.array("i")
            text = b""
            while True:
                data, ancillary, _, _ = peer.recvmsg(65536, socket.CMSG_LEN(fds.itemsize))
                for _, _, payload in ancillary:
                    fds.frombytes(payload)
                text += data
                if not data:
                    break
            self.received.append((json.loads(text), [os.readlink(f"/proc/self/fd/{fd}") for fd in fds]))
            for fd in fds:
                os.close(fd)  # what waits for an answer gets ENOSYS


@pytest.mark.parametrize("no_new_privileges", [True, False])
def test_seccomp_notify_sends_the_listener_to_the_agent(box, no_new_privileges):
    agent = Agent(box.directory / "agent", count=2)
    box.process["noNewPrivileges"] = no_new_privileges
    filter_of(
        box,
        listenerPath=str(box.directory / "agent"),
        listenerMetadata="of mine",
        syscalls=[{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_NOTIFY"}],
    )
    assert box.create("sh", "-c", "mkdir /tmp/x || sleep 100").code == 0
    pid = box.state()["pid"]
    assert box.oci("start", box.id).code == 0
    assert box.oci("exec", box.id, "true").code == 0
    agent.join(timeout=60)
    (first, fds), (second, _) = agent.received
    assert fds == ["anon_inode:seccomp notify"]
    assert first["fds"] == ["seccompFd"] and first["metadata"] == "of mine" and first["pid"] == pid
    assert first["state"]["id"] == box.id and first["state"]["pid"] == pid
    assert second["state"]["status"] == "running" and second["pid"] != pid


def test_an_agent_that_is_not_there_fails_the_start(box):
    filter_of(box, listenerPath=str(box.directory / "nobody"), syscalls=[{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}])
    outcome = box.run("true")
    assert outcome.code == 1 and "linux.seccomp.listenerPath" in outcome.err, outcome


# Features


def test_features_lists_what_the_parsers_take(box):
    features = json.loads(subprocess.check_output([OCI, "features"]))
    assert features["ociVersionMin"] == "1.0.0" and features["ociVersionMax"].startswith("1.3")
    assert features["hooks"] == ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"]
    assert set(features["linux"]["namespaces"]) == {"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"}
    assert "SCMP_ARCH_X86_64" in features["linux"]["seccomp"]["archs"]
    assert features["linux"]["netDevices"]["enabled"] and "MPOL_BIND" in features["linux"]["memoryPolicy"]["modes"]
    for option in ("rro", "rnosymfollow", "tmpcopyup", "idmap", "remount", "lazytime", "rslave"):
        assert option in features["mountOptions"]
    for action in features["linux"]["seccomp"]["actions"]:
        if action != "SCMP_ACT_NOTIFY":
            filter_of(box, syscalls=[{"names": ["mkdir"], "action": action}])
            assert box.run("true").code == 0, action
