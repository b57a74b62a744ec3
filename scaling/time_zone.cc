#include "scaling/time_zone.h"

#include "base/text.h"
#include "scaling/calendar.h"

#include <algorithm>
#include <array>

namespace berth::scaling {
namespace {

constexpr size_t kZoneHeader = 44;
constexpr size_t kZoneTransitionsMax = 5000;
constexpr size_t kZoneTypesMax = 256;
constexpr int64_t kZoneHour = 3600;
constexpr int64_t kZoneHoursMax = 167;  // of a rule: a week, as RFC 9636 extends POSIX
constexpr int64_t kZoneOffsetMax = 26 * kZoneHour;
constexpr size_t kZoneNameMax = 100;
// Within what a calendar of years in 16 bits can say.
constexpr int64_t kRuleYearMin = 1900;
constexpr int64_t kRuleYearMax = 3000;

// ---- POSIX TZ strings ----

class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  bool is_over() const { return at_ == text_.size(); }
  char peek() const { return is_over() ? '\0' : text_[at_]; }
  bool take(char wanted) {
    if (peek() != wanted) return false;
    ++at_;
    return true;
  }
  bool name() {
    size_t begin = at_;
    if (take('<')) {
      while (!is_over() && peek() != '>') ++at_;
      return take('>') && at_ - begin > 2;
    }
    while ((peek() >= 'a' && peek() <= 'z') || (peek() >= 'A' && peek() <= 'Z')) ++at_;
    return at_ - begin >= 3;
  }
  std::optional<int64_t> number(int64_t max) {
    int64_t value = 0;
    size_t begin = at_;
    while (peek() >= '0' && peek() <= '9' && value <= max)
      value = value * 10 + (text_[at_++] - '0');
    if (at_ == begin || value > max) return std::nullopt;
    return value;
  }
  // [+-]hh[:mm[:ss]]
  std::optional<int64_t> time() {
    int64_t sign = take('-') ? -1 : 1;
    if (sign == 1) (void)take('+');  // which says nothing
    auto hours = number(kZoneHoursMax);
    if (!hours) return std::nullopt;
    int64_t seconds = *hours * kZoneHour;
    for (int64_t unit : {60, 1}) {
      if (!take(':')) break;
      auto part = number(59);
      if (!part) return std::nullopt;
      seconds += *part * unit;
    }
    return sign * seconds;
  }

 private:
  std::string_view text_;
  size_t at_ = 0;
};

std::optional<YearlyChange> read_change(RuleReader& reader) {
  YearlyChange change;
  if (reader.take('M')) {
    auto month = reader.number(12);
    bool has_week = reader.take('.');
    auto week = reader.number(5);
    bool has_day = reader.take('.');
    auto weekday = reader.number(6);
    if (!month || !has_week || !week || !has_day || !weekday || *month == 0 || *week == 0) {
      return std::nullopt;
    }
    change.month = static_cast<int>(*month);
    change.week = static_cast<int>(*week);
    change.weekday = static_cast<int>(*weekday);
  } else {
    bool is_without_leap = reader.take('J');
    auto day = reader.number(365);
    if (!day || (is_without_leap && *day == 0)) return std::nullopt;
    change.kind =
        is_without_leap ? YearlyChange::Kind::kDayWithoutLeap : YearlyChange::Kind::kDayOfYear;
    change.day = static_cast<int>(*day);
  }
  if (!reader.take('/')) return change;
  auto time = reader.time();
  if (!time) return std::nullopt;
  change.seconds = *time;
  return change;
}

std::optional<ZoneRule> read_rule(RuleReader& reader) {
  ZoneRule rule;
  if (!reader.name()) return std::nullopt;
  auto west = reader.time();
  if (!west) return std::nullopt;
  rule.standard = -*west;
  if (reader.is_over()) return rule;
  if (!reader.name()) return std::nullopt;
  rule.daylight = rule.standard + kZoneHour;
  if (reader.peek() != ',') {
    auto other = reader.time();
    if (!other) return std::nullopt;
    rule.daylight = -*other;
  }
  if (!reader.take(',')) return std::nullopt;  // rules that are a system's own: nobody's here
  rule.begins = read_change(reader);
  if (!rule.begins || !reader.take(',')) return std::nullopt;
  rule.ends = read_change(reader);
  if (!rule.ends || !reader.is_over()) return std::nullopt;
  return rule;
}

// By the clock before the change, as seconds that a clock of UTC would show.
int64_t local_of(const YearlyChange& change, int64_t year) {
  int64_t first = days_of({.year = year});
  int64_t day = first + change.day;
  if (change.kind == YearlyChange::Kind::kDayWithoutLeap) {
    bool is_behind_february = change.day >= 60;
    day = first + change.day - 1 + (is_leap_year(year) && is_behind_february ? 1 : 0);
  }
  if (change.kind == YearlyChange::Kind::kWeekday) {
    int64_t begin = days_of({.year = year, .month = change.month});
    int until = (change.weekday - weekday_of(begin) + 7) % 7;
    day = begin + until + 7 * (change.week - 1);
    while (day >= begin + days_in_month(year, change.month)) day -= 7;
  }
  return day * kSecondsOfDay + change.seconds;
}

int64_t offset_by(const ZoneRule& rule, int64_t moment) {
  if (!rule.begins) return rule.standard;
  int64_t year = std::clamp(
      date_of(std::clamp<int64_t>(day_of_seconds(moment + rule.standard),
                                  days_of({.year = kRuleYearMin}), days_of({.year = kRuleYearMax})))
          .year,
      kRuleYearMin, kRuleYearMax);
  int64_t begins = local_of(*rule.begins, year) - rule.standard;
  int64_t ends = local_of(*rule.ends, year) - rule.daylight;
  bool is_daylight =
      begins < ends ? moment >= begins && moment < ends : moment >= begins || moment < ends;
  return is_daylight ? rule.daylight : rule.standard;
}

// ---- TZif ----

int64_t big_endian(std::string_view bytes, size_t at, size_t size) {
  uint64_t value = 0;
  for (size_t i = 0; i < size; ++i) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  return size == 8 ? static_cast<int64_t>(value)
                   : static_cast<int64_t>(static_cast<int32_t>(static_cast<uint32_t>(value)));
}

struct ZoneCounts {
  size_t isut = 0;
  size_t isstd = 0;
  size_t leaps = 0;
  size_t transitions = 0;
  size_t types = 0;
  size_t letters = 0;
  // Of the block behind the header.
  size_t size(size_t time_size) const {
    return transitions * (time_size + 1) + types * 6 + letters + leaps * (time_size + 4) + isstd +
           isut;
  }
};

Result<ZoneCounts> read_counts(std::string_view bytes, size_t at) {
  if (bytes.size() < at + kZoneHeader || bytes.substr(at, 4) != "TZif" || bytes[at + 4] < '2') {
    return fail(Errc::kCorrupt, "time zone: is no TZif file of version 2 or later");
  }
  std::array<size_t, 6> counts{};
  for (size_t i = 0; i < counts.size(); ++i) {
    int64_t count = big_endian(bytes, at + 20 + 4 * i, 4);
    if (count < 0 || count > static_cast<int64_t>(kZoneFileMax)) {
      return fail(Errc::kCorrupt, "time zone: its header has a count of {}", count);
    }
    counts.at(i) = static_cast<size_t>(count);
  }
  return ZoneCounts{.isut = counts[0],
                    .isstd = counts[1],
                    .leaps = counts[2],
                    .transitions = counts[3],
                    .types = counts[4],
                    .letters = counts[5]};
}

}  // namespace

