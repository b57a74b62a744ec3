// A schedule of a client's, or a file of time zones: what is due comes after what was, and clocks
// that show a time show it.
#include "scaling/schedule.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

constexpr int64_t kMoments[] = {0, 951782400, 1774746000, 1792890000, 4102444800, 7258118400};

void check_zone(const scaling::TimeZone& zone) {
  for (int64_t moment : kMoments) {
    int64_t local = moment + zone.offset_at(moment);
    auto shown = zone.moment_of(local);
    if (shown) CHECK(*shown + zone.offset_at(*shown) == local);
  }
}

}  // namespace

void schedule(std::string_view text) {
  auto zone = scaling::TimeZone::parse(text);
  if (check_result(zone)) check_zone(*zone);
  check_result(scaling::parse_zone_rule(text));
  auto parsed = scaling::parse_schedule(text);
  if (!check_result(parsed)) return;
  for (int64_t moment : kMoments) {
    auto next = scaling::next_time(*parsed, {}, 0, moment);
    if (next) CHECK(*next > moment);
  }
}

}  // namespace berth::fuzz
