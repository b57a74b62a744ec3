#include "netns/group_record.h"

#include "base/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::netns {
namespace {

using GroupJson = nlohmann::ordered_json;

constexpr int kGroupRecordVersion = 1;
constexpr std::string_view kGroupIdStart = "sg-";
constexpr size_t kGroupIdDigitsMin = 8;
constexpr size_t kGroupIdDigitsMax = 17;

GroupJson json_of_record_rule(const RuleRecord& rule) {
  GroupJson json = {{"id", rule.id},
                    {"egress", rule.is_egress},
                    {"protocol", rule.protocol},
                    {"fromPort", rule.from_port},
                    {"toPort", rule.to_port}};
  if (rule.net) json["cidr"] = to_string(*rule.net);
  if (rule.net6) json["cidr6"] = to_string(*rule.net6);
  if (!rule.group.empty()) json["group"] = rule.group;
  if (!rule.description.empty()) json["description"] = rule.description;
  if (!rule.tags.empty()) json["tags"] = rule.tags;
  return json;
}

Result<TagMap> parse_record_tags(const json::Node& node) {
  TagMap tags;
  auto found = node.find("tags");
  if (!found) return tags;
  for (auto& [name, value] : TRY(found->as_string_map())) tags.emplace(name, value);
  return tags;
}

Result<RuleRecord> parse_record_rule(const json::Node& node) {
  RuleRecord rule;
  rule.id = TRY(node.string_at("id"));
  rule.is_egress = TRY(node.find_bool("egress")).value_or(false);
  rule.protocol = TRY(node.string_at("protocol"));
  rule.from_port = static_cast<int>(TRY(node.i64_at("fromPort")));
  rule.to_port = static_cast<int>(TRY(node.i64_at("toPort")));
  if (auto cidr = TRY(node.find_string("cidr"))) rule.net = TRY(parse_ipv4_net(*cidr));
  if (auto cidr = TRY(node.find_string("cidr6"))) rule.net6 = TRY(parse_ipv6_net(*cidr));
  rule.group = TRY(node.find_string("group")).value_or("");
  rule.description = TRY(node.find_string("description")).value_or("");
  rule.tags = TRY(parse_record_tags(node));
  return rule;
}

Traffic traffic_of(const std::string& protocol) {
  if (protocol == "tcp") return Traffic::kTcp;
  if (protocol == "udp") return Traffic::kUdp;
  if (protocol == "icmpv6") return Traffic::kIcmpv6;
  return protocol == "icmp" ? Traffic::kIcmp : Traffic::kAll;
}

GroupRule group_rule_of(const RuleRecord& record, const Vpc& vpc) {
  GroupRule rule;
  rule.traffic = traffic_of(record.protocol);
  bool has_ports = rule.traffic == Traffic::kTcp || rule.traffic == Traffic::kUdp;
  if (has_ports && record.from_port != kAnyNumber) {
    rule.first_port = static_cast<uint16_t>(record.from_port);
    rule.last_port = static_cast<uint16_t>(record.to_port);
  }
  if (rule.traffic == Traffic::kIcmp || rule.traffic == Traffic::kIcmpv6) {
    rule.icmp_type = record.from_port;
    rule.icmp_code = record.to_port;
  }
  if (record.net) rule.nets.push_back(*record.net);
  if (record.net6) rule.nets6.push_back(*record.net6);
  if (!record.group.empty()) rule.groups.push_back(firewall_name_of(vpc, record.group));
  return rule;
}

}  // namespace

bool is_made_group_id(std::string_view id) {
  if (!id.starts_with(kGroupIdStart)) return false;
  id.remove_prefix(kGroupIdStart.size());
  auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return id.size() >= kGroupIdDigitsMin && id.size() <= kGroupIdDigitsMax &&
         std::ranges::all_of(id, is_digit);
}

bool is_same_rule(const RuleRecord& a, const RuleRecord& b) {
  return a.is_egress == b.is_egress && a.protocol == b.protocol && a.from_port == b.from_port &&
         a.to_port == b.to_port && a.net == b.net && a.net6 == b.net6 && a.group == b.group;
}

SecurityGroup security_group_of(const GroupRecord& record, const Vpc& vpc) {
  SecurityGroup group;
  group.name = record.id;
  for (const RuleRecord& rule : record.rules) {
    (rule.is_egress ? group.egress : group.ingress).push_back(group_rule_of(rule, vpc));
  }
  return group;
}

std::string render_group_record(const GroupRecord& record) {
  GroupJson json = {
      {"version", kGroupRecordVersion},    {"id", record.id},     {"name", record.name},
      {"description", record.description}, {"tags", record.tags}, {"rules", GroupJson::array()}};
  for (const RuleRecord& rule : record.rules) json["rules"].push_back(json_of_record_rule(rule));
  return json.dump(2) + "\n";
}

Result<GroupRecord> parse_group_record(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  json::Node root = document.root();
  if (TRY(root.i64_at("version")) != kGroupRecordVersion) {
    return fail(Errc::kUnsupported, "{}: version must be {}", name, kGroupRecordVersion);
  }
  GroupRecord record;
  record.id = TRY(root.string_at("id"));
  record.name = TRY(root.string_at("name"));
  record.description = TRY(root.string_at("description"));
  record.tags = TRY(parse_record_tags(root));
  for (const json::Node& node : TRY(root.find_array("rules"))) {
    record.rules.push_back(TRY(parse_record_rule(node)));
  }
  return record;
}

}  // namespace berth::netns
