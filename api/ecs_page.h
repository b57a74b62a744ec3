// Pages of a list: maxResults, and a nextToken that means nothing to clients.
#pragma once

#include "api/ecs_operations.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

struct Page {
  std::vector<std::string> items{};
  std::string next_token{};  // "" on the last one
};

// Items of a page: where maxResults says nothing, and at most.
struct PageSize {
  size_t usual = 0;
  size_t max = 0;
};

// The page of `all` that is asked for; `all` is in the same order at each call. What goes or comes
// between two pages moves nothing that stays.
Page page_of(Ask& ask, const std::vector<std::string>& all, PageSize size);
// Where the usual page is the longest.
Page page_of(Ask& ask, const std::vector<std::string>& all, size_t max);

// {key: items, "nextToken"}.
Json render_page(std::string_view key, const Page& page);

}  // namespace berth::api::ecs
