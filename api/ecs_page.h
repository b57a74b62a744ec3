// Pages of ECS's lists: maxResults and nextToken.
#pragma once

#include "api/ecs_operations.h"
#include "api/page.h"

#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ecs {

using api::Page;

// Items of a page: where maxResults says nothing, and at most.
struct PageSize {
  size_t usual = 0;
  size_t max = 0;
};

Page page_of(Ask& ask, const std::vector<std::string>& all, PageSize size);
// Where the usual page is the longest.
Page page_of(Ask& ask, const std::vector<std::string>& all, size_t max);

// {key: items, "nextToken"}.
Json render_page(std::string_view key, const Page& page);

}  // namespace berth::api::ecs
