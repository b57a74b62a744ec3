#include "agent/recovery.h"

#include "agent/paths.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <gtest/gtest.h>

#include <csignal>

namespace berth::agent {
namespace {

scheduler::Task task_of(const scheduler::Orders& orders) {
  scheduler::Task task;
  task.id = "0123";
  task.orders = orders;
  task.containers = {{.name = "main"}, {.name = "side"}};
  return task;
}

scheduler::Task started(scheduler::Task task) {
  task.containers[0].started_at = WallTime{};
  return task;
}

TEST(Recovery, FollowsFromWhatTheSchedulerKnowsAndWhatIsThere) {
  using W = Resumption;
  scheduler::Task to_run = task_of({.start = true});
  scheduler::Task to_stop = task_of({.start = true, .stop = true});
  scheduler::Task to_kill = task_of({.start = true, .kill = true});
  scheduler::Task to_release = task_of({.start = true, .stop = true, .release = true});
  TaskEvidence nothing;
  TaskEvidence leased{.was_begun = true, .has_directory = true};
  TaskEvidence waiting{.was_begun = true, .has_directory = true, .shim_lives = true};
  TaskEvidence running{
      .was_begun = true, .has_directory = true, .was_told_to_start = true, .shim_lives = true};
  TaskEvidence dead{.was_begun = true, .has_directory = true, .was_told_to_start = true};
  TaskEvidence rebooted{.was_begun = true};
  struct Case {
    const scheduler::Task& task;
    TaskEvidence evidence;
    Resumption way;
  };
  const Case cases[] = {
      {to_run, nothing, W::kBeginAnew},
      {to_run, leased, W::kBeginAnew},
      {to_run, waiting, W::kBeginAnew},
      {to_run, running, W::kFollow},
      {to_run, dead, W::kEnded},
      {to_run, rebooted, W::kEnded},
      {to_stop, nothing, W::kGiveUp},
      {to_stop, leased, W::kGiveUp},
      {to_stop, waiting, W::kGiveUp},
      {to_stop, running, W::kFollow},
      {to_stop, dead, W::kEnded},
      {to_stop, rebooted, W::kEnded},
      {to_kill, waiting, W::kGiveUp},
      {to_kill, running, W::kFollow},
      {to_release, nothing, W::kRelease},
      {to_release, running, W::kRelease},
      {started(to_run), nothing, W::kEnded},
      {started(to_run), running, W::kFollow},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(resumption_of(each.task, each.evidence), each.way)
        << name_of(each.way) << " " << (&each - cases);
  }
}

TEST(Recovery, ReadsWhatTheShimWroteDownAndWhatASweepKept) {
  auto directory = sys::TemporaryDirectory::make(testing::TempDir(), "berth-recovery-");
  Config config;
  config.root = directory->path() + "/root";
  config.run = directory->path() + "/run";
  InstancePaths paths = paths_of(config);
  scheduler::Task task = task_of({.start = true});
  EXPECT_FALSE(look_for_evidence(config, task.id).was_begun);
  EXPECT_TRUE(exit_records_of(config, task).empty());
  EXPECT_FALSE(find_shim(paths.task(task.id)));

  auto write = [](const std::string& path, const runtime::ExitRecord& record) {
    ASSERT_TRUE(sys::make_directories(path.substr(0, path.rfind('/')), 0700));
    ASSERT_TRUE(sys::write_replace(path, runtime::render_exit_record(record), 0600));
  };
  runtime::ExitRecord main{.container = "main", .exit_code = 3};
  runtime::ExitRecord side{.container = "side", .exit_code = 4};
  write(paths.task(task.id).bundle("main") + "/exit.json", main);
  write(paths.stopped(task.id) + "/side.exit.json", side);
  EXPECT_EQ(exit_records_of(config, task), (std::vector{main, side}));
  // It had been started again since.
  task.containers[0].restart_count = 1;
  EXPECT_EQ(exit_records_of(config, task), (std::vector{side}));
  TaskEvidence evidence = look_for_evidence(config, task.id);
  EXPECT_TRUE(evidence.has_directory && evidence.was_begun && !evidence.was_told_to_start);
}

TEST(Recovery, ASupervisorThatHasNotSaidWhoItIsIsKnownByItsDirectory) {
  auto directory = sys::TemporaryDirectory::make("/tmp", "berth-recovery-");
  ASSERT_TRUE(directory);
  runtime::TaskPaths task{directory->path()};
  EXPECT_TRUE(find_unnamed_shims(task).empty());
  auto input = sys::make_pipe();
  ASSERT_TRUE(input);
  sys::Program program;
  program.path = "cat";
  program.arguments = {"cat", "-", task.directory};  // reads until its input ends
  program.descriptors = {{input->read.get(), 0}};
  auto process = sys::spawn(program);
  ASSERT_TRUE(process);
  auto found = find_unnamed_shims(task);
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].pid, process->pid);
  ASSERT_TRUE(sys::send_signal(found[0], SIGKILL));
  ASSERT_TRUE(sys::wait(*process));
  EXPECT_TRUE(find_unnamed_shims(task).empty());
}

}  // namespace
}  // namespace berth::agent
