// berth-oci as its users run it, on a root file system of busybox; the effects are asked of the
// kernel. After every test nothing may be left.
#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/spawn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

namespace berth {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kOci = BERTH_BIN "/berth-oci";
constexpr int kLooksMax = 6000;  // of 10 ms, for what comes about in some on an idle host

class Runtime : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-oci-").value());
    ASSERT_TRUE(sys::chmod(directory_->path(), 0755));
    cgroup_ = "/berth-test-" + directory_->path().substr(5);
    for (const char* name : {"bundle", "rootfs", "rootfs/bin", "rootfs/proc", "rootfs/sys",
                             "rootfs/dev", "rootfs/tmp", "rootfs/vol", "rootfs/etc", "volume"}) {
      ASSERT_TRUE(sys::make_directory(path(name), 0755));
    }
    ASSERT_TRUE(sys::chmod(path("rootfs/tmp"), 01777));
    std::string busybox = sys::read_file("/bin/busybox", 16 << 20).value();
    ASSERT_TRUE(sys::write_replace(path("rootfs/bin/busybox"), busybox, 0755));
    for (const char* name : {"sh", "true", "sleep", "cat", "id", "ls", "mount", "touch", "dd"}) {
      ASSERT_TRUE(sys::symlink("busybox", path("rootfs/bin/") + name));
    }
    auto made = oci({"spec", "--bundle", path("bundle")});
    ASSERT_EQ(made.status.code, 0) << made.err;
    config_ = json::parse(sys::read_file(path("bundle/config.json"), 1 << 20).value());
    config_["root"] = {{"path", path("rootfs")}};
    config_["linux"]["cgroupsPath"] = cgroup_;
  }

  void TearDown() override {
    if (!directory_) return;
    EXPECT_FALSE(sys::Cgroups::detect()->at(cgroup_).exists());
    EXPECT_FALSE(sys::exists(path("state/c")));
    std::string mounts = sys::read_file("/proc/self/mountinfo", 1 << 20).value();
    EXPECT_THAT(mounts, testing::Not(HasSubstr(directory_->path())));
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }

  sys::Output oci(std::vector<std::string> arguments,
                  std::optional<std::vector<std::string>> environment = std::nullopt) const {
    arguments.insert(arguments.begin(), {"berth-oci", "--root", path("state")});
    return sys::run_program({.path = kOci,
                             .arguments = std::move(arguments),
                             .environment = std::move(environment),
                             .descriptors = {},
                             .working_directory = ""},
                            "")
        .value();
  }

  // For commands whose container outlives them: it must not hold our pipes.
  int quiet_oci(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"berth-oci", "--root", path("state")});
    sys::Fd null = sys::open("/dev/null", O_RDWR).value();
    sys::Program program{.path = kOci,
                         .arguments = std::move(arguments),
                         .environment = std::nullopt,
                         .descriptors = {},
                         .working_directory = ""};
    for (int fd = 0; fd < 3; ++fd) program.descriptors.emplace_back(null.get(), fd);
    return sys::wait(sys::spawn(program).value())->shell_code();
  }

  void write_config(const json& args) {
    config_["process"]["args"] = args;
    ASSERT_TRUE(sys::write_replace(path("bundle/config.json"), config_.dump(), 0644));
  }

  sys::Output run(const json& args) {
    write_config(args);
    return oci({"run", "--bundle", path("bundle"), "c"});
  }
  sys::Output shell(const std::string& script) { return run({"sh", "-c", script}); }

  void add_user_namespace() {
    config_["linux"]["namespaces"].push_back({{"type", "user"}});
    json map = {{{"containerID", 0}, {"hostID", 200000}, {"size", 65536}}};
    config_["linux"]["uidMappings"] = map;
    config_["linux"]["gidMappings"] = map;
  }

  std::optional<sys::TemporaryDirectory> directory_;
  std::string cgroup_;
  json config_;
};

TEST_F(Runtime, ExitCodeIsTheProgramsOwn) {
  EXPECT_EQ(shell("exit 7").status.code, 7);
  EXPECT_EQ(shell("kill -KILL $$; exit 1").status.code, 1) << "init ignores its own signals";
}

