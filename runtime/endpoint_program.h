// The program behind sockets of a task (169.254.170.2, what containers ask about themselves;
// 169.254.169.253, their resolver), kept by the shim as inetd(8) keeps its servers:
//
//   nobody asks        nobody runs; the shim watches the sockets
//   somebody does      the program is started with the sockets as descriptors 3, 4, ...
//   it has ended       idle, or killed: the sockets are watched again. What came meanwhile waits
//                      in their queues, so nobody is refused
//
// So a task that asks nothing costs nothing, who answers does not depend on the `berth` that
// started the task, and the next start of the program is that of an upgraded berth.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "sys/loop.h"
#include "sys/spawn.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::runtime {

// The program finds its first socket here; those of the plan's networks follow in their order.
constexpr int kEndpointFirstFd = 3;
// One that ends sooner after its start is not started again before that.
constexpr Duration kEndpointPause = std::chrono::seconds(1);

class EndpointProgram {
 public:
  // `command` is its argv; `loop` is borrowed.
  EndpointProgram(std::vector<std::string> command, sys::Loop& loop, Env env);
  EndpointProgram(const EndpointProgram&) = delete;
  EndpointProgram& operator=(const EndpointProgram&) = delete;
  ~EndpointProgram();

  // A socket that the program gets; whether something that comes by it starts the program.
  struct Socket {
    int fd = -1;
    bool starts = true;
  };
  // From now on; the sockets are borrowed, and must stay until end().
  Status watch(std::vector<Socket> sockets);
  // Kills and reaps it. May run twice.
  void end();

 private:
  Status watch_sockets();
  void unwatch_sockets();
  void start();
  Status spawn();
  void ended();

  std::vector<std::string> command_;
  sys::Loop& loop_;
  Env env_;
  std::vector<Socket> sockets_;
  sys::Process process_;
  Instant started_at_{};
  std::optional<sys::Loop::TimerId> pause_;
};

}  // namespace berth::runtime
