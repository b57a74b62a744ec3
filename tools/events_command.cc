// berth events: what happens to tasks and services of berthd, as it happens.
#include "base/text.h"
#include "sys/clock.h"
#include "tools/commands.h"
#include "tools/daemon_client.h"
#include "tools/event_feed.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdio>

namespace berth::tools {
namespace {

using FeedJson = nlohmann::ordered_json;

constexpr size_t kEventClockAt = 11;      // of an RFC 3339 time
constexpr size_t kEventClockLength = 12;  // "20:56:41.123"
constexpr size_t kShortTaskId = 12;
constexpr int kTries = 50;
constexpr std::chrono::milliseconds kPause(200);

bool is_wanted(const FeedJson& event, const EventsOptions& options) {
  if (!options.task.empty()) return event.value("task", "").starts_with(options.task);
  if (options.service.empty()) return true;
  // Its tasks' events are its own, too.
  return event.value("service", "") == options.service ||
         event.value("group", "") == "service:" + options.service;
}

// "20:56:41.123  service web  (service web) has started 1 tasks: (task 1234...)."
std::string shown_line(const FeedJson& event) {
  std::string clock = event.value("at", "");
  if (clock.size() > kEventClockAt) clock = clock.substr(kEventClockAt, kEventClockLength);
  std::string text = event.value("text", event.value("event", ""));
  if (event.contains("service")) {
    std::string cause = event.value("cause", "");
    if (!cause.empty()) text += "  because: " + cause;
    return fmt::format("{}  service {}  {}", clock, event.value("service", ""), text);
  }
  std::string decision = event.value("decision", "");
  if (!decision.empty()) text += "  decides: " + decision;
  return fmt::format("{}  task {}  {:<14}  {}", clock,
                     event.value("task", "").substr(0, kShortTaskId), event.value("status", ""),
                     text);
}

void print_page(const FeedJson& page, const EventsOptions& options) {
  if (page.value("missed", false)) std::fprintf(stderr, "berth: some events were missed\n");
  for (const FeedJson& event : page.at("events")) {
    if (!is_wanted(event, options)) continue;
    std::string line = options.json ? event.dump() : shown_line(event);
    std::printf("%s\n", printable(line, line.size()).c_str());
  }
  std::fflush(stdout);
}

// A berthd that is replaced is waited for.
Result<FeedJson> get_again(const agent::Config& config, const std::string& path) {
  for (int tries = 1;; ++tries) {
    auto page = get_from_daemon(config, path);
    if (page || tries == kTries) return page;
    sys::pause_for(kPause);
  }
}

Status show_events(const agent::Config& config, const EventsOptions& options) {
  FeedJson page = TRY(get_from_daemon(config, EventFeed::kPath));
  print_page(page, options);
  while (options.follow) {
    std::string path = fmt::format("{}?after={}", EventFeed::kPath, page.value("cursor", ""));
    page = TRY(get_again(config, path));
    print_page(page, options);
  }
  return {};
}

}  // namespace

int events_command(const agent::Config& config, const EventsOptions& options) {
  return exit_code(show_events(config, options));
}

}  // namespace berth::tools
