// TokenBucket: so many requests at once, so many a second after that. Pure in time.
#pragma once

#include "base/env.h"

namespace berth::http {

struct Rate {
  double per_second = 0;
  double burst = 0;
};

class TokenBucket {
 public:
  explicit TokenBucket(Rate rate) : rate_(rate), tokens_(rate.burst) {}
  // Whether one more may pass now.
  bool take(Instant now);

 private:
  Rate rate_;
  double tokens_;
  Instant last_{};
};

}  // namespace berth::http