TEST_F(Runtime, MissingProgramIsNamed) {
  EXPECT_THAT(run({"nope"}).err, HasSubstr("exec: \"nope\": executable file not found in $PATH"));
  EXPECT_THAT(run({"/nope"}).err, HasSubstr("exec: \"/nope\": no such file or directory"));
  EXPECT_THAT(run({"/etc"}).err, HasSubstr("exec: \"/etc\": permission denied"));
}

TEST_F(Runtime, UserNamespaceMapsRootAndIdmapsVolumes) {
  add_user_namespace();
  config_["mounts"].push_back({{"destination", "/vol"},
                               {"type", "bind"},
                               {"source", path("volume")},
                               {"options", {"rbind", "idmap"}}});
  auto output = shell("id -u; cat /proc/self/uid_map; echo x > /vol/f && echo e >/dev/stderr");
  EXPECT_EQ(output.status.code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr("200000"));
  EXPECT_EQ(output.err, "e\n");
  EXPECT_EQ(sys::stat(path("volume/f"))->st_uid, 0u) << "on disk it is the host's root";
}

TEST_F(Runtime, JoinsTheNamespacesOfATask) {
  sys::IdMaps maps{{{0, 200000, 65536}}, {{0, 200000, 65536}}};
  sys::Fd user = sys::make_user_namespace(maps).value();
  sys::Fd net = sys::make_namespace_in(user.get(), CLONE_NEWNET).value();
  auto name = [](int fd) { return fmt::format("/proc/{}/fd/{}", ::getpid(), fd); };
  json namespaces = json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) {
    namespaces.push_back({{"type", type}});
  }
  namespaces.push_back({{"type", "network"}, {"path", name(net.get())}});
  namespaces.push_back({{"type", "user"}, {"path", name(user.get())}});
  config_["linux"]["namespaces"] = namespaces;
  config_["annotations"]["berth.parent-death-signal"] = "KILL";
  auto output = shell(
      "id -u; busybox readlink /proc/self/ns/net; busybox readlink /proc/self/ns/user; "
      "busybox mount | grep -c '^sysfs'; echo $$; cat /proc/net/dev | busybox wc -l");
  EXPECT_EQ(output.status.code, 0) << output.err;
  EXPECT_THAT(output.out, HasSubstr(sys::read_link(sys::proc_path(net.get())).value()));
  EXPECT_THAT(output.out, HasSubstr(sys::read_link(sys::proc_path(user.get())).value()));
}

TEST_F(Runtime, RefusesWhatSeccompAndCapabilitiesForbid) {
  EXPECT_THAT(run({"busybox", "unshare", "-m", "true"}).err, HasSubstr("not permitted"));
  EXPECT_NE(shell("mount -t tmpfs x /tmp").status.code, 0);
}

TEST_F(Runtime, MasksAndLocksPaths) {
  auto output = shell("cat /proc/keys; ls -A /sys/firmware; echo x > /proc/sys/kernel/hostname");
  EXPECT_EQ(output.out, "");
  EXPECT_THAT(output.err, HasSubstr("Read-only file system"));
}

TEST_F(Runtime, SymlinkedMountTargetStaysInside) {
  ASSERT_TRUE(sys::symlink("/../../../../../../tmp/berth-escape", path("rootfs/evil")));
  config_["mounts"].push_back({{"destination", "/evil/x"}, {"type", "tmpfs"}, {"source", "tmpfs"}});
  (void)shell("true");
  EXPECT_FALSE(sys::exists("/tmp/berth-escape"));
}

TEST_F(Runtime, RuntimeBinaryIsOutOfReach) {
  std::string before = sys::read_file(kOci, 64 << 20).value();
  // A script whose interpreter is the runtime: the kernel executes the host's file inside.
  ASSERT_TRUE(sys::write_replace(path("rootfs/bin/evil"), "#!/proc/self/exe --version\n", 0755));
  (void)run({"/bin/evil"});
  (void)shell("echo x > /proc/1/exe; for f in /proc/1/fd/*; do echo x > $f; done");
  EXPECT_EQ(sys::read_file(kOci, 64 << 20).value(), before);
}

TEST_F(Runtime, NoDescriptorLeaks) {
  auto output = shell("for f in /proc/self/fd/*; do echo $f; done");
  EXPECT_THAT(output.out, testing::Not(HasSubstr("/4")));
  config_["process"]["cwd"] = "/proc/self/fd/7";
  EXPECT_NE(shell("true").status.code, 0);
}

