// berth-shim as the agent drives it, over its socket, on a root file system of busybox; the effects
// are asked of the kernel. At every message, and at the end, no mount may be seen on the host.
#include "base/text.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/cgroup.h"
#include "sys/file.h"
#include "sys/process.h"
#include "sys/socket.h"
#include "sys/spawn.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fcntl.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

namespace berth::runtime {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ShimEvent::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kOci = BERTH_BIN "/berth-oci";
constexpr const char* kShim = BERTH_BIN "/berth-shim";
constexpr uint32_t kFirstId = 300000;
constexpr const char* kSleep = "while :; do sleep 0.05; done";

int patience_ms() {
  return ::getenv("BERTH_GUEST") != nullptr ? 200000 : 20000;
}

class Shim : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-shim-").value());
    ASSERT_TRUE(sys::chmod(directory_->path(), 0755));
    top_cgroup_ = "/berth-test-" + directory_->path().substr(5);
    make_layer();
    plan_.task_id = "t";
    plan_.directory = path("task");
    plan_.oci_runtime = kOci;
    plan_.oci_root = path("oci");
    plan_.foreground = true;
    plan_.ids = IdRangePlan{kFirstId, 65536};
    plan_.user_namespace = path("task/ns/user");
    plan_.networks = {{"task", path("task/ns/net-task")}};
    plan_.cgroup = top_cgroup_ + "/t";
    plan_.limits.pids = 100;
  }

  void TearDown() override {
    if (!directory_) return;
    agent_.reset();
    if (shim_.pid > 0) await_end();
    EXPECT_FALSE(sys::Cgroups::detect()->at(top_cgroup_).exists());
    expect_no_mounts();
    expect_no_runtimes();
    std::string oci = path("oci");
    if (!sys::exists(oci)) return;
    std::vector<std::string> names = sys::list_directory(oci).value();
    for (const std::string& name : names) {
      EXPECT_THAT(name, testing::Not(StartsWith("t-")));
    }
  }

  std::string path(const std::string& name) const { return directory_->path() + "/" + name; }

  void make_layer() {
    for (const char* name : {"layer", "layer/bin", "layer/proc", "layer/sys", "layer/dev",
                             "layer/tmp", "layer/etc", "task", "logs", "oci"}) {
      ASSERT_TRUE(sys::make_directory(path(name), 0755));
    }
    std::string busybox = sys::read_file("/bin/busybox", 16 << 20).value();
    ASSERT_TRUE(sys::write_replace(path("layer/bin/busybox"), busybox, 0755));
    ASSERT_TRUE(sys::write_replace(path("layer/etc/conf"), "conf\n", 0644));
    for (const char* name : {"sh", "sleep", "cat", "stat", "touch", "seq", "yes"}) {
      ASSERT_TRUE(sys::symlink("busybox", path("layer/bin/") + name));
    }
  }

  // Adds a container that runs `args`, with its bundle.
  ContainerPlan& add(const std::string& name, const json& args) {
    std::string bundle = path("task/containers/" + name);
    EXPECT_TRUE(sys::make_directories(bundle, 0755));
    ContainerPlan container;
    container.name = name;
    container.id = "t-" + name;
    container.bundle = bundle;
    container.rootfs = {{path("layer")},
                        path("disk/" + name + "/upper"),
                        path("disk/" + name + "/work"),
                        bundle + "/rootfs"};
    container.cgroup = plan_.cgroup + "/" + name;
    container.log_file = path("logs/" + name + ".log");
    container.exit_file = bundle + "/exit.json";
    container.stop_timeout_seconds = 10;
    EXPECT_TRUE(sys::write_replace(bundle + "/config.json", config_of(container, args), 0644));
    plan_.containers.push_back(container);
    return plan_.containers.back();
  }
  ContainerPlan& add_shell(const std::string& name, const std::string& script) {
    return add(name, {"sh", "-c", script});
  }

  std::string config_of(const ContainerPlan& container, const json& args) const {
    auto made = sys::run_program({.path = kOci,
                                  .arguments = {"berth-oci", "spec", "--bundle", container.bundle},
                                  .environment = std::nullopt,
                                  .descriptors = {},
                                  .working_directory = ""},
                                 "");
    EXPECT_EQ(made->status.code, 0) << made->err;
    json config = json::parse(sys::read_file(container.bundle + "/config.json", 1 << 20).value());
    config["process"]["args"] = args;
    config["root"] = {{"path", container.rootfs.target}};
    config["linux"]["cgroupsPath"] = container.cgroup;
    json namespaces = json::array();
    for (const char* type : {"pid", "ipc", "uts", "mount", "cgroup"}) {
      namespaces.push_back({{"type", type}});
    }
    namespaces.push_back({{"type", "network"}, {"path", plan_.networks[0].path}});
    namespaces.push_back({{"type", "user"}, {"path", plan_.user_namespace}});
    config["linux"]["namespaces"] = namespaces;
    config["annotations"]["berth.parent-death-signal"] = "KILL";
    return config.dump();
  }

  // ---- the agent's part ----

  void spawn() {
    ASSERT_TRUE(sys::write_replace(path("task/task.json"), render_task_plan(plan_), 0600));
    sys::SocketPair pair = sys::make_socket_pair().value();
    sys::Fd null = sys::open("/dev/null", O_RDWR).value();
    sys::Fd log = sys::create(path("shim.log"), O_WRONLY | O_APPEND, 0600).value();
    sys::Program program;
    program.path = kShim;
    program.arguments = {"berth-shim", plan_.directory};
    program.descriptors = {{null.get(), 0}, {log.get(), 1}, {log.get(), 2}, {pair.theirs.get(), 3}};
    shim_ = sys::spawn(program).value();
    agent_ = std::move(pair.ours);
  }

  void ask(ShimRequest request) {
    ASSERT_TRUE(sys::send_message(agent_.get(), render_request(request), {}));
  }

  static ShimEvent hear(int connection, std::vector<sys::Fd>* fds = nullptr) {
    pollfd readable{connection, POLLIN, 0};
    if (::poll(&readable, 1, patience_ms()) != 1) throw std::runtime_error("the shim is silent");
    auto message = sys::receive_message(connection).value();
    if (message.bytes.empty()) throw std::runtime_error("the shim has gone");
    if (fds != nullptr) *fds = std::move(message.fds);
    return parse_event(message.bytes).value();
  }

  ShimEvent next() {
    ShimEvent event = hear(agent_.get(), &fds_);
    expect_no_mounts();
    return event;
  }
  // Skips to the event of this kind, and of this container.
  ShimEvent await(Kind kind, const std::string& container = "") {
    while (true) {
      ShimEvent event = next();
      if (event.exit) exits_.push_back(*event.exit);
      if (event.kind == kind && (container.empty() || event.container == container)) return event;
    }
  }

  void start() {
    spawn();
    await(Kind::kNamespaces);
    ask(ShimRequest::kStart);
  }
  // Starts the task and waits for its end.
  void run() {
    start();
    await(Kind::kTaskStopped);
  }
  // Of the last event with that container.
  ExitRecord exit_of(const std::string& container) const {
    for (const ExitRecord& record : exits_) {
      if (record.container == container) return record;
    }
    ADD_FAILURE() << container << " has not ended";
    return {};
  }

  void await_end() {
    pollfd ended{shim_.pidfd.get(), POLLIN, 0};
    bool in_time = ::poll(&ended, 1, patience_ms()) == 1;
    EXPECT_TRUE(in_time) << "the shim does not end: " << shim_log();
    if (!in_time) (void)sys::send_signal(shim_, SIGKILL);
    (void)sys::wait(shim_);
    shim_.pid = -1;
  }

  std::string shim_log() const { return sys::read_file(path("shim.log"), 1 << 20).value_or(""); }

  void expect_no_mounts() const {
    std::string mounts = sys::read_file("/proc/self/mountinfo", 4 << 20).value();
    EXPECT_THAT(mounts, testing::Not(HasSubstr(directory_->path())));
  }

  // An init that waits for its start still has the command line of its create.
  void expect_no_runtimes() const {
    std::vector<std::string> names = sys::list_directory("/proc").value();
    for (const std::string& name : names) {
      auto command = sys::read_file("/proc/" + name + "/cmdline", 1 << 20);
      if (!command) continue;  // no process, or no more
      EXPECT_THAT(*command, testing::Not(HasSubstr(path("oci")))) << "pid " << name;
    }
  }

  struct LogLine {
    std::string text;
    std::string stream;
    std::string time;
  };
  std::vector<LogLine> log_of(const std::string& container) const {
    std::vector<LogLine> lines;
    std::string text = sys::read_file(path("logs/" + container + ".log"), 256 << 20).value();
    for (const std::string& line : split(text, '\n')) {
      if (line.empty()) continue;
      json record = json::parse(line, nullptr, false);
      if (record.is_discarded()) break;  // it is being written
      lines.push_back({record.at("log"), record.at("stream"), record.at("time")});
    }
    return lines;
  }
  std::string printed(const std::string& container) const {
    std::string text;
    for (const LogLine& line : log_of(container)) text += line.text;
    return text;
  }
  void await_output(const std::string& container, const std::string& text) const {
    for (int ms = 0; ms < patience_ms(); ms += 10) {
      if (sys::exists(path("logs/" + container + ".log")) &&
          printed(container).find(text) != std::string::npos) {
        return;
      }
      ::usleep(10000);
    }
    FAIL() << container << " never printed " << text;
  }

  std::optional<sys::TemporaryDirectory> directory_;
  std::string top_cgroup_;
  TaskPlan plan_;
  sys::Process shim_;
  sys::Fd agent_;
  std::vector<sys::Fd> fds_;  // of the last event
  std::vector<ExitRecord> exits_;
};

