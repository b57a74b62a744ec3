// The connection of a log driver to its receiver. One that is lost is made again; meanwhile who
// sends waits, until the container has ended.
#pragma once

#include "base/result.h"
#include "runtime/log_driver.h"
#include "runtime/log_plan.h"
#include "sys/endpoint.h"
#include "sys/fd.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace berth::runtime {

struct LogRetries {
  std::chrono::milliseconds wait{1000};  // before the first, then half as long again each time
  uint64_t max = UINT64_MAX;             // of one message
  std::chrono::milliseconds longest_wait{60000};
  std::chrono::milliseconds write_timeout{};  // of one that does not go; 0: none
};

class LogConnection {
 public:
  LogConnection(const sys::Endpoint& receiver, LogRetries retries, LogEnd end)
      : receiver_(receiver), retries_(retries), end_(end) {}

  // Whether there is somebody who listens.
  Status open();
  // The whole message, or an error when it is given up. `answer` is what the receiver has to reply
  // then, "" for nothing. A message that was cut off is sent again as a whole.
  Status send(std::string_view message, std::string_view answer);

 private:
  Status try_send(std::string_view message, std::string_view answer);
  Status send_all(std::string_view message);
  Status expect(std::string_view answer);

  sys::Endpoint receiver_;
  LogRetries retries_;
  LogEnd end_;
  sys::Fd fd_;            // empty when there is no connection
  bool gave_up_ = false;  // after the end: what is left would each wait in vain
};

}  // namespace berth::runtime
