#include "netns/files.h"

#include "base/text.h"

#include <algorithm>
#include <sstream>

namespace berth::netns {
namespace {

bool is_loopback(const std::string& server) {
  auto address = parse_ipv4(server);
  if (address) return address->value >> 24 == 127;
  return server == "::1" || server.starts_with("::1%");
}

std::vector<std::string> reachable(const std::vector<std::string>& servers) {
  std::vector<std::string> kept;
  for (const auto& server : servers) {
    if (!is_loopback(server) && kept.size() < kNameserversMax) kept.push_back(server);
  }
  return kept;
}

}  // namespace

std::string render_hostname(Ipv4 address, std::string_view region) {
  auto dashed = to_string(address);
  std::replace(dashed.begin(), dashed.end(), '.', '-');
  return fmt::format("ip-{}.{}.compute.internal", dashed, region);
}

std::string render_hosts(Ipv4 address, const std::optional<Ipv6>& address6,
                         std::string_view hostname, const std::vector<HostsEntry>& extra) {
  auto text = fmt::format("127.0.0.1 localhost\n{} {}\n", to_string(address), hostname);
  if (address6) text += fmt::format("::1 localhost\n{} {}\n", to_string(*address6), hostname);
  for (const auto& entry : extra) text += fmt::format("{} {}\n", entry.address, entry.name);
  return text;
}

Resolver parse_resolv_conf(std::string_view text) {
  Resolver resolver;
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with('#') || line.starts_with(';')) continue;
    std::istringstream words(line);
    std::string keyword;
    words >> keyword;
    std::vector<std::string> values;
    for (std::string word; words >> word;) values.push_back(word);
    if (values.empty()) continue;
    if (keyword == "nameserver") resolver.nameservers.push_back(values.front());
    if (keyword == "domain" || keyword == "search") resolver.search = values;  // the last one wins
    if (keyword == "options") {
      resolver.options.insert(resolver.options.end(), values.begin(), values.end());
    }
  }
  return resolver;
}

Resolver resolver_for_container(const Resolver& host, const Resolver& fallback) {
  Resolver resolver = host;
  resolver.nameservers = reachable(host.nameservers);
  if (!resolver.nameservers.empty()) return resolver;
  resolver = fallback;
  resolver.nameservers = reachable(fallback.nameservers);
  return resolver;
}

std::string render_resolv_conf(const Resolver& resolver) {
  std::string text;
  for (const auto& server : resolver.nameservers) text += fmt::format("nameserver {}\n", server);
  if (!resolver.search.empty()) text += fmt::format("search {}\n", join(resolver.search, " "));
  if (!resolver.options.empty()) text += fmt::format("options {}\n", join(resolver.options, " "));
  return text;
}

}  // namespace berth::netns
