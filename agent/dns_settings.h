// What berth.json says of the resolver of tasks. docs/configuration.md lists the members.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "dns/name.h"
#include "dns/server_address.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace berth::agent {

// Of the names of tasks. "internal" is for private use, as ICANN has it.
constexpr const char* kDnsDomain = "berth.internal";

struct DnsSettings {
  std::string domain = kDnsDomain;
  std::vector<dns::ServerAddress> servers;  // none: those of the host's resolv.conf
  std::vector<std::string> search_domains;  // none: likewise
};

// The member "dns" of berth.json's root. kInvalid with the member's path.
Result<DnsSettings> read_dns_settings(const json::Node& root);
// Adds it to `out`.
void render_dns_settings(const DnsSettings& settings, nlohmann::ordered_json& out);

}  // namespace berth::agent
