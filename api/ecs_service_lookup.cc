#include "api/ecs_service_lookup.h"

#include "base/text.h"

#include <fmt/core.h>

namespace berth::api::ecs {
namespace {

constexpr size_t kItemParts = 4;  // "service-revision/CLUSTER/SERVICE/ID"

// The id out of an ARN of a thing of a service, or the text itself; refused when it is of another
// kind.
std::string service_item_id_of(const Ecs& ecs, Ask& ask, const std::string& text,
                               std::string_view kind) {
  std::string resource = resource_of(ecs, ask, text);
  if (ask.refused() || resource == text) return resource;
  std::vector<std::string> parts = split(resource, '/');
  if (parts.size() == kItemParts && parts[0] == kind) return parts.back();
  ask.invalid(fmt::format("Invalid identifier: {} is no {}.", printable(text, kNameShown), kind));
  return "";
}

std::string item_arn(const Ecs& ecs, std::string_view kind, const scheduler::ServiceKey& key,
                     const std::string& id) {
  return arn_of(ecs, fmt::format("{}/{}/{}/{}", kind, key.cluster, key.name, id));
}

}  // namespace

std::string service_arn(const Ecs& ecs, const scheduler::ServiceKey& key) {
  return arn_of(ecs, fmt::format("service/{}/{}", key.cluster, key.name));
}
std::string service_revision_arn(const Ecs& ecs, const scheduler::ServiceKey& key,
                                 const std::string& id) {
  return item_arn(ecs, "service-revision", key, id);
}
std::string service_deployment_arn(const Ecs& ecs, const scheduler::ServiceKey& key,
                                   const std::string& id) {
  return item_arn(ecs, "service-deployment", key, id);
}

std::string service_name_of(const Ecs& ecs, Ask& ask, const std::string& text,
                            const std::string& cluster) {
  return member_id_of(ecs, ask, text, "service", cluster);
}

const scheduler::Service* find_service(const Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::string text = ask.required_text("service");
  if (ask.refused()) return nullptr;
  std::string name = service_name_of(ecs, ask, text, cluster->name);
  if (ask.refused()) return nullptr;
  const scheduler::Service* service = ecs.core.services().find({cluster->name, name});
  if (service == nullptr) ask.refuse("ServiceNotFoundException", "Service not found.");
  return service;
}

std::vector<const scheduler::Service*> services_of(const Ecs& ecs, const std::string& cluster) {
  std::vector<const scheduler::Service*> services;
  const auto& all = ecs.core.services().all();
  for (auto each = all.lower_bound({cluster, ""});
       each != all.end() && each->first.cluster == cluster; ++each) {
    services.push_back(&each->second);
  }
  return services;
}

const scheduler::TaskSet* find_primary_set(const scheduler::Service& service) {
  for (const scheduler::TaskSet& set : service.task_sets) {
    if (set.status == scheduler::TaskSetStatus::kPrimary) return &set;
  }
  return nullptr;
}

std::string task_set_id_of(const Ecs& ecs, Ask& ask, const std::string& text,
                           const scheduler::ServiceKey& service) {
  std::string resource = resource_of(ecs, ask, text);
  if (ask.refused() || resource == text) return resource;
  std::string prefix = fmt::format("task-set/{}/{}/", service.cluster, service.name);
  if (resource.starts_with(prefix)) return resource.substr(prefix.size());
  ask.invalid(fmt::format("Task Set Identifier is invalid ({} is none of service {}).",
                          printable(text, kNameShown), service.name));
  return "";
}

const scheduler::TaskSet* find_task_set(const scheduler::Service& service, const std::string& id) {
  for (const scheduler::TaskSet& set : service.task_sets) {
    if (set.id == id) return &set;
  }
  return nullptr;
}

const scheduler::ServiceRevision* current_revision_of(const Ecs& ecs,
                                                      const scheduler::Service& service) {
  if (const scheduler::TaskSet* primary = find_primary_set(service)) {
    return ecs.core.services().find_revision(primary->revision);
  }
  return ecs.core.services().find_revision(service.deployments.empty()
                                               ? service.completed_revision
                                               : service.deployments.front().revision);
}

std::string launch_type_of(const Ecs& ecs, const scheduler::Service& service) {
  const scheduler::ServiceRevision* revision = current_revision_of(ecs, service);
  return revision == nullptr ? "" : revision->spec.request.launch_type;
}

const scheduler::ServiceDeployment* find_service_deployment(const Ecs& ecs, Ask& ask,
                                                            const std::string& text) {
  std::string id = service_item_id_of(ecs, ask, text, "service-deployment");
  return ask.refused() ? nullptr : ecs.core.services().find_deployment(id);
}
const scheduler::ServiceRevision* find_service_revision(const Ecs& ecs, Ask& ask,
                                                        const std::string& text) {
  std::string id = service_item_id_of(ecs, ask, text, "service-revision");
  return ask.refused() ? nullptr : ecs.core.services().find_revision(id);
}

const scheduler::Service* service_of(const Ecs& ecs, const scheduler::Task& task) {
  if (task.request.service.empty()) return nullptr;
  return ecs.core.services().find({task.request.cluster, task.request.service});
}

}  // namespace berth::api::ecs
