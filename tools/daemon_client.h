// What commands ask of the berthd of their instance: operations of ECS, over its socket for root.
#pragma once

#include "agent/config.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace berth::tools {

// Blocks for the answer. Errors: kUnavailable when no berthd serves the instance, kDenied to others
// than root, kInvalid with the text of what ECS refuses ("ServiceNotFoundException: Service not
// found.").
Result<nlohmann::ordered_json> ask_ecs(const agent::Config& config, const std::string& operation,
                                       const nlohmann::ordered_json& request);

// What berthd answers to a GET of a path of its own (EventFeed::kPath); errors as above.
Result<nlohmann::ordered_json> get_from_daemon(const agent::Config& config,
                                               const std::string& path);
// Likewise to a POST, whose query says all.
Result<nlohmann::ordered_json> post_to_daemon(const agent::Config& config, const std::string& path);

// The body of an answer to HTTP/1.1 that ends with its connection; kCorrupt for what is none.
struct HttpAnswer {
  int status = 0;
  std::string body;
};
Result<HttpAnswer> parse_http_answer(const std::string& bytes);

}  // namespace berth::tools
