// What a path leads to, and what only one caller can have made.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

#include <sys/types.h>

namespace berth::sys {

// realpath(3). `what` begins the error: "bundle /x: no such file or directory".
Result<std::string> real_path(const std::string& path, std::string_view what);
// kExists when there is anything already.
Status make_new_directory(const std::string& path, mode_t mode);
// What the descriptor takes at once, which may be less than there is.
Result<size_t> write_some(int fd, std::string_view bytes);
// pread(2), which does not move the offset: how much there was.
Result<size_t> read_at(int fd, char* buffer, size_t size, int64_t offset);

}  // namespace berth::sys
