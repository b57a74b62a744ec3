// The namespaces that the containers of a task share: one user namespace, and network, pid and IPC
// namespaces that it owns (a network owned by the host's user namespace would give root in the
// container no power over its own network: no port below 1024, no sysfs).
#pragma once

#include "base/result.h"
#include "runtime/pid_namespace.h"
#include "runtime/task_plan.h"
#include "sys/fd.h"

#include <memory>
#include <string>
#include <vector>

namespace berth::runtime {

// Of a resolver, at one of its addresses: where datagrams and connections come, and what datagrams
// are answered by.
struct ResolverSockets {
  sys::Fd questions;
  sys::Fd answers;
  sys::Fd connections;
};

struct TaskNetwork {
  std::string name;
  sys::Fd network_namespace;
  // An rtnetlink socket born inside. A socket keeps acting on its birth namespace, so who holds it
  // can configure that network and no other.
  sys::Fd rtnetlink;
  // With an endpoint: its listening socket, born inside as well: who asks is known by the socket
  // that was asked, not by an address that could be forged.
  sys::Fd endpoint;
  // With a resolver, likewise; empty without one.
  ResolverSockets resolver;
  ResolverSockets resolver6;  // at its IPv6 address, where the task has IPv6
  sys::Fd steering;           // leads to them what is for their addresses
};

struct TaskNamespaces {
  sys::Fd user;  // empty: the host's
  std::vector<TaskNetwork> networks;
  std::unique_ptr<PidNamespace> pids;  // null: the containers share none
};

// Makes them and binds each at its path of the plan, in the caller's mount namespace; mounts the
// shared memory there, too. The caller must be single-threaded.
Result<TaskNamespaces> make_task_namespaces(const TaskPlan& plan);

}  // namespace berth::runtime
