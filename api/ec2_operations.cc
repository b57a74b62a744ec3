#include "api/ec2_operations.h"

#include "api/query_form.h"
#include "api/tags.h"
#include "aws/endpoint.h"
#include "base/ids.h"
#include "netns/firewall.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <array>

namespace berth::api {
namespace ec2 {
namespace {

using enum Support;

constexpr size_t kTagSpecificationsMax = 10;
constexpr int kRehearsed = 412;

// In the order of their names.
constexpr auto kEc2Operations = std::to_array<Operation>({
    {"AuthorizeSecurityGroupEgress", authorize_security_group_egress, kPartly,
     "no prefix lists; protocols tcp, udp, icmp, icmpv6 and all"},
    {"AuthorizeSecurityGroupIngress", authorize_security_group_ingress, kPartly,
     "no prefix lists; protocols tcp, udp, icmp, icmpv6 and all"},
    {"CreateSecurityGroup", create_security_group, kWorks, ""},
    {"CreateTags", create_tags, kPartly, "of security groups and rules that the API has made"},
    {"DeleteSecurityGroup", delete_security_group, kWorks, ""},
    {"DeleteTags", delete_tags, kPartly, "of security groups and rules that the API has made"},
    {"DescribeAccountAttributes", describe_account_attributes, kWorks, ""},
    {"DescribeAvailabilityZones", describe_availability_zones, kWorks, ""},
    {"DescribeNetworkInterfaces", describe_network_interfaces, kPartly,
     "those of tasks that berthd runs in awsvpc mode"},
    {"DescribeRegions", describe_regions, kWorks, ""},
    {"DescribeSecurityGroupRules", describe_security_group_rules, kWorks, ""},
    {"DescribeSecurityGroups", describe_security_groups, kWorks, ""},
    {"DescribeSubnets", describe_subnets, kWorks, ""},
    {"DescribeTags", describe_tags, kWorks, ""},
    {"DescribeVpcs", describe_vpcs, kWorks, ""},
    {"ModifySecurityGroupRules", modify_security_group_rules, kPartly, "as Authorize"},
    {"RevokeSecurityGroupEgress", revoke_security_group_egress, kWorks, ""},
    {"RevokeSecurityGroupIngress", revoke_security_group_ingress, kWorks, ""},
});

void refuse_rehearsal(Ask& ask) {
  ask.refuse({.code = "DryRunOperation",
              .message = "Request would have succeeded, but DryRun flag is set.",
              .status = kRehearsed});
}

}  // namespace

std::span<const Operation> all_operations() {
  return kEc2Operations;
}

bool may_change(Ask& ask) {
  if (!ask.refused() && ask.flag("DryRun")) refuse_rehearsal(ask);
  return !ask.refused();
}

std::string required(Ask& ask, std::string_view key) {
  std::string value = ask.text(key);
  if (value.empty()) {
    ask.refuse("MissingParameter", fmt::format("The request must contain the parameter {}", key));
  }
  return value;
}

std::string make_id(const Ec2& ec2, std::string_view start) {
  Rng& rng = ec2.env.rng;
  return std::string(start) + make_hex(rng, 16) + make_hex(rng, 1);
}

std::string arn_of(const Ec2& ec2, std::string_view kind, const std::string& id) {
  const Host& host = ec2.settings.host;
  return fmt::format("arn:{}:ec2:{}:{}:{}/{}", aws::partition_of(host.region), host.region,
                     host.account, kind, id);
}

std::string zone_name(const Ec2& ec2, const std::string& letter) {
  return ec2.settings.host.region + letter;
}

Json tag_set(const netns::TagMap& tags) {
  Json list = Json::array();
  for (const auto& [key, value] : tags) list.push_back({{"key", key}, {"value", value}});
  return list;
}

netns::TagMap read_tag_specification(Ask& ask, std::string_view kind) {
  netns::TagMap tags;
  for (const json::Node& node : ask.objects("TagSpecification", kTagSpecificationsMax)) {
    std::string said = ask.text(node, "ResourceType");
    if (said != kind) {
      ask.invalid(fmt::format("'{}' is not a valid taggable resource type for this operation.",
                              printable(said, 100)));
    }
    for (const json::Node& tag : ask.objects(node, "Tag", kTagsMax)) {
      tags[ask.text(tag, "Key")] = ask.text(tag, "Value");
    }
  }
  if (tags.contains("")) ask.invalid("Tag keys may not be empty.");
  return tags;
}

}  // namespace ec2

bool Ec2Service::is_slow(const Call& call) const {
  return call.operation != "DescribeNetworkInterfaces";
}

Answer Ec2Service::answer(const Call& call) {
  auto body = json_of_form(call.body);
  if (!body) return tl::unexpected(body.error());
  Call as_json = call;
  as_json.body = std::move(*body);
  ec2::Ec2 context{.settings = settings_, .groups = groups_, .env = env_};
  const auto* operation = find_operation_in(ec2::all_operations(), call.operation);
  if (operation == nullptr) return tl::unexpected(unknown_operation(call.operation));
  auto document = parse_body(as_json);
  if (!document) return tl::unexpected(document.error());
  Ask ask(as_json, document->root(), ec2::kEc2Faults);
  Answer answer =
      run_operation(as_json, ec2::kEc2Faults, [&] { return operation->function(context, ask); });
  // Of operations that change nothing it is asked here.
  ec2::may_change(ask);
  if (ask.refused()) return tl::unexpected(ask.refusal());
  if (!answer) return answer;
  return xml_of_json(nlohmann::ordered_json::parse(*answer), "item");
}

Status Ec2Service::restore() const {
  auto lock = groups_.lock_to_read();
  if (!lock && lock.error().code == Errc::kNotFound) return {};  // none was ever made
  if (!lock) return tl::unexpected<Error>(std::move(lock).error());
  std::vector<netns::SecurityGroup> groups;
  for (const netns::GroupRecord& record : TRY(groups_.list())) {
    groups.push_back(netns::security_group_of(record, settings_.vpc));
  }
  return netns::apply_groups(settings_.bridge.instance, groups);
}

}  // namespace berth::api
