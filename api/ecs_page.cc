#include "api/ecs_page.h"

#include <nlohmann/json.hpp>

namespace berth::api::ecs {

Page page_of(Ask& ask, const std::vector<std::string>& all, size_t max) {
  return page_of(ask, all, PageSize{max, max});
}

Page page_of(Ask& ask, const std::vector<std::string>& all, PageSize size) {
  return api::page_of(ask, all, {.max = size.max, .usual = size.usual});
}

Json render_page(std::string_view key, const Page& page) {
  Json json = {{std::string(key), page.items}};
  if (!page.next_token.empty()) json["nextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::ecs
