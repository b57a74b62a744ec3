// Lists of EC2: ids, filters, pages.
#pragma once

#include "api/ec2_operations.h"

#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ec2 {

// What filters ask about: name -> values.
using Facts = std::multimap<std::string, std::string, std::less<>>;
void add_tag_facts(Facts& facts, const netns::TagMap& tags);

struct Item {
  Item(std::string item_id, Json shown, Facts item_facts);

  std::string id;
  std::shared_ptr<const Json> json;  // never null
  Facts facts;
};
struct ListShape {
  std::string_view list;                            // "vpcSet"
  std::string_view ids;                             // the request's member with ids
  std::string_view not_found;                       // "InvalidVpcID.NotFound"
  std::string_view noun;                            // "vpc ID"
  std::initializer_list<std::string_view> filters;  // names; and those of tags, always
};
// Those that the request's ids and filters let through, and the page of them.
Json describe(Ask& ask, const std::vector<Item>& all, const ListShape& shape);

}  // namespace berth::api::ec2
