#include "api/ecs_service.h"

#include "api/ecs_launch.h"
#include "api/ecs_lookup.h"
#include "api/ecs_operations.h"
#include "base/log.h"

#include <nlohmann/json.hpp>

#include <set>

namespace berth::api {
namespace {

constexpr Duration kCleanUpInterval = std::chrono::minutes(1);

}  // namespace

EcsService::EcsService(scheduler::Core& core, scheduler::Catalog& catalog, Env env,
                       EcsSettings settings, Step step)
    : core_(core),
      catalog_(catalog),
      env_(env),
      settings_(std::move(settings)),
      step_(std::move(step)) {}

// Task definitions that tasks have, or that services make their tasks of.
std::set<std::pair<std::string, int64_t>> EcsService::used_revisions() const {
  std::set<std::pair<std::string, int64_t>> used;
  for (const std::string& id : core_.task_ids()) {
    const scheduler::Task* task = core_.find_task(id);
    used.insert({task->definition.family, task->request.revision});
  }
  for (const auto& [key, service] : core_.services().all()) {
    std::vector<std::string> ids = {service.completed_revision};
    for (const scheduler::Deployment& each : service.deployments) ids.push_back(each.revision);
    for (const scheduler::TaskSet& each : service.task_sets) ids.push_back(each.revision);
    for (const std::string& id : ids) {
      const auto* revision = core_.services().find_revision(id);
      if (revision == nullptr) continue;
      used.insert({revision->spec.definition.family, revision->spec.request.revision});
    }
  }
  return used;
}

// What ECS forgets by itself: stopped tasks, and task definitions that were to be deleted and that
// nothing has any more.
Status EcsService::clean_up() {
  WallTime now = env_.clock.wall();
  if (now - cleaned_up_at_ < kCleanUpInterval) return {};
  TRY(core_.forget_stopped(now - scheduler::kStoppedTaskKept));
  std::set<std::pair<std::string, int64_t>> used = used_revisions();
  std::vector<scheduler::Revision> gone;
  for (const auto& [name, family] : catalog_.families()) {
    for (const auto& [number, revision] : family.revisions) {
      bool is_due = revision.delete_requested_at &&
                    *revision.delete_requested_at + scheduler::kStoppedTaskKept < now;
      if (is_due && !used.contains({name, number})) gone.push_back(revision);
    }
  }
  for (const scheduler::Revision& revision : gone) TRY(catalog_.remove(revision));
  cleaned_up_at_ = now;
  return {};
}

std::string EcsService::unsuited(const scheduler::Service& service,
                                 const scheduler::RevisionSpec& revision) {
  const scheduler::Cluster* cluster = catalog_.find_cluster(service.key.cluster);
  if (cluster == nullptr) return "The cluster is not there.";
  ecs::Ecs context{core_, catalog_, env_, settings_, step_};
  std::vector<ecs::Query> queries =
      ecs::stored_queries(service.configuration.placement_constraints_json);
  std::string why = ecs::unsuited(context, *cluster, revision.request, queries);
  return why == "INACTIVE" ? "No Container Instances were found in your cluster." : why;
}

bool EcsService::drains(const std::string& cluster) const {
  const scheduler::Cluster* found = catalog_.find_cluster(cluster);
  return found != nullptr && found->node.draining;
}

Answer EcsService::answer(const Call& call) {
  if (auto cleaned = clean_up(); !cleaned) {
    LOG(kError, "what has stopped cannot be forgotten", {{"why", cleaned.error().text}});
  }
  ecs::Ecs context{core_, catalog_, env_, settings_, step_, sessions_};
  return answer_json(call, {}, ecs::all_operations(), context);
}

}  // namespace berth::api
