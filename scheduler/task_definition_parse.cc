#include "scheduler/task_definition_parse.h"

#include "base/text.h"
#include "scheduler/environment_files.h"
#include "scheduler/firelens.h"
#include "scheduler/key_values.h"
#include "scheduler/log_configuration_parse.h"
#include "scheduler/mesh_proxy_parse.h"
#include "scheduler/placement_needs.h"
#include "scheduler/reader.h"
#include "scheduler/refused_fields_check.h"
#include "scheduler/sizes.h"
#include "scheduler/volume_parse.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

namespace berth::scheduler {
namespace {

constexpr IntegerRange kInteger = {std::numeric_limits<int32_t>::min(),
                                   std::numeric_limits<int32_t>::max()};
constexpr IntegerRange kSeconds = {0, 86400};
constexpr uint16_t kPortMax = 65535;
constexpr size_t kContainerShown = 60;
constexpr IntegerRange kHealthInterval = {5, 300};
constexpr IntegerRange kHealthTimeout = {2, 60};
constexpr IntegerRange kHealthRetries = {1, 10};
constexpr IntegerRange kHealthStartPeriod = {0, 300};
constexpr IntegerRange kUlimitRange = {kUnlimited, std::numeric_limits<int64_t>::max()};

std::optional<uint32_t> as_u32(std::optional<int64_t> number) {
  if (!number) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// The value of an enumeration's word; the first of `values` when absent or unknown. One whose name
// is "" stands for an absent word.
template <class Enum, size_t N>
Enum read_enum(Reader& reader, const json::Node& node, std::string_view key,
               const Enum (&values)[N]) {
  std::string word = reader.string(node, key);
  std::vector<std::string> words;
  for (Enum value : values) {
    if (word == name_of(value)) return value;
    if (*name_of(value) != '\0') words.emplace_back(name_of(value));
  }
  if (!word.empty()) {
    reader.malformed_at(
        node, key, fmt::format("'{}' is not one of [{}]", printable(word, 60), join(words, ", ")));
  }
  return values[0];
}

// "8000-8010": the first port is below the last.
void read_port_range(Reader& reader, const json::Node& node, const std::string& container,
                     PortMapping& port) {
  std::string range = reader.string(node, "containerPortRange");
  size_t dash = range.find('-');
  auto first = parse_u64(range.substr(0, dash));
  auto last = parse_u64(dash == std::string::npos ? "" : range.substr(dash + 1));
  bool good = first && last && *first >= 1 && *first < *last && *last <= kPortMax;
  if (!good) {
    return reader.malformed_at(
        node, "containerPortRange",
        fmt::format("Invalid 'containerPortRange' setting for container '{}'. It must be "
                    "FIRST-LAST, two ports from 1 to 65535, the first below the last.",
                    printable(container, kContainerShown)));
  }
  port.container_port = static_cast<uint16_t>(*first);
  port.container_port_last = static_cast<uint16_t>(*last);
}

// Of a container of this name.
PortMapping read_port(Reader& reader, const json::Node& node, const std::string& container) {
  PortMapping port;
  if (node.find("containerPortRange")) {
    read_port_range(reader, node, container, port);
    for (const char* single : {"containerPort", "hostPort"}) {
      if (!node.find(single)) continue;
      reader.malformed_at(
          node, single,
          fmt::format("Invalid port mapping for container '{}', cannot specify both "
                      "single port and port range.",
                      printable(container, kContainerShown)));
    }
  } else {
    if (!node.find("containerPort")) {
      reader.malformed_at(node, "containerPort",
                          fmt::format("Invalid 'containerPort' setting for container '{}'.",
                                      printable(container, kContainerShown)));
    }
    auto number = reader.integer(node, "containerPort", {1, kPortMax});
    port.container_port = static_cast<uint16_t>(number.value_or(0));
    auto host_port = reader.integer(node, "hostPort", {0, kPortMax});
    port.host_port = static_cast<uint16_t>(host_port.value_or(0));
  }
  port.protocol = read_enum(reader, node, "protocol", {Protocol::kTcp, Protocol::kUdp});
  port.name = reader.string(node, "name");
  std::string app = reader.string(node, "appProtocol");
  if (!app.empty() && app != "http" && app != "http2" && app != "grpc") {
    reader.malformed_at(node, "appProtocol",
                        fmt::format("'{}' is not one of [http, http2, grpc]", printable(app, 60)));
  }
  return port;
}

MountPoint read_mount_point(Reader& reader, const json::Node& node) {
  return {.source_volume = reader.required_string(node, "sourceVolume"),
          .container_path = reader.required_string(node, "containerPath"),
          .read_only = reader.boolean(node, "readOnly", false)};
}

VolumeFrom read_volume_from(Reader& reader, const json::Node& node) {
  return {.source_container = reader.required_string(node, "sourceContainer"),
          .read_only = reader.boolean(node, "readOnly", false)};
}

Ulimit read_ulimit(Reader& reader, const json::Node& node) {
  return {.name = reader.required_string(node, "name"),
          .soft_limit = reader.required_integer(node, "softLimit", kUlimitRange).value_or(0),
          .hard_limit = reader.required_integer(node, "hardLimit", kUlimitRange).value_or(0)};
}

Dependency read_dependency(Reader& reader, const json::Node& node) {
  Dependency dependency;
  dependency.container_name = reader.required_string(node, "containerName");
  reader.required_string(node, "condition");
  dependency.condition = read_enum(
      reader, node, "condition",
      {Condition::kStart, Condition::kComplete, Condition::kSuccess, Condition::kHealthy});
  return dependency;
}

SecretVariable read_secret(Reader& reader, const json::Node& node) {
  return {.name = reader.required_string(node, "name"),
          .value_from = reader.required_string(node, "valueFrom")};
}

SystemControl read_system_control(Reader& reader, const json::Node& node) {
  return {.name = reader.required_string(node, "namespace"),
          .value = reader.required_string(node, "value")};
}

HostEntry read_host_entry(Reader& reader, const json::Node& node) {
  return {.hostname = reader.required_string(node, "hostname"),
          .ip_address = reader.required_string(node, "ipAddress")};
}

Device read_device(Reader& reader, const json::Node& node) {
  Device device;
  device.host_path = reader.required_string(node, "hostPath");
  device.container_path = reader.string(node, "containerPath");
  if (device.container_path.empty()) device.container_path = device.host_path;
  std::vector<std::string> permissions = reader.strings(node, "permissions");
  if (permissions.empty()) return device;
  auto has = [&](const char* word) {
    return std::find(permissions.begin(), permissions.end(), word) != permissions.end();
  };
  device.read = has("read");
  device.write = has("write");
  device.mknod = has("mknod");
  for (const std::string& word : permissions) {
    if (word == "read" || word == "write" || word == "mknod") continue;
    reader.malformed_at(
        node, "permissions",
        fmt::format("'{}' is not one of [read, write, mknod]", printable(word, 60)));
  }
  return device;
}

Tmpfs read_tmpfs(Reader& reader, const json::Node& node) {
  Tmpfs tmpfs;
  tmpfs.container_path = reader.required_string(node, "containerPath");
  tmpfs.size_mib = as_u32(reader.required_integer(node, "size", {1, kSize.max})).value_or(0);
  tmpfs.mount_options = reader.strings(node, "mountOptions");
  return tmpfs;
}

// All items of a list of objects whose shape is `object`.
template <class T>
std::vector<T> read_list(Reader& reader, const json::Node& node, std::string_view key,
                         std::string_view object, T (*read)(Reader&, const json::Node&)) {
  std::vector<T> items;
  for (const json::Node& item : reader.array(node, key)) {
    if (reader.check_members(item, object)) items.push_back(read(reader, item));
  }
  return items;
}

LinuxParameters read_linux_parameters(Reader& reader, const json::Node& container) {
  LinuxParameters parameters;
  auto node = reader.object(container, "linuxParameters");
  if (!node || !reader.check_members(*node, "LinuxParameters")) return parameters;
  auto capabilities = reader.object(*node, "capabilities");
  if (capabilities && reader.check_members(*capabilities, "KernelCapabilities")) {
    parameters.add_capabilities = reader.strings(*capabilities, "add");
    parameters.drop_capabilities = reader.strings(*capabilities, "drop");
  }
  parameters.devices = read_list(reader, *node, "devices", "Device", read_device);
  parameters.tmpfs = read_list(reader, *node, "tmpfs", "Tmpfs", read_tmpfs);
  parameters.shared_memory_size_mib =
      as_u32(reader.integer(*node, "sharedMemorySize", {1, kSize.max}));
  parameters.max_swap_mib = as_u32(reader.integer(*node, "maxSwap", kSize));
  parameters.swappiness = as_u32(reader.integer(*node, "swappiness", {0, 100}));
  parameters.init_process_enabled = reader.boolean(*node, "initProcessEnabled", false);
  return parameters;
}

// AWS has words for what is above the range.
std::optional<uint32_t> read_health_number(Reader& reader, const json::Node& node,
                                           std::string_view key, IntegerRange range,
                                           const std::string& container) {
  auto value = node.find(key);
  bool is_above = value && value->as_i64().value_or(0) > range.max;
  if (!is_above) return as_u32(reader.integer(node, key, range));
  reader.malformed_at(
      node, key,
      fmt::format("Health check {} must be less than or equal to the maximum allowed "
                  "value {} for container '{}'",
                  key, range.max, printable(container, kContainerShown)));
  return std::nullopt;
}

std::optional<HealthCheck> read_health_check(Reader& reader, const json::Node& container) {
  auto node = reader.object(container, "healthCheck");
  if (!node || !reader.check_members(*node, "HealthCheck")) return std::nullopt;
  HealthCheck check;
  check.command = reader.strings(*node, "command");
  std::string name = reader.string(container, "name");
  auto read = [&](std::string_view key, IntegerRange range, uint32_t& number) {
    number = read_health_number(reader, *node, key, range, name).value_or(number);
  };
  read("interval", kHealthInterval, check.interval_seconds);
  read("timeout", kHealthTimeout, check.timeout_seconds);
  read("retries", kHealthRetries, check.retries);
  read("startPeriod", kHealthStartPeriod, check.start_period_seconds);
  if (check.command.empty()) {
    reader.malformed_at(*node, "command", "is required and must not be empty");
    return std::nullopt;
  }
  if (check.command == std::vector<std::string>{"NONE"}) return std::nullopt;
  if (args_of(check).empty() || check.command == std::vector<std::string>{"CMD-SHELL"}) {
    reader.malformed_at(*node, "command", "needs a command behind " + check.command[0]);
  }
  return check;
}

std::optional<RestartPolicy> read_restart_policy(Reader& reader, const json::Node& container) {
  auto node = reader.object(container, "restartPolicy");
  if (!node || !reader.check_members(*node, "ContainerRestartPolicy")) return std::nullopt;
  RestartPolicy policy;
  bool enabled = reader.required_boolean(*node, "enabled");
  for (int64_t code : reader.integers(*node, "ignoredExitCodes", kInteger)) {
    policy.ignored_exit_codes.push_back(static_cast<int32_t>(code));
  }
  // Whether it is a period that can be asked for is the check's to say, in AWS's words.
  policy.restart_attempt_period_seconds =
      as_u32(reader.integer(*node, "restartAttemptPeriod", kSize))
          .value_or(policy.restart_attempt_period_seconds);
  if (!enabled) return std::nullopt;
  return policy;
}

bool read_security_options(Reader& reader, const json::Node& container) {
  bool no_new_privileges = false;
  for (const std::string& option : reader.strings(container, "dockerSecurityOptions")) {
    if (option == "no-new-privileges" || option == "no-new-privileges:true") {
      no_new_privileges = true;
    } else {
      reader.refused_at(
          container, "dockerSecurityOptions",
          fmt::format("not supported: '{}'; berth knows no-new-privileges", printable(option, 60)));
    }
  }
  return no_new_privileges;
}

std::map<std::string, std::string> read_string_map(Reader& reader, const json::Node& node,
                                                   std::string_view key) {
  std::map<std::string, std::string> map;
  auto object = reader.object(node, key);
  if (!object) return map;
  auto members = object->as_object();
  if (!members) return map;
  for (const auto& [name, value] : *members) map[name] = reader.string(*object, name);
  return map;
}

// "CONTAINER" or "CONTAINER:ALIAS".
std::vector<Link> read_links(Reader& reader, const json::Node& container) {
  std::vector<Link> links;
  for (const std::string& text : reader.strings(container, "links")) {
    size_t colon = text.find(':');
    Link link{.container_name = text.substr(0, colon), .alias = text};
    if (colon != std::string::npos) link.alias = text.substr(colon + 1);
    links.push_back(std::move(link));
  }
  return links;
}

std::optional<FirelensConfiguration> read_firelens(Reader& reader, const json::Node& container,
                                                   bool fargate) {
  auto node = reader.object(container, "firelensConfiguration");
  if (!node || !reader.check_members(*node, "FirelensConfiguration")) return std::nullopt;
  FirelensConfiguration firelens;
  reader.required_string(*node, "type");
  firelens.type =
      read_enum(reader, *node, "type", {FirelensType::kFluentd, FirelensType::kFluentbit});
  firelens.options = read_string_map(reader, *node, "options");
  auto options = node->find("options");
  for (const LogProblem& problem : check_router_options(firelens, fargate)) {
    if (problem.refused_by == Refuser::kBerth) {
      reader.refused_at(*options, problem.option, problem.message);
    } else {
      reader.invalid_at(*options, problem.option, problem.message);
    }
  }
  return firelens;
}

std::string read_repository_credentials(Reader& reader, const json::Node& container) {
  auto node = reader.object(container, "repositoryCredentials");
  if (!node || !reader.check_members(*node, "RepositoryCredentials")) return "";
  return reader.required_string(*node, "credentialsParameter");
}

void read_container_sizes(Reader& reader, const json::Node& node, ContainerDefinition& container) {
  container.cpu = as_u32(reader.integer(node, "cpu", kSize)).value_or(0);
  container.memory_mib = as_u32(reader.integer(node, "memory", kSize));
  container.memory_reservation_mib = as_u32(reader.integer(node, "memoryReservation", kSize));
  container.start_timeout_seconds = as_u32(reader.integer(node, "startTimeout", kSeconds));
  container.stop_timeout_seconds = as_u32(reader.integer(node, "stopTimeout", kSeconds));
}

void read_container_lists(Reader& reader, const json::Node& node, ContainerDefinition& container) {
  container.entry_point = reader.strings(node, "entryPoint");
  container.command = reader.strings(node, "command");
  container.environment = read_variables(reader, node, "environment");
  container.environment_files =
      read_list(reader, node, "environmentFiles", "EnvironmentFile", read_environment_file);
  container.secrets = read_list(reader, node, "secrets", "Secret", read_secret);
  for (const json::Node& each : reader.array(node, "portMappings")) {
    if (!reader.check_members(each, "PortMapping")) continue;
    container.port_mappings.push_back(read_port(reader, each, container.name));
  }
  container.mount_points = read_list(reader, node, "mountPoints", "MountPoint", read_mount_point);
  container.volumes_from = read_list(reader, node, "volumesFrom", "VolumeFrom", read_volume_from);
  container.ulimits = read_list(reader, node, "ulimits", "Ulimit", read_ulimit);
  container.depends_on =
      read_list(reader, node, "dependsOn", "ContainerDependency", read_dependency);
  container.system_controls =
      read_list(reader, node, "systemControls", "SystemControl", read_system_control);
  container.extra_hosts = read_list(reader, node, "extraHosts", "HostEntry", read_host_entry);
  container.links = read_links(reader, node);
  container.dns_servers = reader.strings(node, "dnsServers");
  container.dns_search_domains = reader.strings(node, "dnsSearchDomains");
}

bool read_version_consistency(Reader& reader, const json::Node& node) {
  std::string word = reader.string(node, "versionConsistency");
  if (!word.empty() && word != "enabled" && word != "disabled") {
    reader.malformed_at(node, "versionConsistency",
                        fmt::format("'{}' is not one of [enabled, disabled]", printable(word, 60)));
  }
  return word != "disabled";
}

ContainerDefinition read_container(Reader& reader, const json::Node& node, bool fargate) {
  ContainerDefinition container;
  container.name = reader.string(node, "name");    // the check has AWS's text for a missing one
  container.image = reader.string(node, "image");  // likewise
  container.essential = reader.boolean(node, "essential", true);
  container.user = reader.string(node, "user");
  container.working_directory = reader.string(node, "workingDirectory");
  container.hostname = reader.string(node, "hostname");
  container.readonly_root_filesystem = reader.boolean(node, "readonlyRootFilesystem", false);
  container.privileged = reader.boolean(node, "privileged", false);
  container.disable_networking = reader.boolean(node, "disableNetworking", false);
  container.interactive = reader.boolean(node, "interactive", false);
  container.pseudo_terminal = reader.boolean(node, "pseudoTerminal", false);
  container.no_new_privileges = read_security_options(reader, node);
  container.is_version_consistent = read_version_consistency(reader, node);
  container.docker_labels = read_string_map(reader, node, "dockerLabels");
  container.linux_parameters = read_linux_parameters(reader, node);
  container.health_check = read_health_check(reader, node);
  container.restart_policy = read_restart_policy(reader, node);
  read_container_sizes(reader, node, container);
  read_container_lists(reader, node, container);
  container.firelens = read_firelens(reader, node, fargate);
  container.repository_credentials = read_repository_credentials(reader, node);
  container.log_configuration = read_log_configuration(reader, node, fargate);
  check_resource_requirements(reader, node);
  return container;
}

KeyValue read_tag(Reader& reader, const json::Node& node) {
  return {.name = reader.required_string(node, "key"), .value = reader.string(node, "value")};
}

void read_runtime_platform(Reader& reader, const json::Node& root, TaskDefinition& definition) {
  auto node = reader.object(root, "runtimePlatform");
  if (!node || !reader.check_members(*node, "RuntimePlatform")) return;
  std::string family = reader.string(*node, "operatingSystemFamily");
  if (!family.empty() && family != "LINUX") {
    reader.refused_at(*node, "operatingSystemFamily",
                      fmt::format("not supported: '{}'; berth runs LINUX", printable(family, 60)));
  }
  if (reader.string(*node, "cpuArchitecture").empty()) return;
  definition.cpu_architecture = read_enum(reader, *node, "cpuArchitecture",
                                          {CpuArchitecture::kX86_64, CpuArchitecture::kArm64});
}

void read_task_sizes(Reader& reader, const json::Node& root, TaskDefinition& definition) {
  std::string cpu = reader.string(root, "cpu");
  if (!cpu.empty() && !(definition.cpu = parse_task_cpu(cpu))) {
    reader.malformed_at(root, "cpu", "Invalid 'cpu' setting for task.");
  }
  std::string memory = reader.string(root, "memory");
  if (!memory.empty() && !(definition.memory_mib = parse_task_memory(memory))) {
    reader.malformed_at(root, "memory", "Invalid 'memory' setting for task.");
  }
}

// What AWS fills in: the host port of the modes in which it can only be the container's.
void normalise(TaskDefinition& definition) {
  bool same = definition.network_mode == NetworkMode::kAwsvpc ||
              definition.network_mode == NetworkMode::kHost;
  if (!same) return;
  for (ContainerDefinition& container : definition.container_definitions) {
    for (PortMapping& port : container.port_mappings) {
      if (port.host_port == 0) port.host_port = port.container_port;
    }
  }
}

// What the definition says of itself does not count where a launch type is asked for.
void choose(LaunchType launch_type, std::vector<std::string>& compatibilities) {
  if (launch_type == LaunchType::kAsWritten) return;
  std::erase(compatibilities, "FARGATE");
  if (launch_type == LaunchType::kFargate) compatibilities.emplace_back("FARGATE");
}

TaskDefinition read_definition(Reader& reader, const json::Node& root, LaunchType launch_type) {
  TaskDefinition definition;
  if (!reader.check_members(root, "TaskDefinition")) return definition;
  definition.family = reader.string(root, "family");  // the check has AWS's text for a missing one
  definition.requires_compatibilities = reader.strings(root, "requiresCompatibilities");
  choose(launch_type, definition.requires_compatibilities);
  bool fargate = definition.requires_fargate();
  definition.network_mode = reader.string(root, "networkMode").empty() && fargate
                                ? NetworkMode::kAwsvpc
                                : read_enum(reader, root, "networkMode",
                                            {NetworkMode::kBridge, NetworkMode::kHost,
                                             NetworkMode::kAwsvpc, NetworkMode::kNone});
  definition.pid_mode =
      read_enum(reader, root, "pidMode", {PidMode::kPrivate, PidMode::kHost, PidMode::kTask});
  definition.ipc_mode = read_enum(
      reader, root, "ipcMode", {IpcMode::kPrivate, IpcMode::kHost, IpcMode::kTask, IpcMode::kNone});
  read_task_sizes(reader, root, definition);
  read_runtime_platform(reader, root, definition);
  definition.task_role_arn = reader.string(root, "taskRoleArn");
  definition.execution_role_arn = reader.string(root, "executionRoleArn");
  definition.volumes = read_list(reader, root, "volumes", "Volume", read_volume);
  definition.tags = read_list(reader, root, "tags", "Tag", read_tag);
  definition.ephemeral_storage_gib = read_ephemeral_storage(reader, root);
  definition.enable_fault_injection = reader.boolean(root, "enableFaultInjection", false);
  definition.proxy = read_mesh_proxy(reader, root);
  check_placement_constraints(reader, root);
  for (const json::Node& node : reader.array(root, "containerDefinitions")) {
    if (!reader.check_members(node, "ContainerDefinition")) continue;
    definition.container_definitions.push_back(read_container(reader, node, fargate));
  }
  normalise(definition);
  return definition;
}

// Tags and unknown members beside "taskDefinition" in the output of describe-task-definition.
void read_envelope(Reader& reader, const json::Node& root, TaskDefinition& definition) {
  auto members = root.as_object();
  if (!members) return;
  for (const auto& [name, value] : *members) {
    if (name != "taskDefinition" && name != "tags") {
      reader.malformed_at(root, name, "unknown field of DescribeTaskDefinition's output");
    }
  }
  definition.tags = read_list(reader, root, "tags", "Tag", read_tag);
}

}  // namespace

ParsedTaskDefinition parse_task_definition(const json::Node& root, CpuArchitecture host) {
  return parse_task_definition(root, host, LaunchType::kAsWritten);
}

ParsedTaskDefinition parse_task_definition(const json::Node& root, CpuArchitecture host,
                                           LaunchType launch_type) {
  Reader reader;
  ParsedTaskDefinition parsed;
  auto inner = root.find("taskDefinition");
  parsed.definition = read_definition(reader, inner ? *inner : root, launch_type);
  if (inner) read_envelope(reader, root, parsed.definition);
  parsed.complete = !reader.malformed();
  parsed.findings = reader.take();
  if (!parsed.complete) return parsed;  // rules over fields that could not be read would mislead
  for (Finding& finding : check_task_definition(parsed.definition, host)) {
    if (inner && !finding.path.starts_with("tags")) {
      finding.path = "taskDefinition." + finding.path;
      finding.pointer = "/taskDefinition" + finding.pointer;
    }
    parsed.findings.push_back(std::move(finding));
  }
  for (Finding& finding : check_refused_fields(inner ? *inner : root, parsed.definition)) {
    parsed.findings.push_back(std::move(finding));
  }
  return parsed;
}

Result<TaskDefinition> read_task_definition(std::string_view text, const std::string& name,
                                            CpuArchitecture host) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  ParsedTaskDefinition parsed = parse_task_definition(document.root(), host);
  if (!parsed.findings.empty()) return fail_with(name, parsed.findings);
  return std::move(parsed.definition);
}

}  // namespace berth::scheduler
