// TaskFigures: how much of what they have reserved tasks use, as CloudWatch has it under AWS/ECS:
// CPUUtilization and MemoryUtilization, in percent,
//
//   {ClusterName}                of the host's processors and memory, by all tasks of the cluster
//   {ClusterName, ServiceName}   of what each task of the service has reserved: an average has the
//                                share of all, minimum and maximum those of single tasks
//
// Processor time is counted between two looks, so the first look at a task gives its memory only.
#pragma once

#include "agent/config.h"
#include "base/env.h"
#include "base/result.h"
#include "metrics/metric_store.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace berth::tools {

// A task that runs, as the scheduler knows it.
struct ReservingTask {
  std::string id;
  std::string cluster;
  std::string service;        // "" of a task that is no service's
  uint64_t cpu_units = 0;     // 0: none reserved
  uint64_t memory_bytes = 0;  // likewise
};

struct UsedByTask {
  uint64_t cpu_ns = 0;  // since it started
  uint64_t memory_bytes = 0;
  Instant at{};
};
using UsedByTasks = std::map<std::string, UsedByTask>;  // by the task's id

// What the containers use right now, by task. Reads control groups: on a worker.
Result<UsedByTasks> look_at_tasks(const agent::Config& config, Clock& clock);

struct HostSize {
  uint64_t cpu_units = 0;
  uint64_t memory_bytes = 0;
};

// Pure.
std::vector<metrics::Datum> figures_of(const std::vector<ReservingTask>& tasks,
                                       const UsedByTasks& before, const UsedByTasks& now,
                                       const HostSize& host, int64_t at_seconds);

}  // namespace berth::tools
