#include "api/ecs_shapes.h"

#include "api/ecs_launch.h"
#include "api/ecs_node.h"
#include "api/ecs_service_lookup.h"
#include "api/ecs_volumes.h"
#include "scheduler/holding.h"
#include "scheduler/task_definition_parse.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>

namespace berth::api::ecs {
namespace {

using scheduler::Container;
using scheduler::ContainerDefinition;
using scheduler::Task;
using scheduler::TaskStatus;

constexpr int kRuntimeIdDigits = 10;
constexpr uint32_t kFargateStorageGiB = 20;  // what AWS shows where nothing is asked for

void put_time(Json& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = epoch_of(*time);
}
void put_text(Json& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}
void put_number(Json& json, const char* key, const std::optional<uint32_t>& number) {
  if (number) json[key] = fmt::format("{}", *number);
}

// "<task>-<10 digits>", the form of Fargate's runtime ids; the container's metadata says the same.
std::string runtime_id_of(const Task& task, const Container& container) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (unsigned char c : container.name) hash = (hash ^ c) * 16777619u;
  return fmt::format("{}-{:0{}d}", task.id, hash, kRuntimeIdDigits);
}

Json binding_json(const scheduler::NetworkBinding& binding) {
  Json json = {{"bindIP", binding.bind_ip}};
  if (binding.count == 1) {
    json["containerPort"] = binding.container_port;
    json["hostPort"] = binding.host_port;
  } else {
    json["containerPortRange"] =
        fmt::format("{}-{}", binding.container_port, binding.container_port + binding.count - 1);
    json["hostPortRange"] =
        fmt::format("{}-{}", binding.host_port, binding.host_port + binding.count - 1);
  }
  json["protocol"] = name_of(binding.protocol);
  return json;
}

Json bindings_json(const Container& container) {
  Json bindings = Json::array();
  for (const scheduler::NetworkBinding& each : container.network_bindings) {
    bindings.push_back(binding_json(each));
  }
  return bindings;
}

// There is no agent in the container that could start late or fail: who enters it is this host.
Json managed_agents_json(const Container& container) {
  Json agent = {{"name", "ExecuteCommandAgent"}};
  put_time(agent, "lastStartedAt", container.started_at);
  bool runs = container.lifecycle.status() == scheduler::ContainerStatus::kRunning;
  agent["lastStatus"] = runs ? "RUNNING" : container.started_at ? "STOPPED" : "PENDING";
  return Json::array({std::move(agent)});
}

Json container_json(const Ecs& ecs, const Task& task, const Container& container) {
  const ContainerDefinition* definition = task.definition.find_container(container.name);
  Json json = {{"containerArn", container_arn(ecs, task, container)},
               {"taskArn", task_arn(ecs, task)},
               {"name", container.name},
               {"image", container.image},
               {"lastStatus", name_of(container.lifecycle.status())},
               {"networkInterfaces", Json::array()},
               {"healthStatus", name_of(container.health.status)},
               {"cpu", fmt::format("{}", definition == nullptr ? 0 : definition->cpu)}};
  put_text(json, "imageDigest", container.image_digest);
  if (container.started_at) {
    json["runtimeId"] = runtime_id_of(task, container);
    json["networkBindings"] = bindings_json(container);
  }
  if (container.exit_code) json["exitCode"] = *container.exit_code;
  put_text(json, "reason", container.reason);
  for (const scheduler::NetworkInterface& interface : container.network_interfaces) {
    Json shown = {{"attachmentId", interface.attachment_id},
                  {"privateIpv4Address", interface.private_ipv4_address}};
    put_text(shown, "ipv6Address", interface.ipv6_address);
    json["networkInterfaces"].push_back(std::move(shown));
  }
  if (definition != nullptr) {
    put_number(json, "memory", definition->memory_mib);
    put_number(json, "memoryReservation", definition->memory_reservation_mib);
  }
  if (task.request.enable_execute_command) json["managedAgents"] = managed_agents_json(container);
  return json;
}

const char* attachment_status_of(const Task& task, bool has_address) {
  if (is_stopped(task)) return "DELETED";
  if (!has_address) return "PRECREATED";
  return task.orders.release ? "DETACHING" : "ATTACHED";
}

// "ip-172-29-0-2.us-east-1.compute.internal", as the task's own files say it.
std::string private_dns_name(const Ecs& ecs, std::string address) {
  std::replace(address.begin(), address.end(), '.', '-');
  return fmt::format("ip-{}.{}.compute.internal", address, ecs.settings.region);
}

Json interface_attachment_json(const Ecs& ecs, const Task& task) {
  const scheduler::NetworkInterface* interface = nullptr;
  for (const Container& container : task.containers) {
    if (interface == nullptr && !container.network_interfaces.empty()) {
      interface = &container.network_interfaces.front();
    }
  }
  Json details = Json::array();
  auto add_detail = [&](const char* name, const std::string& value) {
    if (!value.empty()) details.push_back({{"name", name}, {"value", value}});
  };
  add_detail("subnetId", task.request.subnet);
  if (interface != nullptr) {
    add_detail("networkInterfaceId", task.interface_id);
    add_detail("macAddress", interface->mac_address);
    add_detail("privateDnsName", private_dns_name(ecs, interface->private_ipv4_address));
    add_detail("privateIPv4Address", interface->private_ipv4_address);
    add_detail("ipv6Address", interface->ipv6_address);
  }
  return {{"id", task.attachment_id},
          {"type", "ElasticNetworkInterface"},
          {"status", attachment_status_of(task, interface != nullptr)},
          {"details", std::move(details)}};
}

Json attachments_json(const Ecs& ecs, const Task& task) {
  Json list = Json::array();
  if (!task.attachment_id.empty()) list.push_back(interface_attachment_json(ecs, task));
  Json volume = volume_attachment_json(task);
  if (!volume.is_null()) list.push_back(std::move(volume));
  return list;
}

// Every container is listed, overridden or not.
Json overrides_json(const Task& task) {
  Json json = task.request.overrides_json.empty() ? Json::object()
                                                  : stored_json(task.request.overrides_json);
  Json containers = Json::array();
  for (const Container& container : task.containers) {
    Json shown = {{"name", container.name}};
    if (json.contains("containerOverrides")) {
      for (const Json& each : json["containerOverrides"]) {
        if (each.value("name", "") == container.name) shown = each;
      }
    }
    containers.push_back(std::move(shown));
  }
  json["containerOverrides"] = std::move(containers);
  json["inferenceAcceleratorOverrides"] = Json::array();
  return json;
}

bool is_fargate(const Task& task) {
  return task.request.launch_type == "FARGATE";
}

void put_launch(const Ecs& ecs, const Task& task, Json& json) {
  const scheduler::TaskRequest& request = task.request;
  json["launchType"] = request.launch_type.empty() ? "EC2" : request.launch_type;
  put_text(json, "capacityProviderName", request.capacity_provider);
  if (!is_fargate(task)) {
    json["containerInstanceArn"] = container_instance_arn(ecs, request.cluster);
    return;
  }
  uint32_t gib = task.definition.ephemeral_storage_gib.value_or(kFargateStorageGiB);
  json["platformVersion"] =
      request.platform_version == kLatestPlatform ? kPlatformVersion : request.platform_version;
  json["platformFamily"] = "Linux";
  json["ephemeralStorage"] = {{"sizeInGiB", gib}};
  json["fargateEphemeralStorage"] = {{"sizeInGiB", gib}};
}

void put_times(const Task& task, Json& json) {
  put_time(json, "createdAt", task.created_at);
  put_time(json, "connectivityAt", task.connectivity_at);
  put_time(json, "pullStartedAt", task.pull_started_at);
  put_time(json, "pullStoppedAt", task.pull_stopped_at);
  put_time(json, "startedAt", task.started_at);
  put_time(json, "stoppingAt", task.stopping_at);
  put_time(json, "executionStoppedAt", task.execution_stopped_at);
  put_time(json, "stoppedAt", task.stopped_at);
}

struct TaskCounts {
  int running = 0;
  int pending = 0;
  int running_ec2 = 0;
  int pending_ec2 = 0;
};

TaskCounts counts_of(const Ecs& ecs, const std::string& cluster) {
  TaskCounts counts;
  for (const Task* task : tasks_of(ecs, cluster)) {
    int ec2 = is_fargate(*task) ? 0 : 1;
    if (task->last_status() == TaskStatus::kRunning) {
      ++counts.running;
      counts.running_ec2 += ec2;
    } else if (task->last_status() < TaskStatus::kRunning) {
      ++counts.pending;
      counts.pending_ec2 += ec2;
    }
  }
  return counts;
}

struct ServiceCounts {
  int active = 0;
  int active_fargate = 0;
  int draining = 0;
  int draining_fargate = 0;
};

ServiceCounts service_counts_of(const Ecs& ecs, const std::string& cluster) {
  ServiceCounts counts;
  for (const scheduler::Service* service : services_of(ecs, cluster)) {
    int fargate = launch_type_of(ecs, *service) == "FARGATE" ? 1 : 0;
    if (service->status == scheduler::ServiceStatus::kActive) {
      ++counts.active;
      counts.active_fargate += fargate;
    } else if (service->status == scheduler::ServiceStatus::kDraining) {
      ++counts.draining;
      counts.draining_fargate += fargate;
    }
  }
  return counts;
}

Json statistics_json(const TaskCounts& counts, const ServiceCounts& services) {
  Json list = Json::array();
  auto put = [&](const char* name, int value) {
    list.push_back({{"name", name}, {"value", fmt::format("{}", value)}});
  };
  put("runningEC2TasksCount", counts.running_ec2);
  put("runningFargateTasksCount", counts.running - counts.running_ec2);
  put("pendingEC2TasksCount", counts.pending_ec2);
  put("pendingFargateTasksCount", counts.pending - counts.pending_ec2);
  put("activeEC2ServiceCount", services.active - services.active_fargate);
  put("activeFargateServiceCount", services.active_fargate);
  put("drainingEC2ServiceCount", services.draining - services.draining_fargate);
  put("drainingFargateServiceCount", services.draining_fargate);
  return list;
}

Json compatibilities_json(const Ecs& ecs, const scheduler::Revision& revision,
                          scheduler::TaskDefinition& definition) {
  Json list = Json::array();
  auto document = json::Document::parse(revision.definition_json, {.name = "definition"});
  if (!document) return list;
  auto fargate = scheduler::parse_task_definition(document->root(), ecs.settings.architecture,
                                                  scheduler::LaunchType::kFargate);
  definition =
      scheduler::parse_task_definition(document->root(), ecs.settings.architecture).definition;
  if (definition.network_mode != scheduler::NetworkMode::kAwsvpc) list.push_back("EXTERNAL");
  list.push_back("EC2");  // recorded of definitions with ephemeralStorage, too
  if (fargate.findings.empty() && document->root().find("networkMode")) list.push_back("FARGATE");
  return list;
}

Json resource_json(const char* name, uint64_t value) {
  return {{"name", name},
          {"type", "INTEGER"},
          {"doubleValue", 0.0},
          {"longValue", 0},
          {"integerValue", value}};
}
Json ports_json(const char* name, const std::set<uint16_t>& ports) {
  Json list = Json::array();
  for (uint16_t port : ports) list.push_back(fmt::format("{}", port));
  return {{"name", name},   {"type", "STRINGSET"}, {"doubleValue", 0.0},
          {"longValue", 0}, {"integerValue", 0},   {"stringSetValue", std::move(list)}};
}

// CPU and MEMORY are what there is, ports what is taken.
Json resources_json(const Ecs& ecs, const Holding& taken) {
  auto left = [](uint64_t all, uint64_t part) { return all > part ? all - part : 0; };
  std::set<uint16_t> tcp = {22, 2375, 2376, 51678, 51679, 51680};  // reserved on any instance
  std::set<uint16_t> udp;
  for (const auto& [protocol, port] : taken.ports) {
    (protocol == scheduler::Protocol::kTcp ? tcp : udp).insert(port);
  }
  return Json::array({resource_json("CPU", left(ecs.settings.cpu_units, taken.cpu_units)),
                      resource_json("MEMORY", left(ecs.settings.memory_mib, taken.memory_mib)),
                      ports_json("PORTS", tcp), ports_json("PORTS_UDP", udp)});
}

}  // namespace

