// Times of day as lists of events show them: "20:56:41.123".
#pragma once

#include <string>

namespace berth::tools {

constexpr size_t kClockWidth = 12;

// Of an RFC 3339 time; what is none stays as it is.
std::string clock_of(const std::string& time);
// Of seconds since 1970.
std::string clock_of_epoch(double seconds);

}  // namespace berth::tools
