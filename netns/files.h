// The files through which a container knows the network: hostname, hosts, resolv.conf. Pure.
#pragma once

#include "base/ipv4.h"
#include "base/ipv6.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::netns {

// ECS's awsvpc form: "ip-172-29-0-2.us-east-1.compute.internal".
std::string render_hostname(Ipv4 address, std::string_view region);

struct HostsEntry {
  std::string address;
  std::string name;
};
std::string render_hosts(Ipv4 address, const std::optional<Ipv6>& address6,
                         std::string_view hostname, const std::vector<HostsEntry>& extra);

struct Resolver {
  std::vector<std::string> nameservers;
  std::vector<std::string> search;
  std::vector<std::string> options;
};
constexpr size_t kNameserversMax = 3;  // MAXNS of resolv.h
constexpr size_t kResolvConfMax = 64 * 1024;
// systemd-resolved's list of the real servers, used when /etc/resolv.conf names only loopback ones.
constexpr const char* kResolvConf = "/etc/resolv.conf";
constexpr const char* kSystemdResolvConf = "/run/systemd/resolve/resolv.conf";

Resolver parse_resolv_conf(std::string_view text);
// The host's resolver as a container may use it: a loopback server is unreachable from another
// network namespace, so they are dropped; if none remain, those of `fallback`; if still none, none.
Resolver resolver_for_container(const Resolver& host, const Resolver& fallback);
std::string render_resolv_conf(const Resolver& resolver);

}  // namespace berth::netns