TEST_F(Shim, NetworksBelongToTheTasksUserNamespace) {
  add_shell("main", kSleep);
  spawn();
  EXPECT_EQ(await(Kind::kNamespaces).namespaces, std::vector<std::string>{"task"});
  ASSERT_EQ(fds_.size(), 2U) << "the namespace and an rtnetlink socket";
  sys::Fd network = std::move(fds_[0]);
  ask(ShimRequest::kStart);
  std::string proc = fmt::format("/proc/{}/", await(Kind::kContainerStarted).pid);
  EXPECT_EQ(sys::stat_fd(network.get())->st_ino, sys::stat(proc + "ns/net")->st_ino);
  sys::Fd owner(::ioctl(network.get(), NS_GET_USERNS));
  ASSERT_TRUE(owner);
  EXPECT_EQ(sys::stat_fd(owner.get())->st_ino, sys::stat(proc + "ns/user")->st_ino);
  for (const char* map : {"uid_map", "gid_map"}) {
    EXPECT_EQ(sys::read_file(proc + map, 4096).value(), "         0     300000      65536\n");
  }
  EXPECT_NE(sys::stat(proc + "ns/mnt")->st_ino, sys::stat("/proc/self/ns/mnt")->st_ino);
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
}

TEST_F(Shim, RootOwnsTheImageInsideAndItsRangeOutside) {
  add_shell("main",
            "touch /new; echo x >>/etc/conf; stat -c '%u %g %n' / /etc/conf /bin/busybox /new");
  run();
  EXPECT_EQ(printed("main"), "0 0 /\n0 0 /etc/conf\n0 0 /bin/busybox\n0 0 /new\n");
  EXPECT_EQ(sys::stat(path("disk/main/upper/new"))->st_uid, kFirstId);
  EXPECT_EQ(sys::stat(path("disk/main/upper/etc/conf"))->st_uid, kFirstId);
  EXPECT_EQ(sys::stat(path("layer/etc/conf"))->st_uid, 0U);
  EXPECT_FALSE(sys::exists(path("layer/new"))) << "layers are never written";
}

