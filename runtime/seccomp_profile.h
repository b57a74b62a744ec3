// Seccomp profiles: the default one as data, and profile -> BPF by libseccomp.
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "sys/credentials.h"
#include "sys/file_memory.h"

#include <linux/filter.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

struct SeccompProgram {
  std::span<const sock_filter> filter;  // what holds it is below
  unsigned flags = 0;                   // SECCOMP_FILTER_FLAG_*
  std::vector<sock_filter> compiled;
  sys::MappedFile cached;
};

// Docker's default for a container that holds these capabilities.
SeccompSpec default_seccomp_profile(sys::CapabilitySet capabilities);
// As the "seccomp" object of config.json.
std::string render_seccomp_json(const SeccompSpec& spec);

// The names that a profile may use, for `features`.
struct SeccompNames {
  std::vector<std::string_view> actions;
  std::vector<std::string_view> operators;
  std::vector<std::string_view> flags;
  std::vector<std::string> architectures;  // those that the linked libseccomp knows
};
SeccompNames seccomp_names();

Result<SeccompProgram> compile_seccomp(const SeccompSpec& spec);

}  // namespace berth::runtime
