// Restarts in place as the shim does them: what stays, what is new, what is kept and told.
#include "support/shim_fixture.h"

namespace berth::runtime {
namespace {

class ShimRestart : public Shim {
 protected:
  // A container whose n-th run does `script` with $n.
  ContainerPlan& add_counting(const std::string& name, const std::string& script) {
    ContainerPlan& container =
        add_shell(name, "echo >>/tmp/runs; n=$(wc -l </tmp/runs); " + script);
    container.restart = RestartPlan{.ignored_exit_codes = {}, .attempt_period_ms = 0};
    return container;
  }

  ExitRecord next_restart(const std::string& container = "main") {
    return await(Kind::kContainerRestarted, container).exit.value();
  }
};

TEST_F(ShimRestart, RunsAgainInItsPlaceAndKeepsEveryRecord) {
  add_counting("main",
               "echo run $n in $(readlink /proc/self/ns/net) $(readlink /proc/self/ns/user); "
               "[ $n -lt 3 ] || exit 0; exit $n")
      .restart->ignored_exit_codes = {0};
  run();
  EXPECT_EQ(exit_of("main").exit_code, 1) << "the first that was told";
  ASSERT_EQ(exits_.size(), 3U);
  for (int n = 0; n < 3; ++n) EXPECT_EQ(exits_[static_cast<size_t>(n)].restarts, n);
  EXPECT_EQ(exits_[1].exit_code, 2);
  EXPECT_EQ(exits_[2].exit_code, 0);
  EXPECT_GE(exits_[1].started_at, exits_[0].finished_at);

  std::string bundle = path("task/containers/main");
  EXPECT_EQ(sys::read_file(bundle + "/exit.json", 4096).value(), render_exit_record(exits_[2]));
  EXPECT_EQ(sys::read_file(bundle + "/restarts.json", 4096).value(),
            render_exit_record(exits_[0]) + render_exit_record(exits_[1]));

  std::vector<LogLine> log = log_of("main");
  ASSERT_EQ(log.size(), 3U) << "one log of all runs";
  for (size_t n = 0; n < 3; ++n) {
    EXPECT_THAT(log[n].text, StartsWith(fmt::format("run {} in net:", n + 1)));
    EXPECT_EQ(log[n].text.substr(6), log[0].text.substr(6)) << "the namespaces of the task stay";
  }
}

TEST_F(ShimRestart, EarlyEndIsAnEnd) {
  ContainerPlan& container = add_counting("main", "exit 9");
  container.restart->attempt_period_ms = 60000;
  run();
  ASSERT_EQ(exits_.size(), 1U);
  EXPECT_EQ(exits_[0].exit_code, 9);
  EXPECT_FALSE(sys::exists(path("task/containers/main/restarts.json")));
}

TEST_F(ShimRestart, OneThatIsNotEssentialRestartsToo) {
  add_counting("side", "[ $n -ge 3 ] && >/tmp/done; sleep 0.05; exit 4").essential = false;
  add_shell("main", kSleep);
  start();
  for (int n = 0; n < 5; ++n) EXPECT_EQ(next_restart("side").restarts, n);
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
}

TEST_F(ShimRestart, NotWhileTheTaskStops) {
  for (const char* name : {"main", "side"}) {
    add_counting(name, std::string("trap 'exit 5' TERM; echo up; ") + kSleep);
  }
  start();
  for (const char* name : {"main", "side"}) await_output(name, "up");
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  ASSERT_EQ(exits_.size(), 2U);
  for (const ExitRecord& record : exits_) {
    EXPECT_EQ(record.exit_code, 5);
    EXPECT_EQ(record.restarts, 0);
  }
}

TEST_F(ShimRestart, NotWhenKilledWithTheTask) {
  add_counting("main", kSleep);
  start();
  await(Kind::kContainerStarted);
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
  ASSERT_EQ(exits_.size(), 1U);
  EXPECT_EQ(exits_[0].exit_code, 137);
}

TEST_F(ShimRestart, DependentsWaitForTheLastEnd) {
  ContainerPlan& first = add_counting("first", "echo run $n; [ $n -ge 3 ] && exit 0; exit 1");
  first.essential = false;
  first.restart->ignored_exit_codes = {0};
  add_shell("main", "exit 6").depends_on = {{"first", DependencyCondition::kSuccess}};
  run();
  EXPECT_EQ(printed("first"), "run 1\nrun 2\nrun 3\n");
  EXPECT_EQ(exits_.back().container, "main");
  EXPECT_EQ(exits_.back().exit_code, 6);
}

TEST_F(ShimRestart, HealthBeginsAnew) {
  ContainerPlan& container =
      add_counting("main", "until [ -e /tmp/end$n ]; do sleep 0.05; done; exit 1");
  HealthCheckPlan check;
  // Healthy until the first run has been ended, never again.
  check.args = {"/bin/sh", "-c", "[ ! -e /tmp/end1 ] && >/tmp/end1"};
  check.interval_ms = 100;
  check.retries = 1;
  container.health_check = check;
  start();
  EXPECT_EQ(await(Kind::kContainerHealth).health->status, HealthStatus::kHealthy);
  next_restart();
  EXPECT_EQ(await(Kind::kContainerHealth).health, HealthReport{});
  EXPECT_EQ(await(Kind::kContainerHealth).health->status, HealthStatus::kUnhealthy);
  ask(ShimRequest::kKill);
  await(Kind::kTaskStopped);
}

TEST_F(ShimRestart, WhatCannotStartAgainEndsWithTheReason) {
  add_counting("main", "mv /bin/busybox /bin/gone; exit 3");
  run();
  ASSERT_EQ(exits_.size(), 1U);
  EXPECT_EQ(exits_[0].exit_code, 3);
  EXPECT_THAT(exits_[0].reason, StartsWith("CannotStartContainerError: "));
}

TEST_F(ShimRestart, ALaterAgentHearsTheLastRestart) {
  plan_.foreground = false;
  add_counting("main", "[ $n -ge 5 ] || exit 1; echo up; " + std::string(kSleep));
  start();
  await_output("main", "up");
  agent_ = sys::connect_unix(path("task/shim.sock")).value();
  EXPECT_EQ(next().kind, Kind::kContainerCreated);
  EXPECT_EQ(next().kind, Kind::kContainerStarted);
  EXPECT_EQ(next_restart().restarts, 3);
  ask(ShimRequest::kKill);
  EXPECT_EQ(await(Kind::kContainerExited).exit->restarts, 4);
  await(Kind::kTaskStopped);
  std::string kept = sys::read_file(path("task/containers/main/restarts.json"), 65536).value();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 4);
}

TEST_F(ShimRestart, RecordsAreBounded) {
  add_counting("main", "[ $n -ge 20 ] && exit 0; exit 1").restart->ignored_exit_codes = {0};
  run();
  std::string kept = sys::read_file(path("task/containers/main/restarts.json"), 65536).value();
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 16);
  EXPECT_THAT(kept, HasSubstr("\"restarts\":18")) << "the last ones";
}

}  // namespace
}  // namespace berth::runtime
