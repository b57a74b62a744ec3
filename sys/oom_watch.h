// Tells of kills by the OOM killer in a control group: v2 by memory.events, v1 by an eventfd that
// is registered at memory.oom_control.
#pragma once

#include "base/result.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

#include <cstdint>

namespace berth::sys {

class OomWatch {
 public:
  static Result<OomWatch> make(const CgroupDir& group);

  // To be polled for these events.
  int fd() const { return fd_.get(); }
  short poll_events() const;
  // How many kills (v1: conditions) there were since the last call. Does not wait.
  Result<uint64_t> take();

 private:
  OomWatch(Fd fd, bool unified) : fd_(std::move(fd)), unified_(unified) {}
  Fd fd_;
  bool unified_;
  uint64_t seen_ = 0;  // v2: the counter is read, not the news
};

}  // namespace berth::sys
