#include "netns/vpc.h"

#include <algorithm>

namespace berth::netns {

std::string id_of_configured_group(const std::string& name) {
  if (name == kDefaultGroupName) return kDefaultGroupId;
  return name.starts_with("sg-") ? name : "sg-" + name;
}

const VpcSubnet* find_subnet(const Vpc& vpc, const std::string& id) {
  auto found = std::ranges::find(vpc.subnets, id, &VpcSubnet::id);
  return found == vpc.subnets.end() ? nullptr : &*found;
}

const SecurityGroup* find_configured_group(const Vpc& vpc, const std::string& id_or_name) {
  auto found = std::ranges::find_if(vpc.groups, [&](const SecurityGroup& group) {
    return group.name == id_or_name || id_of_configured_group(group.name) == id_or_name;
  });
  return found == vpc.groups.end() ? nullptr : &*found;
}

std::string firewall_name_of(const Vpc& vpc, const std::string& id) {
  const SecurityGroup* configured = find_configured_group(vpc, id);
  return configured == nullptr ? id : configured->name;
}

}  // namespace berth::netns
