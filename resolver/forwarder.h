// Forwarder: the exchanges that are under way.
#pragma once

#include "resolver/exchange.h"
#include "resolver/upstreams.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace berth::resolver {

// At a time; each has a socket for each of its tries. Who asks more is told so at once (SERVFAIL).
constexpr size_t kExchangesMax = 128;

class Forwarder {
 public:
  // `loop` and `rng` are borrowed.
  Forwarder(Upstreams upstreams, sys::Loop& loop, Rng& rng);

  // Nothing: no server is known, none answered, or too much is asked at once.
  using Answered = std::function<void(std::optional<std::string> answer)>;
  void forward(ForwardedQuestion question, Answered answered);
  bool is_idle() const { return exchanges_.empty(); }

 private:
  Upstreams upstreams_;
  sys::Loop& loop_;
  Rng& rng_;
  uint64_t next_id_ = 1;
  std::map<uint64_t, std::unique_ptr<Exchange>> exchanges_;
};

}  // namespace berth::resolver
