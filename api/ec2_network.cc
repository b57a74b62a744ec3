#include "api/ec2_describe.h"
#include "aws/time.h"
#include "netns/files.h"
#include "netns/ipam.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

namespace berth::api::ec2 {
namespace {

// On AWS, too: four at the beginning, and the broadcast address.
constexpr uint64_t kReservedAddresses = 3;  // network, gateway, broadcast

uint64_t free_addresses(const netns::VpcSubnet& subnet, const std::vector<netns::Lease>& leases) {
  uint64_t size = uint64_t{1} << (32 - subnet.net.prefix);
  uint64_t taken = kReservedAddresses;
  for (const netns::Lease& lease : leases) {
    for (const netns::LeasedEndpoint& endpoint : lease.endpoints) {
      if (endpoint.address && subnet.net.contains(*endpoint.address)) ++taken;
    }
  }
  return size > taken ? size - taken : 0;
}

std::vector<netns::Lease> leases_of(const Ec2& ec2, Ask& ask) {
  auto store = netns::LeaseStore::open(ec2.settings.root, ec2.settings.bridge);
  if (!store) {
    ask.check(tl::unexpected<Error>(std::move(store).error()));
    return {};
  }
  return ask.checked(store->list());
}

std::string zone_id(const Ec2& ec2, const std::string& letter) {
  // As AWS shortens the region: "use1-az1" of us-east-1, "apne1-az1" of ap-northeast-1.
  std::vector<std::string> words = split(ec2.settings.host.region, '-');
  std::string region = words.front();
  for (size_t i = 1; i < words.size(); ++i) {
    for (std::string_view part : {"north", "south"}) {
      bool is_of_two = words[i].starts_with(part) && words[i].size() > part.size();
      if (!is_of_two) continue;
      region += part.front();
      words[i].erase(0, part.size());
    }
    if (!words[i].empty()) region += words[i].front();
  }
  return fmt::format("{}-az{}", region, letter.front() - 'a' + 1);
}

// Of a subnet or VPC: its networks of IPv6.
Json ipv6_associations(const std::optional<Ipv6Net>& net, const char* id) {
  if (!net) return Json::array();
  return Json::array({{{"associationId", id},
                       {"ipv6CidrBlock", to_string(*net)},
                       {"ipv6CidrBlockState", {{"state", "associated"}}}}});
}

Item subnet_item(const Ec2& ec2, const netns::VpcSubnet& subnet,
                 const std::vector<netns::Lease>& leases) {
  std::string cidr = to_string(subnet.net);
  std::string zone = zone_name(ec2, subnet.zone);
  std::string zone_number = zone_id(ec2, subnet.zone);
  uint64_t free = free_addresses(subnet, leases);
  Json json = {
      {"subnetId", subnet.id},
      {"subnetArn", arn_of(ec2, "subnet", subnet.id)},
      {"state", "available"},
      {"vpcId", netns::kVpcId},
      {"cidrBlock", cidr},
      {"ipv6CidrBlockAssociationSet", ipv6_associations(subnet.net6, "subnet-cidr-assoc-6")},
      {"assignIpv6AddressOnCreation", subnet.net6.has_value()},
      {"availableIpAddressCount", free},
      {"availabilityZone", zone},
      {"availabilityZoneId", zone_number},
      {"ownerId", ec2.settings.host.account},
      {"defaultForAz", true},
      {"mapPublicIpOnLaunch", false},
      {"ipv6Native", false},
      {"tagSet", Json::array()}};
  Facts facts = {{"subnet-id", subnet.id},
                 {"vpc-id", netns::kVpcId},
                 {"state", "available"},
                 {"cidr-block", cidr},
                 {"cidrBlock", cidr},
                 {"cidr", cidr},
                 {"availability-zone", zone},
                 {"availabilityZone", zone},
                 {"availability-zone-id", zone_number},
                 {"available-ip-address-count", fmt::format("{}", free)},
                 {"default-for-az", "true"},
                 {"defaultForAz", "true"},
                 {"map-public-ip-on-launch", "false"},
                 {"owner-id", ec2.settings.host.account},
                 {"subnet-arn", arn_of(ec2, "subnet", subnet.id)}};
  return {subnet.id, std::move(json), std::move(facts)};
}

Json group_set(const Ec2& ec2, Ask& ask, const std::vector<std::string>& groups, Facts& facts) {
  Json list = Json::array();
  std::vector<std::string> wanted = groups;
  if (wanted.empty()) wanted.push_back(netns::kDefaultGroupId);
  for (const std::string& id_or_name : wanted) {
    const auto* configured = netns::find_configured_group(ec2.settings.vpc, id_or_name);
    std::string id =
        configured == nullptr ? id_or_name : netns::id_of_configured_group(configured->name);
    auto made = configured == nullptr ? ask.checked(ec2.groups.find(id)) : std::nullopt;
    std::string name = configured != nullptr          ? configured->name
                       : made                         ? made->name
                       : id == netns::kDefaultGroupId ? netns::kDefaultGroupName
                                                      : id;
    list.push_back({{"groupId", id}, {"groupName", name}});
    facts.emplace("group-id", id);
    facts.emplace("group-name", name);
  }
  return list;
}

Item interface_item(const Ec2& ec2, Ask& ask, const TaskInterface& interface) {
  const auto* subnet = netns::find_subnet(ec2.settings.vpc, interface.subnet);
  std::string zone = zone_name(ec2, subnet == nullptr ? "a" : subnet->zone);
  auto address = parse_ipv4(interface.address);
  std::string dns =
      address ? netns::render_hostname(*address, ec2.settings.host.region) : std::string();
  Facts facts = {{"network-interface-id", interface.id},
                 {"subnet-id", interface.subnet},
                 {"vpc-id", netns::kVpcId},
                 {"private-ip-address", interface.address},
                 {"addresses.private-ip-address", interface.address},
                 {"mac-address", interface.mac},
                 {"availability-zone", zone},
                 {"description", interface.description},
                 {"interface-type", "interface"},
                 {"owner-id", ec2.settings.host.account},
                 {"requester-managed", "true"},
                 {"status", "in-use"},
                 {"attachment.status", "attached"},
                 {"attachment.attachment-id", interface.attachment_id},
                 {"private-dns-name", dns}};
  Json groups = group_set(ec2, ask, interface.groups, facts);
  Json addresses6 = Json::array();
  if (!interface.address6.empty()) {
    addresses6.push_back({{"ipv6Address", interface.address6}, {"isPrimaryIpv6", false}});
    facts.emplace("ipv6-addresses.ipv6-address", interface.address6);
  }
  Json json = {{"networkInterfaceId", interface.id},
               {"subnetId", interface.subnet},
               {"vpcId", netns::kVpcId},
               {"availabilityZone", zone},
               {"description", interface.description},
               {"ownerId", ec2.settings.host.account},
               {"requesterManaged", true},
               {"status", "in-use"},
               {"macAddress", interface.mac},
               {"privateIpAddress", interface.address},
               {"privateDnsName", dns},
               {"sourceDestCheck", true},
               {"groupSet", std::move(groups)},
               {"attachment",
                {{"attachmentId", interface.attachment_id},
                 {"deviceIndex", 1},
                 {"status", "attached"},
                 {"attachTime", aws::format_rfc3339_seconds(interface.attached_at)},
                 {"deleteOnTermination", false}}},
               {"tagSet", Json::array()},
               {"privateIpAddressesSet", Json::array({{{"privateIpAddress", interface.address},
                                                       {"privateDnsName", dns},
                                                       {"primary", true}}})},
               {"ipv6AddressesSet", std::move(addresses6)},
               {"interfaceType", "interface"}};
  return {interface.id, std::move(json), std::move(facts)};
}

// The letters of the zones that subnets are in.
std::set<std::string> zones_of(const Ec2& ec2) {
  std::set<std::string> zones;
  for (const netns::VpcSubnet& subnet : ec2.settings.vpc.subnets) zones.insert(subnet.zone);
  return zones;
}

}  // namespace

Json describe_vpcs(Ec2& ec2, Ask& ask) {
  std::string cidr = to_string(ec2.settings.vpc.net);
  Json association = {{"associationId", "vpc-cidr-assoc-1"},
                      {"cidrBlock", cidr},
                      {"cidrBlockState", {{"state", "associated"}}}};
  Json json = {
      {"vpcId", netns::kVpcId},
      {"ownerId", ec2.settings.host.account},
      {"state", "available"},
      {"cidrBlock", cidr},
      {"cidrBlockAssociationSet", Json::array({std::move(association)})},
      {"ipv6CidrBlockAssociationSet", ipv6_associations(ec2.settings.vpc.net6, "vpc-cidr-assoc-6")},
      {"dhcpOptionsId", "dopt-1"},
      {"instanceTenancy", "default"},
      {"isDefault", true},
      {"tagSet", Json::array()}};
  Facts facts = {{"vpc-id", netns::kVpcId},
                 {"state", "available"},
                 {"cidr", cidr},
                 {"cidr-block-association.cidr-block", cidr},
                 {"cidr-block-association.state", "associated"},
                 {"is-default", "true"},
                 {"isDefault", "true"},
                 {"dhcp-options-id", "dopt-1"},
                 {"owner-id", ec2.settings.host.account}};
  return describe(ask, {{netns::kVpcId, std::move(json), std::move(facts)}},
                  {.list = "vpcSet",
                   .ids = "VpcId",
                   .not_found = "InvalidVpcID.NotFound",
                   .noun = "vpc ID",
                   .filters = {"vpc-id", "state", "cidr", "cidr-block-association.cidr-block",
                               "cidr-block-association.state", "is-default", "isDefault",
                               "dhcp-options-id", "owner-id"}});
}

Json describe_subnets(Ec2& ec2, Ask& ask) {
  std::vector<netns::Lease> leases = leases_of(ec2, ask);
  std::vector<Item> all;
  for (const netns::VpcSubnet& subnet : ec2.settings.vpc.subnets) {
    all.push_back(subnet_item(ec2, subnet, leases));
  }
  return describe(ask, all,
                  {.list = "subnetSet",
                   .ids = "SubnetId",
                   .not_found = "InvalidSubnetID.NotFound",
                   .noun = "subnet ID",
                   .filters = {"subnet-id", "vpc-id", "state", "cidr-block", "cidrBlock", "cidr",
                               "availability-zone", "availabilityZone", "availability-zone-id",
                               "available-ip-address-count", "default-for-az", "defaultForAz",
                               "map-public-ip-on-launch", "owner-id", "subnet-arn"}});
}

Json describe_availability_zones(Ec2& ec2, Ask& ask) {
  const std::string& region = ec2.settings.host.region;
  std::vector<Item> all;
  std::vector<std::string> ids = ask.texts("ZoneId", 100);
  for (const std::string& letter : zones_of(ec2)) {
    std::string name = zone_name(ec2, letter);
    std::string id = zone_id(ec2, letter);
    if (!ids.empty() && std::ranges::find(ids, id) == ids.end()) continue;
    Json json = {{"zoneName", name},
                 {"zoneId", id},
                 {"zoneState", "available"},
                 {"regionName", region},
                 {"messageSet", Json::array()},
                 {"optInStatus", "opt-in-not-required"},
                 {"groupName", region + "-zg-1"},
                 {"networkBorderGroup", region},
                 {"zoneType", "availability-zone"}};
    Facts facts = {{"zone-name", name},
                   {"zone-id", id},
                   {"state", "available"},
                   {"region-name", region},
                   {"group-name", region},
                   {"opt-in-status", "opt-in-not-required"},
                   {"zone-type", "availability-zone"}};
    all.push_back({name, std::move(json), std::move(facts)});
  }
  return describe(ask, all,
                  {.list = "availabilityZoneInfo",
                   .ids = "ZoneName",
                   .not_found = "InvalidParameterValue",
                   .noun = "availability zone",
                   .filters = {"zone-name", "zone-id", "state", "region-name", "group-name",
                               "opt-in-status", "zone-type"}});
}

Json describe_regions(Ec2& ec2, Ask& ask) {
  const std::string& region = ec2.settings.host.region;
  std::string endpoint = fmt::format("ec2.{}.amazonaws.com", region);
  Json json = {
      {"regionName", region}, {"regionEndpoint", endpoint}, {"optInStatus", "opt-in-not-required"}};
  Facts facts = {
      {"region-name", region}, {"endpoint", endpoint}, {"opt-in-status", "opt-in-not-required"}};
  return describe(ask, {{region, std::move(json), std::move(facts)}},
                  {.list = "regionInfo",
                   .ids = "RegionName",
                   .not_found = "InvalidParameterValue",
                   .noun = "region",
                   .filters = {"region-name", "endpoint", "opt-in-status"}});
}

Json describe_account_attributes(Ec2& ec2, Ask& ask) {
  constexpr std::string_view kNames[] = {"supported-platforms", "default-vpc"};
  std::vector<Item> all;
  (void)ec2;  // one answer for every host
  for (std::string_view name : kNames) {
    const char* value = name == "default-vpc" ? netns::kVpcId : "VPC";
    Json json = {{"attributeName", name},
                 {"attributeValueSet", Json::array({{{"attributeValue", value}}})}};
    all.push_back({std::string(name), std::move(json), {}});
  }
  return describe(ask, all,
                  {.list = "accountAttributeSet",
                   .ids = "AttributeName",
                   .not_found = "InvalidParameterValue",
                   .noun = "account attribute",
                   .filters = {}});
}

Json describe_network_interfaces(Ec2& ec2, Ask& ask) {
  std::vector<Item> all;
  std::vector<TaskInterface> interfaces;
  if (ec2.settings.interfaces) interfaces = ec2.settings.interfaces();
  std::ranges::sort(interfaces, {}, &TaskInterface::id);
  for (const TaskInterface& interface : interfaces) {
    all.push_back(interface_item(ec2, ask, interface));
  }
  return describe(
      ask, all,
      {.list = "networkInterfaceSet",
       .ids = "NetworkInterfaceId",
       .not_found = "InvalidNetworkInterfaceID.NotFound",
       .noun = "networkInterface ID",
       .filters = {"network-interface-id", "subnet-id", "vpc-id", "private-ip-address",
                   "addresses.private-ip-address", "ipv6-addresses.ipv6-address", "mac-address",
                   "availability-zone", "description", "interface-type", "owner-id",
                   "requester-managed", "status", "attachment.status", "attachment.attachment-id",
                   "attachment.instance-id", "private-dns-name", "group-id", "group-name"}});
}

}  // namespace berth::api::ec2
