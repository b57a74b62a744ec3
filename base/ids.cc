#include "base/ids.h"

#include "base/check.h"

#include <fmt/core.h>

namespace berth {

std::string make_task_id(Rng& rng) {
  return fmt::format("{:016x}{:016x}", rng.next(), rng.next());
}

std::string make_uuid(Rng& rng) {
  uint64_t high = (rng.next() & ~0xf000ull) | 0x4000ull;
  uint64_t low = (rng.next() & ~(0xc0ull << 56)) | (0x80ull << 56);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffffull);
}

std::string make_hex(Rng& rng, int digits) {
  CHECK(digits >= 1 && digits <= 16);
  return fmt::format("{:016x}", rng.next()).substr(0, static_cast<size_t>(digits));
}

}  // namespace berth
