// How the kernel is to schedule a process: process.scheduler, ioPriority and execCPUAffinity of
// config.json. Set by the parent, with the host's rights, before the process takes its first step.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <sched.h>

#include <cstdint>
#include <optional>
#include <string>

#include <sys/types.h>

namespace berth::runtime {

// sched_setattr(2).
struct Scheduler {
  uint32_t policy = 0;  // SCHED_*
  uint64_t flags = 0;   // SCHED_FLAG_*
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime_ns = 0;
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};
Result<Scheduler> parse_scheduler(const json::Node& node);
Status set_scheduler(pid_t pid, const Scheduler& scheduler);

// ioprio_set(2): class and level in one number.
Result<int> parse_io_priority(const json::Node& node);
Status set_io_priority(pid_t pid, int priority);

// "0-3,7". kInvalid names the node.
Result<std::optional<cpu_set_t>> find_cpus(const json::Node& node, std::string_view key);
// sched_setaffinity(2) of the calling process; its children have it from then on.
Status set_affinity(const cpu_set_t& cpus);

}  // namespace berth::runtime
