// berth-shim as the agent drives it; the effects are asked of the kernel.
#include "support/shim_fixture.h"

namespace berth::runtime {
namespace {

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
  auto word = [](Kind kind) {
    if (kind == Kind::kContainerCreated) return "created";
    return kind == Kind::kContainerStarted ? "started" : "exited";
  };
  for (ShimEvent event = next(); event.kind != Kind::kUpToDate; event = next()) {
    heard.push_back(fmt::format("{} {}", word(event.kind), event.container));
    if (event.exit) {
      EXPECT_EQ(event.exit->exit_code, 4);
    }
  }
  EXPECT_THAT(heard, testing::UnorderedElementsAre("created side", "started side", "created main",
                                                   "started main", "exited side"));
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
  kill_shim();
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

TEST_F(Shim, LayersMayBeImagesThatShareADevice) {
  make_layer_image(path("layer"), path("image/fs.erofs"));
  for (const char* name : {"one", "two"}) {
    add_shell(name,
              "cat /etc/conf; stat -c %u /etc/conf; echo more >>/etc/conf; " + std::string(kSleep))
        .rootfs.layers = {path("image/fs.erofs")};
  }
  start();
  for (const char* name : {"one", "two"}) await_output(name, "conf\n0\n");
  EXPECT_EQ(loop_devices_beneath(directory_->path()).size(), 1u);
  for (const char* name : {"one", "two"}) {
    EXPECT_TRUE(comes_true([&] {
      return sys::read_file(path("disk/" + std::string(name) + "/upper/etc/conf"), 64)
                 .value_or("") == "conf\nmore\n";
    }));
  }
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
}

TEST_F(Shim, KilledShimLeavesNoDeviceOfALayer) {
  make_layer_image(path("layer"), path("image/fs.erofs"));
  add_shell("main", kSleep).rootfs.layers = {path("image/fs.erofs")};
  start();
  await(Kind::kContainerStarted);
  EXPECT_EQ(loop_devices_beneath(directory_->path()).size(), 1u);
  kill_shim();
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
