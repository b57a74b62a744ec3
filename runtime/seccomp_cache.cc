#include "runtime/seccomp_cache.h"

#include "base/log.h"
#include "sys/file.h"

#include <seccomp.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace berth::runtime {
namespace {

constexpr size_t kCacheFileMax = 4 * 1024 * 1024;

struct CacheHead {
  char magic[16] = {'b', 'e', 'r', 't', 'h', '-', 's', 'e',
                    'c', 'c', 'o', 'm', 'p', ' ', '2', '\n'};
  uint32_t instructions = 0;
  uint32_t flags = 0;
};
static_assert(sizeof(CacheHead) % alignof(sock_filter) == 0);

// FNV-1a over words instead of bytes.
uint64_t hash_of(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  while (!text.empty()) {
    uint64_t word = 0;
    size_t length = std::min(text.size(), sizeof(word));
    std::memcpy(&word, text.data(), length);
    hash = (hash ^ word) * 0x100000001b3ull;
    hash ^= hash >> 32;  // a multiplication carries upwards only
    text.remove_prefix(length);
  }
  return hash;
}

std::string path_of(const std::string& directory, std::string_view key) {
  return fmt::format("{}/{:016x}.bpf", directory, hash_of(key));
}

// Nothing when the file is not whole, or another's.
std::optional<SeccompProgram> program_in(sys::MappedFile file, std::string_view key) {
  std::string_view bytes = file.bytes();
  CacheHead head;
  if (bytes.size() < sizeof(head)) return std::nullopt;
  std::memcpy(&head, bytes.data(), sizeof(head));
  if (std::memcmp(head.magic, CacheHead().magic, sizeof(head.magic)) != 0) return std::nullopt;
  bytes.remove_prefix(sizeof(head));
  size_t length = size_t{head.instructions} * sizeof(sock_filter);
  if (length == 0 || bytes.size() < length || bytes.substr(length) != key) return std::nullopt;
  SeccompProgram program;
  program.filter = {reinterpret_cast<const sock_filter*>(bytes.data()), head.instructions};
  program.flags = head.flags;
  program.cached = std::move(file);
  return program;
}

Status keep(const std::string& directory, std::string_view key, const SeccompProgram& program) {
  CacheHead head;
  head.instructions = static_cast<uint32_t>(program.filter.size());
  head.flags = program.flags;
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof(head));
  bytes.append(reinterpret_cast<const char*>(program.filter.data()), program.filter.size_bytes());
  bytes.append(key);
  TRY(sys::make_directories(directory, 0700));
  return sys::write_replace(path_of(directory, key), bytes, 0600);
}

}  // namespace

std::string seccomp_cache_of(const std::string& root) {
  return root + "/.seccomp";
}

SeccompCache::SeccompCache(std::string directory, uint32_t actions)
    : directory_(std::move(directory)),
      versions_(fmt::format("libseccomp {}.{}.{} native {:x} actions {:x}\n", SCMP_VER_MAJOR,
                            SCMP_VER_MINOR, SCMP_VER_MICRO, seccomp_arch_native(), actions)) {}

void SeccompCache::look_for(std::string_view profile) {
  key_ = versions_;
  key_ += profile;
  found_.reset();
  auto file = sys::MappedFile::open(path_of(directory_, key_), kCacheFileMax);
  if (file) found_ = program_in(std::move(*file), key_);
}

bool SeccompCache::find(std::string_view profile) {
  look_for(profile);
  return found_.has_value();
}

Result<SeccompProgram> SeccompCache::program(const SeccompSpec& spec) {
  // A profile with a listener, whose path may be another's for each container. By a key that no
  // config.json has: without its listener the same profile might be refused.
  if (key_.empty()) look_for("with a listener " + render_seccomp_json(spec));
  if (found_) return *std::exchange(found_, std::nullopt);
  SeccompProgram program = TRY(compile_seccomp(spec));
  auto kept = keep(directory_, key_, program);
  if (!kept) LOG(kDebug, "seccomp program not cached", {{"error", kept.error().text}});
  return program;
}

}  // namespace berth::runtime
