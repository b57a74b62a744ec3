#include "agent/endpoint_document.h"

#include "aws/endpoint.h"
#include "base/ids.h"
#include "netns/files.h"
#include "runtime/task_plan.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::ContainerDefinition;
using scheduler::NetworkMode;

constexpr uint32_t kCpuUnitsMin = 2;  // what 0 and 1 mean
constexpr double kCpuUnitsOfOne = 1024;
constexpr const char* kUnregistered = "1";  // the revision of a definition that is in no catalog

std::string arn_of(const std::string& region, const std::string& account,
                   const std::string& resource) {
  return fmt::format("arn:{}:ecs:{}:{}:{}", aws::partition_of(region), region, account, resource);
}

const std::string& cluster_of(const scheduler::Task& task) {
  return task.request.cluster;
}

std::string revision_of(const scheduler::Task& task) {
  return task.request.revision == 0 ? kUnregistered : fmt::format("{}", task.request.revision);
}

// Those of RunTask; of a task without one those of its definition.
const std::vector<scheduler::KeyValue>& tags_of(const scheduler::Task& task) {
  bool is_asked = task.request.revision != 0;
  return is_asked ? task.request.tags : task.definition.tags;
}

class Document {
 public:
  explicit Document(const EndpointFacts& facts)
      : facts_(facts), task_(facts.task), definition_(facts.task.definition) {}

  Json render() const {
    Json containers = Json::object();
    for (const auto& [name, id] : facts_.ids.containers) containers[id] = name;
    Json document = {{"version", kEndpointDocumentVersion}, {"containers", containers}};
    document["essential"] = Json::array();
    for (const ContainerDefinition& each : definition_.container_definitions) {
      if (each.essential) document["essential"].push_back(each.name);
    }
    if (!definition_.task_role_arn.empty()) {
      document["credentials"] = {{"id", facts_.ids.credentials}, {"roleArn", role_arn()}};
    }
    if (!facts_.ephemeral_storage.empty()) {
      document["ephemeralStorage"] = facts_.ephemeral_storage;
    }
    document["task"] = task();
    return document;
  }

 private:
  bool is_fargate() const { return definition_.requires_fargate(); }

  std::string arn(const std::string& resource) const {
    return arn_of(facts_.region, facts_.account, resource);
  }
  std::string cluster() const {
    return is_fargate() ? arn("cluster/" + cluster_of(task_)) : cluster_of(task_);
  }
  std::string task_arn() const {
    return task_names_of(task_, facts_.region, facts_.account).task_arn;
  }

  // A task definition may give the name alone.
  std::string role_arn() const {
    const std::string& role = definition_.task_role_arn;
    if (role.starts_with("arn:")) return role;
    return fmt::format("arn:{}:iam::{}:role/{}", aws::partition_of(facts_.region), facts_.account,
                       role);
  }

  Json task() const {
    Json task = {{"Cluster", cluster()},         {"TaskARN", task_arn()},
                 {"Family", definition_.family}, {"Revision", revision_of(task_)},
                 {"DesiredStatus", "RUNNING"},   {"KnownStatus", "PULLED"}};
    Json limits = Json::object();
    if (definition_.cpu) limits["CPU"] = *definition_.cpu / kCpuUnitsOfOne;
    if (definition_.memory_mib) limits["Memory"] = *definition_.memory_mib;
    if (!limits.empty()) task["Limits"] = limits;
    task["PullStartedAt"] = format_rfc3339(facts_.pull_started_at);
    task["PullStoppedAt"] = format_rfc3339(facts_.pull_stopped_at);
    task["AvailabilityZone"] = facts_.region + "a";
    task["LaunchType"] = is_fargate() ? "FARGATE" : "EC2";
    task["Group"] = task_.group;
    Json tags = Json::object();
    for (const scheduler::KeyValue& tag : tags_of(task_)) tags[tag.name] = tag.value;
    if (!tags.empty()) task["TaskTags"] = tags;
    task["FaultInjectionEnabled"] = definition_.enable_fault_injection;
    task["Containers"] = Json::array();
    for (const ContainerDefinition& each : definition_.container_definitions) {
      task["Containers"].push_back(container(each));
    }
    return task;
  }

