// What berth.json says of registries: whom to ask instead, whom to trust, through whom to go.
// docs/configuration.md lists the members.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

constexpr size_t kRegistriesMax = 1000;
constexpr size_t kMirrorsMax = 20;  // of one registry

struct RegistryRule {
  std::vector<std::string> mirrors;  // asked before the registry, in this order
  bool tls_verify = true;
};

struct ProxyRule {
  Secret http;
  Secret https;
  std::vector<std::string> no_proxy;
};

struct RegistrySettings {
  std::vector<std::string> insecure;          // HOST[:PORT] spoken to in plain HTTP
  std::map<std::string, RegistryRule> rules;  // by HOST[:PORT], or "docker.io"
  std::string certificates = "/etc/docker/certs.d";
  bool fetches_foreign_layers = true;
  std::optional<ProxyRule>
      proxy;  // nothing: HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment
};

// The members insecureRegistries, registries, certificates, foreignLayers and proxy of berth.json's
// root. kInvalid with the member's path; never quotes a proxy's password.
Result<RegistrySettings> read_registry_settings(const json::Node& root);

// Adds them to `out`; passwords as ***.
void render_registry_settings(const RegistrySettings& settings, nlohmann::ordered_json& out);

}  // namespace berth::agent
