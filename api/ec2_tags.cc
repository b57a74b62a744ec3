#include "api/ec2_describe.h"
#include "api/tags.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace berth::api::ec2 {
namespace {

using netns::GroupRecord;
using netns::TagMap;

constexpr size_t kResourcesMax = 1000;

// The tags of a group that the API has made, or of one of its rules. Null when it is neither's.
TagMap* find_tags(GroupRecord& record, const std::string& id) {
  if (record.id == id) return &record.tags;
  auto rule = std::ranges::find(record.rules, id, &netns::RuleRecord::id);
  return rule == record.rules.end() ? nullptr : &rule->tags;
}

void change_tags(const Ec2& ec2, Ask& ask, const std::function<void(TagMap&)>& change) {
  auto lock = ask.checked(ec2.groups.lock_to_change());
  std::vector<GroupRecord> records = ask.checked(ec2.groups.list());
  std::vector<std::string> ids = ask.texts("ResourceId", kResourcesMax);
  if (ids.empty()) {
    ask.refuse("MissingParameter", "The request must contain the parameter resourceIdSet");
  }
  std::vector<GroupRecord*> changed;
  for (const std::string& id : ids) {
    auto record = std::ranges::find_if(
        records, [&](GroupRecord& each) { return find_tags(each, id) != nullptr; });
    if (record == records.end()) {
      ask.refuse(
          "InvalidID",
          fmt::format("The ID '{}' is not valid: tags are for security groups and rules that "
                      "the API has made",
                      printable(id, 100)));
      return;
    }
    TagMap& tags = *find_tags(*record, id);
    change(tags);
    if (tags.size() > kTagsMax) {
      ask.refuse("TagLimitExceeded",
                 fmt::format("The maximum number of tags of a resource is {}", kTagsMax));
    }
    changed.push_back(&*record);
  }
  if (!may_change(ask)) return;
  for (const GroupRecord* record : changed) ask.check(ec2.groups.put(*record));
}

void add_tag_items(std::vector<Item>& all, const std::string& id, const char* kind,
                   const TagMap& tags) {
  for (const auto& [key, value] : tags) {
    Json json = {{"resourceId", id}, {"resourceType", kind}, {"key", key}, {"value", value}};
    Facts facts = {{"resource-id", id}, {"resource-type", kind}, {"key", key}, {"value", value}};
    add_tag_facts(facts, {{key, value}});
    all.push_back({id + " " + key, std::move(json), std::move(facts)});
  }
}

}  // namespace

Json create_tags(Ec2& ec2, Ask& ask) {
  TagMap added;
  for (const json::Node& node : ask.objects("Tag", kTagsMax)) {
    added[ask.text(node, "Key")] = ask.text(node, "Value");
  }
  if (added.empty()) ask.refuse("MissingParameter", "The request must contain the parameter Tag");
  if (added.contains("")) ask.invalid("Tag keys may not be empty.");
  change_tags(ec2, ask, [&](TagMap& tags) {
    for (const auto& [key, value] : added) tags[key] = value;
  });
  return {{"return", true}};
}

// Without tags all go; with a value the tag goes only when it has that.
Json delete_tags(Ec2& ec2, Ask& ask) {
  std::vector<json::Node> nodes = ask.objects("Tag", kTagsMax);
  change_tags(ec2, ask, [&](TagMap& tags) {
    if (nodes.empty()) tags.clear();
    for (const json::Node& node : nodes) {
      auto found = tags.find(ask.text(node, "Key"));
      bool is_any = !node.find("Value").has_value();
      if (found == tags.end() || (!is_any && found->second != ask.text(node, "Value"))) continue;
      tags.erase(found);
    }
  });
  return {{"return", true}};
}

Json describe_tags(Ec2& ec2, Ask& ask) {
  std::vector<Item> all;
  for (const GroupRecord& record : ask.checked(ec2.groups.list())) {
    add_tag_items(all, record.id, "security-group", record.tags);
    for (const netns::RuleRecord& rule : record.rules) {
      add_tag_items(all, rule.id, "security-group-rule", rule.tags);
    }
  }
  return describe(ask, all,
                  {.list = "tagSet",
                   .ids = "",
                   .not_found = "",
                   .noun = "",
                   .filters = {"resource-id", "resource-type", "key", "value"}});
}

}  // namespace berth::api::ec2
