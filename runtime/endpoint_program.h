// The program behind a task's endpoint (169.254.170.2, what containers ask about themselves), kept
// by the shim as inetd(8) keeps its servers:
//
//   no connection      nobody runs; the shim watches the listening sockets
//   a connection waits the program is started with the sockets as descriptors 3, 4, ...
//   it has ended       idle, or killed: the sockets are watched again. Connections that came
//                      meanwhile wait in their queue, so nobody is refused
//
// So a task that asks nothing costs nothing, the endpoint does not depend on the `berth` that
// started the task, and the next start of the program is that of an upgraded berth.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <optional>
#include <vector>

namespace berth::runtime {

// The program finds its first socket here; those of the plan's networks in their order.
constexpr int kEndpointFirstFd = 3;
// One that ends sooner after its start is not started again before that.
constexpr Duration kEndpointPause = std::chrono::seconds(1);

class EndpointProgram {
 public:
  // `plan` and `loop` are borrowed.
  EndpointProgram(const EndpointPlan& plan, sys::Loop& loop, Env env);
  EndpointProgram(const EndpointProgram&) = delete;
  EndpointProgram& operator=(const EndpointProgram&) = delete;
  ~EndpointProgram();

  // From now on; the sockets are borrowed, and must stay until end().
  Status watch(std::vector<int> listeners);
  // Kills and reaps it. May run twice.
  void end();

 private:
  Status watch_listeners();
  void unwatch_listeners();
  void start();
  Status spawn();
  void ended();

  const EndpointPlan& plan_;
  sys::Loop& loop_;
  Env env_;
  std::vector<int> listeners_;
  sys::Process process_;
  Instant started_at_{};
  std::optional<sys::Loop::TimerId> pause_;
};

}  // namespace berth::runtime
