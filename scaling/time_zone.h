// TimeZone: what the clocks of a place show, from the system's tzdata: a TZif file (RFC 9636), its
// transitions and the rule for the years behind them. Pure: who has the bytes says them.
//
// The C library's functions know one zone at a time, that of the process, and are told another one
// by an environment variable, which no thread may change beside others.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::scaling {

constexpr size_t kZoneFileMax = 256 * 1024;

// A day of each year on which the clocks change, as a POSIX TZ string has it.
struct YearlyChange {
  enum class Kind : uint8_t {
    kWeekday,         // M3.5.0: the last Sunday of March
    kDayOfYear,       // 59: with February 29, from 0
    kDayWithoutLeap,  // J60: without it, from 1
  };
  Kind kind = Kind::kWeekday;
  int month = 1;           // 1 to 12
  int week = 1;            // 1 to 5, which is the last
  int weekday = 0;         // Sunday is 0
  int day = 0;             // of the other kinds
  int64_t seconds = 7200;  // of that day, by the clock before the change; may be below 0
  bool operator==(const YearlyChange&) const = default;
};

// Behind the last transition: an offset, or two and when they change.
struct ZoneRule {
  int64_t standard = 0;  // seconds east of UTC
  int64_t daylight = 0;
  std::optional<YearlyChange> begins{};  // of daylight saving time; both or neither
  std::optional<YearlyChange> ends{};
  bool operator==(const ZoneRule&) const = default;
};

// "CET-1CEST,M3.5.0,M10.5.0/3".
Result<ZoneRule> parse_zone_rule(std::string_view text);

class TimeZone {
 public:
  // UTC.
  TimeZone() = default;
  // kCorrupt for what is no TZif file of version 2 or later.
  static Result<TimeZone> parse(std::string_view bytes);

  // Seconds east of UTC at a moment, in seconds since 1970.
  int64_t offset_at(int64_t moment) const;
  // When the clocks show `local`, as seconds since 1970 that a clock of UTC would show: the first
  // of two moments where they are set back, nothing where they are set forward over it.
  std::optional<int64_t> moment_of(int64_t local) const;

 private:
  struct Transition {
    int64_t at = 0;
    int64_t offset = 0;  // from there on
  };
  int64_t first_offset_ = 0;
  std::vector<Transition> transitions_;
  std::optional<ZoneRule> rule_;
};

// "Europe/Berlin": letters, digits and _+-/, and no way out of the directory of the zones.
bool is_zone_name(std::string_view name);

}  // namespace berth::scaling
