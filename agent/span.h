// How long the steps of a start and an end take: what `berth run --timing` prints.
#pragma once

#include "base/env.h"

#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

struct Span {
  std::string name;  // "pull busybox", "network of the task"
  Duration took{};
};

// Measures one step of a worker's job.
class Stopwatch {
 public:
  Stopwatch(Clock& clock, std::vector<Span>& spans) : clock_(clock), spans_(spans) {}
  // Notes the time since the last lap under `name`.
  void lap(std::string name) {
    Instant now = clock_.now();
    spans_.push_back({std::move(name), now - last_});
    last_ = now;
  }

 private:
  Clock& clock_;
  std::vector<Span>& spans_;
  Instant last_ = clock_.now();
};

}  // namespace berth::agent
