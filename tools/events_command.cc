// berth events: what happens to tasks, services and rules of berthd, as it happens.
#include "agent/task_table.h"
#include "base/text.h"
#include "tools/clock_text.h"
#include "tools/commands.h"
#include "tools/event_follower.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace berth::tools {
namespace {

using FeedJson = nlohmann::ordered_json;

constexpr size_t kShortTaskId = 12;

bool is_wanted(const FeedJson& event, const EventsOptions& options) {
  if (!options.task.empty()) {
    return event.value("task", "").starts_with(agent::task_name_of(options.task));
  }
  if (!options.rule.empty()) return event.value("rule", "") == options.rule;
  if (options.service.empty()) return true;
  return is_of_service(event, options.service);
}

// "20:56:41.123  service web  (service web) has started 1 tasks: (task 1234...)."
std::string shown_line(const FeedJson& event) {
  std::string clock = clock_of(event.value("at", ""));
  std::string text = event.value("text", event.value("event", ""));
  for (const char* kind : {"service", "rule"}) {
    if (!event.contains(kind)) continue;
    std::string cause = event.value("cause", "");
    if (!cause.empty()) text += "  because: " + cause;
    return fmt::format("{}  {} {}  {}", clock, kind, event.value(kind, ""), text);
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

Status show_events(const agent::Config& config, const EventsOptions& options) {
  EventFollower feed(config);
  print_page(TRY(feed.latest()), options);
  while (options.follow) print_page(TRY(feed.next()), options);
  return {};
}

}  // namespace

int events_command(const agent::Config& config, const EventsOptions& options) {
  return exit_code(show_events(config, options));
}

}  // namespace berth::tools
