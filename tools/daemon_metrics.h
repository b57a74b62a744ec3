// DaemonMetrics: what berthd counts of itself and of its tasks, in the text format that Prometheus
// scrapes (https://prometheus.io/docs/instrumenting/exposition_formats/).
#pragma once

#include "api/front_door.h"
#include "base/env.h"
#include "scheduler/change.h"
#include "scheduler/core.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>

namespace berth::tools {

// Of this process, when it is asked.
struct ProcessFigures {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t open_descriptors = 0;
};

class DaemonMetrics {
 public:
  explicit DaemonMetrics(WallTime started) : started_(started) {}

  void count(const api::Exchanged& exchanged);
  void count(const scheduler::Change& change);

  // The whole page.
  std::string render(const scheduler::Core& core, const ProcessFigures& process) const;

  static constexpr std::array<double, 8> kBounds = {0.001, 0.0025, 0.005, 0.01,
                                                    0.025, 0.1,    0.5,   2.5};  // seconds

 private:
  struct Timing {
    std::array<uint64_t, kBounds.size()> within{};  // of kBounds, each
    uint64_t count = 0;
    double seconds = 0;
  };

  WallTime started_;
  std::map<std::tuple<std::string, std::string, std::string>, uint64_t> requests_;
  std::map<std::string, Timing> timings_;  // by service
  std::map<std::string, uint64_t> ended_;  // by stop code
  uint64_t begun_ = 0;
};

// Never fails: what cannot be read is 0.
ProcessFigures own_figures();

}  // namespace berth::tools
