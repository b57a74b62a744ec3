#include "api/ec2_describe.h"
#include "base/log.h"
#include "netns/firewall.h"
#include "netns/ipam.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ec2 {
namespace {

using netns::GroupRecord;
using netns::RuleRecord;

constexpr size_t kGroupNameMax = 255;
constexpr size_t kDescriptionMax = 255;
constexpr std::string_view kGroupMarks = " ._-:/()#,@[]+=&;{}!$*";

RuleRecord everything(bool is_egress, const std::string& id) {
  RuleRecord rule;
  rule.id = id;
  rule.is_egress = is_egress;
  rule.net = Ipv4Net{Ipv4{0}, 0};
  return rule;
}

RuleRecord everything6(bool is_egress, const std::string& id) {
  RuleRecord rule;
  rule.id = id;
  rule.is_egress = is_egress;
  rule.net6 = Ipv6Net{Ipv6{}, 0};
  return rule;
}

const char* protocol_of(netns::Traffic traffic) {
  switch (traffic) {
    case netns::Traffic::kAll:
      return netns::kAnyProtocol;
    case netns::Traffic::kTcp:
      return "tcp";
    case netns::Traffic::kUdp:
      return "udp";
    case netns::Traffic::kIcmp:
      return "icmp";
    case netns::Traffic::kIcmpv6:
      return "icmpv6";
  }
  return "";
}

// As if the API had made it: a rule for each other side.
void add_configured(GroupRecord& record, const netns::GroupRule& rule, bool is_egress) {
  RuleRecord shown;
  shown.is_egress = is_egress;
  shown.protocol = protocol_of(rule.traffic);
  bool has_ports = rule.traffic == netns::Traffic::kTcp || rule.traffic == netns::Traffic::kUdp;
  if (has_ports) {
    shown.from_port = rule.first_port;
    shown.to_port = rule.last_port;
  }
  auto add = [&] {
    shown.id = fmt::format("sgr-{}-{}", record.id.substr(3), record.rules.size() + 1);
    record.rules.push_back(shown);
  };
  for (const Ipv4Net& net : rule.nets) {
    shown.net = net;
    add();
  }
  shown.net.reset();
  for (const Ipv6Net& net : rule.nets6) {
    shown.net6 = net;
    add();
  }
  shown.net6.reset();
  for (const std::string& peer : rule.groups) {
    shown.group = netns::id_of_configured_group(peer);
    add();
  }
}

Group configured_group(const netns::SecurityGroup& group) {
  Group shown;
  shown.record.id = netns::id_of_configured_group(group.name);
  shown.record.name = group.name;
  shown.record.description = "of berth.json";
  for (const netns::GroupRule& rule : group.ingress) add_configured(shown.record, rule, false);
  for (const netns::GroupRule& rule : group.egress) add_configured(shown.record, rule, true);
  return shown;
}

// What is true of tasks without groups.
Group open_default_group(const netns::Vpc& vpc) {
  Group shown;
  shown.record.id = netns::kDefaultGroupId;
  shown.record.name = netns::kDefaultGroupName;
  shown.record.description = "default VPC security group: lets all through";
  shown.record.rules.push_back(everything(false, "sgr-1-1"));
  shown.record.rules.push_back(everything(true, "sgr-1-2"));
  if (!vpc.net6) return shown;
  shown.record.rules.push_back(everything6(false, "sgr-1-3"));
  shown.record.rules.push_back(everything6(true, "sgr-1-4"));
  return shown;
}

Item group_item(const Ec2& ec2, const Group& group) {
  const GroupRecord& record = group.record;
  const std::string& account = ec2.settings.host.account;
  Json json = {{"ownerId", account},
               {"groupId", record.id},
               {"groupName", record.name},
               {"groupDescription", record.description},
               {"vpcId", netns::kVpcId},
               {"securityGroupArn", arn_of(ec2, "security-group", record.id)},
               {"ipPermissions", permissions_json(ec2, record.rules, false)},
               {"ipPermissionsEgress", permissions_json(ec2, record.rules, true)},
               {"tagSet", tag_set(record.tags)}};
  Facts facts = {{"group-id", record.id},
                 {"group-name", record.name},
                 {"description", record.description},
                 {"owner-id", account},
                 {"vpc-id", netns::kVpcId}};
  add_tag_facts(facts, record.tags);
  for (const RuleRecord& rule : record.rules) {
    std::string start = rule.is_egress ? "egress.ip-permission." : "ip-permission.";
    facts.emplace(start + "protocol", rule.protocol);
    facts.emplace(start + "from-port", fmt::format("{}", rule.from_port));
    facts.emplace(start + "to-port", fmt::format("{}", rule.to_port));
    if (rule.net) facts.emplace(start + "cidr", to_string(*rule.net));
    if (rule.net6) facts.emplace(start + "ipv6-cidr", to_string(*rule.net6));
    if (!rule.group.empty()) facts.emplace(start + "group-id", rule.group);
  }
  return {record.id, std::move(json), std::move(facts)};
}

bool is_group_name(const std::string& name) {
  return std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || kGroupMarks.find(static_cast<char>(c)) != std::string::npos;
  });
}

