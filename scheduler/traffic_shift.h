// The way of a deployment that shifts traffic from the old revision (blue) to the new one (green):
// all at once (BLUE_GREEN), in equal steps (LINEAR), or some first and then the rest (CANARY).
//
//   RECONCILE_SERVICE              only when more than one older revision has tasks
//   PRE_SCALE_UP                   |
//   SCALE_UP                       |  green comes to the desired count, without traffic
//   POST_SCALE_UP                  |
//   TEST_TRAFFIC_SHIFT             |  green has all test traffic
//   POST_TEST_TRAFFIC_SHIFT        |
//   PRE_PRODUCTION_TRAFFIC_SHIFT   |
//   PRODUCTION_TRAFFIC_SHIFT       |  step by step; between two steps, some time
//   POST_PRODUCTION_TRAFFIC_SHIFT  |
//   BAKE_TIME                      both are there
//   CLEAN_UP                       blue goes
//
// The first deployment of a service has all stages and hooks, no blue, and thus no steps and bakes.
// Before a stage is over, its hooks are asked (PRODUCTION_TRAFFIC_SHIFT's at each step). Pure: the
// stage, its hooks and its times are in the ServiceDeployment, and so is what traffic green has.
#pragma once

#include "base/env.h"
#include "scheduler/service.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::scheduler {

// How the tasks stand.
struct ShiftFacts {
  bool is_reconciled = false;  // no third revision has tasks
  bool is_scaled_up = false;   // all of green's are healthy
  bool is_cleaned_up = false;  // none of blue's is there
};

struct ShiftOutcome {
  struct Told {
    const char* name;  // of the event
    std::string text;  // what was decided: "SCALE_UP begins"
  };
  std::vector<Told> told{};
  std::optional<WallTime> wake{};        // when time alone goes on with it
  std::optional<std::string> failure{};  // a hook said no
  bool is_done = false;
};

// Goes on as far as the facts let it.
ShiftOutcome advance_shift(ServiceDeployment& progress, const ShiftFacts& facts, WallTime now,
                           Rng& rng);

// How many tasks each side has at its stage.
struct ShiftCounts {
  int green = 0;
  int blue = 0;
};
ShiftCounts shift_counts_of(const ServiceDeployment& progress, int desired);

// Nobody is asked any more: what is open has failed.
void close_hooks(ServiceDeployment& progress);

// The hook that waits for an answer, by its id or, for "", the first.
HookRun* find_waiting_hook(ServiceDeployment& progress, const std::string& id);

// Thousandths of the traffic of a service by revision; a revision that is not named has none.
struct TrafficWeights {
  std::map<std::string, int> production{};
  std::map<std::string, int> test{};
  bool operator==(const TrafficWeights&) const = default;
};
// Nothing while all healthy tasks share it: of a rolling deployment. One that was stopped where it
// was leaves the traffic where it is.
TrafficWeights traffic_of(const Service& service, const ServiceDeployment* progress);

// Target groups, seen from services: whoever moves requests implements it. Told once when a service
// is found at the start, and whenever its weights change; the last word counts.
class TrafficPlane {
 public:
  virtual ~TrafficPlane() = default;
  virtual void shift(const ServiceKey& service, const TrafficWeights& weights) = 0;
};

// Remembers what it was told: tests, and a host without load balancers.
class MemoryTrafficPlane final : public TrafficPlane {
 public:
  void shift(const ServiceKey& service, const TrafficWeights& weights) override {
    weights_[service] = weights;
    history_[service].push_back(weights);
  }
  const TrafficWeights& of(const ServiceKey& service) { return weights_[service]; }
  const std::vector<TrafficWeights>& history(const ServiceKey& service) {
    return history_[service];
  }

 private:
  std::map<ServiceKey, TrafficWeights> weights_;
  std::map<ServiceKey, std::vector<TrafficWeights>> history_;
};

}  // namespace berth::scheduler
