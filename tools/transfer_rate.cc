#include "tools/transfer_rate.h"

#include <chrono>
#include <cmath>

namespace berth::tools {
namespace {

constexpr Duration kSampleMin = std::chrono::milliseconds(200);
// What is older than this counts for little.
constexpr double kMemorySeconds = 3;
constexpr double kRateMin = 1;

}  // namespace

void TransferRate::add(Instant now, uint64_t bytes) {
  if (!at_ || bytes < bytes_) {  // the first, or something was begun anew
    at_ = now;
    bytes_ = bytes;
    return;
  }
  if (now - *at_ < kSampleMin) return;
  double seconds = std::chrono::duration<double>(now - *at_).count();
  double rate = static_cast<double>(bytes - bytes_) / seconds;
  double weight = rate_ == 0 ? 1 : 1 - std::exp(-seconds / kMemorySeconds);
  rate_ += weight * (rate - rate_);
  at_ = now;
  bytes_ = bytes;
}

std::optional<uint64_t> TransferRate::seconds_for(uint64_t bytes) const {
  if (rate_ < kRateMin) return std::nullopt;
  return static_cast<uint64_t>(std::ceil(static_cast<double>(bytes) / rate_));
}

}  // namespace berth::tools
