// Pace: whether the other side of a transfer keeps up. Pure.
//
//   sending      what we send must get on by bytes_min in each window
//   awaiting     the head of the answer must be there, whole, within `answer`
//   receiving    what we get must get on by bytes_min in each window
//
// So neither a head nor a body that comes in drops keeps us for longer than these say. Time that we
// take ourselves (a sink that waits for the disk) does not count.
#pragma once

#include "base/env.h"

#include <cstdint>

namespace berth::image {

struct PaceLimits {
  Duration answer;
  Duration window;
  uint64_t bytes_min = 0;  // in each window
};

class Pace {
 public:
  enum class Verdict { kGood, kNoAnswer, kTooSlow };

  // `to_send`: bytes of the request's body.
  Pace(PaceLimits limits, uint64_t to_send, Instant now)
      : limits_(limits), to_send_(to_send), since_(now) {}

  // The request begins: the time until now was for the connection, which has a limit of its own.
  void begin(Instant now) { since_ = now; }
  void answered(Instant now);
  // Time of ours within the current window.
  void exclude(Duration ours) { since_ += ours; }
  // Totals so far.
  Verdict look(Instant now, uint64_t sent, uint64_t received);

 private:
  enum class Phase { kTransfer, kAwaiting };
  Phase phase() const {
    return !is_answered_ && sent_ >= to_send_ ? Phase::kAwaiting : Phase::kTransfer;
  }
  PaceLimits limits_;
  uint64_t to_send_;
  Instant since_;  // when the window or the waiting for the answer began
  bool is_answered_ = false;
  uint64_t sent_ = 0;
  uint64_t moved_ = 0;         // sent and received, at the last look
  uint64_t moved_before_ = 0;  // sent and received when the window began
};

}  // namespace berth::image
