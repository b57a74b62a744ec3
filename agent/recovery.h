// Recovery: what is to be done about a task that another agent of this instance has left, which
// died or made way for a newer one. There is no second account of a task: its shim tells what has
// happened so far to whoever connects, and its exit records are on disk, so an agent that takes a
// task up emits the events that the other one would have.
//
//   the scheduler knows     and there is                        way on
//   it is to be given back  whatever                            kRelease
//   it is to run or stop    its shim, told to start             kFollow
//                           a directory, told to start, no shim kEnded: exit records, then stopped
//                           none in this boot, but logs         kEnded: the host was restarted
//   it is to run            less than that                      kBeginAnew: no container has run
//   it is to stop           less than that                      kGiveUp
//
// "Told to start" is a file that is there before the shim is told (agent/paths.h).
#pragma once

#include "agent/config.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "scheduler/model.h"
#include "sys/spawn.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

struct TaskEvidence {
  bool was_begun = false;          // at all: its directory of logs is there
  bool has_directory = false;      // in this boot
  bool was_told_to_start = false;  // its shim; so a container may have run
  bool shim_lives = false;
};

enum class Resumption { kFollow, kBeginAnew, kGiveUp, kEnded, kRelease };
const char* name_of(Resumption way);

Resumption resumption_of(const scheduler::Task& task, const TaskEvidence& evidence);

// Whether a container of it has started, as the scheduler knows.
bool has_started(const scheduler::Task& task);

// All but the shim.
TaskEvidence look_for_evidence(const Config& config, const std::string& task_id);
// The very process that serves the task, if it lives; not a child of ours.
std::optional<sys::Process> find_shim(const runtime::TaskPaths& task);
// One that an agent started just before it died has not said yet who it is, and would share the
// directory of the task with the next one: all processes that were started for that directory.
std::vector<sys::Process> find_unnamed_shims(const runtime::TaskPaths& task);
// Of the containers that have one, in the definition's order.
std::vector<runtime::ExitRecord> exit_records_of(const Config& config, const scheduler::Task& task);

}  // namespace berth::agent