TEST_F(Shim, LogIsWholeUnderHeavyOutput) {
  add_shell("main", "seq 100000; seq 1000 >&2; echo -n end");
  run();
  int out = 0;
  int err = 0;
  std::string last;
  for (const LogLine& line : log_of("main")) {
    int& count = line.stream == "stdout" ? out : err;
    if (line.text == "end") {
      last = line.text;
    } else {
      ASSERT_EQ(line.text, std::to_string(++count) + "\n");
    }
  }
  EXPECT_EQ(out, 100000);
  EXPECT_EQ(err, 1000);
  EXPECT_EQ(last, "end");
}

TEST_F(Shim, ExitRecordIsOnDiskBeforeItIsTold) {
  add_shell("main", "exit 7");
  start();
  ShimEvent exited = await(Kind::kContainerExited, "main");
  auto record =
      parse_exit_record(sys::read_file(path("task/containers/main/exit.json"), 4096).value());
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_EQ(*record, *exited.exit);
  EXPECT_EQ(record->exit_code, 7);
  EXPECT_LE(record->started_at, record->finished_at);
  await(Kind::kTaskStopped);
}

TEST_F(Shim, StopsInReverseOrder) {
  std::string stubborn =
      std::string("trap 'echo told; sleep 0.3; exit 0' TERM; echo up; ") + kSleep;
  add_shell("db", stubborn);
  add_shell("app", stubborn).depends_on = {{"db", DependencyCondition::kStart}};
  add_shell("web", stubborn).depends_on = {{"app", DependencyCondition::kStart}};
  start();
  for (const char* name : {"db", "app", "web"}) await_output(name, "up\n");
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  auto told_at = [&](const char* name) { return log_of(name).at(1).time; };
  EXPECT_GE(told_at("app"), exit_of("web").finished_at);
  EXPECT_GE(told_at("db"), exit_of("app").finished_at);
  for (const char* name : {"db", "app", "web"}) EXPECT_EQ(exit_of(name).exit_code, 0) << name;
}

