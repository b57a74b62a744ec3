#include "scheduler/lifecycle.h"

#include "base/check.h"

namespace berth::scheduler {

void TaskLifecycle::advance(TaskStatus to) {
  CHECK(lifecycle::is_edge(status_, to));
  status_ = to;
}

void ContainerLifecycle::advance(ContainerStatus to) {
  CHECK(lifecycle::is_edge(status_, to));
  status_ = to;
}

}  // namespace berth::scheduler
