// Change: a task after an event, with the event that caused it.
#pragma once

#include "base/env.h"
#include "scheduler/messages.h"
#include "scheduler/model.h"

namespace berth::scheduler {

struct Change {
  Event cause;
  WallTime at{};
  Task task;  // after the change
  bool operator==(const Change&) const = default;
};

}  // namespace berth::scheduler