double epoch_of(WallTime time) {
  auto count = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return static_cast<double>(count) / 1000.0;
}

Json tags_json(const std::vector<scheduler::KeyValue>& tags) {
  Json list = Json::array();
  for (const scheduler::KeyValue& tag : tags) {
    list.push_back({{"key", tag.name}, {"value", tag.value}});
  }
  return list;
}

Json stored_json(const std::string& text) {
  if (text.empty()) return Json::array();
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? Json::array() : json;
}

Json failures_json(const std::vector<Failure>& failures) {
  Json list = Json::array();
  for (const Failure& failure : failures) {
    Json json = {{"arn", failure.arn}, {"reason", failure.reason}};
    put_text(json, "detail", failure.detail);
    list.push_back(std::move(json));
  }
  return list;
}

std::string availability_zone_of(const Ecs& ecs) {
  return ecs.settings.region + "a";
}

namespace {

// That of its subnet.
std::string zone_of_task(const Ecs& ecs, const Task& task) {
  auto subnet = ecs.settings.subnets.find(task.request.subnet);
  bool has_one = subnet != ecs.settings.subnets.end();
  return has_one ? ecs.settings.region + subnet->second : availability_zone_of(ecs);
}

}  // namespace

Json task_json(const Ecs& ecs, const Task& task, Tags tags) {
  Json containers = Json::array();
  for (const Container& container : task.containers) {
    containers.push_back(container_json(ecs, task, container));
  }
  const char* architecture =
      ecs.settings.architecture == scheduler::CpuArchitecture::kArm64 ? "arm64" : "x86_64";
  Json json = {
      {"attachments", attachments_json(ecs, task)},
      {"attributes", Json::array({{{"name", "ecs.cpu-architecture"}, {"value", architecture}}})},
      {"availabilityZone", zone_of_task(ecs, task)},
      {"clusterArn", cluster_arn(ecs, task.request.cluster)},
      {"containers", std::move(containers)},
      {"desiredStatus", name_of(task.desired_status)},
      {"enableExecuteCommand", task.request.enable_execute_command},
      {"group", task.group},
      {"healthStatus", name_of(scheduler::health_status_of(task))},
      {"lastStatus", name_of(task.last_status())},
      {"overrides", overrides_json(task)},
      {"tags", tags == Tags::kWith ? tags_json(task.request.tags) : Json::array()},
      {"taskArn", task_arn(ecs, task)},
      {"taskDefinitionArn", revision_arn(ecs, task.definition.family, task.request.revision)},
      {"version", task.version}};
  if (task.connectivity_at) json["connectivity"] = "CONNECTED";  // also when it has stopped
  scheduler::Holding held = scheduler::holding_of(task.definition);
  json["cpu"] = fmt::format("{}", held.cpu_units);
  json["memory"] = fmt::format("{}", held.memory_mib);
  put_text(json, "startedBy", task.request.started_by);
  if (task.stop_code) json["stopCode"] = name_of(*task.stop_code);
  put_text(json, "stoppedReason", task.stopped_reason);
  put_launch(ecs, task, json);
  put_times(task, json);
  return json;
}