void check_new_group(const Ec2& ec2, Ask& ask, const GroupRecord& record) {
  if (record.name == netns::kDefaultGroupName) {
    ask.refuse("InvalidGroup.Reserved", "The security group 'default' is reserved");
  }
  if (record.name.starts_with("sg-")) {
    ask.invalid(
        fmt::format("Invalid value '{}' for groupName. Group names may not be in the format "
                    "sg-*",
                    printable(record.name, 100)));
  }
  if (record.name.size() > kGroupNameMax || !is_group_name(record.name)) {
    ask.invalid(
        fmt::format("Invalid value '{}' for groupName: at most {} letters, digits, spaces "
                    "and {}",
                    printable(record.name, 100), kGroupNameMax, kGroupMarks));
  }
  if (record.description.size() > kDescriptionMax || !is_group_name(record.description)) {
    ask.invalid(
        fmt::format("Invalid value '{}' for groupDescription: at most {} letters, digits, "
                    "spaces and {}",
                    printable(record.description, 100), kDescriptionMax, kGroupMarks));
  }
  std::string vpc = ask.text("VpcId");
  if (!vpc.empty() && vpc != netns::kVpcId) {
    ask.refuse("InvalidVpcID.NotFound",
               fmt::format("The vpc ID '{}' does not exist", printable(vpc, 100)));
  }
  std::vector<Group> all = all_groups(ec2, ask);
  for (const Group& group : all) {
    if (group.record.name != record.name) continue;
    ask.refuse("InvalidGroup.Duplicate",
               fmt::format("The security group '{}' already exists for VPC '{}'", record.name,
                           netns::kVpcId));
  }
  if (all.size() >= netns::kMadeGroupsMax) {
    ask.refuse("SecurityGroupLimitExceeded",
               "The maximum number of security groups has been reached.");
  }
}

bool is_named_by_rule(const GroupRecord& record, const std::string& id) {
  return std::ranges::any_of(record.rules,
                             [&](const RuleRecord& rule) { return rule.group == id; });
}

// A task that is a member, or a rule of another group that names it.
bool is_in_use(const Ec2& ec2, Ask& ask, const std::string& id) {
  for (const GroupRecord& record : ask.checked(ec2.groups.list())) {
    if (record.id != id && is_named_by_rule(record, id)) return true;
  }
  auto leases = netns::LeaseStore::open(ec2.settings.root, ec2.settings.bridge);
  if (!leases) {
    ask.check(tl::unexpected<Error>(std::move(leases).error()));
    return true;
  }
  for (const netns::Lease& lease : ask.checked(leases->list())) {
    if (lease.owner_pid == 0) continue;  // its task has ended, and the next sweep removes it
    for (const netns::LeasedEndpoint& endpoint : lease.endpoints) {
      if (std::ranges::find(endpoint.groups, id) != endpoint.groups.end()) return true;
    }
  }
  return false;
}

}  // namespace

std::vector<Group> all_groups(const Ec2& ec2, Ask& ask) {
  std::vector<Group> all;
  bool has_default = false;
  for (const netns::SecurityGroup& group : ec2.settings.vpc.groups) {
    all.push_back(configured_group(group));
    has_default = has_default || all.back().record.id == netns::kDefaultGroupId;
  }
  if (!has_default) all.insert(all.begin(), open_default_group(ec2.settings.vpc));
  for (GroupRecord& record : ask.checked(ec2.groups.list())) {
    all.push_back({.record = std::move(record), .is_made = true});
  }
  return all;
}

std::optional<Group> find_group(const Ec2& ec2, Ask& ask, const std::string& id) {
  if (netns::is_made_group_id(id)) {
    auto record = ask.checked(ec2.groups.find(id));
    if (record) return Group{.record = std::move(*record), .is_made = true};
  }
  for (Group& group : all_groups(ec2, ask)) {
    if (group.record.id == id) return std::move(group);
  }
  ask.refuse("InvalidGroup.NotFound",
             fmt::format("The security group '{}' does not exist", printable(id, 100)));
  return std::nullopt;
}

