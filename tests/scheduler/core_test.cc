#include "scheduler/core.h"
#include "scheduler/exit_code.h"

#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

const std::string kId = "0123456789abcdef0123456789abcdef";

class CoreTest : public testing::Test {
 protected:
  CoreTest() {
    TaskDefinition task{.family = "f", .network_mode = NetworkMode::kAwsvpc};
    task.container_definitions = {{.name = "web", .image = "i"},
                                  {.name = "side", .image = "i", .essential = false}};
    for (ContainerDefinition& container : task.container_definitions) {
      container.health_check = HealthCheck{.command = {"CMD", "true"}};
    }
    commands_ = send(RunTaskRequested{kId, task});
  }
  std::vector<Command> send(Event event) {
    core_.submit(std::move(event));
    auto commands = core_.step(WallTime{});
    EXPECT_TRUE(commands.has_value());
    return *commands;
  }
  const Task& task() { return *core_.find_task(kId); }

  MemoryStore store_;
  SeededRng rng_{1};
  Core core_{store_, rng_};
  std::vector<Command> commands_;
};

TEST_F(CoreTest, RunsAndEndsWithItsEssentialContainer) {
  ASSERT_EQ(commands_.size(), 1u);
  EXPECT_STREQ(name_of(commands_[0]), "StartTask");
  send(TaskProvisioned{.task_id = kId});
  EXPECT_EQ(task().last_status(), TaskStatus::kPending);
  send(ContainerStarted{.task_id = kId, .container = "web"});
  EXPECT_EQ(task().last_status(), TaskStatus::kActivating);
  send(ContainerStarted{.task_id = kId, .container = "side"});
  EXPECT_EQ(task().last_status(), TaskStatus::kRunning);
  auto stop = send(ContainerExited{.task_id = kId, .container = "web", .out_of_memory = true});
  EXPECT_EQ(stop, std::vector<Command>{StopTask{kId}});
  EXPECT_EQ(send(TaskStopped{.task_id = kId}), std::vector<Command>{ReleaseTask{kId}});
  send(TaskReleased{kId});
  EXPECT_EQ(task().last_status(), TaskStatus::kStopped);
  EXPECT_EQ(exit_code_of(task()), 137);
  EXPECT_EQ(summarize(task().containers[0]),
            "web: exit code 137, OutOfMemoryError: Container killed due to memory usage");
  EXPECT_EQ(summarize(task()),
            "task STOPPED: EssentialContainerExited, Essential container in task exited");
}

TEST_F(CoreTest, FailsToStart) {
  auto commands = send(StartFailed{.task_id = kId,
                                   .stage = StartStage::kPull,
                                   .error_name = "CannotPullContainerError",
                                   .text = "no such tag",
                                   .container = "web"});
  EXPECT_EQ(commands, std::vector<Command>{ReleaseTask{kId}});
  EXPECT_EQ(task().stopped_reason, "CannotPullContainerError: no such tag");
  EXPECT_EQ(exit_code_of(task()), kStartFailedExitCode);
}

TEST_F(CoreTest, AnEssentialContainerThatCannotStartEndsTheTask) {
  send(ContainerStarted{.task_id = kId, .container = "side"});
  send(ContainerExited{.task_id = kId, .container = "side", .exit_code = 0});
  auto stop = send(ContainerExited{
      .task_id = kId, .container = "web", .reason = "CannotStartContainerError: no such file"});
  EXPECT_EQ(stop, std::vector<Command>{StopTask{kId}});
  EXPECT_EQ(task().started_at, std::nullopt);
  auto commands = send(TaskStopped{.task_id = kId,
                                   .stop_code = StopCode::kTaskFailedToStart,
                                   .reason = "CannotStartContainerError: no such file"});
  EXPECT_EQ(commands, std::vector<Command>{ReleaseTask{kId}});
  EXPECT_EQ(task().stop_code, StopCode::kTaskFailedToStart);
  EXPECT_EQ(exit_code_of(task()), kStartFailedExitCode);
  EXPECT_EQ(summarize(task().containers[0]),
            "web: did not run, CannotStartContainerError: no such file");
}

