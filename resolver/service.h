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
#include "sys/tcp6.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::resolver {

// Where the program finds its sockets: of each network three in the order of NetworkSockets, and
// with IPv6 the three of that behind them.
constexpr int kFirstFd = 3;
constexpr int kFdsOfAddress = 3;
// Nobody has asked for so long: the next who asks waits for our start again, some milliseconds.
constexpr Duration kIdleMax = std::chrono::seconds(60);

// Names of tasks come and go with them, and an answer costs next to nothing.
constexpr uint32_t kNameTtl = 5;

// The addresses that askers know.
struct AskedAt {
  sys::TcpAddress ipv4;
  sys::Ipv6End ipv6;
};

enum class Family { kIpv4, kIpv6 };

struct NetworkSockets {
  sys::Fd datagrams;  // where datagrams are led to
  sys::Fd sender;     // by which they are answered
  sys::Fd listener;   // where connections are led to
};

class Service {
 public:
  // `loop` and `env` are borrowed.
  Service(Settings settings, AskedAt asked_at, sys::Loop& loop, Env env);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  // `family`: of the sockets.
  Status listen(NetworkSockets sockets, Family family);
  // Until nobody has asked for kIdleMax.
  Status run();

 private:
  struct Network {
    sys::Fd datagrams;
    sys::Fd sender;
    Family family = Family::kIpv4;
  };
  void hear_datagrams(size_t network);
  // The next one; false when there is none.
  bool hear_datagram(size_t network);
  template <class AnyRoute, class AnyDatagram, class End>
  bool take_datagram(size_t network, Result<std::optional<AnyDatagram>> datagram,
                     const End& asked_at);
  void ask(const std::string& question, sys::Transport transport, Reply reply);
  std::optional<dns::Message> answer_here(const dns::Message& query);
  void check_idle();

  Settings settings_;
  AskedAt asked_at_;
  sys::Loop& loop_;
  Env env_;
  Names names_;
  Forwarder forwarder_;
  Streams streams_;
  std::vector<Network> networks_;
  Instant last_asked_{};
};

}  // namespace berth::resolver
