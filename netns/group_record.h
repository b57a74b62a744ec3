// A security group as EC2's API has made it: what is kept of it, as a value, and what of that
// packets are asked (netns/security_group.h). One file per group:
//
//   {"version":1, "id", "name", "description", "tags":{...},
//    "rules":[{"id", "egress", "protocol", "fromPort", "toPort",
//              "cidr" | "cidr6" | "group", "description", "tags":{...}}]}
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "base/result.h"
#include "netns/security_group.h"
#include "netns/vpc.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::netns {

using TagMap = std::map<std::string, std::string>;

constexpr int kAnyNumber = -1;
constexpr const char* kAnyProtocol = "-1";

struct RuleRecord {
  std::string id;  // "sgr-0123456789abcdef0"
  bool is_egress = false;
  std::string protocol = kAnyProtocol;  // or "tcp", "udp", "icmp", "icmpv6"
  int from_port = kAnyNumber;           // of icmp the type
  int to_port = kAnyNumber;             // of icmp the code
  std::optional<Ipv4Net> net;           // the other side: one of these,
  std::optional<Ipv6Net> net6{};        // or one of these,
  std::string group;                    // or a member of this group, by its id
  std::string description;
  TagMap tags{};
  bool operator==(const RuleRecord&) const = default;
};

struct GroupRecord {
  std::string id;  // "sg-0123456789abcdef0"
  std::string name;
  std::string description;
  std::vector<RuleRecord> rules;
  TagMap tags{};
  bool operator==(const GroupRecord&) const = default;
};

// "sg-" and hexadecimal digits: an id that we give out, and no more than a file name.
bool is_made_group_id(std::string_view id);

// Whether both let the same packets through.
bool is_same_rule(const RuleRecord& a, const RuleRecord& b);

// What packets are asked of it: by its id, and of other groups by their names in the firewall.
SecurityGroup security_group_of(const GroupRecord& record, const Vpc& vpc);

std::string render_group_record(const GroupRecord& record);
Result<GroupRecord> parse_group_record(std::string_view text, const std::string& name);

}  // namespace berth::netns
