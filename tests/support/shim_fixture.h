// berth-shim as the agent drives it, over its socket, on a root file system of busybox. At every
// message, and at the end, no mount may be seen on the host.
#pragma once

#include "base/text.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "support/layer_image.h"
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

using nlohmann::json;
using testing::HasSubstr;
using testing::StartsWith;
using Kind = ShimEvent::Kind;
using SteadyClock = std::chrono::steady_clock;

constexpr const char* kOci = BERTH_BIN "/berth-oci";
constexpr const char* kShim = BERTH_BIN "/berth-shim";
constexpr uint32_t kFirstId = 300000;
constexpr const char* kSleep = "while :; do sleep 0.05; done";

inline int patience_ms() {
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
    EXPECT_TRUE(comes_true([this] { return loop_devices_beneath(directory_->path()).empty(); }));
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
    for (const char* name : {"sh", "sleep", "cat", "stat", "touch", "seq", "yes", "setsid",
                             "readlink", "grep", "env", "ps", "wc", "head", "rm", "mv"}) {
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
    container.log.file.path = path("logs/" + name + ".log");
    container.exit_file = bundle + "/exit.json";
    container.restarts_file = bundle + "/restarts.json";
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

  // Its containers end with it. Groups and the runtime's state are for the agent to remove, which
  // knows that the shim is gone.
  void kill_shim() {
    ASSERT_TRUE(sys::send_signal(shim_, SIGKILL));
    await_end();
    sys::CgroupDir group = sys::Cgroups::detect()->at(top_cgroup_);
    EXPECT_TRUE(comes_true([&] { return group.processes()->empty(); }));
    EXPECT_TRUE(group.remove());
    EXPECT_TRUE(sys::remove_tree(path("oci")));
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

}  // namespace berth::runtime
