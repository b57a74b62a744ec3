// What a container uses, in the JSON of Docker's stats: what monitoring agents expect of the
// endpoint. Two samples make an answer: a reader computes shares of a processor from their
// difference, so the one before must be real, and older by a while.
#pragma once

#include "base/env.h"
#include "base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::agent {

struct InterfaceCounters {
  // Bytes, packets, errors, dropped: received, then sent.
  uint64_t received[4] = {};
  uint64_t sent[4] = {};
};

struct StatsSample {
  WallTime at{};
  Instant taken{};
  std::string group;         // the control group's figures in runc's JSON (runtime/control.h)
  uint64_t host_cpu_ns = 0;  // of all processors, all they did
  uint64_t processors = 1;   // online
  std::optional<uint64_t> memory_limit;  // of the task, when it has one
  std::map<std::string, InterfaceCounters> interfaces;
};

// What a container's figures are read from.
struct StatsSource {
  std::string cgroup;
  std::optional<uint64_t> task_memory;
  pid_t pid = 0;  // whose network namespace it is; 0: none is looked at
};

Result<StatsSample> take_stats_sample(const StatsSource& source, Clock& clock);

// Of /proc/PID/net/dev, lo left out. Pure.
std::map<std::string, InterfaceCounters> parse_interface_counters(std::string_view text);
// The first line of /proc/stat in nanoseconds, as Docker counts it. Pure.
uint64_t parse_host_cpu(std::string_view text);

struct StatsName {
  std::string id;
  std::string name;
};
// The answer, as JSON text. kCorrupt when a sample is none.
Result<std::string> render_docker_stats(const StatsName& name, const StatsSample& before,
                                        const StatsSample& now);

}  // namespace berth::agent
