// The real clock and the real random numbers: the only ones in the project.
#pragma once

#include "base/env.h"

#include <atomic>

namespace berth::sys {

class SystemClock final : public Clock {
 public:
  Instant now() override;
  WallTime wall() override;
};

// Another clock, ahead of it by as much as it was told: instances that are thrown away. Any thread.
class AdvancedClock final : public Clock {
 public:
  // Borrows `clock`.
  explicit AdvancedClock(Clock& clock) : clock_(clock) {}
  Instant now() override { return clock_.now() + ahead(); }
  WallTime wall() override { return clock_.wall() + ahead(); }
  void advance(Duration by) { ahead_ += by.count(); }
  Duration ahead() const { return Duration(ahead_.load()); }

 private:
  Clock& clock_;
  std::atomic<int64_t> ahead_ = 0;  // nanoseconds
};

// getrandom(2); aborts when the kernel has none to give.
class SystemRng final : public Rng {
 public:
  uint64_t next() override;
};

// Blocks this thread for so long, signals or not.
void pause_for(std::chrono::milliseconds duration);

}  // namespace berth::sys
