// What must be true of services after every step, judged from outside: from what was there before,
// what was told, and what is there now. The arithmetic is written down here a second time, from the
// contract and not from the code.
#pragma once

#include "scheduler/core.h"
#include "sim/coverage.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::sim {

struct Seen {
  scheduler::Service service;
  std::map<std::string, scheduler::ServiceTask> tasks;
  std::optional<scheduler::ServiceDeployment> deployment;
  bool operator==(const Seen&) const = default;
};
using Picture = std::map<scheduler::ServiceKey, Seen>;
Picture picture_of(const scheduler::Core& core);

// What the agent told of a task in the step.
enum class FactKind { kFailedToStart, kExited, kOther };
struct Fact {
  FactKind kind = FactKind::kOther;
  std::string task;
};

class Rules {
 public:
  Rules(Coverage& coverage, const scheduler::ServiceSettings& settings)
      : coverage_(coverage), settings_(settings) {}

  struct StepSeen {
    const Picture& before;
    const Picture& after;
    const std::vector<Fact>& facts;
    const scheduler::Core& core;
    WallTime now;
  };
  // What is broken; empty when all is well.
  std::vector<std::string> judge(const StepSeen& step);
  // The node has room without end from now on.
  void lift_capacity() { is_capacity_checked_ = false; }

 private:
  struct Failures {
    int count = 0;
    std::optional<WallTime> last{};
  };

  void judge_service(const StepSeen& step, const Seen* before, const Seen& after);
  void judge_starts(const Seen* before, const Seen& after);
  void judge_shift_starts(const Seen& before, const Seen& after);
  void judge_traffic(const Seen* before, const Seen& after);
  void judge_stops(const StepSeen& step, const Seen& before, const Seen& after);
  void judge_drained_stop(const StepSeen& step, const Seen& after, const std::string& of_task);
  bool has_failed_before(const StepSeen& step, const Seen& after, const std::string& task,
                         const scheduler::Deployment& deployment) const;
  void judge_forgotten(const StepSeen& step, const Seen& before);
  void judge_failures(const StepSeen& step, const Seen* before, const Seen& after);
  void judge_causes(const StepSeen& step, const Seen* before, const Seen& after);
  void judge_capacity(const StepSeen& step);
  void cover(const Seen* before, const Seen& after);
  void cover_deployment(const Seen* before, const Seen& after);
  bool is_healthy(const scheduler::ServiceTask& task, WallTime now) const;
  bool is_draining() const { return settings_.drains && settings_.drains(""); }
  bool has_started(const Seen* before, const Seen& after) const;
  void broken(const Seen& whose, const std::string& what);

  Coverage& coverage_;
  const scheduler::ServiceSettings& settings_;
  bool is_capacity_checked_ = true;
  std::map<std::string, Failures> failures_;  // by deployment
  std::vector<std::string> broken_;
  WallTime now_{};
};

}  // namespace berth::sim
