// The namespaces that the containers of a task share: one user namespace, and network namespaces
// that it owns (a network owned by the host's user namespace would give root in the container no
// power over its own network: no port below 1024, no sysfs).
#pragma once

#include "base/result.h"
#include "runtime/task_plan.h"
#include "sys/fd.h"

#include <string>
#include <vector>

namespace berth::runtime {

struct TaskNetwork {
  std::string name;
  sys::Fd network_namespace;
  // An rtnetlink socket born inside. A socket keeps acting on its birth namespace, so who holds it
  // can configure that network and no other.
  sys::Fd rtnetlink;
};

struct TaskNamespaces {
  sys::Fd user;  // empty: the host's
  std::vector<TaskNetwork> networks;
};

// Makes them and binds each at its path of the plan, in the caller's mount namespace. The caller
// must be single-threaded.
Result<TaskNamespaces> make_task_namespaces(const TaskPlan& plan);

}  // namespace berth::runtime
