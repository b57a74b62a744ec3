// What the commands about images take from the configuration.
#pragma once

#include "agent/config.h"
#include "image/puller.h"

namespace berth::tools {

image::PullerConfig puller_config(const agent::Config& config);

}  // namespace berth::tools
