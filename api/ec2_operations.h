// The operations of EC2 that are about the network of tasks; the rest of EC2 is unknown here.
// docs/ec2-api.md has the same rows, and a test compares.
//
//   ec2_operations    which function answers, from a form to XML; what each begins and ends with
//   ec2_describe      lists (a header of its own): ids, filters, pages
//   ec2_network       the VPC, subnets, zones, regions, interfaces of tasks
//   ec2_groups        security groups
//   ec2_permissions   IpPermissions -> rules
//   ec2_rules         rules of groups, and their way into the firewall
//   ec2_tags          tags of groups and rules
#pragma once

#include "api/ask.h"
#include "api/ec2_service.h"
#include "api/json_service.h"

#include <nlohmann/json_fwd.hpp>

#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::api::ec2 {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kEc2Faults{.invalid = "InvalidParameterValue",
                                       .server = "InternalError"};

struct Ec2 {
  const Ec2Settings& settings;
  const netns::GroupStore& groups;
  Env env;
};

using Operation = OperationOf<Ec2>;
std::span<const Operation> all_operations();

// ---- what operations have in common ----

// Whether a change may be made now: nothing was refused, and it is no rehearsal (DryRun).
bool may_change(Ask& ask);
std::string required(Ask& ask, std::string_view key);
// "sg-" and 17 hexadecimal digits, as Amazon's are.
std::string make_id(const Ec2& ec2, std::string_view start);
// "arn:aws:ec2:eu-west-1:123456789012:security-group/sg-1".
std::string arn_of(const Ec2& ec2, std::string_view kind, const std::string& id);
std::string zone_name(const Ec2& ec2, const std::string& letter);
Json tag_set(const netns::TagMap& tags);
// TagSpecification of a request that makes something of this kind.
netns::TagMap read_tag_specification(Ask& ask, std::string_view kind);

// ---- groups ----

// One of the API's, of berth.json, or the default one.
struct Group {
  netns::GroupRecord record;  // of others than the API's: shown alike
  bool is_made = false;       // the API may change it
};
std::vector<Group> all_groups(const Ec2& ec2, Ask& ask);
// Refused with InvalidGroup.NotFound.
std::optional<Group> find_group(const Ec2& ec2, Ask& ask, const std::string& id);
// GroupId, or GroupName, of a group that the API may change; else refused.
std::optional<Group> group_to_change(const Ec2& ec2, Ask& ask);
// Kept, and in force. Under GroupStore::lock_to_change().
void keep_group(const Ec2& ec2, Ask& ask, const netns::GroupRecord& record);

// ---- rules ----

// IpPermissions, or the members of a request for one rule; refused when it names none.
std::vector<netns::RuleRecord> read_permissions(const Ec2& ec2, Ask& ask, bool is_egress);
// The rule that is to stand in the place of `old`, as SecurityGroupRuleRequest has it.
netns::RuleRecord read_rule_request(const Ec2& ec2, Ask& ask, const json::Node& node,
                                    const netns::RuleRecord& old);
// As IpPermissions of an answer has them: rules of the same ports together.
Json permissions_json(const Ec2& ec2, const std::vector<netns::RuleRecord>& rules, bool is_egress);
Json rule_json(const Ec2& ec2, const std::string& group, const netns::RuleRecord& rule);

// ---- operations ----

Json authorize_security_group_egress(Ec2&, Ask&);
Json authorize_security_group_ingress(Ec2&, Ask&);
Json create_security_group(Ec2&, Ask&);
Json create_tags(Ec2&, Ask&);
Json delete_security_group(Ec2&, Ask&);
Json delete_tags(Ec2&, Ask&);
Json describe_account_attributes(Ec2&, Ask&);
Json describe_availability_zones(Ec2&, Ask&);
Json describe_network_interfaces(Ec2&, Ask&);
Json describe_regions(Ec2&, Ask&);
Json describe_security_group_rules(Ec2&, Ask&);
Json describe_security_groups(Ec2&, Ask&);
Json describe_subnets(Ec2&, Ask&);
Json describe_tags(Ec2&, Ask&);
Json describe_vpcs(Ec2&, Ask&);
Json modify_security_group_rules(Ec2&, Ask&);
Json revoke_security_group_egress(Ec2&, Ask&);
Json revoke_security_group_ingress(Ec2&, Ask&);

}  // namespace berth::api::ec2
