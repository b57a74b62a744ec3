// Names and ARNs of services, their revisions and deployments -> what they mean, and back.
#pragma once

#include "api/ecs_lookup.h"
#include "scheduler/service.h"

#include <string>
#include <vector>

namespace berth::api::ecs {

std::string service_arn(const Ecs& ecs, const scheduler::ServiceKey& key);
// By the ids that the scheduler gives them.
std::string service_revision_arn(const Ecs& ecs, const scheduler::ServiceKey& key,
                                 const std::string& id);
std::string service_deployment_arn(const Ecs& ecs, const scheduler::ServiceKey& key,
                                   const std::string& id);

// A service's name out of a name or an ARN, which is of `cluster`.
std::string service_name_of(const Ecs& ecs, Ask& ask, const std::string& text,
                            const std::string& cluster);
// The service of the members `cluster` and `service`, whatever its status. Null: refused.
const scheduler::Service* find_service(const Ecs& ecs, Ask& ask);
// Those of a cluster, in text order of their names, whatever their status.
std::vector<const scheduler::Service*> services_of(const Ecs& ecs, const std::string& cluster);

// "FARGATE": of the revision that it has or is coming to have; "" when that is forgotten.
std::string launch_type_of(const Ecs& ecs, const scheduler::Service& service);
// The revision of the PRIMARY deployment or task set, or the one that it had last.
const scheduler::ServiceRevision* current_revision_of(const Ecs& ecs,
                                                      const scheduler::Service& service);

// The task set that is PRIMARY, of the controller EXTERNAL; null without one.
const scheduler::TaskSet* find_primary_set(const scheduler::Service& service);
// A task set's id, "ecs-svc/" and 19 digits, out of an id or an ARN, which is of the service.
std::string task_set_id_of(const Ecs& ecs, Ask& ask, const std::string& text,
                           const scheduler::ServiceKey& service);
// Null when it is not there; that is no refusal.
const scheduler::TaskSet* find_task_set(const scheduler::Service& service, const std::string& id);

// By ARN or id. Null when it is not there; that is no refusal.
const scheduler::ServiceDeployment* find_service_deployment(const Ecs& ecs, Ask& ask,
                                                            const std::string& text);
const scheduler::ServiceRevision* find_service_revision(const Ecs& ecs, Ask& ask,
                                                        const std::string& text);

// The service that a task is of; null for a task of none.
const scheduler::Service* service_of(const Ecs& ecs, const scheduler::Task& task);

}  // namespace berth::api::ecs
