#include "sys/fd.h"

#include "sys/call.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace berth::sys {

void Fd::reset() {
  if (fd_ < 0) return;
  (void)::close(fd_);  // EINTR has closed it as well on Linux, and EIO leaves nothing to mend
  fd_ = -1;
}

Result<Fd> duplicate(int fd) {
  return Fd(
      TRY(call("fcntl F_DUPFD_CLOEXEC", "", [&] { return ::fcntl(fd, F_DUPFD_CLOEXEC, 3); })));
}

Status set_inheritable(int fd) {
  return run("fcntl F_SETFD", "", [&] { return ::fcntl(fd, F_SETFD, 0); });
}

Status set_cloexec(int fd) {
  return run("fcntl F_SETFD", "", [&] { return ::fcntl(fd, F_SETFD, FD_CLOEXEC); });
}

Status set_nonblocking(int fd) {
  long flags = TRY(call("fcntl F_GETFL", "", [&] { return ::fcntl(fd, F_GETFL); }));
  return run("fcntl F_SETFL", "", [&] { return ::fcntl(fd, F_SETFL, flags | O_NONBLOCK); });
}

Result<Pipe> make_pipe() {
  std::array<int, 2> fds{-1, -1};
  TRY(run("pipe2", "", [&] { return ::pipe2(fds.data(), O_CLOEXEC); }));
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

Result<Fd> make_memfd(const char* name) {
  return Fd(TRY(call("memfd_create", name,
                     [&] { return ::memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING); })));
}

std::string proc_path(int fd) {
  return fmt::format("/proc/self/fd/{}", fd);
}

}  // namespace berth::sys