  Json container(const ContainerDefinition& each) const {
    auto digest = facts_.digests.find(each.name);
    Json container = {{"DockerId", docker_id_of(task_.id, each.name)},
                      {"Name", each.name},
                      {"DockerName", each.name},
                      {"Image", each.image},
                      {"ImageID", digest == facts_.digests.end() ? "" : digest->second}};
    Json ports = ports_of(each.name);
    if (!ports.empty()) container["Ports"] = ports;
    container["Labels"] = labels_of(each);
    container["DesiredStatus"] = "RUNNING";
    container["KnownStatus"] = "PULLED";
    Json limits = {{"CPU", std::max(each.cpu, kCpuUnitsMin)}};
    auto memory = each.memory_mib ? each.memory_mib : each.memory_reservation_mib;
    limits["Memory"] = memory.value_or(0);
    container["Limits"] = limits;
    container["Type"] = "NORMAL";
    add_log(each, container);
    const scheduler::Container* stored = task_.find_container(each.name);
    container["ContainerARN"] = arn(fmt::format("container/{}/{}/{}", cluster_of(task_), task_.id,
                                                stored == nullptr ? "" : stored->id));
    if (each.health_check) container["Health"] = {{"status", "UNKNOWN"}};
    Json volumes = volumes_of(each);
    if (!volumes.empty()) container["Volumes"] = volumes;
    container["Networks"] = Json::array({network_of(each.name)});
    container["Snapshotter"] = "overlayfs";
    if (each.restart_policy) container["RestartCount"] = 0;
    return container;
  }

  void add_log(const ContainerDefinition& each, Json& container) const {
    container["LogDriver"] = each.log_configuration ? each.log_configuration->driver : "json-file";
    if (!each.log_configuration || each.log_configuration->options.empty()) return;
    Json& options = container["LogOptions"];
    for (const auto& [name, value] : each.log_configuration->options) options[name] = value;
    auto prefix = each.log_configuration->options.find("awslogs-stream-prefix");
    if (prefix == each.log_configuration->options.end()) return;
    options["awslogs-stream"] = fmt::format("{}/{}/{}", prefix->second, each.name, task_.id);
  }

  Json labels_of(const ContainerDefinition& each) const {
    Json labels = Json::object();
    for (const auto& [name, value] : each.docker_labels) labels[name] = value;
    labels["com.amazonaws.ecs.cluster"] = cluster();
    labels["com.amazonaws.ecs.container-name"] = each.name;
    labels["com.amazonaws.ecs.task-arn"] = task_arn();
    labels["com.amazonaws.ecs.task-definition-family"] = definition_.family;
    labels["com.amazonaws.ecs.task-definition-version"] = revision_of(task_);
    return labels;
  }

  Json ports_of(const std::string& name) const {
    Json ports = Json::array();
    auto found = facts_.ports.find(name);
    if (found == facts_.ports.end()) return ports;
    for (const netns::PublishedPort& port : found->second) {
      Json entry = {{"ContainerPort", port.container_port},
                    {"Protocol", netns::name_of(port.protocol)},
                    {"HostPort", port.host_port}};
      if (port.host_ip.value != 0) entry["HostIp"] = to_string(port.host_ip);
      ports.push_back(entry);
    }
    return ports;
  }

  Json volumes_of(const ContainerDefinition& each) const {
    Json volumes = Json::array();
    for (const scheduler::MountPoint& point : effective_mount_points(definition_, each)) {
      auto source = facts_.volumes.find(point.source_volume);
      if (source == facts_.volumes.end()) continue;
      volumes.push_back({{"DockerName", point.source_volume},
                         {"Source", source->second},
                         {"Destination", point.container_path}});
    }
    return volumes;
  }

