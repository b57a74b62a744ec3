// Pages of a list: how many are wanted, and a token that means nothing to clients.
#pragma once

#include "api/ask.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace berth::api {

// What a service calls it.
struct PageMembers {
  std::string_view limit = "maxResults";  // "": the client has no say
  std::string_view token = "nextToken";
  std::string_view token_fault = "";  // the exception about a bad one; "": FaultNames::invalid
  size_t max = 100;
  size_t usual = 0;  // when the request says none; 0: the most
};

struct Page {
  std::vector<std::string> items{};
  std::string next_token{};  // "" on the last one
};

// The page of `all` that is asked for; `all` is in the same order at each call. What goes or comes
// between two pages moves nothing that stays.
Page page_of(Ask& ask, const std::vector<std::string>& all, const PageMembers& members);

}  // namespace berth::api
