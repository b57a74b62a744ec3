#include "sys/host.h"

#include "sys/call.h"
#include "sys/file.h"

#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace berth::sys {

Result<std::string> machine_name() {
  utsname name{};
  TRY(run("uname", "", [&] { return ::uname(&name); }));
  return std::string(name.machine);
}

Result<uint64_t> free_bytes(const std::string& path) {
  struct statvfs st {};
  TRY(run("statvfs", path, [&] { return ::statvfs(path.c_str(), &st); }));
  return uint64_t{st.f_bavail} * st.f_frsize;
}

Result<FileSystemUse> file_system_use(const std::string& path) {
  struct statvfs st {};
  TRY(run("statvfs", path, [&] { return ::statvfs(path.c_str(), &st); }));
  return FileSystemUse{.size_bytes = uint64_t{st.f_blocks} * st.f_frsize,
                       .used_bytes = uint64_t{st.f_blocks - st.f_bfree} * st.f_frsize};
}

unsigned online_processors() {
  long count = ::sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : static_cast<unsigned>(count);
}

uint64_t memory_bytes() {
  long pages = ::sysconf(_SC_PHYS_PAGES);
  long page_bytes = ::sysconf(_SC_PAGESIZE);
  return pages < 1 || page_bytes < 1
             ? 0
             : static_cast<uint64_t>(pages) * static_cast<uint64_t>(page_bytes);
}

uid_t own_uid() {
  return ::geteuid();
}

gid_t own_gid() {
  return ::getegid();
}

bool has_apparmor() {
  auto enabled = read_file("/sys/module/apparmor/parameters/enabled", 16);
  return enabled && enabled->starts_with('Y');
}

bool has_selinux() {
  return exists("/sys/fs/selinux/enforce");
}

}  // namespace berth::sys
