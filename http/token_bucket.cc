#include "http/token_bucket.h"

#include <algorithm>

namespace berth::http {

bool TokenBucket::take(Instant now) {
  if (last_ != Instant{} && now > last_) {
    double seconds = std::chrono::duration<double>(now - last_).count();
    tokens_ = std::min(rate_.burst, tokens_ + seconds * rate_.per_second);
  }
  last_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace berth::http
