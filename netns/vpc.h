// The task network as EC2 has it: one VPC with its subnets, and the groups of berth.json. What
// there is on each host has plain ids (vpc-1, subnet-1, sg-1), so that examples can name them; what
// the API makes has Amazon's.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"
#include "netns/security_group.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::netns {

constexpr const char* kVpcId = "vpc-1";
constexpr const char* kDefaultSubnetId = "subnet-1";
// The group that tasks without others are of. Where berth.json has none of its name, it lets all
// through.
constexpr const char* kDefaultGroupId = "sg-1";
constexpr const char* kDefaultGroupName = "default";

struct VpcSubnet {
  std::string id;
  Ipv4Net net;
  std::string zone;               // the letter behind the region: "a"
  std::optional<Ipv6Net> net6{};  // of its addresses' twins
};

struct Vpc {
  Ipv4Net net;
  std::optional<Ipv6Net> net6{};
  std::vector<VpcSubnet> subnets;
  std::vector<SecurityGroup> groups;  // of berth.json
};

// The id of a group of berth.json: "sg-web"; a name that is one already stays as it is.
std::string id_of_configured_group(const std::string& name);

// Null when there is none. By id, of groups also by name.
const VpcSubnet* find_subnet(const Vpc& vpc, const std::string& id);
const SecurityGroup* find_configured_group(const Vpc& vpc, const std::string& id_or_name);
// How the firewall calls a group: those of berth.json by their names, others by their ids.
std::string firewall_name_of(const Vpc& vpc, const std::string& id);

}  // namespace berth::netns
