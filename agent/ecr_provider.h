// Who knows the passwords of Amazon ECR's registries, for this configuration and the environment of
// this process.
#pragma once

#include "agent/config.h"
#include "image/credentials.h"

#include <memory>

namespace berth::agent {

std::shared_ptr<image::CredentialProvider> make_ecr_provider(const Config& config);

}  // namespace berth::agent
