#include "tools/image_settings.h"

#include "agent/ecr_provider.h"

namespace berth::tools {

image::PullerConfig puller_config(const agent::Config& config) {
  image::PullerConfig puller;
  puller.registry.insecure_registries = config.insecure_registries;
  puller.registry.credential_providers = {agent::make_ecr_provider(config)};
  return puller;
}

}  // namespace berth::tools
