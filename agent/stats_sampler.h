// StatsSampler: the statistics of a task's containers whenever somebody asks, without work in
// between. Each answer is made of two samples that are at least kStatsApart apart: who asks for the
// first time waits that long.
#pragma once

#include "agent/container_stats.h"
#include "sys/loop.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

constexpr Duration kStatsApart = std::chrono::seconds(1);

class StatsSampler {
 public:
  struct Wanted {
    StatsName name;
    StatsSource source;
  };
  // JSON texts by StatsName::id; one whose container has ended meanwhile is missing.
  using Done = std::function<void(const std::map<std::string, std::string>&)>;

  // Both borrowed.
  StatsSampler(sys::Loop& loop, Clock& clock) : loop_(loop), clock_(clock) {}
  StatsSampler(const StatsSampler&) = delete;
  StatsSampler& operator=(const StatsSampler&) = delete;

  // Calls `done` now or later, on the loop.
  void ask(std::vector<Wanted> wanted, Done done);

 private:
  struct Pair {
    std::optional<StatsSample> before;
    std::optional<StatsSample> now;
  };
  // Whether there are two after it.
  bool sample(const Wanted& wanted, Pair& pair);

  sys::Loop& loop_;
  Clock& clock_;
  std::map<std::string, Pair> pairs_;  // by StatsName::id
};

}  // namespace berth::agent
