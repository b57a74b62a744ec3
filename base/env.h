// Time and chance, passed by constructor. Nothing outside sys/ reads a clock, sleeps or draws a
// random number, so a simulation can replay days from a seed.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <string>

namespace berth {

using Duration = std::chrono::nanoseconds;
// Monotonic: for timeouts and durations. Zero is unspecified.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;
// Wall clock, for records that people read.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Instant now() = 0;
  virtual WallTime wall() = 0;
};

class Rng {
 public:
  virtual ~Rng() = default;
  virtual uint64_t next() = 0;
};

// A Rng that replays from its seed: tests and simulation.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(uint64_t seed) : engine_(seed) {}
  uint64_t next() override { return engine_(); }

 private:
  std::mt19937_64 engine_;
};

// A clock that moves when told: tests and simulation.
class ManualClock final : public Clock {
 public:
  Instant now() override { return Instant(elapsed_); }
  WallTime wall() override { return WallTime(std::chrono::seconds(1700000000)) + elapsed_; }
  void advance(Duration by) { elapsed_ += by; }

 private:
  Duration elapsed_{0};
};

// What a component may know of the outside world besides its inputs. Borrowed; owned by main().
struct Env {
  Clock& clock;
  Rng& rng;
};

// "2026-11-22T20:56:41.123456789Z" (RFC 3339, UTC, always nine digits, so that text order is time
// order).
std::string format_rfc3339(WallTime time);

}  // namespace berth
