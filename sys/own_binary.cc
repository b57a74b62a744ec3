#include "sys/own_binary.h"

#include "sys/call.h"
#include "sys/mount.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace berth::sys {

bool own_binary_is_protected = false;

Status protect_own_binary(char** argv) {
  if (own_binary_is_protected) return {};
  constexpr const char* kSelf = "/proc/self/exe";
  struct statvfs where {};
  TRY(run("statvfs", kSelf, [&] { return ::statvfs(kSelf, &where); }));
  if ((where.f_flag & ST_RDONLY) != 0) return {};
  Fd clone = TRY(clone_tree(AT_FDCWD, kSelf, Recursion::kThisMount));
  TRY(change_mount(clone.get(), {.set = MOUNT_ATTR_RDONLY}, Recursion::kThisMount));
  return run("execveat", kSelf, [&] {
    return ::syscall(SYS_execveat, clone.get(), "", argv, environ, AT_EMPTY_PATH);
  });
}

}  // namespace berth::sys
