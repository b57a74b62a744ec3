// Tells when lines begin to be lost and when they are delivered again, not each time: who prints
// into a full disk would fill the log of the task as well.
#pragma once

#include "base/log.h"
#include "base/result.h"

#include <cstdint>

namespace berth::runtime {

class LogLosses {
 public:
  void note(const Status& delivered) {
    if (delivered) {
      if (failures_ != 0) LOG(kWarn, "log lines are delivered again", {{"failures", failures_}});
      failures_ = 0;
    } else if (++failures_ == 1) {
      LOG(kError, "log lines are lost", {{"why", delivered.error().text}});
    }
  }

 private:
  uint64_t failures_ = 0;
};

}  // namespace berth::runtime
