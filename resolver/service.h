// Service: the resolver of one task.
//
//   a name of a task of this host (resolver/names.h)       answered from there, authoritatively
//   another below the domain, or of an address of the
//   subnet                                                 there is none (NXDOMAIN)
//   everything else                                        asked of the upstreams, as it came
//
// The sockets of each network were born inside of it (runtime/task_namespaces.h), so nobody else
// can ask; upstreams are asked from the network of this process, the host's.
#pragma once

#include "base/env.h"
#include "dns/message.h"
#include "resolver/arguments.h"
#include "resolver/forwarder.h"
#include "resolver/names.h"
#include "resolver/stream.h"
#include "sys/fd.h"
#include "sys/loop.h"
#include "sys/tcp.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::resolver {

// Where the program finds its sockets, three for each network in the order of NetworkSockets.
constexpr int kFirstFd = 3;
constexpr int kFdsOfNetwork = 3;
// Nobody has asked for so long: the next who asks waits for our start again, some milliseconds.
constexpr Duration kIdleMax = std::chrono::seconds(60);

// Names of tasks come and go with them, and an answer costs next to nothing.
constexpr uint32_t kNameTtl = 5;

struct NetworkSockets {
  sys::Fd datagrams;  // where datagrams are led to
  sys::Fd sender;     // by which they are answered
  sys::Fd listener;   // where connections are led to
};

class Service {
 public:
  // `loop` and `env` are borrowed; `asked_at` is the address that askers know.
  Service(Settings settings, sys::TcpAddress asked_at, sys::Loop& loop, Env env);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  Status listen(NetworkSockets sockets);
  // Until nobody has asked for kIdleMax.
  Status run();

 private:
  struct Network {
    sys::Fd datagrams;
    sys::Fd sender;
  };
  void hear_datagrams(size_t network);
  void ask(const std::string& question, sys::Transport transport, Reply reply);
  std::optional<dns::Message> answer_here(const dns::Message& query);
  void check_idle();

  Settings settings_;
  sys::TcpAddress asked_at_;
  sys::Loop& loop_;
  Env env_;
  Names names_;
  Forwarder forwarder_;
  Streams streams_;
  std::vector<Network> networks_;
  Instant last_asked_{};
};

}  // namespace berth::resolver
