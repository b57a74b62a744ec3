#include "tools/image_settings.h"

namespace berth::tools {

image::PullerConfig puller_config(const agent::Config& config) {
  image::PullerConfig puller;
  puller.registry.insecure_registries = config.insecure_registries;
  return puller;
}

}  // namespace berth::tools
