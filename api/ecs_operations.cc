#include "api/ecs_operations.h"

#include <nlohmann/json.hpp>

#include <array>

namespace berth::api::ecs {
namespace {

using enum Support;

constexpr std::string_view kNoPlanes =
    "load balancers, Service Connect, Cloud Map, the controller CODE_DEPLOY and Lambda hooks are "
    "refused";
constexpr std::string_view kNoSetPlanes = "load balancers and Cloud Map are refused";
constexpr std::string_view kAgentOnly = "it is for agents, and berth's own needs none";
constexpr std::string_view kNoDaemons = "daemons are for managed instances";
constexpr std::string_view kNoInstances = "it starts no instances, so it has no providers of them";
constexpr std::string_view kNoGateway = "it has no Express gateway services";

// In the order of their names.
constexpr auto kOperations = std::to_array<Operation>({
    {"ContinueServiceDeployment", continue_service_deployment, kWorks, ""},
    {"CreateCapacityProvider", unsupported_feature, kRefused, kNoInstances},
    {"CreateCluster", create_cluster, kWorks, ""},
    {"CreateDaemon", unsupported_feature, kRefused, kNoDaemons},
    {"CreateExpressGatewayService", unsupported_feature, kRefused, kNoGateway},
    {"CreateService", create_service, kPartly, kNoPlanes},
    {"CreateTaskSet", create_task_set, kPartly, kNoSetPlanes},
    {"DeleteAccountSetting", delete_account_setting, kWorks, ""},
    {"DeleteAttributes", delete_attributes, kWorks, ""},
    {"DeleteCapacityProvider", change_capacity_provider, kPartly, kNoInstances},
    {"DeleteCluster", delete_cluster, kWorks, ""},
    {"DeleteDaemon", unsupported_feature, kRefused, kNoDaemons},
    {"DeleteDaemonTaskDefinition", unsupported_for_clients, kRefused, kNoDaemons},
    {"DeleteExpressGatewayService", unsupported_feature, kRefused, kNoGateway},
    {"DeleteService", delete_service, kWorks, ""},
    {"DeleteTaskDefinitions", delete_task_definitions, kWorks, ""},
    {"DeleteTaskSet", delete_task_set, kWorks, ""},
    {"DeregisterContainerInstance", deregister_container_instance, kRefused,
     "the one host is an instance of every cluster; drain it instead"},
    {"DeregisterTaskDefinition", deregister_task_definition, kWorks, ""},
    {"DescribeCapacityProviders", describe_capacity_providers, kWorks, ""},
    {"DescribeClusters", describe_clusters, kWorks, ""},
    {"DescribeContainerInstances", describe_container_instances, kWorks, ""},
    {"DescribeDaemon", unsupported_feature, kRefused, kNoDaemons},
    {"DescribeDaemonDeployments", describe_daemon_items, kPartly, kNoDaemons},
    {"DescribeDaemonRevisions", describe_daemon_items, kPartly, kNoDaemons},
    {"DescribeDaemonTaskDefinition", unsupported_for_clients, kRefused, kNoDaemons},
    {"DescribeExpressGatewayService", unsupported_feature, kRefused, kNoGateway},
    {"DescribeServiceDeployments", describe_service_deployments, kWorks, ""},
    {"DescribeServiceRevisions", describe_service_revisions, kWorks, ""},
    {"DescribeServices", describe_services, kWorks, ""},
    {"DescribeTaskDefinition", describe_task_definition, kWorks, ""},
    {"DescribeTaskSets", describe_task_sets, kWorks, ""},
    {"DescribeTasks", describe_tasks, kWorks, ""},
    {"DiscoverPollEndpoint", discover_poll_endpoint, kRefused, kAgentOnly},
    {"ExecuteCommand", execute_command, kPartly,
     "a session that lost its connection cannot be resumed"},
    {"GetTaskProtection", get_task_protection, kWorks, ""},
    {"ListAccountSettings", list_account_settings, kWorks, ""},
    {"ListAttributes", list_attributes, kWorks, ""},
    {"ListClusters", list_clusters, kWorks, ""},
    {"ListContainerInstances", list_container_instances, kWorks, ""},
    {"ListDaemonDeployments", list_daemon_deployments, kPartly, kNoDaemons},
    {"ListDaemonTaskDefinitions", list_daemon_task_definitions, kPartly, kNoDaemons},
    {"ListDaemons", list_daemons, kPartly, kNoDaemons},
    {"ListServiceDeployments", list_service_deployments, kWorks, ""},
    {"ListServices", list_services, kWorks, ""},
    {"ListServicesByNamespace", list_services_by_namespace, kPartly,
     "no service is in a namespace: there is no Service Connect"},
    {"ListTagsForResource", list_tags_for_resource, kWorks, ""},
    {"ListTaskDefinitionFamilies", list_task_definition_families, kWorks, ""},
    {"ListTaskDefinitions", list_task_definitions, kWorks, ""},
    {"ListTasks", list_tasks, kWorks, ""},
    {"PutAccountSetting", put_account_setting, kWorks, ""},
    {"PutAccountSettingDefault", put_account_setting_default, kWorks, ""},
    {"PutAttributes", put_attributes, kWorks, ""},
    {"PutClusterCapacityProviders", put_cluster_capacity_providers, kPartly,
     "FARGATE and FARGATE_SPOT are the providers that there are"},
    {"RegisterContainerInstance", unsupported_for_clients, kRefused, kAgentOnly},
    {"RegisterDaemonTaskDefinition", unsupported_for_clients, kRefused, kNoDaemons},
    {"RegisterTaskDefinition", register_task_definition, kPartly,
     "fields that berth cannot honour are refused by name: docs/task-definition.md"},
    {"RunTask", run_task, kPartly, "EBS volumes have no snapshots; assignPublicIp changes nothing"},
    {"StartTask", start_task, kPartly, "as RunTask"},
    {"StopServiceDeployment", stop_service_deployment, kWorks, ""},
    {"StopTask", stop_task, kWorks, ""},
    {"SubmitAttachmentStateChanges", unsupported_for_clients, kRefused, kAgentOnly},
    {"SubmitContainerStateChange", unsupported_for_clients, kRefused, kAgentOnly},
    {"SubmitTaskStateChange", unsupported_for_clients, kRefused, kAgentOnly},
    {"TagResource", tag_resource, kWorks, ""},
    {"UntagResource", untag_resource, kWorks, ""},
    {"UpdateCapacityProvider", change_capacity_provider, kPartly, kNoInstances},
    {"UpdateCluster", update_cluster, kWorks, ""},
    {"UpdateClusterSettings", update_cluster_settings, kWorks, ""},
    {"UpdateContainerAgent", update_container_agent, kRefused, "there is never an update"},
    {"UpdateContainerInstancesState", update_container_instances_state, kWorks, ""},
    {"UpdateDaemon", unsupported_feature, kRefused, kNoDaemons},
    {"UpdateExpressGatewayService", unsupported_feature, kRefused, kNoGateway},
    {"UpdateService", update_service, kPartly, kNoPlanes},
    {"UpdateServicePrimaryTaskSet", update_service_primary_task_set, kWorks, ""},
    {"UpdateTaskProtection", update_task_protection, kWorks, ""},
    {"UpdateTaskSet", update_task_set, kWorks, ""},
});

}  // namespace

std::span<const Operation> all_operations() {
  return kOperations;
}

const Operation* find_operation(std::string_view name) {
  return find_operation_in(all_operations(), name);
}

}  // namespace berth::api::ecs
