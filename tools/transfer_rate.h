// TransferRate: bytes per second as a person wants to see them: smoothed, so that the time left
// does not jump. Pure in what it is told.
#pragma once

#include "base/env.h"

#include <cstdint>
#include <optional>

namespace berth::tools {

class TransferRate {
 public:
  // So many bytes altogether by now.
  void add(Instant now, uint64_t bytes);
  // Zero until there is something to say.
  double bytes_per_second() const { return rate_; }
  // Nothing while nothing moves.
  std::optional<uint64_t> seconds_for(uint64_t bytes) const;

 private:
  std::optional<Instant> at_;
  uint64_t bytes_ = 0;
  double rate_ = 0;
};

}  // namespace berth::tools
