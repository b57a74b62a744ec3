#include "api/ec2_operations.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <tuple>

namespace berth::api::ec2 {
namespace {

using netns::kAnyNumber;
using netns::RuleRecord;

constexpr size_t kPermissionsMax = 1000;
constexpr int kHighestPort = 65535;
constexpr int kHighestIcmp = 255;
constexpr size_t kRuleDescriptionMax = 255;

std::string read_protocol(Ask& ask, const json::Node& node) {
  constexpr std::pair<std::string_view, std::string_view> kNumbers[] = {
      {"6", "tcp"}, {"17", "udp"}, {"1", "icmp"}, {"58", "icmpv6"}, {"all", netns::kAnyProtocol}};
  std::string word = ask.text(node, "IpProtocol");
  for (const auto& [number, name] : kNumbers) {
    if (word == number) return std::string(name);
  }
  bool is_known = word == "tcp" || word == "udp" || word == "icmp" || word == "icmpv6" ||
                  word == netns::kAnyProtocol;
  if (is_known) return word;
  if (word.empty()) {
    ask.refuse("MissingParameter", fmt::format("The request must contain the parameter {}",
                                               path_of(node, "IpProtocol")));
  } else if (parse_u64(word).value_or(kHighestIcmp + 1) <= kHighestIcmp) {
    ask.refuse(
        "UnsupportedOperation",
        fmt::format("{}: '{}': rules of this host are for tcp, udp, icmp, icmpv6 and -1 (all)",
                    path_of(node, "IpProtocol"), word));
  } else {
    ask.invalid(
        fmt::format("Invalid value '{}' for IP protocol. Unknown protocol.", printable(word, 100)));
  }
  return netns::kAnyProtocol;
}

void read_ports(Ask& ask, const json::Node& node, RuleRecord& rule) {
  if (rule.protocol == netns::kAnyProtocol) return;
  bool is_icmp = rule.protocol == "icmp" || rule.protocol == "icmpv6";
  int64_t most = is_icmp ? kHighestIcmp : kHighestPort;
  auto from = ask.number(node, "FromPort", {kAnyNumber, most});
  auto to = ask.number(node, "ToPort", {kAnyNumber, most});
  if (!is_icmp && (!from || !to)) {
    ask.invalid("Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.");
  }
  rule.from_port = static_cast<int>(from.value_or(kAnyNumber));
  rule.to_port = static_cast<int>(to.value_or(kAnyNumber));
  if (is_icmp) return;
  if (rule.from_port == kAnyNumber && rule.to_port == kAnyNumber) {  // "all" of older clients
    rule.from_port = 0;
    rule.to_port = kHighestPort;
  }
  if (rule.from_port < 0 || rule.from_port > rule.to_port) {
    ask.invalid(fmt::format("Invalid TCP/UDP port range ({}:{})", rule.from_port, rule.to_port));
  }
}

std::optional<Ipv4Net> read_cidr(Ask& ask, const std::string& text) {
  auto net = parse_ipv4_net(text);
  if (!net) {
    ask.invalid(fmt::format("CIDR block {} is malformed", printable(text, 100)));
    return std::nullopt;
  }
  return Ipv4Net{net->network(), net->prefix};  // as AWS does it
}

std::optional<Ipv6Net> read_cidr6(Ask& ask, const std::string& text) {
  auto net = parse_ipv6_net(text);
  if (!net) {
    ask.invalid(fmt::format("CIDR block {} is malformed", printable(text, 100)));
    return std::nullopt;
  }
  return Ipv6Net{net->network(), net->prefix};
}

std::string read_rule_description(Ask& ask, const json::Node& node) {
  std::string description = ask.text(node, "Description");
  if (description.size() > kRuleDescriptionMax) {
    ask.invalid(fmt::format("{}: at most {} characters", path_of(node, "Description"),
                            kRuleDescriptionMax));
  }
  return description;
}

// A group that rules may name.
std::string checked_peer(const Ec2& ec2, Ask& ask, const json::Node& node, const std::string& id) {
  auto group = find_group(ec2, ask, id);
  bool is_open_default = group && group->record.id == netns::kDefaultGroupId &&
                         netns::find_configured_group(ec2.settings.vpc, id) == nullptr;
  if (is_open_default) {
    ask.refuse("UnsupportedOperation",
               fmt::format("{}: tasks without groups are members of none; give berth.json a group "
                           "'default' to name them",
                           path_of(node, "GroupId")));
  }
  return id;
}

// The id of the group that a pair names.
std::string read_pair(const Ec2& ec2, Ask& ask, const json::Node& node) {
  std::string account = ask.text(node, "UserId");
  std::string id = ask.text(node, "GroupId");
  std::string name = ask.text(node, "GroupName");
  if (id.empty()) {
    for (const Group& group : all_groups(ec2, ask)) {
      if (group.record.name == name) id = group.record.id;
    }
  }
  if (id.empty() || (!account.empty() && account != ec2.settings.host.account)) {
    ask.refuse("InvalidGroup.NotFound",
               fmt::format("The security group '{}' does not exist",
                           printable(id.empty() ? name : account + "/" + id, 100)));
    return id;
  }
  return checked_peer(ec2, ask, node, id);
}

void refuse_prefix_lists(Ask& ask, const json::Node& node) {
  constexpr std::string_view kPrefixLists = "PrefixListIds";
  if (ask.objects(node, kPrefixLists, kPermissionsMax).empty()) return;
  ask.refuse("UnsupportedOperation",
             fmt::format("{}: there are no prefix lists; use IpRanges, Ipv6Ranges or "
                         "UserIdGroupPairs",
                         path_of(node, kPrefixLists)));
}

void read_permission(const Ec2& ec2, Ask& ask, const json::Node& node, bool is_egress,
                     std::vector<RuleRecord>& rules) {
  refuse_prefix_lists(ask, node);
  RuleRecord rule;
  rule.is_egress = is_egress;
  rule.protocol = read_protocol(ask, node);
  read_ports(ask, node, rule);
  size_t before = rules.size();
  for (const json::Node& range : ask.objects(node, "IpRanges", kPermissionsMax)) {
    RuleRecord each = rule;
    each.net = read_cidr(ask, ask.text(range, "CidrIp"));
    each.description = read_rule_description(ask, range);
    rules.push_back(std::move(each));
  }
  for (const json::Node& range : ask.objects(node, "Ipv6Ranges", kPermissionsMax)) {
    RuleRecord each = rule;
    each.net6 = read_cidr6(ask, ask.text(range, "CidrIpv6"));
    each.description = read_rule_description(ask, range);
    rules.push_back(std::move(each));
  }
  for (const json::Node& pair : ask.objects(node, "Groups", kPermissionsMax)) {
    RuleRecord each = rule;
    each.group = read_pair(ec2, ask, pair);
    each.description = read_rule_description(ask, pair);
    rules.push_back(std::move(each));
  }
  if (rules.size() == before) {
    ask.refuse("InvalidRequest",
               fmt::format("{}: names no other side: IpRanges, Ipv6Ranges or UserIdGroupPairs",
                           node.path()));
  }
}

void put_description(Json& json, const std::string& description) {
  if (!description.empty()) json["description"] = description;
}

}  // namespace

std::vector<RuleRecord> read_permissions(const Ec2& ec2, Ask& ask, bool is_egress) {
  std::vector<RuleRecord> rules;
  if (ask.has("SourceSecurityGroupName")) {
    ask.refuse("InvalidParameterCombination",
               "SourceSecurityGroupName is not for groups of a VPC: name the group by its id in "
               "IpPermissions.1.Groups.1.GroupId");
  }
  for (const json::Node& node : ask.objects("IpPermissions", kPermissionsMax)) {
    read_permission(ec2, ask, node, is_egress, rules);
  }
  std::string cidr = ask.text("CidrIp");
  if (!cidr.empty()) {
    RuleRecord rule;
    rule.is_egress = is_egress;
    rule.protocol = read_protocol(ask, ask.root());
    read_ports(ask, ask.root(), rule);
    rule.net = read_cidr(ask, cidr);
    rules.push_back(std::move(rule));
  }
  return rules;
}

RuleRecord read_rule_request(const Ec2& ec2, Ask& ask, const json::Node& node,
                             const RuleRecord& old) {
  RuleRecord rule;
  rule.id = old.id;
  rule.tags = old.tags;
  rule.is_egress = old.is_egress;
  rule.protocol = read_protocol(ask, node);
  read_ports(ask, node, rule);
  rule.description = read_rule_description(ask, node);
  std::string cidr = ask.text(node, "CidrIpv4");
  std::string cidr6 = ask.text(node, "CidrIpv6");
  std::string group = ask.text(node, "ReferencedGroupId");
  if (!cidr.empty() + !cidr6.empty() + !group.empty() != 1) {
    ask.refuse(
        "InvalidParameterCombination",
        fmt::format("{}: needs one of CidrIpv4, CidrIpv6 and ReferencedGroupId", node.path()));
    return rule;
  }
  if (!cidr.empty()) rule.net = read_cidr(ask, cidr);
  if (!cidr6.empty()) rule.net6 = read_cidr6(ask, cidr6);
  if (!group.empty()) rule.group = checked_peer(ec2, ask, node, group);
  return rule;
}

Json permissions_json(const Ec2& ec2, const std::vector<RuleRecord>& rules, bool is_egress) {
  using Ports = std::tuple<std::string, int, int>;
  std::vector<Ports> order;
  std::map<Ports, std::vector<const RuleRecord*>> together;
  for (const RuleRecord& rule : rules) {
    if (rule.is_egress != is_egress) continue;
    Ports ports{rule.protocol, rule.from_port, rule.to_port};
    if (!together.contains(ports)) order.push_back(ports);
    together[ports].push_back(&rule);
  }
  Json list = Json::array();
  for (const Ports& ports : order) {
    Json permission = {{"ipProtocol", std::get<0>(ports)}};
    if (std::get<0>(ports) != netns::kAnyProtocol) {
      permission["fromPort"] = std::get<1>(ports);
      permission["toPort"] = std::get<2>(ports);
    }
    Json pairs = Json::array();
    Json ranges = Json::array();
    Json ranges6 = Json::array();
    for (const RuleRecord* rule : together[ports]) {
      Json side;
      Json* sides = &pairs;
      if (rule->net) {
        side["cidrIp"] = to_string(*rule->net);
        sides = &ranges;
      } else if (rule->net6) {
        side["cidrIpv6"] = to_string(*rule->net6);
        sides = &ranges6;
      } else {
        side["groupId"] = rule->group;
        side["userId"] = ec2.settings.host.account;
      }
      put_description(side, rule->description);
      sides->push_back(std::move(side));
    }
    permission["groups"] = std::move(pairs);
    permission["ipRanges"] = std::move(ranges);
    permission["ipv6Ranges"] = std::move(ranges6);
    permission["prefixListIds"] = Json::array();
    list.push_back(std::move(permission));
  }
  return list;
}

Json rule_json(const Ec2& ec2, const std::string& group, const RuleRecord& rule) {
  const std::string& account = ec2.settings.host.account;
  Json json = {{"securityGroupRuleId", rule.id},
               {"securityGroupRuleArn", arn_of(ec2, "security-group-rule", rule.id)},
               {"groupId", group},
               {"groupOwnerId", account},
               {"isEgress", rule.is_egress},
               {"ipProtocol", rule.protocol},
               {"fromPort", rule.from_port},
               {"toPort", rule.to_port}};
  if (rule.net) {
    json["cidrIpv4"] = to_string(*rule.net);
  } else if (rule.net6) {
    json["cidrIpv6"] = to_string(*rule.net6);
  } else {
    json["referencedGroupInfo"] = {{"groupId", rule.group}, {"userId", account}};
  }
  put_description(json, rule.description);
  json["tagSet"] = tag_set(rule.tags);
  return json;
}

}  // namespace berth::api::ec2
