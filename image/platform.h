// Platform: which of an index's images fits this machine, as containerd's matcher decides.
#pragma once

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::image {

struct Platform {
  std::string os;            // "linux"
  std::string architecture;  // "amd64", "arm64", "arm"
  std::string variant;       // "v7", "v8" or empty

  // "linux/arm/v7".
  std::string to_string() const;
  bool operator==(const Platform&) const = default;
};

// "linux/amd64", "arm64", "linux/arm/v7"; kInvalid otherwise.
Result<Platform> parse_platform(std::string_view text);
// The platform of a kernel that calls its machine so (uname -m): "x86_64" is linux/amd64.
Platform platform_of_machine(std::string_view machine);
// This host's.
Result<Platform> host_platform();
// amd64/v1 and arm64/v8 lose their variant; arm without one is v7; aliases (x86_64, aarch64) are
// replaced.
Platform normalize(Platform platform);
// How well `offered` runs on `host`: 0 is exact, larger is worse (an arm v7 host runs v6 and v5),
// nothing when it does not run at all.
std::optional<int> match(const Platform& host, const Platform& offered);

}  // namespace berth::image
