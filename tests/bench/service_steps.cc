// service_steps: what a step of the scheduler takes, with services in steady state.
//
//   one      a step in which one task of one service ended: its replacement starts
//   all      every service is looked at (as after a start of the daemon), in as many steps as that
//            takes
//   longest  of these, the longest: what everything else waits for at most
//   nothing  a step without events
//
// Medians of many, in microseconds of the processor, so that a busy machine tells the same, for a
// growing number of services with ten tasks each; the store is in memory, so that the scheduler
// alone is measured.
#include "base/check.h"
#include "scheduler/core.h"
#include "scheduler/definition_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <memory>
#include <vector>

namespace {

using namespace berth;
using namespace berth::scheduler;

constexpr int kTasksOfEach = 10;
constexpr int kRounds = 200;
constexpr int kRoundsOfAll = 20;
constexpr int kStepsOfNothing = 1000;  // together: one is less than the clock can tell

RevisionSpec bench_spec() {
  RevisionSpec spec;
  spec.request.definition_json =
      R"({"family": "web", "containerDefinitions": [{"name": "a", "image": "i", "memory": 16}]})";
  spec.request.launch_type = "EC2";
  auto definition =
      make_definition({spec.request.definition_json, "", "EC2", ""}, CpuArchitecture::kX86_64);
  CHECK(definition.has_value());
  spec.definition = std::move(*definition);
  return spec;
}

class Bench {
 public:
  explicit Bench(int services) {
    open();
    ServiceConfiguration configuration;
    configuration.desired_count = kTasksOfEach;
    RevisionSpec spec = bench_spec();
    for (int i = 0; i < services; ++i) {
      keys_.push_back({"default", fmt::format("s{}", i)});
      core_->submit(ServiceCreated{
          .service = keys_.back(), .configuration = configuration, .revision = spec});
    }
    step();
    for (const std::string& id : core_->task_ids()) run(id);
    step();
    now_ += kHealthyAfter;
    rest();
    for (const ServiceKey& key : keys_) CHECK(core_->services().find(key)->is_steady);
  }

  double nothing() {
    return median(kRounds, kStepsOfNothing, [] {});
  }
  double one() {
    return median(kRounds, 1, [this] {
      const ServiceKey& key = keys_[rng_.next() % keys_.size()];
      const std::string& id = core_->services().tasks_of(key).begin()->first;
      core_->submit(ContainerExited{.task_id = id, .container = "a", .exit_code = 1, .at = now_});
    });
  }
  struct All {
    double together = 0;  // microseconds, the median
    double longest = 0;   // step of all rounds
    int steps = 0;        // of a round
  };
  All all() {
    std::vector<double> took;
    All all;
    for (int i = 0; i < kRoundsOfAll; ++i) {
      now_ += std::chrono::milliseconds(1);
      open();
      double together = 0;
      for (all.steps = 0; is_due(); ++all.steps) {
        double one = timed(1);
        all.longest = std::max(all.longest, one);
        together += one;
      }
      took.push_back(together);
    }
    all.together = middle(took);
    return all;
  }

 private:
  void open() {
    core_ = std::make_unique<Core>(store_, rng_);
    CHECK(core_->open_services({}).has_value());
  }
  void run(const std::string& id) {
    core_->submit(ContainerStarted{.task_id = id, .container = "a", .at = now_});
  }
  void step() { CHECK(core_->step(now_).has_value()); }

  bool is_due() {
    auto deadline = core_->next_deadline();
    return deadline && *deadline <= now_;
  }
  void rest() {
    do step();
    while (is_due());
  }
  double timed(int steps) {
    std::clock_t from = std::clock();
    for (int i = 0; i < steps; ++i) step();
    return static_cast<double>(std::clock() - from) * (1e6 / CLOCKS_PER_SEC);
  }
  static double middle(std::vector<double>& took) {
    auto at = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
    std::nth_element(took.begin(), at, took.end());
    return *at;
  }

  // Of the steps alone, not of what is prepared for them.
  template <class Prepare>
  double median(int rounds, int steps, Prepare prepare) {
    std::vector<double> took;
    for (int i = 0; i < rounds; ++i) {
      now_ += std::chrono::milliseconds(1);
      prepare();
      took.push_back(timed(steps) / steps);
    }
    return middle(took);
  }

  MemoryStore store_;
  SeededRng rng_{1};
  std::unique_ptr<Core> core_;
  WallTime now_ = WallTime(std::chrono::seconds(1700000000));
  std::vector<ServiceKey> keys_;
};

}  // namespace

int main() {
  std::printf("%10s %10s %12s %12s %12s %8s %12s\n", "services", "tasks", "nothing us", "one us",
              "all us", "steps", "longest us");
  for (int services : {125, 250, 500, 1000, 2000}) {
    Bench bench(services);
    double nothing = bench.nothing();
    Bench::All all = bench.all();
    std::printf("%10d %10d %12.2f %12.1f %12.0f %8d %12.0f\n", services, services * kTasksOfEach,
                nothing, bench.one(), all.together, all.steps, all.longest);
  }
  return 0;
}
