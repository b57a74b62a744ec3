// The propagation of mounts, mount(2) MS_*. <sys/mount.h> cannot be included beside
// <linux/mount.h> before glibc 2.37.
#pragma once

#include <cstdint>

namespace berth::runtime {

inline constexpr uint64_t kUnbindable = 1 << 17;
inline constexpr uint64_t kPrivate = 1 << 18;
inline constexpr uint64_t kSlave = 1 << 19;
inline constexpr uint64_t kShared = 1 << 20;

}  // namespace berth::runtime