TEST_F(CoreTest, TheFirstStopDecidesAndASecondKills) {
  EXPECT_EQ(send(StopRequested{.task_id = kId}), std::vector<Command>{StopTask{kId}});
  EXPECT_EQ(send(KillRequested{.task_id = kId}), std::vector<Command>{KillTask{kId}});
  EXPECT_TRUE(send(KillRequested{.task_id = kId}).empty());
  EXPECT_EQ(task().stopped_reason, kStoppedByUserReason);
  EXPECT_EQ(exit_code_of(task()), kInterruptedExitCode);
}

TEST_F(CoreTest, WhatIsKilledIsNotAskedToStopFirst) {
  EXPECT_EQ(send(KillRequested{.task_id = kId, .reason = "now"}),
            std::vector<Command>{KillTask{kId}});
  EXPECT_TRUE(send(StopRequested{.task_id = kId}).empty());
  EXPECT_EQ(task().stopped_reason, "now");
}

TEST_F(CoreTest, HealthIsOfEssentialContainersWithACheckOnly) {
  auto becomes = [&](const char* name, HealthStatus status, int at) {
    ContainerHealth health{.status = status, .since = WallTime(std::chrono::seconds(at))};
    EXPECT_TRUE(
        send(ContainerHealthChanged{.task_id = kId, .container = name, .health = health}).empty())
        << "a task of its own goes on";
  };
  send(ContainerStarted{.task_id = kId, .container = "web"});
  EXPECT_EQ(health_status_of(task()), HealthStatus::kUnknown);
  becomes("web", HealthStatus::kHealthy, 1);
  EXPECT_EQ(health_status_of(task()), HealthStatus::kHealthy);
  becomes("side", HealthStatus::kUnhealthy, 2);
  EXPECT_EQ(health_status_of(task()), HealthStatus::kHealthy) << "side is not essential";
  becomes("web", HealthStatus::kUnhealthy, 4);
  becomes("web", HealthStatus::kHealthy, 3);
  EXPECT_EQ(health_status_of(task()), HealthStatus::kUnhealthy) << "what comes late is no news";
  EXPECT_EQ(task().desired_status, DesiredStatus::kRunning);
}

TEST_F(CoreTest, HealthIsSummarized) {
  ContainerHealth health{.status = HealthStatus::kHealthy};
  EXPECT_EQ(summarize("web", health), "web: HEALTHY");
  health.status = HealthStatus::kUnhealthy;
  EXPECT_EQ(summarize("web", health), "web: UNHEALTHY");
  health.exit_code = 7;
  health.output = "curl: \x1b[2J\nmore";
  EXPECT_EQ(summarize("web", health), "web: UNHEALTHY, exit code 7: curl: \\x1b[2J");
}

TEST_F(CoreTest, ARestartIsNoEnd) {
  send(ContainerStarted{.task_id = kId, .container = "web"});
  ContainerRestarted restarted{.task_id = kId, .container = "web", .restart_count = 2};
  EXPECT_TRUE(send(restarted).empty());
  restarted.restart_count = 1;
  send(restarted);
  EXPECT_EQ(task().containers[0].restart_count, 2) << "what comes late is no news";
  EXPECT_EQ(task().containers[0].lifecycle.status(), ContainerStatus::kRunning);
  EXPECT_EQ(task().desired_status, DesiredStatus::kRunning);
  restarted.exit_code = 137;
  restarted.out_of_memory = true;
  EXPECT_EQ(summarize(restarted),
            "web: exit code 137, OutOfMemoryError: Container killed due to memory usage, "
            "restarted");
  send(ContainerExited{.task_id = kId, .container = "web", .exit_code = 1});
  EXPECT_EQ(summarize(task().containers[0]), "web: exit code 1, restarted 2 times");
}

TEST_F(CoreTest, EveryChangeCarriesItsCause) {
  send(StopRequested{.task_id = kId});
  auto history = store_.history(kId, 0);
  ASSERT_EQ(history.size(), 2u);
  EXPECT_STREQ(name_of(history[0].cause), "RunTaskRequested");
  EXPECT_STREQ(name_of(history[1].cause), "StopRequested");
}

}  // namespace
}  // namespace berth::scheduler