Result<ZoneRule> parse_zone_rule(std::string_view text) {
  RuleReader reader(text);
  auto rule = read_rule(reader);
  if (!rule || !reader.is_over()) {
    return fail(Errc::kCorrupt, "time zone: '{}' is no rule of POSIX's",
                printable(text, kZoneNameMax));
  }
  return *rule;
}

// Version 2 has all of it twice: with 32 bits, for readers of before, then with 64.
Result<TimeZone> TimeZone::parse(std::string_view bytes) {
  ZoneCounts old = TRY(read_counts(bytes, 0));
  size_t header = kZoneHeader + old.size(4);
  ZoneCounts counts = TRY(read_counts(bytes, header));
  size_t begin = header + kZoneHeader;
  size_t end = begin + counts.size(8);
  bool is_whole = counts.types > 0 && counts.types <= kZoneTypesMax &&
                  counts.transitions <= kZoneTransitionsMax && end < bytes.size() &&
                  bytes[end] == '\n' && bytes.back() == '\n' && bytes.size() > end + 1;
  if (!is_whole) return fail(Errc::kCorrupt, "time zone: is cut or damaged");
  size_t indexes = begin + 8 * counts.transitions;
  size_t types = indexes + counts.transitions;
  std::vector<int64_t> offsets;
  for (size_t i = 0; i < counts.types; ++i) {
    offsets.push_back(big_endian(bytes, types + 6 * i, 4));
    if (std::abs(offsets.back()) > kZoneOffsetMax) {
      return fail(Errc::kCorrupt, "time zone: an offset of {} s", offsets.back());
    }
  }
  TimeZone zone;
  zone.first_offset_ = offsets.front();
  for (size_t i = 0; i < counts.transitions; ++i) {
    auto type = static_cast<uint8_t>(bytes[indexes + i]);
    int64_t at = big_endian(bytes, begin + 8 * i, 8);
    bool is_later = zone.transitions_.empty() || at > zone.transitions_.back().at;
    if (type >= counts.types || !is_later) {
      return fail(Errc::kCorrupt, "time zone: transition {} is damaged", i);
    }
    zone.transitions_.push_back({at, offsets[type]});
  }
  std::string_view footer = bytes.substr(end + 1, bytes.size() - end - 2);
  if (!footer.empty()) zone.rule_ = TRY(parse_zone_rule(footer));
  return zone;
}

int64_t TimeZone::offset_at(int64_t moment) const {
  auto next = std::upper_bound(transitions_.begin(), transitions_.end(), moment,
                               [](int64_t at, const Transition& each) { return at < each.at; });
  if (next == transitions_.end() && rule_) return offset_by(*rule_, moment);
  return next == transitions_.begin() ? first_offset_ : std::prev(next)->offset;
}

std::optional<int64_t> TimeZone::moment_of(int64_t local) const {
  std::optional<int64_t> first;
  for (int64_t near : {local - 2 * kSecondsOfDay, local + 2 * kSecondsOfDay}) {
    int64_t moment = local - offset_at(near);
    bool is_shown = moment + offset_at(moment) == local;
    if (is_shown && (!first || moment < *first)) first = moment;
  }
  return first;
}

bool is_zone_name(std::string_view name) {
  if (name.empty() || name.size() > kZoneNameMax || name.front() == '/') return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '+' || c == '-' || c == '/';
  });
}

}  // namespace berth::scaling
