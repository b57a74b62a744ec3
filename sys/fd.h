// Fd: a file descriptor with one owner.
#pragma once

#include "base/result.h"

#include <array>
#include <utility>

namespace berth::sys {

class Fd {
 public:
  Fd() = default;
  // Takes ownership of `fd`.
  explicit Fd(long fd) : fd_(static_cast<int>(fd)) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  // Borrowed; -1 when empty.
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  // Gives ownership to the caller.
  int release() { return std::exchange(fd_, -1); }
  // Closes now. close(2) is called once and never retried.
  void reset();

 private:
  int fd_ = -1;
};

// A copy of `fd` with close-on-exec set.
Result<Fd> duplicate(int fd);
// Clears or sets FD_CLOEXEC.
Status set_inheritable(int fd);
Status set_cloexec(int fd);
Status set_nonblocking(int fd);

struct Pipe {
  Fd read;
  Fd write;
};
// pipe2(O_CLOEXEC).
Result<Pipe> make_pipe();

// memfd_create(MFD_CLOEXEC | MFD_ALLOW_SEALING).
Result<Fd> make_memfd(const char* name);

// "/proc/self/fd/7": a path that names an open descriptor to calls that take only paths.
std::string proc_path(int fd);

}  // namespace berth::sys
