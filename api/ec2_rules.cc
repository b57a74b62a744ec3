#include "api/ec2_describe.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ec2 {
namespace {

using netns::GroupRecord;
using netns::RuleRecord;

constexpr size_t kRulesAskedMax = 1000;

std::string shown_rule(const RuleRecord& rule) {
  std::string peer = rule.net    ? to_string(*rule.net)
                     : rule.net6 ? to_string(*rule.net6)
                                 : rule.group;
  std::string protocol = rule.protocol == netns::kAnyProtocol ? "ALL" : rule.protocol;
  std::ranges::transform(protocol, protocol.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  std::string ports =
      rule.protocol == netns::kAnyProtocol
          ? ""
          : fmt::format(" from port: {}, to port: {},", rule.from_port, rule.to_port);
  return fmt::format("peer: {}, {},{} ALLOW", peer, protocol, ports);
}

auto find_same(std::vector<RuleRecord>& rules, const RuleRecord& wanted) {
  return std::ranges::find_if(rules,
                              [&](const RuleRecord& rule) { return is_same_rule(rule, wanted); });
}

void check_new_rule(Ask& ask, GroupRecord& record, const RuleRecord& rule) {
  if (find_same(record.rules, rule) != record.rules.end()) {
    ask.refuse("InvalidPermission.Duplicate",
               fmt::format("the specified rule \"{}\" already exists", shown_rule(rule)));
  }
  auto count = std::ranges::count(record.rules, rule.is_egress, &RuleRecord::is_egress);
  if (static_cast<size_t>(count) >= netns::kGroupRulesMax) {
    ask.refuse("RulesPerSecurityGroupLimitExceeded",
               "The maximum number of rules per security group has been reached.");
  }
}

void refuse_without_rules(Ask& ask, bool has_rules) {
  if (has_rules) return;
  ask.refuse("MissingParameter",
             "Either 'ipPermissions' or 'securityGroupRuleIds' should be provided.");
}

Json authorize(const Ec2& ec2, Ask& ask, bool is_egress) {
  auto lock = ask.checked(ec2.groups.lock_to_change());
  auto group = group_to_change(ec2, ask);
  std::vector<RuleRecord> rules = read_permissions(ec2, ask, is_egress);
  netns::TagMap tags = read_tag_specification(ask, "security-group-rule");
  refuse_without_rules(ask, !rules.empty());
  if (!group || ask.refused()) return Json::object();
  Json made = Json::array();
  for (RuleRecord& rule : rules) {
    check_new_rule(ask, group->record, rule);
    rule.id = make_id(ec2, "sgr-");
    rule.tags = tags;
    made.push_back(rule_json(ec2, group->record.id, rule));
    group->record.rules.push_back(std::move(rule));
  }
  if (!may_change(ask)) return Json::object();
  keep_group(ec2, ask, group->record);
  return {{"return", true}, {"securityGroupRuleSet", std::move(made)}};
}

// As Revoke tells it: the peer as an id.
Json revoked_json(const Ec2& ec2, const std::string& group, const RuleRecord& rule) {
  Json json = rule_json(ec2, group, rule);
  json.erase("groupOwnerId");
  json.erase("securityGroupRuleArn");
  json.erase("tagSet");
  if (json.erase("referencedGroupInfo") > 0) json["referencedGroupId"] = rule.group;
  return json;
}

Json revoke(const Ec2& ec2, Ask& ask, bool is_egress) {
  auto lock = ask.checked(ec2.groups.lock_to_change());
  auto group = group_to_change(ec2, ask);
  std::vector<RuleRecord> rules = read_permissions(ec2, ask, is_egress);
  std::vector<std::string> ids = ask.texts("SecurityGroupRuleId", kRulesAskedMax);
  refuse_without_rules(ask, !rules.empty() || !ids.empty());
  if (!group || ask.refused()) return Json::object();
  std::vector<RuleRecord>& kept = group->record.rules;
  Json revoked = Json::array();
  auto take = [&](auto found) {
    revoked.push_back(revoked_json(ec2, group->record.id, *found));
    kept.erase(found);
  };
  for (const RuleRecord& rule : rules) {
    auto found = find_same(kept, rule);
    if (found != kept.end()) {
      take(found);
    } else {
      ask.refuse("InvalidPermission.NotFound",
                 "The specified rule does not exist in this security group.");
    }
  }
  for (const std::string& id : ids) {
    auto found = std::ranges::find_if(
        kept, [&](const RuleRecord& rule) { return rule.id == id && rule.is_egress == is_egress; });
    if (found != kept.end()) {
      take(found);
    } else {
      ask.refuse("InvalidSecurityGroupRuleId.NotFound",
                 fmt::format("The security group rule ID '{}' does not exist", printable(id, 100)));
    }
  }
  if (!may_change(ask)) return Json::object();
  keep_group(ec2, ask, group->record);
  return {{"return", true},
          {"unknownIpPermissionSet", Json::array()},
          {"revokedSecurityGroupRuleSet", std::move(revoked)}};
}

}  // namespace

Json authorize_security_group_ingress(Ec2& ec2, Ask& ask) {
  return authorize(ec2, ask, false);
}

Json authorize_security_group_egress(Ec2& ec2, Ask& ask) {
  return authorize(ec2, ask, true);
}

Json revoke_security_group_ingress(Ec2& ec2, Ask& ask) {
  return revoke(ec2, ask, false);
}

Json revoke_security_group_egress(Ec2& ec2, Ask& ask) {
  return revoke(ec2, ask, true);
}

Json modify_security_group_rules(Ec2& ec2, Ask& ask) {
  auto lock = ask.checked(ec2.groups.lock_to_change());
  auto group = group_to_change(ec2, ask);
  if (!group) return Json::object();
  std::vector<RuleRecord>& rules = group->record.rules;
  for (const json::Node& node : ask.objects("SecurityGroupRule", kRulesAskedMax)) {
    std::string id = ask.text(node, "SecurityGroupRuleId");
    auto found = std::ranges::find(rules, id, &RuleRecord::id);
    auto wanted = ask.object(node, "SecurityGroupRule");
    if (found == rules.end() || !wanted) {
      ask.refuse("InvalidSecurityGroupRuleId.NotFound",
                 fmt::format("The security group rule ID '{}' does not exist", printable(id, 100)));
      break;
    }
    RuleRecord changed = read_rule_request(ec2, ask, *wanted, *found);
    auto same = find_same(rules, changed);
    if (same != rules.end() && same->id != id) {
      ask.refuse("InvalidPermission.Duplicate",
                 fmt::format("the specified rule \"{}\" already exists", shown_rule(changed)));
    }
    *found = std::move(changed);
  }
  if (!may_change(ask)) return Json::object();
  keep_group(ec2, ask, group->record);
  return {{"return", true}};
}

Json describe_security_group_rules(Ec2& ec2, Ask& ask) {
  std::vector<Item> all;
  for (const Group& group : all_groups(ec2, ask)) {
    for (const RuleRecord& rule : group.record.rules) {
      Facts facts = {{"group-id", group.record.id}, {"security-group-rule-id", rule.id}};
      add_tag_facts(facts, rule.tags);
      all.push_back({rule.id, rule_json(ec2, group.record.id, rule), std::move(facts)});
    }
  }
  return describe(ask, all,
                  {.list = "securityGroupRuleSet",
                   .ids = "SecurityGroupRuleId",
                   .not_found = "InvalidSecurityGroupRuleId.NotFound",
                   .noun = "security group rule ID",
                   .filters = {"group-id", "security-group-rule-id"}});
}

}  // namespace berth::api::ec2
