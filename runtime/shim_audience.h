// ShimAudience: who is connected to a shim, and what each of them has been told.
//
//   connects   -> hears all that has happened so far, then "up_to_date", then what happens
//   asks       -> the order goes to `Handlers::order`
//   goes       -> `Handlers::left`
//
// Whoever does not listen misses what is told, and costs nobody any time.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "runtime/shim_protocol.h"
#include "sys/fd.h"
#include "sys/loop.h"

#include <functional>
#include <map>
#include <string>
#include <vector>

namespace berth::runtime {

class ShimAudience {
 public:
  // `connection` names who asks, for tell_one(), for as long as it has not left.
  struct Handlers {
    std::function<void(int connection, const ShimOrder& order, std::vector<sys::Fd> fds)> order;
    std::function<void(int connection)> left;
  };
  // The loop is borrowed.
  ShimAudience(Env env, sys::Loop& loop, Handlers handlers)
      : env_(env), loop_(loop), handlers_(std::move(handlers)) {}

  // At the socket of this path, from now on.
  Status listen(const std::string& path);
  // One that is connected already, and knows what has happened.
  Status adopt(sys::Fd connection);

  // All that are here, and those who come later.
  void tell(const ShimEvent& event);
  // One that does not listen, or has gone, misses it.
  void tell_one(int connection, const ShimEvent& event);
  // With descriptors (borrowed), which are history for nobody. One that does not take it is lost.
  void hand(int connection, const ShimEvent& event, const std::vector<int>& fds);

 private:
  // An event that was told, for those who come later.
  struct Told {
    ShimEvent::Kind kind;
    std::string container;
    std::string text;
  };
  void accept();
  void hear(int connection);
  void lose(int connection);

  Env env_;
  sys::Loop& loop_;
  Handlers handlers_;
  sys::Fd listener_;
  std::map<int, sys::Fd> connections_;
  std::vector<Told> history_;
};

}  // namespace berth::runtime
