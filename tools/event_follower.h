// EventFollower: the feed of berthd (tools/event_feed.h), read page by page by a command.
#pragma once

#include "agent/config.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace berth::tools {

class EventFollower {
 public:
  // Borrows `config`.
  explicit EventFollower(const agent::Config& config) : config_(config) {}

  // The latest events; errors as of get_from_daemon().
  Result<nlohmann::ordered_json> latest();
  // All that berthd has kept, from the first: for what is told of one thing. Ends where it ends.
  Result<std::vector<nlohmann::ordered_json>> all();
  // What has come since. Blocks for it, but no longer than EventFeed::kWait: then a page without
  // events. A berthd that is being replaced is waited for.
  Result<nlohmann::ordered_json> next();

 private:
  const agent::Config& config_;
  std::string cursor_;
};

// Whether the event is the service's own, or one of its tasks'.
bool is_of_service(const nlohmann::ordered_json& event, const std::string& service);

}  // namespace berth::tools
