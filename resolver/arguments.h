// What the program is told on its command line, by the agent through the task's plan:
//
//   berth-resolver --names DIR --domain NAME --subnet NET [--families ipv4,ipv6]
//                  [--server ADDRESS]... NETWORKS
//
// A value: parse_arguments(render_arguments(s)) == s. Pure.
#pragma once

#include "base/ipv4.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/server_address.h"

#include <cstddef>
#include <string>
#include <vector>

namespace berth::resolver {

constexpr size_t kNetworksMax = 64;

struct Settings {
  std::string names;                        // the directory of names (resolver/names.h)
  dns::Name domain;                         // what is in it is known here or not at all
  Ipv4Net subnet;                           // likewise the names of its addresses
  bool ipv6 = false;                        // asked at its address of IPv6, too
  std::vector<dns::ServerAddress> servers;  // none: those of the host's resolv.conf
  bool operator==(const Settings&) const = default;
};

struct Arguments {
  Settings settings;
  size_t networks = 0;  // whose sockets are descriptors 3, 4, ... (resolver/service.h)
  bool operator==(const Arguments&) const = default;
};

// Without the name of the program, and without the networks.
std::vector<std::string> render_settings(const Settings& settings);
Result<Arguments> parse_arguments(const std::vector<std::string>& arguments);

}  // namespace berth::resolver
