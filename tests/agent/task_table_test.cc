#include "agent/task_table.h"

#include "agent/paths.h"
#include "sys/file.h"

#include <gtest/gtest.h>

namespace berth::agent {
namespace {

constexpr const char* kFirst = "11111111111111111111111111111111";
constexpr const char* kSecond = "12222222222222222222222222222222";

ListedTask listed(const std::string& id, const std::string& family) {
  ListedTask task;
  task.info.id = id;
  task.info.family = family;
  task.containers.push_back({.info = {.name = "side", .essential = false}});
  task.containers.push_back({.info = {.name = "main"}});
  return task;
}

TEST(ChooseTask, ByIdByItsBeginningAndByFamily) {
  std::vector<ListedTask> tasks = {listed(kFirst, "web"), listed(kSecond, "batch")};
  EXPECT_EQ(*choose_task(tasks, kFirst), &tasks[0]);
  EXPECT_EQ(*choose_task(tasks, "12"), &tasks[1]);
  EXPECT_EQ(*choose_task(tasks, "batch"), &tasks[1]);
  std::string arn = "arn:aws:ecs:eu-central-1:123456789012:task/default/";
  EXPECT_EQ(*choose_task(tasks, arn + kSecond), &tasks[1]);
  EXPECT_EQ(choose_task(tasks, arn).error().code, Errc::kNotFound);
}

TEST(ChooseTask, WhatIsNotClearIsNotChosen) {
  std::vector<ListedTask> tasks = {listed(kFirst, "web"), listed(kSecond, "web")};
  EXPECT_EQ(choose_task(tasks, "web").error().text,
            "\"web\" means 2 tasks: give more of the id (111111111111, 122222222222)");
  for (int i = 0; i < 4; ++i) tasks.push_back(tasks.front());
  EXPECT_EQ(choose_task(tasks, "web").error().text,
            "\"web\" means 6 tasks: give more of the id (111111111111, 122222222222, "
            "111111111111, 111111111111, 111111111111, ...)");
  EXPECT_EQ(choose_task(tasks, "1").error().code, Errc::kInvalid);
  EXPECT_EQ(choose_task(tasks, "").error().code, Errc::kNotFound);
  EXPECT_EQ(choose_task(tasks, "x").error().text,
            "no task \"x\": `berth ps --all` lists what there is");
}

TEST(ChooseContainer, ByNameOrTheFirstEssentialOne) {
  ListedTask task = listed(kFirst, "web");
  EXPECT_EQ((*choose_container(task, ""))->info.name, "main");
  EXPECT_EQ((*choose_container(task, "side"))->info.name, "side");
  EXPECT_EQ(choose_container(task, "x").error().text,
            "task " + std::string(kFirst) + " has no container \"x\"; it has side, main");
}

class TaskTable : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_.emplace(sys::TemporaryDirectory::make("/tmp", "berth-task-table-").value());
    config_.root = directory_->path() + "/root";
    config_.run = directory_->path() + "/run";
    paths_ = paths_of(config_);
  }

  // As the agent leaves them when the supervisor has gone.
  void make_task(const std::string& id, bool detached) {
    ASSERT_TRUE(sys::make_directories(paths_.task(id).bundle("main"), 0700));
    ASSERT_TRUE(sys::make_directories(paths_.logs(id), 0700));
    ASSERT_TRUE(sys::write_replace(paths_.task_lock(id), "", 0600));
    TaskInfo info;
    info.id = id;
    info.family = "batch";
    info.detached = detached;
    info.containers.push_back({.name = "main", .image = "busybox"});
    ASSERT_TRUE(sys::write_replace(info_path(paths_.task(id)), render_task_info(info), 0600));
    runtime::ExitRecord record{.container = "main", .exit_code = 3};
    ASSERT_TRUE(sys::write_replace(paths_.task(id).bundle("main") + "/exit.json",
                                   runtime::render_exit_record(record), 0600));
    ASSERT_TRUE(sys::write_replace(paths_.logs(id) + "/main.log", "{}\n", 0600));
  }

