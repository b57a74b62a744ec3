// The plans of a task and of a container as steps, in the order in which berth-shim, berth-oci and
// the init take them. Pure: a plan in, a text to be shown out.
#pragma once

#include "base/result.h"
#include "base/step.h"
#include "runtime/plan.h"
#include "runtime/spec.h"
#include "runtime/task_plan.h"
#include "sys/cgroup.h"

#include <vector>

namespace berth::runtime {

// What berth-shim does before there is a container: namespaces that the containers share, the
// task's group.
std::vector<Step> explain_task(const TaskPlan& plan, const sys::Cgroups& cgroups);

// What berth-shim and `berth-oci create` do before the init goes on: root file system, group,
// clone, id maps.
std::vector<Step> explain_creation(const ContainerPlan& container, const Spec& spec,
                                   const Plan& plan, const sys::Cgroups& cgroups);

// What the init does until it is the program, by Stage.
std::vector<Step> explain_init(const Spec& spec, const Plan& plan);

// What the shim goes on to do: order, health, restarts, the end.
std::vector<Step> explain_supervision(const ContainerPlan& container);

}  // namespace berth::runtime
