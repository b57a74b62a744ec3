#include "tools/clock_control.h"

#include "base/text.h"
#include "sys/file.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace berth::tools {
namespace {

constexpr std::string_view kAdvanceQuery = "advance=";
constexpr int kClockRefused = 400;
constexpr size_t kClockFileMax = 64;
constexpr Duration kClockWait = std::chrono::milliseconds(10);
constexpr int kClockWaitsMax = 3000;  // half a minute: the time that a task has to stop

http::Response refused_clock(const std::string& message) {
  nlohmann::ordered_json json = {{"__type", "InvalidClock"}, {"message", message}};
  return {.status = kClockRefused, .body = json.dump()};
}

}  // namespace

http::Response ClockControl::refusal() {
  return refused_clock("this berthd's clock is the host's: one with --virtual-clock can be moved");
}

Status ClockControl::restore(sys::AdvancedClock& clock, const std::string& path) {
  if (!sys::exists(path)) return {};
  std::string text = TRY(sys::read_file(path, kClockFileMax));
  auto ahead = parse_i64(trim(text));
  if (!ahead || *ahead < 0) return fail(Errc::kCorrupt, "{}: must be nanoseconds", path);
  clock.advance(Duration(*ahead));
  return {};
}

// The file first: time that has passed does not come again.
Status ClockControl::advance(Duration by) {
  TRY(sys::write_replace(path_, fmt::format("{}\n", (clock_.ahead() + by).count()), 0600));
  clock_.advance(by);
  return {};
}

http::Response ClockControl::told() const {
  auto ahead = std::chrono::duration<double>(clock_.ahead()).count();
  nlohmann::ordered_json json = {{"now", format_rfc3339(clock_.wall())}, {"ahead", ahead}};
  return {.body = json.dump()};
}

void ClockControl::answer(const http::Request& request, const http::Server::Reply& reply) {
  if (request.method == "GET" && request.query.empty()) return reply(told());
  bool is_wanted = request.method == "POST" && request.query.starts_with(kAdvanceQuery);
  auto seconds =
      is_wanted ? parse_u64(request.query.substr(kAdvanceQuery.size())) : std::optional<uint64_t>();
  auto most =
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::seconds>(kAdvanceMax).count());
  if (!seconds || *seconds > most) {
    return reply(refused_clock(fmt::format("POST {}?advance=SECONDS, at most {}", kPath, most)));
  }
  if (is_advancing_) return reply(refused_clock("the clock is being moved already"));
  is_advancing_ = true;
  go_on({.until = clock_.wall() + std::chrono::seconds(*seconds), .reply = reply});
}

void ClockControl::finish(const Way& way, http::Response response) {
  is_advancing_ = false;
  way.reply(std::move(response));
}

// Timers that are due run first, then what they gave the slow thread, and what that led to.
void ClockControl::go_on(Way way) {
  Duration left = way.until - clock_.wall();
  if (left <= Duration(0)) return finish(way, told());
  Duration pause{0};
  if (is_busy_() && way.waits < kClockWaitsMax) {
    ++way.waits;
    pause = kClockWait;
  } else {
    auto next = loop_.next_timer();
    if (next) left = std::min(left, std::max(*next - clock_.now(), Duration(0)));
    auto advanced = advance(left);
    if (!advanced) return finish(way, refused_clock(advanced.error().text));
  }
  loop_.after(pause, [this, way = std::move(way)] {
    slow_.submit([this, way]() -> sys::Workers::Completion { return [this, way] { go_on(way); }; });
  });
}

}  // namespace berth::tools