  Json network_of(const std::string& name) const {
    Json network = {{"NetworkMode", scheduler::name_of(definition_.network_mode)},
                    {"IPv4Addresses", Json::array()}};
    auto found = facts_.networks.find(name);
    if (found == facts_.networks.end()) return network;
    const netns::Endpoint& endpoint = found->second;
    network["IPv4Addresses"].push_back(to_string(endpoint.address.address));
    if (endpoint.address6) network["IPv6Addresses"] = {to_string(*endpoint.address6)};
    if (definition_.network_mode != NetworkMode::kAwsvpc) return network;
    Ipv4Net subnet{endpoint.address.network(), endpoint.address.prefix};
    network["AttachmentIndex"] = 0;
    network["MACAddress"] = sys::to_string(endpoint.mac);
    network["IPv4SubnetCIDRBlock"] = to_string(subnet);
    if (facts_.subnet6) network["IPv6SubnetCIDRBlock"] = to_string(*facts_.subnet6);
    if (!facts_.name_servers.empty()) network["DomainNameServers"] = facts_.name_servers;
    if (!facts_.search_domains.empty()) network["DomainNameSearchList"] = facts_.search_domains;
    network["PrivateDNSName"] = netns::render_hostname(endpoint.address.address, facts_.region);
    network["SubnetGatewayIpv4Address"] = to_string(Ipv4Net{endpoint.gateway, subnet.prefix});
    return network;
  }

  // What is run from a file has never been registered.

  const EndpointFacts& facts_;
  const scheduler::Task& task_;
  const scheduler::TaskDefinition& definition_;
};

}  // namespace

EndpointIds make_endpoint_ids(const scheduler::Task& task, Rng& rng) {
  EndpointIds ids;
  for (const ContainerDefinition& container : task.definition.container_definitions) {
    ids.containers[container.name] = make_uuid(rng);
  }
  ids.credentials = make_uuid(rng);
  return ids;
}

namespace {

bool has_hosts_network(const scheduler::TaskDefinition& definition, const std::string& name) {
  const ContainerDefinition* container = definition.find_container(name);
  bool has_its_own = container != nullptr && container->disable_networking;
  return definition.network_mode == NetworkMode::kHost && !has_its_own;
}

}  // namespace

EndpointVariables endpoint_variables(const scheduler::Task& task, const EndpointIds& ids,
                                     const std::string& container, const std::string& region) {
  bool on_loopback = ids.host_port && has_hosts_network(task.definition, container);
  std::string base = on_loopback ? fmt::format("http://127.0.0.1:{}", *ids.host_port)
                                 : "http://" + to_string(runtime::kEndpointAddress);
  const std::string& id = ids.containers.at(container);
  EndpointVariables variables;
  variables.always = {"ECS_CONTAINER_METADATA_URI=" + base + "/v3/" + id,
                      "ECS_CONTAINER_METADATA_URI_V4=" + base + "/v4/" + id,
                      "ECS_AGENT_URI=" + base + "/api/" + id,
                      std::string("AWS_EXECUTION_ENV=") +
                          (task.definition.requires_fargate() ? "AWS_ECS_FARGATE" : "AWS_ECS_EC2")};
  if (!task.definition.task_role_arn.empty()) {
    std::string path = "/v2/credentials/" + ids.credentials;
    // The relative one is relative to 169.254.170.2, whatever else we say.
    variables.always.push_back(on_loopback ? "AWS_CONTAINER_CREDENTIALS_FULL_URI=" + base + path
                                           : "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=" + path);
  }
  variables.region = {"AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region};
  return variables;
}

TaskNames task_names_of(const scheduler::Task& task, const std::string& region,
                        const std::string& account) {
  return {cluster_of(task),
          arn_of(region, account, fmt::format("task/{}/{}", cluster_of(task), task.id)),
          fmt::format("{}:{}", task.definition.family, revision_of(task))};
}

std::string render_endpoint_document(const EndpointFacts& facts) {
  return Document(facts).render().dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string docker_id_of(const std::string& task_id, const std::string& container) {
  // FNV-1a: stable across builds, which std::hash need not be.
  uint32_t hash = 2166136261u;
  for (unsigned char c : container) hash = (hash ^ c) * 16777619u;
  return fmt::format("{}-{:010d}", task_id, hash);
}

}  // namespace berth::agent
