#include "agent/subnet_settings.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

constexpr std::string_view kSubnetIdStart = "subnet-";
constexpr size_t kSubnetIdMax = 64;
constexpr int kSubnetPrefixMax = 28;  // as on AWS

bool is_subnet_id(const std::string& id) {
  return id.starts_with(kSubnetIdStart) && id.size() > kSubnetIdStart.size() &&
         id.size() <= kSubnetIdMax && std::ranges::all_of(id, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

Result<Ipv4Net> read_subnet_cidr(const json::Node& node, const Ipv4Net& network) {
  std::string text = TRY(node.string_at("cidr"));
  auto net = parse_ipv4_net(text);
  if (!net) return wrap(std::move(net).error(), "{}.cidr", node.path());
  bool is_inside = net->prefix >= network.prefix && network.contains(net->address);
  if (net->address != net->network() || !is_inside || net->prefix > kSubnetPrefixMax) {
    return fail(
        Errc::kInvalid,
        "{}.cidr: {} must be a part of \"subnet\" ({}), of /{} at most, without bits beyond "
        "its prefix",
        node.path(), text, to_string(network), kSubnetPrefixMax);
  }
  return *net;
}

Result<std::string> read_zone(const json::Node& node) {
  std::string zone = TRY(node.find_string("availabilityZone")).value_or("a");
  if (zone.size() == 1 && zone[0] >= 'a' && zone[0] <= 'z') return zone;
  return fail(Errc::kInvalid, "{}.availabilityZone: \"{}\" must be the letter behind the region",
              node.path(), printable(zone, 40));
}

bool overlap(const Ipv4Net& a, const Ipv4Net& b) {
  return a.contains(b.address) || b.contains(a.address);
}

}  // namespace

Result<std::vector<netns::VpcSubnet>> read_subnet_settings(const json::Node& root,
                                                           const std::string& network) {
  std::vector<netns::VpcSubnet> subnets;
  auto found = root.find("subnets");
  if (!found) return subnets;
  Ipv4Net whole = TRY(parse_ipv4_net(network));
  for (const auto& [id, node] : TRY(found->as_object())) {
    if (!is_subnet_id(id)) {
      return fail(Errc::kInvalid,
                  "subnets: \"{}\" must be \"subnet-\" and lower case letters, digits and -, {} "
                  "characters at most",
                  printable(id, 100), kSubnetIdMax);
    }
    TRY(node.only({"cidr", "availabilityZone"}));
    netns::VpcSubnet subnet;
    subnet.id = id;
    subnet.net = TRY(read_subnet_cidr(node, whole));
    subnet.zone = TRY(read_zone(node));
    for (const netns::VpcSubnet& other : subnets) {
      if (!overlap(other.net, subnet.net)) continue;
      return fail(Errc::kInvalid, "subnets.{}.cidr: {} overlaps that of {}", id,
                  to_string(subnet.net), other.id);
    }
    subnets.push_back(std::move(subnet));
  }
  if (subnets.size() > kSubnetsMax) {
    return fail(Errc::kInvalid, "subnets: at most {}", kSubnetsMax);
  }
  return subnets;
}

void render_subnet_settings(const std::vector<netns::VpcSubnet>& subnets,
                            nlohmann::ordered_json& out) {
  for (const netns::VpcSubnet& subnet : subnets) {
    out["subnets"][subnet.id] = {{"cidr", to_string(subnet.net)},
                                 {"availabilityZone", subnet.zone}};
  }
}

}  // namespace berth::agent
