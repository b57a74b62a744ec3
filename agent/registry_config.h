// How image/ shall pull and speak to registries: the configuration, and the environment where that
// is silent.
#pragma once

#include "agent/config.h"
#include "image/puller.h"

#include <string>
#include <vector>

namespace berth::agent {

// `environment`: "NAME=VALUE"; proxies are taken from it. Pure.
image::RegistryConfig registry_config_of(const Config& config,
                                         const std::vector<std::string>& environment);

// For pulls by this host's configuration and environment; credentials for ECR come by themselves.
image::PullerConfig puller_config_of(const Config& config);

}  // namespace berth::agent
