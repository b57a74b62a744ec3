// What users, alarms and the node ask of services: each request as a change of the draft, and a
// reason to look at the service. What follows from it is decided afterwards.
#include "scheduler/service_scheduler.h"

#include "scheduler/deployment_decision.h"
#include "scheduler/service_record.h"

#include <fmt/format.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

bool is_watched(const Service& service, const std::string& alarm) {
  const DeploymentAlarms& alarms = service.configuration.deployment.alarms;
  return alarms.enable &&
         std::find(alarms.names.begin(), alarms.names.end(), alarm) != alarms.names.end();
}

TaskSet* find_task_set(Service& service, const std::string& id) {
  for (TaskSet& set : service.task_sets) {
    if (set.id == id) return &set;
  }
  return nullptr;
}

}  // namespace

void ServiceScheduler::apply(const ServiceRequest& request) {
  std::visit([this](const auto& each) { apply(each); }, request);
}

void ServiceScheduler::apply(const ServiceCreated& request) {
  const Entry* before = touch(request.service);
  if (before != nullptr && before->service.status != ServiceStatus::kInactive) return;
  Entry entry;
  entry.is_new = true;
  entry.service.key = request.service;
  entry.service.configuration = request.configuration;
  entry.service.client_token = request.client_token;
  entry.service.request_digest = request.request_digest;
  entry.service.created_by = request.created_by;
  entry.service.created_at = draft_.now;
  if (before != nullptr) entry.service.events_so_far = before->service.events_so_far;
  tell(entry, "SERVICE_CREATED", name_of(ServiceRequest(request)));
  if (request.revision) start_deployment(entry, *request.revision);
  draft_.entries.insert_or_assign(request.service, std::move(entry));
  look_at(request.service, "CreateService");
}

void ServiceScheduler::apply(const ServiceUpdated& request) {
  Entry* entry = touch_active(request.service);
  if (entry == nullptr) return;
  ServiceConfiguration& configuration = entry->service.configuration;
  if (configuration.desired_count != request.configuration.desired_count) {
    tell(*entry, "SERVICE_DESIRED_COUNT_UPDATED",
         fmt::format("desired count {} instead of {}", request.configuration.desired_count,
                     configuration.desired_count));
  }
  if (configuration.is_held != request.configuration.is_held) {
    tell(*entry, request.configuration.is_held ? "SERVICE_HELD" : "SERVICE_RESUMED",
         "UpdateService: x-berth-hold");
  }
  configuration = request.configuration;
  for (Deployment& each : entry->service.deployments) each.is_blocked_told = false;
  if (request.revision) start_deployment(*entry, *request.revision);
  look_at(request.service, "UpdateService");
}

void ServiceScheduler::apply(const ServiceScaled& request) {
  for (const Record& record : request.records) draft_.others.push_back(record);
  Entry* entry = touch_active(request.service);
  if (entry == nullptr) return;
  int& desired = entry->service.configuration.desired_count;
  if (desired == request.desired_count) return;
  tell(*entry, "SERVICE_DESIRED_COUNT_UPDATED",
       fmt::format("desired count {} instead of {}: {}", request.desired_count, desired,
                   request.cause));
  entry->events.back().message = request.message;
  desired = request.desired_count;
  for (Deployment& each : entry->service.deployments) each.is_blocked_told = false;
  look_at(request.service, "scaled");
}

void ServiceScheduler::apply(const ServiceDeleted& request) {
  Entry* entry = touch_active(request.service);
  if (entry == nullptr) return;
  entry->service.status = ServiceStatus::kDraining;
  end_deployment(entry->service, "The service was deleted.");
  tell(*entry, "SERVICE_DRAINING", "DeleteService");
  look_at(request.service, "DeleteService");
}