TEST_F(Runtime, MemoryLimitKillsAndIsCounted) {
  config_["linux"]["resources"]["memory"] = {{"limit", 16 << 20}};
  write_config({"sh", "-c", "dd if=/dev/zero of=/dev/null bs=64M count=1; sleep 100"});
  ASSERT_EQ(quiet_oci({"run", "-d", "-b", path("bundle"), "c"}), 0);
  sys::CgroupDir group = sys::Cgroups::detect()->at(cgroup_);
  for (int i = 0; i < kLooksMax && group.oom_kills().value() == 0; ++i) ::usleep(10000);
  EXPECT_EQ(group.oom_kills().value(), 1u);
  EXPECT_EQ(oci({"delete", "--force", "c"}).status.code, 0);
}

// A tmpfs with tmpcopyup: what podman gives to every --tmpfs.
TEST_F(Runtime, TmpfsBeginsWithACopyOfTheImagesFiles) {
  ASSERT_TRUE(sys::make_directories(path("rootfs/vol/a/b"), 0750));
  ASSERT_TRUE(sys::write_replace(path("rootfs/vol/a/b/f"), "image\n", 0640));
  ASSERT_TRUE(sys::chown(path("rootfs/vol/a/b/f"), 5, 6));
  ASSERT_TRUE(sys::chmod(path("rootfs/vol/a/b/f"), 04755));
  ASSERT_TRUE(sys::symlink("/../../out", path("rootfs/vol/a/l")));
  ASSERT_TRUE(sys::chmod(path("rootfs/vol"), 0711));
  for (const char* target : {"/vol", "/new"}) {
    config_["mounts"].push_back({{"destination", target},
                                 {"type", "tmpfs"},
                                 {"source", "tmpfs"},
                                 {"options", {"nosuid", "nodev", "size=1m", "tmpcopyup"}}});
  }
  auto output = shell(
      "cd /vol; cat a/b/f; busybox stat -c '%a %u:%g %n' . a/b a/b/f; busybox readlink a/l; "
      "echo container > a/b/f; busybox stat -f -c %T . /new");
  EXPECT_EQ(output.out,
            "image\n711 0:0 .\n750 0:0 a/b\n4755 5:6 a/b/f\n/../../out\ntmpfs\ntmpfs\n");
  EXPECT_EQ(output.err, "");
  EXPECT_EQ(sys::read_file(path("rootfs/vol/a/b/f"), 64).value(), "image\n");
}

TEST_F(Runtime, PidsLimitHolds) {
  config_["linux"]["resources"]["pids"] = {{"limit", 3}};
  EXPECT_THAT(shell("sleep 1& sleep 1& sleep 1& sleep 1&").err, HasSubstr("can't fork"));
}

TEST_F(Runtime, DevicesAreDenied) {
  auto output = shell("busybox mknod /tmp/m c 1 1 && cat /tmp/m; echo x > /dev/null && echo ok");
  EXPECT_THAT(output.err, HasSubstr("not permitted"));
  EXPECT_EQ(output.out, "ok\n");
}

TEST_F(Runtime, LifeFromCreateToDelete) {
  write_config({"sleep", "100"});
  ASSERT_EQ(quiet_oci({"create", "-b", path("bundle"), "c"}), 0);
  EXPECT_THAT(oci({"state", "c"}).out, HasSubstr("\"status\": \"created\""));
  EXPECT_THAT(oci({"create", "-b", path("bundle"), "c"}).err, HasSubstr("exists already"));
  EXPECT_EQ(oci({"start", "c"}).status.code, 0);
  EXPECT_THAT(oci({"state", "c"}).out, HasSubstr("\"status\": \"running\""));
  EXPECT_THAT(oci({"start", "c"}).err, HasSubstr("cannot start a container that is running"));
  EXPECT_EQ(oci({"delete", "c"}).status.code, 1);
  EXPECT_EQ(oci({"kill", "c", "KILL"}).status.code, 0);
  for (int i = 0; i < kLooksMax; ++i) {
    if (oci({"state", "c"}).out.find("stopped") != std::string::npos) break;
    ::usleep(10000);
  }
  EXPECT_EQ(oci({"delete", "c"}).status.code, 0);
  EXPECT_THAT(oci({"state", "c"}).err, HasSubstr("does not exist"));
  EXPECT_EQ(oci({"delete", "--force", "c"}).status.code, 0) << "a second time";
}