std::optional<Group> group_to_change(const Ec2& ec2, Ask& ask) {
  std::string id = ask.text("GroupId");
  std::string name = ask.text("GroupName");
  if (id.empty() && name.empty()) {
    ask.refuse("MissingParameter", "The request must contain the parameter groupName or groupId");
    return std::nullopt;
  }
  std::optional<Group> group;
  if (!id.empty()) {
    group = find_group(ec2, ask, id);
  } else {
    for (Group& each : all_groups(ec2, ask)) {
      if (each.record.name == name) group = std::move(each);
    }
    if (!group) {
      ask.refuse("InvalidGroup.NotFound",
                 fmt::format("The security group '{}' does not exist in default VPC '{}'",
                             printable(name, 100), netns::kVpcId));
    }
  }
  if (!group || group->is_made) return group;
  if (group->record.id == netns::kDefaultGroupId && ask.call().operation == "DeleteSecurityGroup") {
    ask.refuse("CannotDelete",
               fmt::format("the specified group: \"{}\" name: \"{}\" cannot be deleted by a user",
                           group->record.id, group->record.name));
  }
  ask.refuse("OperationNotPermitted",
             fmt::format("The security group '{}' is not the API's: it is changed as "
                         "securityGroups.{} of berth.json",
                         group->record.id, group->record.name));
  return std::nullopt;
}

void keep_group(const Ec2& ec2, Ask& ask, const GroupRecord& record) {
  ask.check(ec2.groups.put(record));
  if (ask.refused()) return;
  ask.check(netns::apply_groups(ec2.settings.bridge.instance,
                                {netns::security_group_of(record, ec2.settings.vpc)}));
}

Json create_security_group(Ec2& ec2, Ask& ask) {
  GroupRecord record;
  record.name = required(ask, "GroupName");
  record.description = required(ask, "GroupDescription");
  record.tags = read_tag_specification(ask, "security-group");
  if (ask.refused()) return Json::object();
  auto lock = ask.checked(ec2.groups.lock_to_change());
  check_new_group(ec2, ask, record);
  if (!may_change(ask)) return Json::object();
  record.id = make_id(ec2, "sg-");
  record.rules.push_back(everything(true, make_id(ec2, "sgr-")));
  if (ec2.settings.vpc.net6) record.rules.push_back(everything6(true, make_id(ec2, "sgr-")));
  keep_group(ec2, ask, record);
  return {{"return", true},
          {"groupId", record.id},
          {"tagSet", tag_set(record.tags)},
          {"securityGroupArn", arn_of(ec2, "security-group", record.id)}};
}

Json delete_security_group(Ec2& ec2, Ask& ask) {
  auto lock = ask.checked(ec2.groups.lock_to_change());
  auto group = group_to_change(ec2, ask);
  if (!group) return Json::object();
  const std::string& id = group->record.id;
  if (is_in_use(ec2, ask, id)) {
    ask.refuse("DependencyViolation", fmt::format("resource {} has a dependent object", id));
  }
  if (!may_change(ask)) return Json::object();
  ask.check(ec2.groups.remove(id));
  auto removed = netns::remove_group(ec2.settings.bridge.instance, id);
  // They are nobody's, and go with the table when the last task ends.
  if (!removed) LOG(kInfo, "rules of a group stay", {{"id", id}, {"why", removed.error().text}});
  return {{"return", true}, {"groupId", id}};
}

Json describe_security_groups(Ec2& ec2, Ask& ask) {
  std::vector<Item> all;
  std::vector<std::string> names = ask.texts("GroupName", netns::kMadeGroupsMax);
  std::vector<Group> groups = all_groups(ec2, ask);
  for (const std::string& name : names) {
    bool is_there =
        std::ranges::any_of(groups, [&](const Group& group) { return group.record.name == name; });
    if (is_there) continue;
    ask.refuse("InvalidGroup.NotFound",
               fmt::format("The security group '{}' does not exist in default VPC '{}'",
                           printable(name, 100), netns::kVpcId));
  }
  for (const Group& group : groups) {
    bool is_named = names.empty() || std::ranges::find(names, group.record.name) != names.end();
    if (is_named) all.push_back(group_item(ec2, group));
  }
  return describe(
      ask, all,
      {.list = "securityGroupInfo",
       .ids = "GroupId",
       .not_found = "InvalidGroup.NotFound",
       .noun = "security group",
       .filters = {"group-id", "group-name", "description", "owner-id", "vpc-id",
                   "ip-permission.protocol", "ip-permission.from-port", "ip-permission.to-port",
                   "ip-permission.cidr", "ip-permission.group-id", "egress.ip-permission.protocol",
                   "egress.ip-permission.from-port", "egress.ip-permission.to-port",
                   "egress.ip-permission.cidr", "egress.ip-permission.group-id",
                   "ip-permission.ipv6-cidr", "egress.ip-permission.ipv6-cidr"}});
}

}  // namespace berth::api::ec2
