#include "api/ec2_describe.h"
#include "api/page.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ec2 {
namespace {

constexpr size_t kFiltersMax = 200;
constexpr size_t kFilterValuesMax = 200;
constexpr size_t kIdsMax = 1000;
constexpr size_t kPageMax = 1000;
constexpr std::string_view kTagFilter = "tag:";
constexpr std::string_view kTagKeyFilter = "tag-key";

struct Filter {
  std::string name;
  std::vector<std::string> values;
};

// '*' is any text, '?' any character; a backslash takes that from the one behind it.
bool matches(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (size_t skip = 0; skip <= text.size(); ++skip) {
      if (matches(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  bool is_any = pattern.front() == '?';
  if (pattern.front() == '\\' && pattern.size() > 1) pattern.remove_prefix(1);
  if (text.empty() || (!is_any && pattern.front() != text.front())) return false;
  return matches(pattern.substr(1), text.substr(1));
}

bool is_known_filter(const ListShape& shape, std::string_view name) {
  return name.starts_with(kTagFilter) || name == kTagKeyFilter ||
         std::ranges::find(shape.filters, name) != shape.filters.end();
}

std::vector<Filter> read_filters(Ask& ask, const ListShape& shape) {
  constexpr size_t kFilterTextMax = 256;
  constexpr std::ptrdiff_t kStarsMax = 8;  // a pattern's cost grows with each
  std::vector<Filter> filters;
  for (const json::Node& node : ask.objects("Filter", kFiltersMax)) {
    Filter filter{ask.text(node, "Name"), ask.texts(node, "Value", kFilterValuesMax)};
    if (!is_known_filter(shape, filter.name)) {
      ask.invalid(fmt::format("The filter '{}' is invalid", printable(filter.name, 100)));
    }
    for (const std::string& value : filter.values) {
      if (value.size() > kFilterTextMax || std::ranges::count(value, '*') > kStarsMax) {
        ask.invalid(
            fmt::format("The value of the filter '{}' is longer than {} characters, or has "
                        "more than {} times '*'.",
                        printable(filter.name, 100), kFilterTextMax, kStarsMax));
      }
    }
    filters.push_back(std::move(filter));
  }
  return filters;
}

bool passes(const Item& item, const Filter& filter) {
  auto [begin, end] = item.facts.equal_range(filter.name);
  return std::any_of(begin, end, [&](const auto& fact) {
    return std::ranges::any_of(
        filter.values, [&](const std::string& value) { return matches(value, fact.second); });
  });
}

void check_ids(Ask& ask, const std::vector<std::string>& ids, const std::vector<Item>& all,
               const ListShape& shape) {
  for (const std::string& id : ids) {
    if (std::ranges::find(all, id, &Item::id) != all.end()) continue;
    ask.refuse(std::string(shape.not_found),
               fmt::format("The {} '{}' does not exist", shape.noun, printable(id, 100)));
  }
}

}  // namespace

Item::Item(std::string item_id, Json shown, Facts item_facts)
    : id(std::move(item_id)),
      json(std::make_shared<const Json>(std::move(shown))),
      facts(std::move(item_facts)) {}

void add_tag_facts(Facts& facts, const netns::TagMap& tags) {
  for (const auto& [key, value] : tags) {
    facts.emplace(std::string(kTagFilter) + key, value);
    facts.emplace(kTagKeyFilter, key);
  }
}

Json describe(Ask& ask, const std::vector<Item>& all, const ListShape& shape) {
  std::vector<std::string> ids;
  if (!shape.ids.empty()) ids = ask.texts(shape.ids, kIdsMax);
  std::vector<Filter> filters = read_filters(ask, shape);
  check_ids(ask, ids, all, shape);
  if (ask.refused()) return Json::object();
  std::vector<std::string> wanted;
  for (const Item& item : all) {
    bool is_named = ids.empty() || std::ranges::find(ids, item.id) != ids.end();
    bool is_let_through =
        std::ranges::all_of(filters, [&](const Filter& filter) { return passes(item, filter); });
    if (is_named && is_let_through) wanted.push_back(item.id);
  }
  Page page = page_of(ask, wanted,
                      {.limit = "MaxResults",
                       .token = "NextToken",
                       .token_fault = "InvalidNextToken",
                       .max = kPageMax});
  Json list = Json::array();
  for (const std::string& id : page.items) {
    list.push_back(*std::ranges::find(all, id, &Item::id)->json);
  }
  Json answer = {{std::string(shape.list), std::move(list)}};
  if (!page.next_token.empty()) answer["nextToken"] = page.next_token;
  return answer;
}

}  // namespace berth::api::ec2
