// Seccomp profiles: the default one as data, and profile -> BPF by libseccomp, cached.
//
// Compiling costs about a millisecond, a quarter of a container's start, so the program is kept in
// <cache>/<hash>.bpf:  "berth-seccomp 1\n" + key + "\0" + the filter. The key is the whole profile
// as text with the architecture and the kernel's actions; it is compared in full, the hash only
// names the file.
#pragma once

#include "base/result.h"
#include "runtime/spec.h"
#include "sys/credentials.h"

#include <linux/filter.h>

#include <string>
#include <string_view>
#include <vector>

namespace berth::runtime {

struct SeccompProgram {
  std::vector<sock_filter> filter;
  unsigned flags = 0;  // SECCOMP_FILTER_FLAG_*
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
// Through the cache; a missing, foreign or damaged file is made anew. A cache that cannot be
// written is no error. `actions` is sys::seccomp_actions().
Result<SeccompProgram> cached_seccomp(const SeccompSpec& spec, const std::string& cache_dir,
                                      uint32_t actions);

}  // namespace berth::runtime