Json cluster_json(const Ecs& ecs, const scheduler::Cluster& cluster,
                  const std::vector<std::string>& include) {
  auto has = [&](const char* word) {
    return std::find(include.begin(), include.end(), word) != include.end();
  };
  TaskCounts counts = counts_of(ecs, cluster.name);
  ServiceCounts services = service_counts_of(ecs, cluster.name);
  Json json = {
      {"clusterArn", cluster_arn(ecs, cluster.name)},
      {"clusterName", cluster.name},
      {"status", cluster.active ? "ACTIVE" : "INACTIVE"},
      {"registeredContainerInstancesCount", cluster.active ? 1 : 0},
      {"runningTasksCount", counts.running},
      {"pendingTasksCount", counts.pending},
      {"activeServicesCount", services.active},
      {"statistics", has("STATISTICS") ? statistics_json(counts, services) : Json::array()},
      {"tags", has("TAGS") ? tags_json(cluster.tags) : Json::array()},
      {"settings", has("SETTINGS") ? stored_json(cluster.settings_json) : Json::array()},
      {"capacityProviders", cluster.capacity_providers},
      {"defaultCapacityProviderStrategy", stored_json(cluster.default_strategy_json)}};
  if (has("CONFIGURATIONS") && !cluster.configuration_json.empty()) {
    json["configuration"] = stored_json(cluster.configuration_json);
  }
  if (has("ATTACHMENTS")) json["attachments"] = Json::array();
  if (!cluster.service_connect_json.empty()) {
    json["serviceConnectDefaults"] = stored_json(cluster.service_connect_json);
  }
  return json;
}