TEST_F(Shim, StopTimeoutEndsInSigkill) {
  add_shell("main", std::string("trap '' TERM; echo up; ") + kSleep).stop_timeout_seconds = 1;
  start();
  await_output("main", "up");
  auto begin = SteadyClock::now();
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  EXPECT_GE(SteadyClock::now() - begin, std::chrono::seconds(1));
  EXPECT_EQ(exit_of("main").exit_code, 137);
  EXPECT_FALSE(exit_of("main").oom_killed);
}

TEST_F(Shim, StopSignalIsTheImages) {
  add_shell("main", std::string("trap 'exit 5' QUIT; echo up; ") + kSleep).stop_signal = SIGQUIT;
  start();
  await_output("main", "up");
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  EXPECT_EQ(exit_of("main").exit_code, 5);
}

TEST_F(Shim, KillWaitsForNobody) {
  for (const char* name : {"db", "web"}) {
    add_shell(name, std::string("trap '' TERM; ") + kSleep).stop_timeout_seconds = 1000;
  }
  plan_.containers[1].depends_on = {{"db", DependencyCondition::kStart}};
  start();
  await(Kind::kContainerStarted, "web");
  ask(ShimRequest::kStop);
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
  EXPECT_EQ(exit_of("db").exit_code, 137);
  EXPECT_EQ(exit_of("web").exit_code, 137);
}

TEST_F(Shim, EndlessOutputDoesNotKeepItFromStopping) {
  for (const char* name : {"main", "other"}) add(name, {"yes"}).stop_timeout_seconds = 1;
  start();
  await(Kind::kContainerStarted, "other");
  while (sys::stat(path("logs/other.log"))->st_size < 1 << 20) ::usleep(10000);
  auto begin = SteadyClock::now();
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  EXPECT_LT(SteadyClock::now() - begin, std::chrono::milliseconds(patience_ms() / 2));
  EXPECT_EQ(exit_of("main").exit_code, 137) << "the first of a pid namespace ignores SIGTERM";
}

TEST_F(Shim, ForegroundTaskStopsWithItsAgent) {
  add_shell("main", std::string("trap 'exit 3' TERM; echo up; ") + kSleep);
  start();
  await_output("main", "up");
  agent_.reset();
  await_end();
  auto record =
      parse_exit_record(sys::read_file(path("task/containers/main/exit.json"), 4096).value());
  EXPECT_EQ(record->exit_code, 3);
}

TEST_F(Shim, EndsWhenTheAgentIsGoneBeforeItIsReady) {
  add_shell("main", kSleep).create_early = true;
  spawn();
  agent_.reset();
  await_end();
  EXPECT_FALSE(sys::exists(path("logs/main.log"))) << "nothing was started";
}

TEST_F(Shim, StopBeforeStartRunsNothing) {
  add_shell("early", "echo ran").create_early = true;
  add_shell("late", "echo ran");
  spawn();
  await(Kind::kNamespaces);
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  for (const char* name : {"early", "late"}) {
    EXPECT_FALSE(exit_of(name).exit_code);
    EXPECT_EQ(exit_of(name).reason, "");
  }
  EXPECT_EQ(printed("early"), "");
}

