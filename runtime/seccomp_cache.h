// Compiled seccomp programs, kept in files.
//
//   SeccompCache cache(directory, sys::seccomp_actions());
//   Spec spec = TRY(parse_spec(text, [&](std::string_view profile) { return cache.find(profile);
//   })); SeccompProgram program = TRY(cache.program(*spec.seccomp));
//
// Compiling costs about a millisecond, a quarter of a container's start, so the program is kept in
// <cache>/<hash>.bpf:
//
//   "berth-seccomp 2\n"   how many instructions, the flags (32 bits each)   the filter   the key
//
// The key is the versions of what compiles, the architecture, the kernel's actions and the profile
// as config.json has it, to the letter: equal text, equal program, so the rules of a profile that
// is kept (some hundred names) need not even be read. It is compared in full; the hash only names
// the file.
#pragma once

#include "runtime/seccomp_profile.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::runtime {

// Where the runtime keeps them, beside the states of its containers.
std::string seccomp_cache_of(const std::string& root);

class SeccompCache {
 public:
  // `actions` is sys::seccomp_actions().
  SeccompCache(std::string directory, uint32_t actions);

  // Whether the program of this profile is kept. A missing, foreign or damaged file is no error.
  bool find(std::string_view profile);
  // The one that find() found, or that of `spec`, compiled and kept. A cache that cannot be written
  // is no error.
  Result<SeccompProgram> program(const SeccompSpec& spec);

 private:
  void look_for(std::string_view profile);

  std::string directory_;
  std::string versions_;
  std::string key_;  // of the profile that was looked for last
  std::optional<SeccompProgram> found_;
};

}  // namespace berth::runtime
