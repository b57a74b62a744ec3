// The buffer of mode non-blocking: lines go into it at once, and a thread takes them on to the
// driver, which may wait. What does not fit is dropped, the newest first.
#pragma once

#include "base/env.h"
#include "runtime/log_driver.h"

#include <cstdint>
#include <memory>

namespace berth::runtime {

std::unique_ptr<LogDriver> make_log_queue(std::unique_ptr<LogDriver> driver, uint64_t bytes_max,
                                          Env env);

}  // namespace berth::runtime
