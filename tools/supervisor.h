// Supervisor: whoever started us and wants to know how we are (systemd, sd_notify(3)). Nothing
// happens when there is none.
#pragma once

#include "aws/environment.h"
#include "base/env.h"
#include "sys/loop.h"

#include <string>
#include <string_view>

namespace berth::tools {

class Supervisor {
 public:
  // `environment` has NOTIFY_SOCKET and WATCHDOG_USEC when there is one. `loop` is borrowed.
  Supervisor(const aws::Environment& environment, sys::Loop& loop);

  // We serve; from now on it hears as often as it wants that the loop turns.
  void ready();
  void stopping();

 private:
  void tell(std::string_view state);
  void tell_alive();

  std::string socket_;
  Duration watchdog_{0};  // 0: it does not want to know
  sys::Loop& loop_;
};

}  // namespace berth::tools
