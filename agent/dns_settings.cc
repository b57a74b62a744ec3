#include "agent/dns_settings.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr size_t kSearchMax = 6;  // MAXDNSRCH of resolv.h

Result<std::string> domain_in(const std::string& text, const std::string& path) {
  auto name = dns::Name::parse(text);
  if (!name) return wrap(std::move(name).error(), "{}", path);
  if (name->is_root()) return fail(Errc::kInvalid, "{}: the root is no domain of tasks", path);
  return name->to_text();
}

}  // namespace

Result<DnsSettings> read_dns_settings(const json::Node& root) {
  DnsSettings settings;
  auto node = root.find("dns");
  if (!node) return settings;
  TRY(node->only({"domain", "servers", "searchDomains"}));
  auto domain = TRY(node->find_string("domain"));
  if (domain) settings.domain = TRY(domain_in(*domain, node->path() + ".domain"));
  std::vector<std::string> servers = TRY(node->find_strings("servers"));
  if (servers.size() > dns::kServersMax) {
    return fail(Errc::kInvalid, "{}.servers: more than {}", node->path(), dns::kServersMax);
  }
  for (size_t i = 0; i < servers.size(); ++i) {
    auto server = dns::parse_server_address(servers[i]);
    if (!server) return wrap(std::move(server).error(), "{}.servers[{}]", node->path(), i);
    settings.servers.push_back(*std::move(server));
  }
  std::vector<std::string> search = TRY(node->find_strings("searchDomains"));
  if (search.size() > kSearchMax) {
    return fail(Errc::kInvalid, "{}.searchDomains: more than {}", node->path(), kSearchMax);
  }
  for (size_t i = 0; i < search.size(); ++i) {
    std::string path = fmt::format("{}.searchDomains[{}]", node->path(), i);
    settings.search_domains.push_back(TRY(domain_in(search[i], path)));
  }
  return settings;
}

void render_dns_settings(const DnsSettings& settings, nlohmann::ordered_json& out) {
  out["dns"]["domain"] = settings.domain;
  for (const dns::ServerAddress& server : settings.servers) {
    out["dns"]["servers"].push_back(dns::to_text(server));
  }
  if (!settings.search_domains.empty()) out["dns"]["searchDomains"] = settings.search_domains;
}

}  // namespace berth::agent
