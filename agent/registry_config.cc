#include "agent/registry_config.h"

#include "agent/ecr_provider.h"
#include "sys/spawn.h"

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

image::PullerConfig puller_config_of(const Config& config) {
  image::PullerConfig puller;
  puller.registry = registry_config_of(config, sys::own_environment());
  puller.registry.credential_providers = {make_ecr_provider(config)};
  if (config.layers_as_directories) puller.layers = image::LayerFormat::kDirectory;
  return puller;
}

}  // namespace berth::agent