void ServiceScheduler::apply(const DeploymentStopRequested& request) {
  ServiceDeployment* deployment = touch_deployment(request.service_deployment);
  if (deployment == nullptr || is_over(deployment->status)) return;
  bool is_rolling_back = deployment->status == ServiceDeploymentStatus::kRollbackInProgress;
  if (request.type == StopType::kRollback && is_rolling_back) return;
  deployment->status = request.type == StopType::kRollback
                           ? ServiceDeploymentStatus::kRollbackRequested
                           : ServiceDeploymentStatus::kStopRequested;
  deployment->updated_at = draft_.now;
  look_at(deployment->service, "StopServiceDeployment");
}

void ServiceScheduler::apply(const AlarmChanged& request) {
  if (is_raised(request.alarm) == request.is_raised) return;
  draft_.alarms[request.alarm] = request.is_raised;
  for (const auto& [key, service] : services_.all()) {
    if (!is_watched(service, request.alarm)) continue;
    look_soon_at(key, fmt::format("alarm {} is {}", request.alarm,
                                  request.is_raised ? "raised" : "not raised any more"));
  }
}

void ServiceScheduler::apply(const HookAnswered& request) {
  ServiceDeployment* deployment = touch_deployment(request.service_deployment);
  if (deployment == nullptr || is_over(deployment->status)) return;
  HookRun* run = find_waiting_hook(*deployment, request.hook);
  if (run == nullptr) return;
  run->status = request.is_success ? HookStatus::kSucceeded : HookStatus::kFailed;
  deployment->updated_at = draft_.now;
  look_at(deployment->service, "ContinueServiceDeployment");
}

void ServiceScheduler::apply(const TaskSetCreated& request) {
  Entry* entry = touch_active(request.service);
  if (entry == nullptr || find_task_set(entry->service, request.id) != nullptr) return;
  TaskSet set;
  set.id = request.id;
  set.revision = add_revision(request.service, request.revision);
  set.external_id = request.external_id;
  set.client_token = request.client_token;
  set.scale_ppm = request.scale_ppm;
  set.providers = request.providers;
  set.tags = request.tags;
  set.created_at = draft_.now;
  set.updated_at = draft_.now;
  set.stability_at = draft_.now;
  entry->service.task_sets.push_back(std::move(set));
  look_at(request.service, "CreateTaskSet");
}

void ServiceScheduler::apply(const TaskSetScaled& request) {
  Entry* entry = touch_active(request.service);
  TaskSet* set = entry == nullptr ? nullptr : find_task_set(entry->service, request.task_set);
  if (set == nullptr) return;
  set->scale_ppm = request.scale_ppm;
  set->updated_at = draft_.now;
  look_at(request.service, "UpdateTaskSet");
}

void ServiceScheduler::apply(const TaskSetDeleted& request) {
  Entry* entry = touch_active(request.service);
  TaskSet* set = entry == nullptr ? nullptr : find_task_set(entry->service, request.task_set);
  if (set == nullptr) return;
  set->status = TaskSetStatus::kDraining;
  set->updated_at = draft_.now;
  look_at(request.service, "DeleteTaskSet");
}

void ServiceScheduler::apply(const TaskSetTagged& request) {
  Entry* entry = touch_active(request.service);
  TaskSet* set = entry == nullptr ? nullptr : find_task_set(entry->service, request.task_set);
  if (set != nullptr) set->tags = request.tags;
}

void ServiceScheduler::apply(const PrimaryTaskSetChanged& request) {
  Entry* entry = touch_active(request.service);
  if (entry == nullptr || find_task_set(entry->service, request.task_set) == nullptr) return;
  for (TaskSet& set : entry->service.task_sets) {
    if (set.status == TaskSetStatus::kDraining) continue;
    set.status = set.id == request.task_set ? TaskSetStatus::kPrimary : TaskSetStatus::kActive;
    set.updated_at = draft_.now;
  }
  look_at(request.service, "UpdateServicePrimaryTaskSet");
}

void ServiceScheduler::apply(const NodeChanged& request) {
  look_at_waiting();
  const auto& all = services_.all();
  for (auto each = all.lower_bound({request.cluster, ""});
       each != all.end() && each->first.cluster == request.cluster; ++each) {
    look_soon_at(each->first, "");
  }
}

}  // namespace berth::scheduler
