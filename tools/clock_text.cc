#include "tools/clock_text.h"

#include "base/env.h"

#include <chrono>

namespace berth::tools {
namespace {

constexpr size_t kClockBegin = 11;  // of an RFC 3339 time

}  // namespace

std::string clock_of(const std::string& time) {
  return time.size() > kClockBegin ? time.substr(kClockBegin, kClockWidth) : time;
}

std::string clock_of_epoch(double seconds) {
  auto since = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  return clock_of(format_rfc3339(WallTime(since)));
}

}  // namespace berth::tools
