#include "image/endpoint.h"

#include "base/text.h"
#include "image/puller.h"

#include <algorithm>
#include <cctype>

namespace berth::image {
namespace {

std::string host_without_port(const std::string& registry) {
  if (registry.starts_with('[')) return registry.substr(0, registry.find(']') + 1);
  return registry.substr(0, registry.find(':'));
}

// HOST[:PORT], IPv6 in brackets.
bool is_host(std::string_view text) {
  if (text.empty() || text.size() > 300) return false;
  std::string_view host =
      text.substr(0, text.starts_with('[') ? text.find(']') + 1 : text.find(':'));
  std::string_view rest = text.substr(host.size());
  bool is_v6 = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  std::string_view name = is_v6 ? host.substr(1, host.size() - 2) : host;
  auto is_good = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == (is_v6 ? ':' : '-');
  };
  if (name.empty() || !std::ranges::all_of(name, is_good)) return false;
  if (rest.empty()) return true;
  auto port = parse_u64(rest.substr(1));
  return rest[0] == ':' && port && *port > 0 && *port < 65536;
}

// Like a repository: "hub/cache".
bool is_prefix(std::string_view text) {
  return !text.empty() && text.size() <= 200 && !text.starts_with('/') &&
         text.find("//") == std::string_view::npos && text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return std::islower(static_cast<unsigned char>(c)) != 0 ||
                  std::isdigit(static_cast<unsigned char>(c)) != 0 ||
                  std::string_view("/._-").find(c) != std::string_view::npos;
         });
}

}  // namespace

bool is_plain_allowed(const std::string& registry, const std::vector<std::string>& insecure) {
  std::string host = host_without_port(registry);
  if (host == "localhost" || host == "[::1]") return true;
  auto octets = split(host, '.');
  bool is_address = octets.size() == 4 && std::ranges::all_of(octets, [](const std::string& octet) {
                      auto number = parse_u64(octet);
                      return number && *number < 256;
                    });
  if (is_address && octets[0] == "127") return true;
  return std::ranges::any_of(
      insecure, [&](const std::string& entry) { return entry == registry || entry == host; });
}

Endpoint origin_endpoint(const std::string& registry, const std::vector<std::string>& insecure) {
  Endpoint endpoint;
  endpoint.registry = registry;
  endpoint.host = registry == "docker.io" ? "registry-1.docker.io" : registry;
  bool is_plain = is_plain_allowed(registry, insecure);
  endpoint.scheme = is_plain ? Scheme::kPlainOrHttps : Scheme::kHttps;
  return endpoint;
}

Result<Endpoint> parse_mirror(std::string_view text, const std::vector<std::string>& insecure) {
  std::string_view rest = text;
  bool is_http = rest.starts_with("http://");
  bool is_https = rest.starts_with("https://");
  if (is_http || is_https) rest.remove_prefix(rest.find("//") + 2);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  std::string host(rest.substr(0, rest.find('/')));
  std::string_view prefix = rest.substr(std::min(host.size() + 1, rest.size()));
  if (!is_host(host) || (!prefix.empty() && !is_prefix(prefix))) {
    return fail(Errc::kInvalid, "\"{}\" is not [http://|https://]HOST[:PORT][/PREFIX]",
                printable(text, 200));
  }
  Endpoint endpoint = origin_endpoint(host, insecure);
  if (is_http) endpoint.scheme = Scheme::kPlain;
  if (is_https) endpoint.scheme = Scheme::kHttps;
  if (!prefix.empty()) endpoint.prefix = std::string(prefix) + "/";
  endpoint.is_mirror = true;
  return endpoint;
}

Result<std::vector<Endpoint>> endpoints_of(const std::string& registry,
                                           const RegistryConfig& config) {
  std::vector<Endpoint> endpoints;
  auto mirrors = config.mirrors.find(registry);
  if (mirrors != config.mirrors.end()) {
    for (const std::string& mirror : mirrors->second) {
      endpoints.push_back(TRY(parse_mirror(mirror, config.insecure_registries)));
    }
  }
  endpoints.push_back(origin_endpoint(registry, config.insecure_registries));
  return endpoints;
}

}  // namespace berth::image
