#include "sys/clock.h"

#include "base/check.h"

#include <sys/random.h>

#include <thread>

namespace berth::sys {

Instant SystemClock::now() {
  return std::chrono::steady_clock::now();
}

WallTime SystemClock::wall() {
  return std::chrono::system_clock::now();
}

void pause_for(std::chrono::milliseconds duration) {
  std::this_thread::sleep_for(duration);
}

uint64_t SystemRng::next() {
  uint64_t value = 0;
  CHECK(::getrandom(&value, sizeof(value), 0) == sizeof(value));
  return value;
}

}  // namespace berth::sys