TEST_F(Shim, SecondAgentHearsTheHistoryAndCommands) {
  plan_.foreground = false;
  add_shell("side", "exit 4").essential = false;
  add_shell("main", kSleep);
  start();
  await(Kind::kContainerStarted, "main");
  if (exits_.empty()) await(Kind::kContainerExited, "side");
  agent_.reset();
  // One that never listens must not hold up the other.
  sys::Fd deaf = sys::connect_unix(path("task/shim.sock")).value();
  agent_ = sys::connect_unix(path("task/shim.sock")).value();
  exits_.clear();
  std::vector<std::string> heard;
  for (int i = 0; i < 3; ++i) {
    ShimEvent event = next();
    heard.push_back(fmt::format(
        "{} {}", event.kind == Kind::kContainerStarted ? "started" : "exited", event.container));
    if (event.exit) {
      EXPECT_EQ(event.exit->exit_code, 4);
    }
  }
  EXPECT_THAT(heard, testing::UnorderedElementsAre("started side", "started main", "exited side"));
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
}

TEST_F(Shim, KilledShimTakesItsContainersAlong) {
  add_shell("main", std::string("sh -c '") + kSleep + "' & echo up; " + kSleep);
  add_shell("other", kSleep);
  start();
  await(Kind::kContainerStarted, "other");
  await_output("main", "up");
  sys::CgroupDir group = sys::Cgroups::detect()->at(top_cgroup_);
  EXPECT_GE(group.processes()->size(), 3U);
  ASSERT_TRUE(sys::send_signal(shim_, SIGKILL));
  await_end();
  for (int ms = 0; ms < patience_ms() && !group.processes()->empty(); ms += 10) ::usleep(10000);
  EXPECT_TRUE(group.processes()->empty());
  // Groups and the runtime's state are for the agent to remove, which knows that the shim is gone.
  EXPECT_TRUE(group.remove());
  EXPECT_TRUE(sys::remove_tree(path("oci")));
}

TEST_F(Shim, FailureToCreateIsTheReason) {
  ContainerPlan& broken = add_shell("main", "true");
  ASSERT_TRUE(sys::write_replace(broken.bundle + "/config.json", "{", 0644));
  add_shell("web", "true").depends_on = {{"main", DependencyCondition::kStart}};
  plan_.containers[0].essential = false;
  run();
  EXPECT_THAT(exit_of("main").reason, StartsWith("CannotStartContainerError: "));
  EXPECT_THAT(exit_of("main").reason, HasSubstr("config.json"));
  EXPECT_FALSE(exit_of("main").exit_code);
  EXPECT_EQ(exit_of("web").reason, "TaskDependencyError: container main never started");
}

// As when the runtime is killed late in its create: the container's first process already waits.
// That no process, group or state of it stays is for TearDown to see.
TEST_F(Shim, LeavesNothingOfACreateThatDiedHalfway) {
  ASSERT_TRUE(sys::write_replace(path("dying-oci"),
                                 fmt::format("#!/bin/sh\n{} \"$@\" || exit\n"
                                             "case \" $* \" in *\" create \"*) kill -9 $$;; esac\n",
                                             kOci),
                                 0755));
  plan_.oci_runtime = path("dying-oci");
  add_shell("main", "true");
  run();
  EXPECT_THAT(exit_of("main").reason, StartsWith("CannotStartContainerError: "));
  EXPECT_FALSE(exit_of("main").exit_code);
}

TEST_F(Shim, MissingLayerIsTheReason) {
  add_shell("main", "true").rootfs.layers = {path("nowhere")};
  run();
  EXPECT_THAT(exit_of("main").reason, StartsWith("CannotCreateContainerError: "));
  EXPECT_THAT(exit_of("main").reason, HasSubstr(path("nowhere")));
}

TEST_F(Shim, FailureToStartIsTheReason) {
  for (bool early : {false, true}) {
    add("early" + std::to_string(early), {"nope"}).create_early = early;
  }
  run();
  for (const char* name : {"early0", "early1"}) {
    EXPECT_THAT(exit_of(name).reason, StartsWith("CannotStartContainerError: ")) << name;
    EXPECT_THAT(exit_of(name).reason, HasSubstr("exec: \"nope\": executable file not found"));
    EXPECT_FALSE(exit_of(name).exit_code);
  }
}

TEST_F(Shim, WhatItCannotPrepareIsTold) {
  add_shell("main", "true");
  plan_.networks[0].path = "/proc/nowhere/net";
  spawn();
  ShimEvent failed = await(Kind::kFailed);
  EXPECT_THAT(failed.text, HasSubstr("/proc/nowhere/net"));
}

}  // namespace
}  // namespace berth::runtime
