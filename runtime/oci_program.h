// An OCI runtime as a program: berth-oci, or any other with runc's command line.
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <chrono>
#include <string>
#include <vector>

#include <sys/types.h>

namespace berth::runtime {

class OciProgram {
 public:
  // `root` is its state directory (--root). A command that takes longer than `patience` is killed
  // and has failed.
  OciProgram(std::string program, std::string root,
             std::chrono::milliseconds patience = std::chrono::minutes(2));

  struct Streams {
    int in = -1;  // borrowed; they become the container's
    int out = -1;
    int err = -1;
    // Not the container's: what waits to be started ends when the other end of this one closes.
    // Passed as descriptor 3 with its number in BERTH_SUPERVISOR_FD.
    int supervisor = -1;
  };
  // `create`: the container waits for start(). Returns the host's pid of its first process, which
  // has become a child of ours (the caller is a subreaper). Errors carry the runtime's own text.
  Result<pid_t> create(const std::string& id, const std::string& bundle,
                       const Streams& streams) const;
  Status start(const std::string& id) const;
  // `delete --force`: also when there is no such container.
  Status remove(const std::string& id) const;

 private:
  Status run(const std::vector<std::string>& words, const std::string& log,
             const Streams& streams) const;

  std::string program_;
  std::string root_;
  std::chrono::milliseconds patience_;
};

}  // namespace berth::runtime
