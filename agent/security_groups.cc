#include "agent/security_groups.h"

#include "agent/task_network.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <map>

namespace berth::agent {
namespace {

using netns::GroupRule;
using netns::SecurityGroup;
using netns::Traffic;

constexpr size_t kGroupNameMax = 64;
constexpr size_t kGroupsMax = 1000;
constexpr int64_t kHighestPort = 65535;

struct TrafficWord {
  Traffic traffic;
  const char* word;
};
constexpr TrafficWord kTrafficWords[] = {{Traffic::kAll, "all"},
                                         {Traffic::kTcp, "tcp"},
                                         {Traffic::kUdp, "udp"},
                                         {Traffic::kIcmp, "icmp"},
                                         {Traffic::kIcmpv6, "icmpv6"}};

bool is_group_name(const std::string& name) {
  return !name.empty() && name.size() <= kGroupNameMax &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

bool has_group(const std::vector<SecurityGroup>& groups, const std::string& name) {
  return std::any_of(groups.begin(), groups.end(),
                     [&](const SecurityGroup& group) { return group.name == name; });
}

Result<Traffic> traffic_of(const json::Node& node) {
  std::string word = TRY(node.string_at("protocol"));
  for (const TrafficWord& known : kTrafficWords) {
    if (word == known.word) return known.traffic;
  }
  return fail(Errc::kInvalid, "{}.protocol: \"{}\" is not one of all, tcp, udp, icmp, icmpv6",
              node.path(), printable(word, 40));
}

Status read_group_ports(const json::Node& node, GroupRule& rule) {
  auto first = TRY(node.find_i64("fromPort"));
  auto last = TRY(node.find_i64("toPort"));
  if (!first && !last) return {};
  if (rule.traffic != Traffic::kTcp && rule.traffic != Traffic::kUdp) {
    return fail(Errc::kInvalid, "{}: ports are for tcp and udp", node.path());
  }
  if (!first || !last || *first < 0 || *first > *last || *last > kHighestPort) {
    return fail(Errc::kInvalid, "{}: needs fromPort and toPort, from 0 to 65535, in this order",
                node.path());
  }
  rule.first_port = static_cast<uint16_t>(*first);
  rule.last_port = static_cast<uint16_t>(*last);
  return {};
}

tl::unexpected<Error> has_further_bits(const json::Node& node, const std::string& net) {
  return fail(Errc::kInvalid, "{}.cidrs: {} has bits beyond its prefix", node.path(), net);
}

Result<GroupRule> read_group_rule(const json::Node& node) {
  TRY(node.only({"protocol", "fromPort", "toPort", "cidrs", "groups"}));
  GroupRule rule;
  rule.traffic = TRY(traffic_of(node));
  TRY(read_group_ports(node, rule));
  for (const std::string& text : TRY(node.find_strings("cidrs"))) {
    if (text.find(':') != std::string::npos) {
      auto net6 = parse_ipv6_net(text);
      if (!net6) return wrap(std::move(net6).error(), "{}.cidrs", node.path());
      if (net6->address != net6->network()) return has_further_bits(node, text);
      rule.nets6.push_back(*net6);
      continue;
    }
    auto net = parse_ipv4_net(text);
    if (!net) return wrap(std::move(net).error(), "{}.cidrs", node.path());
    if (net->address != net->network()) return has_further_bits(node, text);
    rule.nets.push_back(*net);
  }
  rule.groups = TRY(node.find_strings("groups"));
  if (rule.nets.empty() && rule.nets6.empty() && rule.groups.empty()) {
    return fail(Errc::kInvalid, "{}: needs cidrs or groups", node.path());
  }
  return rule;
}

Result<std::vector<GroupRule>> read_group_rules(const json::Node& group, std::string_view key) {
  std::vector<GroupRule> rules;
  for (const json::Node& node : TRY(group.find_array(key))) {
    rules.push_back(TRY(read_group_rule(node)));
  }
  if (rules.size() > netns::kGroupRulesMax) {
    return fail(Errc::kInvalid, "{}.{}: at most {} rules", group.path(), key,
                netns::kGroupRulesMax);
  }
  return rules;
}

// As on EC2, a group that says nothing of egress lets everything out.
GroupRule everything() {
  GroupRule rule;
  rule.nets.push_back(Ipv4Net{Ipv4{0}, 0});
  rule.nets6.push_back(Ipv6Net{Ipv6{}, 0});
  return rule;
}

// Names that are one id, or the default group's.
Status check_ids(const std::vector<SecurityGroup>& groups) {
  std::map<std::string, std::string> named{{netns::kDefaultGroupId, netns::kDefaultGroupName}};
  for (const SecurityGroup& group : groups) {
    std::string id = netns::id_of_configured_group(group.name);
    auto [known, is_new] = named.emplace(id, group.name);
    if (is_new || known->second == group.name) continue;
    return fail(Errc::kInvalid, "securityGroups.{}: its id would be {}, which is that of \"{}\"",
                group.name, id, known->second);
  }
  return {};
}

Status check_references(const std::vector<SecurityGroup>& groups) {
  for (const SecurityGroup& group : groups) {
    for (const auto* rules : {&group.ingress, &group.egress}) {
      for (const GroupRule& rule : *rules) {
        for (const std::string& peer : rule.groups) {
          if (has_group(groups, peer)) continue;
          return fail(Errc::kInvalid, "securityGroups.{}: a rule names \"{}\", which is no group",
                      group.name, printable(peer, 80));
        }
      }
    }
  }
  return {};
}

nlohmann::ordered_json json_of_rules(const std::vector<GroupRule>& rules) {
  auto list = nlohmann::ordered_json::array();
  for (const GroupRule& rule : rules) {
    nlohmann::ordered_json json;
    for (const TrafficWord& known : kTrafficWords) {
      if (known.traffic == rule.traffic) json["protocol"] = known.word;
    }
    if (rule.first_port != 0 || rule.last_port != kHighestPort) {
      json["fromPort"] = rule.first_port;
      json["toPort"] = rule.last_port;
    }
    for (const Ipv4Net& net : rule.nets) json["cidrs"].push_back(to_string(net));
    for (const Ipv6Net& net : rule.nets6) json["cidrs"].push_back(to_string(net));
    if (!rule.groups.empty()) json["groups"] = rule.groups;
    list.push_back(std::move(json));
  }
  return list;
}

}  // namespace

Result<std::vector<SecurityGroup>> read_security_groups(const json::Node& root) {
  std::vector<SecurityGroup> groups;
  auto node = root.find("securityGroups");
  if (!node) return groups;
  for (const auto& [name, member] : TRY(node->as_object())) {
    if (!is_group_name(name)) {
      return fail(Errc::kInvalid,
                  "securityGroups: \"{}\" must be 1 to {} of letters, digits, - _ .",
                  printable(name, 80), kGroupNameMax);
    }
    TRY(member.only({"ingress", "egress"}));
    SecurityGroup group;
    group.name = name;
    group.ingress = TRY(read_group_rules(member, "ingress"));
    group.egress = TRY(read_group_rules(member, "egress"));
    if (!member.find("egress")) group.egress.push_back(everything());
    groups.push_back(std::move(group));
  }
  if (groups.size() > kGroupsMax) {
    return fail(Errc::kInvalid, "securityGroups: at most {}", kGroupsMax);
  }
  TRY(check_ids(groups));
  TRY(check_references(groups));
  return groups;
}

void render_security_groups(const std::vector<SecurityGroup>& groups, nlohmann::ordered_json& out) {
  for (const SecurityGroup& group : groups) {
    out["securityGroups"][group.name] = {{"ingress", json_of_rules(group.ingress)},
                                         {"egress", json_of_rules(group.egress)}};
  }
}

Result<netns::Vpc> vpc_of(const Config& config) {
  netns::Vpc vpc;
  netns::BridgePlan bridge = TRY(bridge_plan_of(config));
  vpc.net = bridge.subnet;
  vpc.net6 = bridge.subnet6;
  vpc.subnets = config.subnets;
  if (vpc.subnets.empty()) {
    vpc.subnets.push_back(
        {.id = netns::kDefaultSubnetId, .net = vpc.net, .zone = "a", .net6 = vpc.net6});
  }
  for (netns::VpcSubnet& subnet : vpc.subnets) {
    bool is_whole = subnet.net == vpc.net;
    auto twin = netns::twin_of(bridge, subnet.net.address);
    if (twin && !is_whole) subnet.net6 = Ipv6Net{*twin, netns::kTwinPrefix + subnet.net.prefix};
    if (is_whole) subnet.net6 = vpc.net6;
  }
  vpc.groups = config.security_groups;
  return vpc;
}

Result<std::vector<std::string>> find_task_groups(const netns::Vpc& vpc,
                                                  const netns::GroupStore& made,
                                                  const std::vector<std::string>& wanted) {
  std::vector<std::string> usual = {netns::kDefaultGroupId};
  std::vector<std::string> names;
  for (const std::string& id : wanted.empty() ? usual : wanted) {
    const SecurityGroup* configured = netns::find_configured_group(vpc, id);
    if (configured == nullptr && id == netns::kDefaultGroupId) return std::vector<std::string>{};
    if (configured == nullptr && !TRY(made.find(id))) {
      return fail(Errc::kNotFound, "the security group '{}' does not exist", printable(id, 80));
    }
    const std::string& name = configured == nullptr ? id : configured->name;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

Status check_task_groups(const Config& config, const std::vector<std::string>& wanted) {
  if (wanted.size() > netns::kTaskGroupsMax) {
    return fail(Errc::kInvalid, "--security-group: at most {} for a task", netns::kTaskGroupsMax);
  }
  netns::Vpc vpc = TRY(vpc_of(config));
  netns::GroupStore made(config.root);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (std::count(wanted.begin(), wanted.end(), wanted[i]) > 1) {
      return fail(Errc::kInvalid, "--security-group {}: is given twice", wanted[i]);
    }
    auto found = find_task_groups(vpc, made, {wanted[i]});
    if (found) continue;
    if (found.error().code != Errc::kNotFound) return tl::unexpected<Error>(found.error());
    return fail(
        Errc::kInvalid,
        "--security-group {}: securityGroups of berth.json has none such, nor has EC2's API "
        "made one",
        printable(wanted[i], 80));
  }
  return {};
}

}  // namespace berth::agent
