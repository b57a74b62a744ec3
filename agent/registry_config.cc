#include "agent/registry_config.h"

namespace berth::agent {

image::RegistryConfig registry_config_of(const Config& config,
                                         const std::vector<std::string>& environment) {
  const RegistrySettings& settings = config.registries;
  image::RegistryConfig registry;
  registry.insecure_registries = settings.insecure;
  registry.certificates = settings.certificates;
  registry.foreign_layers = settings.fetches_foreign_layers ? image::ForeignLayers::kFetch
                                                            : image::ForeignLayers::kRefuse;
  for (const auto& [name, rule] : settings.rules) {
    if (!rule.mirrors.empty()) registry.mirrors[name] = rule.mirrors;
    if (!rule.tls_verify) registry.unverified_registries.push_back(name);
  }
  if (settings.proxy) {
    registry.proxies = {settings.proxy->http, settings.proxy->https, settings.proxy->no_proxy};
  } else {
    registry.proxies = image::proxies_of_environment(environment);
  }
  return registry;
}

}  // namespace berth::agent