  std::optional<sys::TemporaryDirectory> directory_;
  Config config_;
  InstancePaths paths_;
};

TEST_F(TaskTable, AnInstanceThatNeverRanHasNone) {
  EXPECT_TRUE(list_tasks(config_, true)->empty());
}

TEST_F(TaskTable, ATaskThatNobodyServesIsLost) {
  make_task(kFirst, false);
  auto tasks = list_tasks(config_, true);
  ASSERT_EQ(tasks->size(), 1U);
  EXPECT_EQ(tasks->front().state, TaskState::kLost);
  EXPECT_EQ(ask_task(config_, tasks->front(), runtime::ShimRequest::kStop).error().code,
            Errc::kUnavailable);
}

TEST_F(TaskTable, ATaskWhoseStarterIsThereIsPending) {
  make_task(kFirst, false);
  auto lock = sys::FileLock::acquire(paths_.task_lock(kFirst));
  EXPECT_EQ(list_tasks(config_, false)->front().state, TaskState::kPending);
}

TEST_F(TaskTable, ATaskWhoseShimHasGoneIsBeingGivenBack) {
  make_task(kFirst, false);
  auto lock = sys::FileLock::acquire(paths_.task_lock(kFirst));
  // No process has started at that time.
  std::string gone = R"({"version":1,"pid":1,"startTime":18446744073709551})";
  ASSERT_TRUE(sys::write_replace(paths_.task(kFirst).shim(), gone, 0600));
  EXPECT_EQ(list_tasks(config_, false)->front().state, TaskState::kDeprovisioning);
}

TEST_F(TaskTable, LookingMakesNoLockAnew) {
  make_task(kFirst, false);
  ASSERT_TRUE(sys::remove_file(paths_.task_lock(kFirst)));
  EXPECT_TRUE(list_tasks(config_, false)->empty());
  EXPECT_FALSE(sys::exists(paths_.task_lock(kFirst)));
}

TEST_F(TaskTable, ADetachedTaskLeavesItsLogsAndExitCodes) {
  make_task(kFirst, true);
  ASSERT_TRUE(keep_stopped_task(config_, kFirst));
  ASSERT_TRUE(keep_stopped_task(config_, kFirst));  // once more changes nothing
  ASSERT_TRUE(sys::remove_file(paths_.task_lock(kFirst)));
  auto tasks = list_tasks(config_, true);
  ASSERT_EQ(tasks->size(), 1U);
  EXPECT_EQ(tasks->front().state, TaskState::kStopped);
  EXPECT_EQ(tasks->front().containers.front().exit->exit_code, 3);
  EXPECT_TRUE(sys::exists(tasks->front().log_directory + "/main.log"));
  EXPECT_TRUE(list_tasks(config_, false)->empty());
}

TEST_F(TaskTable, ATaskInTheForegroundLeavesNothing) {
  make_task(kFirst, false);
  ASSERT_TRUE(keep_stopped_task(config_, kFirst));
  EXPECT_FALSE(sys::exists(paths_.stopped(kFirst)));
}

TEST_F(TaskTable, WhatHasStoppedIsForgottenInTime) {
  make_task(kFirst, true);
  ASSERT_TRUE(keep_stopped_task(config_, kFirst));
  struct stat st = sys::stat(paths_.stopped(kFirst)).value();
  WallTime stopped{std::chrono::seconds(st.st_mtim.tv_sec)};
  ASSERT_TRUE(forget_stopped_tasks(config_, stopped + std::chrono::minutes(59), kStoppedKept));
  EXPECT_TRUE(sys::exists(paths_.stopped(kFirst)));
  ASSERT_TRUE(forget_stopped_tasks(config_, stopped + std::chrono::minutes(60), kStoppedKept));
  EXPECT_FALSE(sys::exists(paths_.stopped(kFirst)));
}

}  // namespace
}  // namespace berth::agent
