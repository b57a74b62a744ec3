// The config.json that `berth-oci spec` writes: a shell, contained as Docker would.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace berth::runtime {

// For root, or for a user who has no rights on the host: a user namespace with that one user, the
// host's network, no limits, and nothing that needs another group.
struct RootlessUser {
  uint32_t uid = 0;
  uint32_t gid = 0;
};
std::string render_default_spec(const std::optional<RootlessUser>& rootless);

}  // namespace berth::runtime
