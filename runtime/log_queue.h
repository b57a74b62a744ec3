// The buffer of mode non-blocking: lines go into it at once, and a thread takes them on to the
// driver, which may wait. What does not fit is dropped, the newest first.
#pragma once

#include "base/env.h"
#include "runtime/log_driver.h"

#include <cstdint>
#include <memory>

namespace berth::runtime {

struct LogQueueLimits {
  uint64_t bytes = 0;
  uint64_t lines = 0;  // 0: whatever fits
};
std::unique_ptr<LogDriver> make_log_queue(std::unique_ptr<LogDriver> driver, LogQueueLimits limits,
                                          Env env);

}  // namespace berth::runtime
