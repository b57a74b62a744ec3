// One question that is forwarded: servers are tried in their order, a new one after each second of
// silence or at once after a refusal, over again until somebody has answered or the time is over.
//
//   NOERROR, NXDOMAIN                             the answer
//   SERVFAIL, REFUSED, ..., connection refused    this server is out of this exchange
//   another id, question or sender                not heard: by UDP anybody may have sent it
//
// Each try has a socket of its own, so a port that the kernel chose at random, and a random id:
// who wants to answer in a server's place has to guess both.
#pragma once

#include "base/env.h"
#include "dns/message.h"
#include "dns/server_address.h"
#include "sys/endpoint.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace berth::resolver {

// Below the five seconds after which musl and glibc give up on us.
constexpr Duration kAnswerPatience = std::chrono::milliseconds(4500);
constexpr Duration kTryPatience = std::chrono::seconds(1);
constexpr size_t kTriesMax = 5;

struct ForwardedQuestion {
  sys::Transport transport = sys::Transport::kUdp;  // as it came, so it goes
  std::string bytes;
  dns::Question question;
};

class Exchange {
 public:
  struct Outcome {
    std::optional<std::string> answer;       // under the id of the question; nothing: no answer
    std::optional<dns::ServerAddress> from;  // the server, unless it refused
  };
  // Once, perhaps from within begin(); the exchange may go after that, but not within.
  using Done = std::function<void(Outcome)>;

  // `loop` and `rng` are borrowed.
  Exchange(ForwardedQuestion question, std::vector<dns::ServerAddress> servers, sys::Loop& loop,
           Rng& rng, Done done);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  void begin();

 private:
  struct Try;
  void try_next();
  std::optional<size_t> next_place();
  Status open_try(size_t place);
  Status watch(Try& attempt, uint32_t events);
  void drop(const Try& attempt);
  void hear(Try& attempt, uint32_t events);
  Result<bool> send_rest(Try& attempt);
  Result<std::optional<std::string>> receive(Try& attempt);
  void judge(Try& attempt, std::string answer);
  void refuse(size_t place, std::optional<std::string> answer);
  void finish(Outcome outcome);
  void stop();

  ForwardedQuestion question_;
  std::vector<dns::ServerAddress> servers_;
  std::vector<bool> refused_;  // by server
  sys::Loop& loop_;
  Rng& rng_;
  Done done_;  // empty: it has been called
  std::vector<std::unique_ptr<Try>> tries_;
  size_t tried_ = 0;
  size_t next_ = 0;
  std::optional<std::string> refusal_;  // the first
  std::optional<sys::Loop::TimerId> try_timer_;
  std::optional<sys::Loop::TimerId> deadline_;
};

}  // namespace berth::resolver
