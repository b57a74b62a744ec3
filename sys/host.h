// Facts about this host.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace berth::sys {

// The kernel's name of the machine, as uname(2): "x86_64".
Result<std::string> machine_name();

// Bytes that an unprivileged process could still write to the file system of `path` (statvfs(3)).
Result<uint64_t> free_bytes(const std::string& path);

struct FileSystemUse {
  uint64_t size_bytes = 0;
  uint64_t used_bytes = 0;
};
// Of the file system of `path`, likewise.
Result<FileSystemUse> file_system_use(const std::string& path);

// That take part in scheduling now, at least 1.
unsigned online_processors();

// Of the host's memory that the kernel can use.
uint64_t memory_bytes();

// Whom the kernel takes this process for.
uid_t own_uid();
gid_t own_gid();

// Whether the kernel enforces by these modules.
bool has_apparmor();
bool has_selinux();

}  // namespace berth::sys