Json revision_json(const Ecs& ecs, const scheduler::Revision& revision) {
  Json json = stored_json(revision.definition_json);
  scheduler::TaskDefinition definition;
  Json compatibilities = compatibilities_json(ecs, revision, definition);
  Json attributes = Json::array();
  for (const std::string& name : required_attributes(definition)) {
    attributes.push_back({{"name", name}});
  }
  json["taskDefinitionArn"] = revision_arn(ecs, revision.family, revision.number);
  json["revision"] = revision.number;
  json["status"] = name_of(revision.status);
  json["requiresAttributes"] = std::move(attributes);
  json["compatibilities"] = std::move(compatibilities);
  json["registeredAt"] = epoch_of(revision.registered_at);
  put_text(json, "registeredBy", revision.registered_by);
  put_time(json, "deregisteredAt", revision.deregistered_at);
  put_time(json, "deleteRequestedAt", revision.delete_requested_at);
  return json;
}

Json container_instance_json(const Ecs& ecs, const scheduler::Cluster& cluster, Tags tags) {
  Json attributes = Json::array();
  std::vector<scheduler::KeyValue> all = built_in_attributes(ecs);
  all.insert(all.end(), cluster.node.attributes.begin(), cluster.node.attributes.end());
  for (const scheduler::KeyValue& attribute : all) {
    Json json = {{"name", attribute.name}};
    put_text(json, "value", attribute.value);
    attributes.push_back(std::move(json));
  }
  TaskCounts counts = counts_of(ecs, cluster.name);
  return {{"containerInstanceArn", container_instance_arn(ecs, cluster.name)},
          {"version", 1},
          {"versionInfo", {{"agentVersion", BERTH_VERSION}}},
          {"remainingResources", resources_json(ecs, reserved(ecs))},
          {"registeredResources", resources_json(ecs, {})},
          {"status", cluster.node.draining ? "DRAINING" : "ACTIVE"},
          {"agentConnected", true},
          {"runningTasksCount", counts.running_ec2},
          {"pendingTasksCount", counts.pending_ec2},
          {"attributes", std::move(attributes)},
          {"registeredAt", epoch_of(ecs.catalog.node_registered_at())},
          {"attachments", Json::array()},
          {"tags", tags == Tags::kWith ? tags_json(cluster.node.tags) : Json::array()}};
}

}  // namespace berth::api::ecs
