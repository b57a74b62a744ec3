// inotify(7): being told that files in one directory changed.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <string>
#include <vector>

namespace berth::sys {

// Watches one directory for files made in it and written to.
class DirectoryWatch {
 public:
  static Result<DirectoryWatch> make(const std::string& directory);

  // Readable when something changed.
  int fd() const { return fd_.get(); }

  struct Changes {
    std::vector<std::string> names;  // each once, in order of first change
    bool overflowed = false;         // the kernel dropped events: look at every file
  };
  // Takes what has happened so far without waiting.
  Result<Changes> take();

 private:
  explicit DirectoryWatch(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace berth::sys
