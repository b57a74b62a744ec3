#include "sys/path.h"

#include "sys/call.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace berth::sys {

Result<std::string> real_path(const std::string& path, std::string_view what) {
  char* found = ::realpath(path.c_str(), nullptr);
  if (found == nullptr) return fail_errno(errno, "{} {}", what, path);
  std::string real = found;
  std::free(found);
  return real;
}

Status make_new_directory(const std::string& path, mode_t mode) {
  return run("mkdir", path, [&] { return ::mkdir(path.c_str(), mode); });
}

Result<size_t> write_some(int fd, std::string_view bytes) {
  return static_cast<size_t>(
      TRY(call("write", "", [&] { return ::write(fd, bytes.data(), bytes.size()); })));
}

Result<size_t> read_at(int fd, char* buffer, size_t size, int64_t offset) {
  return static_cast<size_t>(
      TRY(call("pread", "", [&] { return ::pread(fd, buffer, size, offset); })));
}

}  // namespace berth::sys