// Engines tell "not found" (127) from "not executable" (126) by what create says, as runc's does.
TEST_F(Runtime, CreateSaysThatThereIsNoProgram) {
  write_config({"nosuch"});
  EXPECT_THAT(oci({"create", "-b", path("bundle"), "c"}).err,
              HasSubstr("exec: \"nosuch\": executable file not found in $PATH"));
  write_config({"/no/such"});
  EXPECT_THAT(oci({"create", "-b", path("bundle"), "c"}).err,
              HasSubstr("exec: \"/no/such\": no such file or directory"));
  write_config({"/etc"});
  EXPECT_THAT(oci({"create", "-b", path("bundle"), "c"}).err,
              HasSubstr("exec: \"/etc\": permission denied"));
}

// "process is REQUIRED when start is called" (runtime-spec, config.md), and not before.
TEST_F(Runtime, ContainerWithoutProcessIsCreatedButNotStarted) {
  config_.erase("process");
  ASSERT_TRUE(sys::write_replace(path("bundle/config.json"), config_.dump(), 0644));
  ASSERT_EQ(quiet_oci({"create", "-b", path("bundle"), "c"}), 0);
  EXPECT_THAT(oci({"state", "c"}).out, HasSubstr("\"status\": \"created\""));
  auto started = oci({"start", "c"});
  EXPECT_EQ(started.status.code, 1);
  EXPECT_THAT(started.err, HasSubstr("process: config.json has none"));
  EXPECT_EQ(oci({"delete", "--force", "c"}).status.code, 0);
  EXPECT_THAT(oci({"run", "-b", path("bundle"), "c"}).err, HasSubstr("process: is required"));
}

// "Any value which cannot be mapped to a relevant kernel interface [...] MUST be logged as a
// warning" (runtime-spec, config.md), in the engine's log and not on the container's terminal.
TEST_F(Runtime, UnknownCapabilityIsLoggedAndNotGiven) {
  config_["process"]["capabilities"]["bounding"].push_back("CAP_NOPE");
  write_config({"true"});
  auto output =
      oci({"--log", path("log"), "--log-format", "json", "run", "-b", path("bundle"), "c"});
  EXPECT_EQ(output.status.code, 0);
  EXPECT_EQ(output.err, "");
  json record = json::parse(sys::read_file(path("log"), 4096).value());
  EXPECT_EQ(record["level"], "warning");
  EXPECT_THAT(record["msg"].get<std::string>(), HasSubstr("CAP_NOPE"));
}

std::vector<std::string> sockets_in(const std::string& fds) {
  std::vector<std::string> sockets;
  std::vector<std::string> names = sys::list_directory(fds).value();
  for (const std::string& fd : names) {
    std::string target = sys::read_link(fds + "/" + fd).value_or("");
    if (target.rfind("socket:", 0) == 0) sockets.push_back(fd + " " + target);
  }
  return sockets;
}

// Its only socket is the one that `start` connects to. With the parent's end of the other it would
// not hear that a create is killed, and wait for ever.
TEST_F(Runtime, WaitingInitHoldsNoEndOfItsParents) {
  for (bool two_clones : {false, true}) {
    if (two_clones) add_user_namespace();
    write_config({"true"});
    ASSERT_EQ(quiet_oci({"create", "--bundle", path("bundle"), "--pid-file", path("pid"), "c"}), 0);
    std::string fds = "/proc/" + sys::read_file(path("pid"), 32).value() + "/fd";
    // The init may still be about to close what it said Ready through.
    std::vector<std::string> sockets = sockets_in(fds);
    for (int i = 0; i < kLooksMax && sockets.size() != 1; ++i) {
      ::usleep(10000);
      sockets = sockets_in(fds);
    }
    EXPECT_EQ(sockets.size(), 1u) << testing::PrintToString(sockets);
    EXPECT_EQ(oci({"delete", "--force", "c"}).status.code, 0);
  }
}

}  // namespace
}  // namespace berth
