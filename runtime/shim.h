// The shim: one small process per task that holds its namespaces, starts and stops its containers
// in order, has their logs written and writes their exit records, and outlives whoever asked for
// it.
//
//   prepare    private mount namespace, subreaper, shim.json, shim.sock, task namespaces, cgroup
//   serve      requests of agents, health and ends of containers move the task along task_order.h
//   finish     containers deleted, root file systems unmounted, cgroup removed, task_stopped told
//
// Everything it mounts is in its own mount namespace: when it dies, however it dies, no mount is
// left on the host.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/shim_protocol.h"
#include "runtime/task_plan.h"
#include "sys/fd.h"

#include <cstddef>
#include <optional>
#include <string>

namespace berth::runtime {

// What shim.json holds: the identity of the process that serves a task.
struct ShimIdentity {
  int pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot
};
Result<ShimIdentity> read_shim_identity(const std::string& path);
// Whether that very process still runs: one that nobody has reaped yet does not.
bool is_alive(const ShimIdentity& identity);

constexpr size_t kExitRecordMax = 64 * 1024;  // bytes of its file
// What a shim wrote down of a container's end; nothing when there is none that can be read.
std::optional<ExitRecord> read_exit_record(const std::string& path);

// What whoever spawned us left open.
struct ShimInheritance {
  sys::Fd agent;     // its connection
  sys::Fd endpoint;  // the listening socket of EndpointPlan::host_listener, if the plan has that
};

// Serves the task until it has stopped. Blocks.
Status serve_task(const TaskPlan& plan, ShimInheritance inheritance, Env env);

}  // namespace berth::runtime
