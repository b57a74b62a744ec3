#include "image/pace.h"

namespace berth::image {

void Pace::answered(Instant now) {
  if (is_answered_) return;
  is_answered_ = true;
  since_ = now;
  moved_before_ = moved_;  // what was sent does not count for what comes
}

Pace::Verdict Pace::look(Instant now, uint64_t sent, uint64_t received) {
  Phase before = phase();
  sent_ = sent;
  moved_ = sent + received;
  if (phase() != before) since_ = now;  // the last byte is sent: the answer's time begins
  Duration waited = now - since_;
  if (phase() == Phase::kAwaiting) {
    return waited > limits_.answer ? Verdict::kNoAnswer : Verdict::kGood;
  }
  if (waited < limits_.window) return Verdict::kGood;
  if (moved_ - moved_before_ < limits_.bytes_min) return Verdict::kTooSlow;
  moved_before_ = moved_;
  since_ = now;
  return Verdict::kGood;
}

}  // namespace berth::image
