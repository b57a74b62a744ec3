// The operations of ECS: every one of the public model is in the table of ecs_operations.cc, those
// that berth refuses too. docs/ecs-api.md has the same rows, and a test compares.
#pragma once

#include "api/ecs_ask.h"
#include "api/ecs_service.h"
#include "api/exec_sessions.h"
#include "api/json_service.h"

#include <nlohmann/json_fwd.hpp>

#include <span>
#include <string_view>

namespace berth::api::ecs {

using Json = nlohmann::ordered_json;

// What operations work on.
struct Ecs {
  scheduler::Core& core;
  scheduler::Catalog& catalog;
  Env env;
  const EcsSettings& settings;
  const EcsService::Step& step;
  ExecSessions* sessions = nullptr;  // null where there are none
};

using api::Support;
using Operation = OperationOf<Ecs, Ask>;

std::span<const Operation> all_operations();
// Null when there is none of that name.
const Operation* find_operation(std::string_view name);

Json create_cluster(Ecs&, Ask&);
Json describe_clusters(Ecs&, Ask&);
Json list_clusters(Ecs&, Ask&);
Json update_cluster(Ecs&, Ask&);
Json update_cluster_settings(Ecs&, Ask&);
Json delete_cluster(Ecs&, Ask&);
Json put_cluster_capacity_providers(Ecs&, Ask&);
Json describe_capacity_providers(Ecs&, Ask&);

Json register_task_definition(Ecs&, Ask&);
Json describe_task_definition(Ecs&, Ask&);
Json list_task_definitions(Ecs&, Ask&);
Json list_task_definition_families(Ecs&, Ask&);
Json deregister_task_definition(Ecs&, Ask&);
Json delete_task_definitions(Ecs&, Ask&);

Json run_task(Ecs&, Ask&);
Json start_task(Ecs&, Ask&);
Json stop_task(Ecs&, Ask&);
Json describe_tasks(Ecs&, Ask&);
Json list_tasks(Ecs&, Ask&);
Json execute_command(Ecs&, Ask&);
Json get_task_protection(Ecs&, Ask&);
Json update_task_protection(Ecs&, Ask&);

Json describe_container_instances(Ecs&, Ask&);
Json list_container_instances(Ecs&, Ask&);
Json update_container_instances_state(Ecs&, Ask&);
Json deregister_container_instance(Ecs&, Ask&);
Json update_container_agent(Ecs&, Ask&);
Json put_attributes(Ecs&, Ask&);
Json delete_attributes(Ecs&, Ask&);
Json list_attributes(Ecs&, Ask&);

Json tag_resource(Ecs&, Ask&);
Json untag_resource(Ecs&, Ask&);
Json list_tags_for_resource(Ecs&, Ask&);

Json put_account_setting(Ecs&, Ask&);
Json put_account_setting_default(Ecs&, Ask&);
Json delete_account_setting(Ecs&, Ask&);
Json list_account_settings(Ecs&, Ask&);

Json create_service(Ecs&, Ask&);
Json update_service(Ecs&, Ask&);
Json delete_service(Ecs&, Ask&);
Json describe_services(Ecs&, Ask&);
Json list_services(Ecs&, Ask&);
Json list_services_by_namespace(Ecs&, Ask&);
Json list_service_deployments(Ecs&, Ask&);
Json describe_service_deployments(Ecs&, Ask&);
Json describe_service_revisions(Ecs&, Ask&);
Json stop_service_deployment(Ecs&, Ask&);
Json continue_service_deployment(Ecs&, Ask&);

Json create_task_set(Ecs&, Ask&);
Json update_task_set(Ecs&, Ask&);
Json delete_task_set(Ecs&, Ask&);
Json describe_task_sets(Ecs&, Ask&);
Json update_service_primary_task_set(Ecs&, Ask&);

// What only an agent or another kind of host asks for.
Json change_capacity_provider(Ecs&, Ask&);
Json discover_poll_endpoint(Ecs&, Ask&);
Json list_daemons(Ecs&, Ask&);
Json list_daemon_deployments(Ecs&, Ask&);
Json list_daemon_task_definitions(Ecs&, Ask&);
Json describe_daemon_items(Ecs&, Ask&);
// UnsupportedFeatureException, or ClientException for operations that do not know that one.
Json unsupported_feature(Ecs&, Ask&);
Json unsupported_for_clients(Ecs&, Ask&);

}  // namespace berth::api::ecs
