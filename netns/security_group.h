// Security groups: which packets a task takes and sends, as values, and as nft text.
//
//   forward, input     from a task   @egress by its source    its groups' egress, or drop
//   forward, output    to a task     @ingress by its target   its groups' ingress, or drop
//
// What belongs to a connection that was let in or out is let through in both directions. A task
// without groups is in neither map: nothing is asked of it. Rules name addresses or groups; a group
// is a set of the addresses of its members, so that a rule costs the same for one or a thousand.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::netns {

enum class Traffic { kAll, kTcp, kUdp, kIcmp, kIcmpv6 };

struct GroupRule {
  Traffic traffic = Traffic::kAll;
  uint16_t first_port = 0;  // of kTcp and kUdp; 0 to 65535 is any
  uint16_t last_port = 65535;
  int icmp_type = -1;  // of kIcmp and kIcmpv6; -1 is any
  int icmp_code = -1;
  std::vector<Ipv4Net> nets;        // the other side: one of these,
  std::vector<std::string> groups;  // or a member of one of these
  std::vector<Ipv6Net> nets6{};     // or one of these
  bool operator==(const GroupRule&) const = default;
};

struct SecurityGroup {
  std::string name;
  std::vector<GroupRule> ingress;  // what is not named is dropped
  std::vector<GroupRule> egress;
  bool operator==(const SecurityGroup&) const = default;
};

constexpr size_t kTaskGroupsMax = 5;   // as on AWS
constexpr size_t kGroupRulesMax = 60;  // of a group and direction, as on AWS

// Both addresses of who is, or is to be, a member.
struct Member {
  Ipv4 address;
  std::optional<Ipv6> address6;
};

// The chains, maps and hooks; may be committed again.
std::string render_group_base(std::string_view table);
// Chains and member sets of all groups, with their rules as they are now, and the member sets of
// those that the rules name.
std::string render_groups(std::string_view table, const std::vector<SecurityGroup>& groups);
// Undoes that of a group without members that no rule names.
std::string render_no_group(std::string_view table, std::string_view group);
// What makes somebody a member of the groups.
std::string render_member(std::string_view table, const Member& member,
                          const std::vector<std::string>& groups);
// Undoes that, also when some or all of it is gone already.
std::string render_no_member(std::string_view table, const Member& member,
                             const std::vector<std::string>& groups);

}  // namespace berth::netns
