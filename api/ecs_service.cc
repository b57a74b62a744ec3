#include "api/ecs_service.h"

#include "api/ecs_ask.h"
#include "api/ecs_launch.h"
#include "api/ecs_lookup.h"
#include "api/ecs_operations.h"
#include "base/log.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <exception>
#include <set>

namespace berth::api {
namespace {

constexpr size_t kEcsDepthMax = 32;
constexpr size_t kOperationShown = 100;
constexpr Duration kCleanUpInterval = std::chrono::minutes(1);

Refusal ecs_server_fault(const std::string& text) {
  Refusal refusal;
  refusal.code = "ServerException";
  refusal.message = text;
  refusal.status = 500;
  return refusal;
}

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
    for (const scheduler::Deployment& deployment : service.deployments) {
      const auto* revision = core_.services().find_revision(deployment.revision);
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
      if (is_due && used.count({name, number}) == 0) gone.push_back(revision);
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

Answer EcsService::answer(const Call& call) {
  const ecs::Operation* operation = ecs::find_operation(call.operation);
  if (operation == nullptr) {
    return tl::unexpected(unknown_operation(printable(call.operation, kOperationShown)));
  }
  if (auto cleaned = clean_up(); !cleaned) {
    LOG(kError, "what has stopped cannot be forgotten", {{"why", cleaned.error().text}});
  }
  auto document = json::Document::parse(call.body.empty() ? "{}" : call.body,
                                        {.name = "request", .depth_max = kEcsDepthMax});
  Refusal malformed;
  malformed.code = "SerializationException";
  if (!document) {
    malformed.message = document.error().text;
    return tl::unexpected(std::move(malformed));
  }
  if (!document->root().is_object()) {
    malformed.message = "request: must be an object";
    return tl::unexpected(std::move(malformed));
  }
  try {
    ecs::Ecs context{core_, catalog_, env_, settings_, step_, sessions_};
    ecs::Ask ask(call, document->root());
    ecs::Json answer = operation->function(context, ask);
    if (ask.refused()) return tl::unexpected(ask.refusal());
    return answer.dump(-1, ' ', false, ecs::Json::error_handler_t::replace);
  } catch (const std::exception& error) {  // of the JSON library: a mistake of ours
    LOG(kError, "an operation failed", {{"operation", call.operation}, {"why", error.what()}});
    return tl::unexpected(ecs_server_fault("The operation failed; berth's log says why."));
  }
}

}  // namespace berth::api
