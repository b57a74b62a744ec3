// An OCI runtime as a program: berth-oci, or any other with runc's command line.
#pragma once

#include "base/result.h"
#include "sys/fd.h"
#include "sys/spawn.h"

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
    // Where the master of the container's terminal is sent to (--console-socket); "" for none.
    std::string console_socket{};
  };
  // `create`: the container waits for start(). Returns the host's pid of its first process, which
  // has become a child of ours (the caller is a subreaper). Errors carry the runtime's own text.
  Result<pid_t> create(const std::string& id, const std::string& bundle,
                       const Streams& streams) const;
  Status start(const std::string& id) const;

  // `exec --detach`: a further process in a container that runs. It is begun here and ended by
  // end_exec() once its process has ended, so that who has other things to do need not wait.
  struct ExecRequest {
    std::string id;
    std::string directory;   // for files of passing use
    std::string name;        // of those files
    std::string sub_cgroup;  // --cgroup
    std::vector<std::string> args;
    Streams streams;
  };
  struct Exec {
    sys::Process process;  // of the runtime
    std::string pid_file;
    std::string log;
  };
  Result<Exec> begin_exec(const ExecRequest& request) const;
  // The host's pid of the process, a child of ours now; an error carries the runtime's own text.
  Result<pid_t> end_exec(const Exec& exec) const;

  // `delete --force`: also when there is no such container.
  Status remove(const std::string& id) const;

 private:
  Result<sys::Process> begin(const std::vector<std::string>& words, const std::string& log,
                             const Streams& streams) const;
  Status run(const std::vector<std::string>& words, const std::string& log,
             const Streams& streams) const;

  std::string program_;
  std::string root_;
  std::chrono::milliseconds patience_;
};

}  // namespace berth::runtime
