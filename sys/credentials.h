// Capabilities, resource limits and other properties of the process itself, as values and names.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace berth::sys {

// One bit per capability number.
using CapabilitySet = uint64_t;

// "CAP_CHOWN" -> 0; nothing for a name that Linux (<= 6.18) does not have.
std::optional<int> capability_number(std::string_view name);
std::string_view capability_name(int number);
constexpr int kCapabilityCount = 41;

struct Capabilities {
  CapabilitySet bounding = 0;
  CapabilitySet effective = 0;
  CapabilitySet permitted = 0;
  CapabilitySet inheritable = 0;
  CapabilitySet ambient = 0;
};

// Those of `wanted` that no process of ours can be given, but in a new user namespace.
CapabilitySet missing_capabilities(CapabilitySet wanted);

// Async-signal-safe: -1 and errno on failure. What the kernel does not have to give us (absent from
// our own permitted or bounding set) is left out, as runc does.
int raw_drop_bounding(CapabilitySet keep);
int raw_set_capabilities(const Capabilities& wanted);

// "RLIMIT_NOFILE" -> RLIMIT_NOFILE.
std::optional<int> rlimit_number(std::string_view name);
std::string_view rlimit_name(int resource);  // "RLIMIT_NOFILE"; "RLIMIT" for one without a name

struct ResourceLimit {
  int resource = 0;
  uint64_t soft = 0;
  uint64_t hard = 0;
};
// Raises the hard limit of another process where `limits` ask for more than it has; the soft limit
// stays. kDenied names the limit and CAP_SYS_RESOURCE.
Status raise_hard_limits(pid_t pid, const std::vector<ResourceLimit>& limits);

}  // namespace berth::sys
