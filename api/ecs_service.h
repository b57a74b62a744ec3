// EcsService: Amazon ECS over the scheduler and its catalog. ecs_operations.h lists the operations;
// there is a function for each, in a file for each kind of resource:
//
//   ecs_service       which function answers; what each call begins and ends with
//   ecs_ask           the request's members, and the first thing that is wrong with it
//   ecs_lookup        names and ARNs -> clusters, tasks, revisions
//   ecs_shapes        values -> JSON as ECS answers it
//   ecs_launch        what RunTask and services ask alike of a task that is to run
//   ecs_clusters, ecs_task_definitions, ecs_run_task, ecs_tasks, ecs_instances, ...
//   ecs_services      what a service is to be; ecs_service_ask, _lookup and _shapes as above,
//                     _controller, _dependencies, ecs_deployment_configuration and _strategy, and
//   ecs_service_lists, ecs_service_deployments, ecs_task_sets, ecs_task_protection
//
// An operation first reads all of its request and refuses; only then it changes anything, in one
// transaction.
#pragma once

#include "api/service.h"
#include "base/env.h"
#include "scheduler/catalog.h"
#include "scheduler/core.h"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth::api {

class ExecSessions;

// What the operations know of this host.
struct EcsSettings {
  std::string region;   // of the names (ARNs) of all that there is
  std::string account;  // likewise
  scheduler::CpuArchitecture architecture = scheduler::CpuArchitecture::kX86_64;
  uint32_t cpu_units = 1024;  // 1024 for each processor
  uint32_t memory_mib = 0;
  std::map<std::string, std::string> subnets{{"subnet-1", "a"}};  // id -> letter of its zone
  std::vector<std::string> security_groups{};  // names and ids of the configuration's
  // Whether EC2's API has made one of this id; empty: none.
  std::function<bool(const std::string& id)> has_made_group{};
};

class EcsService final : public Service {
 public:
  // core.step(now), and what follows from it, done.
  using Step = std::function<Status()>;

  // Borrows `core` and `catalog`.
  EcsService(scheduler::Core& core, scheduler::Catalog& catalog, Env env, EcsSettings settings,
             Step step);

  Answer answer(const Call& call) override;

  // What ExecuteCommand is done by, borrowed; without it, no container is connected.
  void execute_by(ExecSessions& sessions) { sessions_ = &sessions; }
  // Why the node is no place for a task of a service, whatever room it has; "" when it is one.
  // ServiceSettings::unsuited is to ask this.
  std::string unsuited(const scheduler::Service& service, const scheduler::RevisionSpec& revision);
  // Whether the node drains in that cluster; ServiceSettings::drains is to ask this.
  bool drains(const std::string& cluster) const;

 private:
  std::set<std::pair<std::string, int64_t>> used_revisions() const;
  Status clean_up();

  scheduler::Core& core_;
  scheduler::Catalog& catalog_;
  Env env_;
  EcsSettings settings_;
  Step step_;
  ExecSessions* sessions_ = nullptr;
  WallTime cleaned_up_at_{};
};

}  // namespace berth::api
