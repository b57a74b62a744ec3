// How image/ shall speak to registries: the configuration, and the environment where that is
// silent.
#pragma once

#include "agent/config.h"
#include "image/puller.h"

#include <string>
#include <vector>

namespace berth::agent {

// `environment`: "NAME=VALUE"; proxies are taken from it. Pure.
image::RegistryConfig registry_config_of(const Config& config,
                                         const std::vector<std::string>& environment);

}  // namespace berth::agent
