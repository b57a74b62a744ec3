// Task sets: what a deployment controller outside (EXTERNAL) has made of a service. Each has its
// share of the desired count; nothing moves tasks from one to another but who asks for it.
#pragma once

#include "scheduler/service_turn.h"

namespace berth::scheduler {

// computedDesiredCount: D × scale, rounded up; 0 for one that is DRAINING.
int task_set_count_of(const Service& service, const TaskSet& set);

void decide_task_sets(ServiceTurn& turn);

}  // namespace berth::scheduler
