#include "tools/event_follower.h"

#include "sys/clock.h"
#include "tools/daemon_client.h"
#include "tools/event_feed.h"

#include <nlohmann/json.hpp>

#include <chrono>

namespace berth::tools {
namespace {

using PageJson = nlohmann::ordered_json;

constexpr int kFollowTries = 50;
constexpr std::chrono::milliseconds kFollowPause(200);

}  // namespace

Result<PageJson> EventFollower::latest() {
  PageJson page = TRY(get_from_daemon(config_, EventFeed::kPath));
  cursor_ = page.value("cursor", "");
  return page;
}

Result<std::vector<PageJson>> EventFollower::all() {
  std::string end = TRY(latest()).value("cursor", "");
  cursor_ = end.substr(0, end.rfind('-')) + "-0";
  std::vector<PageJson> events;
  while (cursor_ != end) {
    PageJson page = TRY(next());
    PageJson& found = page.at("events");
    if (found.empty() && cursor_ != end) break;  // another process answers
    for (PageJson& event : found) events.push_back(std::move(event));
    if (found.size() < EventFeed::kPageMax) break;  // it has what came meanwhile, too
  }
  return events;
}

Result<PageJson> EventFollower::next() {
  std::string path = fmt::format("{}?after={}", EventFeed::kPath, cursor_);
  for (int tries = 1;; ++tries) {
    auto page = get_from_daemon(config_, path);
    if (page) cursor_ = page->value("cursor", "");
    if (page || tries == kFollowTries) return page;
    sys::pause_for(kFollowPause);
  }
}

bool is_of_service(const PageJson& event, const std::string& service) {
  return event.value("service", "") == service || event.value("group", "") == "service:" + service;
}

}  // namespace berth::tools
