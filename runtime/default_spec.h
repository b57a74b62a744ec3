// The config.json that `berth-oci spec` writes: a shell, contained as Docker would.
#pragma once

#include <string>

namespace berth::runtime {

std::string render_default_spec();

}  // namespace berth::runtime
