// TaskGroup: the cgroup of a task, in which those of its containers are. Made by the shim, which is
// not in it.
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"
#include "sys/cgroup.h"

namespace berth::runtime {

class TaskGroup {
 public:
  // `plan` is borrowed.
  explicit TaskGroup(const TaskPlan& plan) : plan_(plan) {}

  // With the limits of the task.
  Status make() const;
  // With those of its parents that nobody else is in. What cannot be removed is logged.
  void remove() const;
  Status freeze() const;
  Status thaw() const;

 private:
  Result<sys::CgroupDir> find() const;
  Result<sys::CgroupDir> make_directory() const;
  Status remove_upwards() const;

  const TaskPlan& plan_;
};

}  // namespace berth::runtime
