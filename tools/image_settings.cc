#include "tools/image_settings.h"

#include "agent/ecr_provider.h"
#include "agent/registry_config.h"
#include "sys/spawn.h"

namespace berth::tools {

image::PullerConfig puller_config(const agent::Config& config) {
  image::PullerConfig puller;
  puller.registry = agent::registry_config_of(config, sys::own_environment());
  puller.registry.credential_providers = {agent::make_ecr_provider(config)};
  return puller;
}

}  // namespace berth::tools
