// Departures: connections that are over for us while their peers may still be sending. To close one
// with bytes that nobody has read has TCP reset it, and the peer may lose the answer that was on
// its way (RFC 9112, section 9.6). So the peer is told that nothing else comes, what it sends is
// dropped, and the connection is closed when the peer closes it, too.
//
// What they can cost: so many at once, each for so long and so many bytes; beyond that they are
// closed as they are.
#pragma once

#include "base/env.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <cstddef>
#include <cstdint>
#include <map>

namespace berth::http {

constexpr Duration kDepartureMax = std::chrono::seconds(2);

class Departures {
 public:
  struct Limits {
    size_t count = 0;
    size_t bytes = 0;  // that a peer may send meanwhile
  };
  // `loop` is borrowed.
  Departures(sys::Loop& loop, Limits limits) : loop_(loop), limits_(limits) {}
  Departures(const Departures&) = delete;
  Departures& operator=(const Departures&) = delete;
  ~Departures();

  // A non-blocking stream that nobody watches. The oldest gives way when there are too many.
  void take(sys::Fd connection);

 private:
  struct Leaving {
    sys::Fd fd;
    size_t bytes_left = 0;
    sys::Loop::TimerId deadline = 0;
  };

  void hear(uint64_t id);
  void end(uint64_t id);

  sys::Loop& loop_;
  Limits limits_;
  std::map<uint64_t, Leaving> leaving_;
  uint64_t next_id_ = 1;
};

}  // namespace berth::http
