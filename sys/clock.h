// The real clock and the real random numbers: the only ones in the project.
#pragma once

#include "base/env.h"

namespace berth::sys {

class SystemClock final : public Clock {
 public:
  Instant now() override;
  WallTime wall() override;
};

// getrandom(2); aborts when the kernel has none to give.
class SystemRng final : public Rng {
 public:
  uint64_t next() override;
};

// Blocks this thread for so long, signals or not.
void pause_for(std::chrono::milliseconds duration);

}  // namespace berth::sys
