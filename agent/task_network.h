// The network of a task, from lease to packets. Functions for workers: values in, values out.
#pragma once

#include "agent/config.h"
#include "base/result.h"
#include "netns/group_store.h"
#include "netns/ipam.h"
#include "netns/plan.h"
#include "netns/vpc.h"
#include "scheduler/messages.h"
#include "scheduler/model.h"
#include "sys/fd.h"

#include <set>
#include <string>
#include <vector>

namespace berth::agent {

// A network namespace that the shim made.
struct MadeNetwork {
  std::string name;
  sys::Fd network_namespace;
  sys::Fd rtnetlink;  // born inside
};

// A rehearsed lease is nobody's: what those who had its address were connected to is left alone.
enum class Leasing { kReal, kRehearsed };

// The bridge of the instance. Errors: a bad subnet.
Result<netns::BridgePlan> bridge_plan_of(const Config& config);

class TaskNetwork {
 public:
  // Errors: a bad subnet.
  static Result<TaskNetwork> make(const Config& config);

  // Addresses, host ports and ids; written down before anything is made of them.
  Result<netns::Lease> lease(const scheduler::Task& task, bool user_ids,
                             const std::vector<std::string>& security_groups,
                             Leasing leasing) const;
  // What the scheduler wants to know of it.
  scheduler::TaskProvisioned provisioned(const scheduler::Task& task,
                                         const netns::Lease& lease) const;

  // Those of the lease that have an address.
  std::vector<netns::Endpoint> addressed(const netns::Lease& lease) const;

  // Bridge and firewall of the host side: needs no namespace, so it runs beside the shim's start.
  Status apply_host_side(const netns::Lease& lease) const;
  // Both ends of every namespace. Without leased addresses only lo.
  Status apply_task_side(const netns::Lease& lease, std::vector<MadeNetwork> networks) const;

  // The end of a task that published nothing and was the last: its links, rules and lease stay for
  // the next sweep. False: the task is not so, and remove() is called for.
  Result<bool> retire(const std::string& task_id) const;
  // Is there a lease that waits for a sweep?
  Result<bool> has_retired() const;
  // Everything of the task, then its lease. May run twice.
  Status remove(const std::string& task_id) const;
  // What dead tasks left: all but those in `live`.
  Status sweep(const std::set<std::string>& live, netns::Retired retired) const;

 private:
  TaskNetwork(std::string root, netns::BridgePlan bridge, netns::Vpc vpc)
      : root_(std::move(root)),
        bridge_(std::move(bridge)),
        vpc_(std::move(vpc)),
        made_groups_(root_) {}

  // Ids of the groups that are not berth.json's.
  std::set<std::string> made_groups_of(const std::vector<netns::Endpoint>& endpoints) const;

  std::string root_;
  netns::BridgePlan bridge_;
  netns::Vpc vpc_;
  netns::GroupStore made_groups_;
};

}  // namespace berth::agent
