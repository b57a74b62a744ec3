// exec: a further process in a container that runs. The ladder is in runtime/enter.h.
#pragma once

#include "base/result.h"
#include "runtime/attend.h"
#include "runtime/exec_process.h"

#include <string>
#include <vector>

namespace berth::runtime {

struct ExecOptions {
  std::string root;  // state root, as for create
  std::string id;
  std::string process_file;  // a "process" object that takes the place of the container's and of
                             // `changes`; "" for none
  ProcessChanges changes;
  std::vector<SubCgroup> sub_cgroups;
  std::string pid_file;        // "" for none
  std::string console_socket;  // "" for none
  std::string pidfd_socket;    // "" for none
  int preserve_fds = 0;        // descriptors 3 .. 2 + n stay open
  bool ignore_paused = false;  // else a paused container is an error; with it we wait with it
  RunMode mode = RunMode::kForeground;
};

// In the foreground: waits, forwards signals and returns the exit status as a shell reports it;
// detached: 0 as soon as the program runs. What keeps the program from running is the error.
Result<int> exec(const ExecOptions& options);

}  // namespace berth::runtime
