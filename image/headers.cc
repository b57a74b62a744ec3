#include "image/headers.h"

#include "base/text.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>
#include <vector>

namespace berth::image {
namespace {

constexpr uint64_t kRetrySecondsMax = 365 * 24 * 3600;

struct Moment {
  uint64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

std::optional<WallTime> wall_of(const Moment& moment) {
  using namespace std::chrono;
  year_month_day date{year(static_cast<int>(moment.year)),
                      month(static_cast<unsigned>(moment.month)),
                      day(static_cast<unsigned>(moment.day))};
  // WallTime counts nanoseconds in 64 bits: from 1677 to 2262. A second of 60 is a leap second.
  bool is_good = date.ok() && moment.year >= 1900 && moment.year < 2200 && moment.hour < 24 &&
                 moment.minute < 60 && moment.second <= 60;
  if (!is_good) return std::nullopt;
  return WallTime(sys_days(date).time_since_epoch()) + hours(moment.hour) + minutes(moment.minute) +
         seconds(moment.second);
}

// A number of just so many digits.
std::optional<uint64_t> digits(std::string_view text, size_t count) {
  return text.size() == count ? parse_u64(text) : std::nullopt;
}

std::optional<uint64_t> month_of(std::string_view name) {
  constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                        "jul", "aug", "sep", "oct", "nov", "dec"};
  const auto* found = std::find(kMonths.begin(), kMonths.end(), to_lower(name));
  if (found == kMonths.end()) return std::nullopt;
  return static_cast<uint64_t>(found - kMonths.begin()) + 1;
}

// Year, month and day apart from the time: "08:49:37".
std::optional<WallTime> at_time(std::optional<uint64_t> year, std::optional<uint64_t> month,
                                std::optional<uint64_t> day, std::string_view time) {
  if (time.size() != 8 || time[2] != ':' || time[5] != ':') return std::nullopt;
  auto hour = digits(time.substr(0, 2), 2);
  auto minute = digits(time.substr(3, 2), 2);
  auto second = digits(time.substr(6, 2), 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  return wall_of({*year, *month, *day, *hour, *minute, *second});
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::string& word : split(text, ' ')) {
    if (!word.empty()) words.push_back(std::move(word));
  }
  return words;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
  text = trim(text);
  if (!to_lower(text.substr(0, 6)).starts_with("bytes ")) return std::nullopt;
  text = trim(text.substr(6));
  size_t dash = text.find('-');
  size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  auto first = parse_u64(text.substr(0, dash));
  auto last = parse_u64(text.substr(dash + 1, slash - dash - 1));
  if (!first || !last || *last < *first) return std::nullopt;
  ContentRange range{*first, *last, std::nullopt};
  std::string_view length = text.substr(slash + 1);
  if (length == "*") return range;
  range.length = parse_u64(length);
  bool is_good = range.length && *range.length > *last;
  return is_good ? std::optional(range) : std::nullopt;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
  std::vector<std::string> words = words_of(text);
  if (words.size() == 6 && words[5] == "GMT") {  // Sun, 06 Nov 1994 08:49:37 GMT
    return at_time(digits(words[3], 4), month_of(words[2]), digits(words[1], 2), words[4]);
  }
  if (words.size() == 5) {  // Sun Nov  6 08:49:37 1994
    return at_time(digits(words[4], 4), month_of(words[1]), parse_u64(words[2]), words[3]);
  }
  if (words.size() != 4 || words[3] != "GMT") return std::nullopt;
  auto date = split(words[1], '-');  // Sunday, 06-Nov-94 08:49:37 GMT
  if (date.size() != 3) return std::nullopt;
  auto year = digits(date[2], 2);
  // Two digits: of the century in which it is not more than 50 years ahead, near enough.
  if (year) year = *year + (*year < 70 ? 2000 : 1900);
  return at_time(year, month_of(date[1]), digits(date[0], 2), words[2]);
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't')) {
    return std::nullopt;
  }
  auto time = at_time(digits(text.substr(0, 4), 4), digits(text.substr(5, 2), 2),
                      digits(text.substr(8, 2), 2), text.substr(11, 8));
  if (!time) return std::nullopt;
  std::string_view rest = text.substr(19);
  if (rest.starts_with('.')) {  // a fraction of a second is of no interest here
    size_t end = std::min(rest.find_first_not_of("0123456789", 1), rest.size());
    if (end == 1) return std::nullopt;
    rest.remove_prefix(end);
  }
  if (rest == "Z" || rest == "z") return time;
  bool is_offset = rest.size() == 6 && (rest[0] == '+' || rest[0] == '-') && rest[3] == ':';
  if (!is_offset) return std::nullopt;
  auto hours = digits(rest.substr(1, 2), 2);
  auto minutes = digits(rest.substr(4, 2), 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  Duration offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return rest[0] == '+' ? *time - offset : *time + offset;
}

std::optional<Duration> parse_retry_after(std::string_view text, WallTime now) {
  text = trim(text);
  if (auto seconds = parse_u64(text)) {
    return std::chrono::seconds(std::min(*seconds, kRetrySecondsMax));
  }
  auto date = parse_http_date(text);
  if (!date) return std::nullopt;
  return std::max<Duration>(*date - now, Duration(0));
}

std::optional<std::string> parse_next_link(std::string_view text) {
  while (true) {
    size_t open = text.find('<');
    size_t close = text.find('>', open == std::string_view::npos ? 0 : open);
    if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
    std::string target(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
    // The parameters reach to the next link; a '<' within a quoted one is nobody's habit.
    size_t end = std::min(text.find('<'), text.size());
    for (const std::string& parameter : split(text.substr(0, end), ';')) {
      std::string name = to_lower(trim(parameter));
      while (name.ends_with(',') || name.ends_with(' ')) name.pop_back();
      if (name == "rel=\"next\"" || name == "rel=next") return target;
    }
    text.remove_prefix(end);
  }
}

}  // namespace berth::image
