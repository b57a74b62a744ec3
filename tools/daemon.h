// berthd: answers Amazon's API for one instance, and looks after its tasks.
//
//   127.0.0.1:4566   signed requests              --+
//   <run>/berth.sock root's, without a signature  --+--> front door --> services of api/
//
// One loop thread owns all state. It may be killed at any moment: what it answered is on disk, and
// its tasks do not need it.
#pragma once

#include "agent/config.h"
#include "base/result.h"
#include "tools/exec_sessions.h"

#include <string>
#include <vector>

namespace berth::tools {

struct DaemonOptions {
  bool no_auth = false;        // whoever reaches the port is trusted
  bool userns_host = false;    // tasks have no user namespaces
  bool virtual_clock = false;  // its clock may be told to go ahead: `berth system clock`
  // As AgentOptions and RunOptions have them.
  std::vector<std::string> sweeper;
  std::vector<std::string> cleaner;
  std::vector<std::string> endpoint;
  ExecSessions::Programs sessions;
  std::vector<std::string> own;  // the command that we are, its program by its path
};

// Serves until SIGTERM or SIGINT. SIGHUP: becomes the program that is at its path now, another
// version say, with the same sockets: who connects meanwhile waits, nobody is refused. Errors: not
// root, another one serves this instance, no such address.
Status serve_daemon(const agent::Config& config, const DaemonOptions& options);

}  // namespace berth::tools
