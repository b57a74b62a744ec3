// service_steps: what a step of the scheduler takes, with services in steady state.
//
//   one      a step in which one task of one service ended: its replacement starts
//   all      a step in which every service is looked at (as after a start of the daemon)
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
      make_definition({spec.request.definition_json, "", "EC2"}, CpuArchitecture::kX86_64);
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
    step();
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
  double all() {
    return median(kRoundsOfAll, 1, [this] { open(); });
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

  // Of the steps alone, not of what is prepared for them.
  template <class Prepare>
  double median(int rounds, int steps, Prepare prepare) {
    std::vector<double> took;
    for (int i = 0; i < rounds; ++i) {
      now_ += std::chrono::milliseconds(1);
      prepare();
      std::clock_t from = std::clock();
      for (int j = 0; j < steps; ++j) step();
      std::clock_t took_all = std::clock() - from;
      took.push_back(static_cast<double>(took_all) * (1e6 / CLOCKS_PER_SEC) / steps);
    }
    std::nth_element(took.begin(), took.begin() + rounds / 2, took.end());
    return took[static_cast<size_t>(rounds / 2)];
  }

  MemoryStore store_;
  SeededRng rng_{1};
  std::unique_ptr<Core> core_;
  WallTime now_ = WallTime(std::chrono::seconds(1700000000));
  std::vector<ServiceKey> keys_;
};

}  // namespace

int main() {
  std::printf("%10s %10s %12s %12s %12s\n", "services", "tasks", "nothing us", "one us", "all us");
  for (int services : {125, 250, 500, 1000, 2000}) {
    Bench bench(services);
    double nothing = bench.nothing();
    double all = bench.all();
    std::printf("%10d %10d %12.2f %12.1f %12.0f\n", services, services * kTasksOfEach, nothing,
                bench.one(), all);
  }
  return 0;
}
