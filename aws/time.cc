#include "aws/time.h"

#include "base/text.h"

#include <fmt/format.h>

namespace berth::aws {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Four-digit years that a WallTime (64 bits of nanoseconds around 1970) can hold.
constexpr uint64_t kYearMin = 1970;
constexpr uint64_t kYearMax = 2200;

struct Fields {
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<WallTime> time_of(const Fields& fields) {
  std::chrono::year_month_day date(std::chrono::year(static_cast<int>(fields.year)),
                                   std::chrono::month(static_cast<unsigned>(fields.month)),
                                   std::chrono::day(static_cast<unsigned>(fields.day)));
  bool is_good = fields.year >= kYearMin && fields.year <= kYearMax && date.ok() &&
                 fields.hour < 24 && fields.minute < 60 && fields.second <= 60;
  if (!is_good) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + hours(fields.hour) + minutes(fields.minute) +
         seconds(fields.second);
}

Fields fields_of(WallTime time) {
  auto whole = std::chrono::floor<seconds>(time);
  auto midnight = std::chrono::floor<std::chrono::days>(whole);
  std::chrono::year_month_day date(midnight);
  auto of_day = static_cast<uint64_t>((whole - midnight).count());
  return {.year = static_cast<uint64_t>(static_cast<int>(date.year())),
          .month = static_cast<unsigned>(date.month()),
          .day = static_cast<unsigned>(date.day()),
          .hour = of_day / 3600,
          .minute = of_day / 60 % 60,
          .second = of_day % 60};
}

// Reads a text from left to right; what does not fit makes it bad for good.
class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}
  uint64_t number(size_t digits) {
    auto value = parse_u64(rest_.substr(0, digits));
    is_good_ = is_good_ && rest_.size() >= digits && value.has_value();
    rest_.remove_prefix(std::min(digits, rest_.size()));
    return value.value_or(0);
  }
  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) { is_good_ = skip(c) && is_good_; }
  // Digits behind the point; those beyond nanoseconds are dropped.
  std::chrono::nanoseconds fraction() {
    size_t end = rest_.find_first_not_of("0123456789");
    std::string digits(rest_.substr(0, std::min<size_t>(end, 9)));
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end);
    digits.resize(9, '0');
    return std::chrono::nanoseconds(parse_u64(digits).value_or(0));
  }
  bool is_done() const { return is_good_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

}  // namespace

std::string format_amz_date(WallTime time) {
  Fields fields = fields_of(time);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", fields.year, fields.month, fields.day,
                     fields.hour, fields.minute, fields.second);
}

std::string format_rfc3339_seconds(WallTime time) {
  Fields fields = fields_of(time);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", fields.year, fields.month, fields.day,
                     fields.hour, fields.minute, fields.second);
}

std::optional<WallTime> parse_amz_date(std::string_view text) {
  Reader reader(text);
  Fields fields;
  fields.year = reader.number(4);
  fields.month = reader.number(2);
  fields.day = reader.number(2);
  reader.expect('T');
  fields.hour = reader.number(2);
  fields.minute = reader.number(2);
  fields.second = reader.number(2);
  reader.expect('Z');
  if (!reader.is_done()) return std::nullopt;
  return time_of(fields);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  Reader reader(text);
  Fields fields;
  fields.year = reader.number(4);
  reader.expect('-');
  fields.month = reader.number(2);
  reader.expect('-');
  fields.day = reader.number(2);
  if (!reader.skip('T')) reader.expect(' ');
  fields.hour = reader.number(2);
  reader.expect(':');
  fields.minute = reader.number(2);
  reader.expect(':');
  fields.second = reader.number(2);
  std::chrono::nanoseconds fraction(0);
  if (reader.skip('.')) fraction = reader.fraction();
  minutes offset(0);
  bool is_east = reader.skip('+');
  if (is_east || reader.skip('-')) {
    uint64_t hour = reader.number(2);
    reader.expect(':');
    offset = minutes(hour * 60 + reader.number(2)) * (is_east ? 1 : -1);
  } else {
    reader.expect('Z');
  }
  auto time = time_of(fields);
  if (!reader.is_done() || !time) return std::nullopt;
  return *time + fraction - offset;
}

}  // namespace berth::aws
