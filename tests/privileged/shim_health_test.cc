// Health checks as the shim runs them: where, for how long, what is told, and that nothing stays.
#include "support/shim_fixture.h"

namespace berth::runtime {
namespace {

constexpr uint32_t kOftenMs = 50;
// Well as soon as three checks have failed.
constexpr const char* kWellLater =
    ">/tmp/ill; while :; do [ $(wc -l </tmp/ill) -ge 3 ] && >/tmp/well; sleep 0.05; done";

class ShimHealth : public Shim {
 protected:
  // A container that runs `script`, checked by `check`.
  ContainerPlan& add_checked(const std::string& script, const std::string& check) {
    ContainerPlan& container = add_shell("main", script);
    HealthCheckPlan plan;
    plan.args = {"/bin/sh", "-c", check};
    plan.interval_ms = kOftenMs;
    plan.timeout_ms = 60000;
    plan.retries = 2;
    container.health_check = plan;
    return container;
  }

  HealthReport next_health() { return await(Kind::kContainerHealth, "main").health.value(); }

  void end() {
    ask(ShimRequest::kKill);
    await(Kind::kTaskStopped);
  }

  // All processes of the container, checks included.
  size_t processes() const {
    return sys::Cgroups::detect()->at(plan_.containers[0].cgroup).processes()->size();
  }
  std::string check_group(const std::string& controller) const {
    return sys::Cgroups::detect()->at(plan_.containers[0].cgroup + "/health").directory(controller);
  }
  // What the check wrote into the container's root file system.
  std::string written(const std::string& name) const {
    return sys::read_file(path("disk/main/upper/tmp/" + name), 1 << 20).value_or("");
  }
};

TEST_F(ShimHealth, ChangesAreToldOnceEach) {
  add_checked(kWellLater,
              "[ -e /tmp/well ] && exit; echo >>/tmp/ill; echo ill; echo more >&2; exit 3");
  start();
  HealthReport sick = next_health();
  EXPECT_EQ(sick.status, HealthStatus::kUnhealthy);
  EXPECT_EQ(sick.exit_code, 3);
  EXPECT_EQ(sick.output, "ill\nmore\n");
  HealthReport well = next_health();
  EXPECT_EQ(well.status, HealthStatus::kHealthy);
  EXPECT_EQ(well.exit_code, 0);
  end();
}

TEST_F(ShimHealth, RunsAsAProcessOfTheContainer) {
  std::string facts =
      "readlink /proc/$p/ns/*; grep -E '^(Uid|Gid|Cap|Seccomp)' /proc/$p/status; "
      "cat /proc/$p/limits";
  add_checked("export A=1; " + std::string(kSleep),
              "p=self; (" + facts + ") >/tmp/check; p=1; (" + facts +
                  ") >/tmp/init; env >/tmp/env; cat /proc/self/cgroup >/tmp/cgroup");
  start();
  EXPECT_EQ(next_health().status, HealthStatus::kHealthy);
  EXPECT_FALSE(written("init").empty());
  EXPECT_EQ(written("check"), written("init"));
  EXPECT_THAT(written("env"), testing::Not(HasSubstr("A=1"))) << "of the plan, not of process 1";
  EXPECT_THAT(written("env"), HasSubstr("PATH="));
  for (const std::string& line : split(written("cgroup"), '\n')) {
    bool separate = line.find(":pids:") != std::string::npos || line.starts_with("0::");
    if (separate || line.empty()) continue;
    EXPECT_THAT(line, testing::EndsWith(":/")) << "the limits are those of the container";
  }
  end();
}

TEST_F(ShimHealth, TooLongIsAFailureAndIsKilledWhole) {
  ContainerPlan& container =
      add_checked(kSleep, "echo begun; (trap '' TERM; setsid sleep 1000) & sleep 1000");
  container.health_check->timeout_ms = 200;
  container.health_check->retries = 1;
  start();
  HealthReport report = next_health();
  EXPECT_EQ(report.status, HealthStatus::kUnhealthy);
  EXPECT_EQ(report.exit_code, std::nullopt);
  EXPECT_EQ(report.output, "Health check exceeded timeout (0.2 s)\nbegun\n");
  end();
}

TEST_F(ShimHealth, LeavesNoProcessBehind) {
  // Its children outlive it and hold on to its output; the next check looks whether they are gone.
  add_checked(kSleep,
              "ps | grep -v grep | grep -c 'sleep 1234' >>/tmp/left; "
              "for i in 1 2 3; do setsid sleep 1234 & done; [ $(wc -l </tmp/left) -ge 3 ]")
      .health_check->retries = 10;
  start();
  EXPECT_EQ(next_health().status, HealthStatus::kHealthy);
  EXPECT_EQ(written("left"), "0\n0\n0\n");
  end();
}

TEST_F(ShimHealth, NothingOfACheckOutlivesItsContainer) {
  add_checked("while [ ! -e /tmp/checked ]; do sleep 0.05; done; exit 7",
              ">/tmp/checked; setsid sleep 1000 & sleep 1000");
  run();
  EXPECT_EQ(exit_of("main").exit_code, 7);
  EXPECT_FALSE(sys::exists(check_group("pids")));
}

TEST_F(ShimHealth, StopDoesNotWaitForTheCheck) {
  add_checked(std::string("trap 'exit 4' TERM; ") + kSleep, ">/tmp/checked; sleep 1000");
  start();
  while (!sys::exists(path("disk/main/upper/tmp/checked"))) ::usleep(10000);
  EXPECT_GE(processes(), 2U);
  ask(ShimRequest::kStop);
  await(Kind::kTaskStopped);
  EXPECT_EQ(exit_of("main").exit_code, 4);
}

TEST_F(ShimHealth, OutputIsBounded) {
  ContainerPlan& container =
      add_checked(kSleep, "yes 12345678901234567890 | head -c 1000000; exit 1");
  container.health_check->retries = 1;
  start();
  HealthReport report = next_health();
  EXPECT_EQ(report.output.size(), 1024U);
  EXPECT_EQ(report.exit_code, 1);
  end();
}

TEST_F(ShimHealth, WhatCannotRunIsAFailureWithItsReason) {
  ContainerPlan& container = add_checked(kSleep, "");
  container.health_check->args = {"nope", "--option"};
  container.health_check->retries = 1;
  start();
  HealthReport report = next_health();
  EXPECT_EQ(report.status, HealthStatus::kUnhealthy);
  EXPECT_EQ(report.exit_code, std::nullopt);
  EXPECT_THAT(report.output, HasSubstr("exec: \"nope\": executable file not found"));
  end();
}

TEST_F(ShimHealth, DependentStartsWhenHealthy) {
  add_checked(kWellLater, "[ -e /tmp/well ] || { echo >>/tmp/ill; exit 1; }");
  add_shell("web", kSleep).depends_on = {{"main", DependencyCondition::kHealthy}};
  start();
  EXPECT_EQ(next_health().status, HealthStatus::kUnhealthy) << "not final";
  EXPECT_EQ(next_health().status, HealthStatus::kHealthy);
  await(Kind::kContainerStarted, "web");
  end();
}

TEST_F(ShimHealth, DependentIsRefusedAfterTheStartTimeout) {
  ContainerPlan& container = add_checked(kSleep, "exit 1");
  container.start_timeout_seconds = 1;
  container.stop_timeout_seconds = 0;
  container.essential = false;
  add_shell("web", "true").depends_on = {{"main", DependencyCondition::kHealthy}};
  run();
  EXPECT_EQ(exit_of("web").reason,
            "TaskDependencyError: container main did not become HEALTHY within its startTimeout of "
            "1 s");
  EXPECT_EQ(exit_of("main").exit_code, 137);
}

TEST_F(ShimHealth, ALaterAgentHearsTheLastStatus) {
  plan_.foreground = false;
  // Healthy and ill by turns, as often as it is asked.
  add_checked(kSleep, "[ -e /tmp/f ] && rm /tmp/f || { >/tmp/f; exit 1; }").health_check->retries =
      1;
  start();
  for (int i = 0; i < 5; ++i) next_health();
  agent_ = sys::connect_unix(path("task/shim.sock")).value();
  EXPECT_EQ(next().kind, Kind::kContainerCreated);
  EXPECT_EQ(next().kind, Kind::kContainerStarted);
  HealthReport past = next_health();
  EXPECT_NE(next_health().status, past.status) << "the next one is news";
  end();
}

}  // namespace
}  // namespace berth::runtime
