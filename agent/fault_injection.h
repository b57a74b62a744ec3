// FaultInjection: makes, ends and looks for the faults that the containers of one task ask for, in
// the network of the task, or in the host's when the task runs in that. On a worker, one at a time;
// the answers are those of Amazon's agent.
#pragma once

#include "agent/fault_request.h"
#include "http/server.h"
#include "netns/fault.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/workers.h"

#include <optional>
#include <string>

namespace berth::agent {

// Whose faults, and where.
struct FaultPlace {
  std::string task_id;
  std::string table_prefix;
  netns::SparedAddress endpoint;
  // Of a task in the host's network: where its faults are written down (agent/host_faults.h).
  std::optional<std::string> host_record_directory;
};

class FaultInjection {
 public:
  // `network`: the namespace. `loop` is borrowed.
  FaultInjection(FaultPlace place, sys::Fd network, sys::Loop& loop);

  // `fault` is there when has_fault_body().
  void ask(FaultCall call, std::optional<Fault> fault, http::Server::Reply reply);

 private:
  FaultPlace place_;
  sys::Fd network_;
  sys::Workers workers_;  // last: its job ends before what it works on goes
};

// {"Error": text}.
http::Response fault_refusal(int status, const std::string& text);

}  // namespace berth::agent
