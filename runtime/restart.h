// Whether a container that ended starts again in its place: pure, over values.
//
//   restarted  when the task goes on, its exit code is known and not ignored, and it has run for at
//              least the attempt period since its last start
//   else       its end is an end, as without a restart policy
#pragma once

#include "base/env.h"
#include "runtime/task_plan.h"

#include <optional>

namespace berth::runtime {

struct RunEnd {
  std::optional<int> exit_code;
  Duration ran{};         // since the last start
  bool stopping = false;  // the task ends, or the container was told to
};

bool is_restarted(const std::optional<RestartPlan>& plan, const RunEnd& end);

}  // namespace berth::runtime
