// The rules of a task definition that span fields, with AWS's texts. One function per topic.
#include "base/text.h"
#include "scheduler/firelens.h"
#include "scheduler/secret_rules.h"
#include "scheduler/sizes.h"
#include "scheduler/task_definition_parse.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <set>

namespace berth::scheduler {
namespace {

constexpr size_t kNameMax = 255;
constexpr size_t kImageMax = 255;
constexpr size_t kContainersMax = 10;
constexpr size_t kTagsMax = 50;
constexpr uint32_t kMemoryMinMib = 6;
constexpr size_t kIgnoredExitCodesMax = 50;
constexpr uint32_t kRestartPeriodMin = 60;
constexpr uint32_t kRestartPeriodMax = 1800;

constexpr const char* kUlimits[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                    "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                    "rss",     "rtprio",   "rttime", "sigpending", "stack"};
constexpr const char* kCapabilities[] = {
    "ALL",        "AUDIT_CONTROL",   "AUDIT_WRITE",      "BLOCK_SUSPEND",
    "CHOWN",      "DAC_OVERRIDE",    "DAC_READ_SEARCH",  "FOWNER",
    "FSETID",     "IPC_LOCK",        "IPC_OWNER",        "KILL",
    "LEASE",      "LINUX_IMMUTABLE", "MAC_ADMIN",        "MAC_OVERRIDE",
    "MKNOD",      "NET_ADMIN",       "NET_BIND_SERVICE", "NET_BROADCAST",
    "NET_RAW",    "SETFCAP",         "SETGID",           "SETPCAP",
    "SETUID",     "SYS_ADMIN",       "SYS_BOOT",         "SYS_CHROOT",
    "SYS_MODULE", "SYS_NICE",        "SYS_PACCT",        "SYS_PTRACE",
    "SYS_RAWIO",  "SYS_RESOURCE",    "SYS_TIME",         "SYS_TTY_CONFIG",
    "SYSLOG",     "WAKE_ALARM"};
constexpr const char* kTmpfsOptions[] = {
    "defaults", "ro",         "rw",        "suid",       "nosuid",      "dev",           "nodev",
    "exec",     "noexec",     "sync",      "async",      "dirsync",     "atime",         "noatime",
    "diratime", "nodiratime", "relatime",  "norelatime", "strictatime", "nostrictatime", "mode",
    "uid",      "gid",        "nr_inodes", "nr_blocks",  "mpol"};
constexpr const char* kSystemControls[] = {
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
constexpr const char* kCompatibilities[] = {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"};
constexpr const char* kLocalTransports[] = {"oci:", "oci-archive:", "docker-archive:"};
constexpr int64_t kPortRangesMax = 100;  // of a container
constexpr uint16_t kReservedPorts[] = {22, 2375, 2376, 51678, 51679, 51680};

template <class T, size_t N, class Value>
bool is_one_of(const Value& value, const T (&list)[N]) {
  return std::any_of(std::begin(list), std::end(list),
                     [&value](const T& each) { return value == each; });
}

// RFC 6901 of a path of plain names: "a[0].b" is "/a/0/b".
std::string pointer_of(const std::string& path) {
  std::string pointer = "/";
  for (char c : path) {
    if (c == '[' || c == '.') {
      pointer += '/';
    } else if (c != ']') {
      pointer += c;
    }
  }
  return pointer;
}

bool has_name_characters(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() <= kNameMax && has_name_characters(text);
}

// Those of a registry (an IPv6 address has brackets), a repository, a tag and a digest. A path on
// this host, which AWS does not know, may have any.
bool has_image_characters(const std::string& image) {
  constexpr std::string_view kOthers = "-_:./@#[]";
  for (const char* transport : kLocalTransports) {
    if (image.starts_with(transport)) return true;
  }
  return std::all_of(image.begin(), image.end(), [&](unsigned char c) {
    return std::isalnum(c) || kOthers.find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool is_in_ecr(const std::string& image) {
  std::string host = image.substr(0, image.find('/'));
  return host.find(".dkr.ecr") != std::string::npos || host.find(".dkr-ecr") != std::string::npos;
}

const char* upper_of(Protocol protocol) {
  return protocol == Protocol::kUdp ? "UDP" : "TCP";
}

class Check {
 public:
  Check(const TaskDefinition& task, CpuArchitecture host) : task_(task), host_(host) {}

  Findings run() {
    check_task();
    check_task_sizes();
    check_fargate();
    check_tags();
    check_volumes();
    check_container_list();
    for (size_t i = 0; i < task_.container_definitions.size(); ++i) {
      at_ = fmt::format("containerDefinitions[{}].", i);
      check_container(task_.container_definitions[i]);
    }
    check_firelens();
    check_proxy();
    check_cycles();
    return std::move(findings_);
  }

 private:
  void add(const std::string& path, std::string message) {
    findings_.push_back(Finding{path, pointer_of(path), std::move(message)});
  }
  // About a field of the container at hand.
  void add_here(const std::string& field, std::string message) {
    add(at_ + field, std::move(message));
  }

  void check_task();
  void check_task_sizes();
  void check_fargate();
  void check_tags();
  void check_volumes();
  void check_container_list();
  void check_firelens();
  void check_firelens_output(const ContainerDefinition& container, FirelensType type);
  void check_proxy();
  void check_cycles();
  void check_container(const ContainerDefinition& container);
  void check_repository_credentials(const ContainerDefinition& container);
  void check_sizes(const ContainerDefinition& container);
  void check_timeouts(const ContainerDefinition& container);
  void check_restart_policy(const ContainerDefinition& container);
  void check_network(const ContainerDefinition& container);
  void check_links(const ContainerDefinition& container);
  void check_ports(const ContainerDefinition& container);
  void check_port(const PortMapping& port, const std::string& field);
  void check_mounts(const ContainerDefinition& container);
  void check_dependencies(const ContainerDefinition& container);
  void check_linux(const ContainerDefinition& container);
  void check_limits(const ContainerDefinition& container);
  void check_secrets(const ContainerDefinition& container);
  void check_fargate_container(const ContainerDefinition& container);

  const TaskDefinition& task_;
  CpuArchitecture host_;
  std::string at_;
  std::vector<PortMapping> container_ports_;  // those that share a network, so far
  std::set<std::pair<uint16_t, Protocol>> host_ports_;
  std::set<std::string> port_names_;
  Findings findings_;
};

void Check::check_task() {
  if (task_.family.empty()) {
    add("family", "Family can not be blank.");
  } else if (!has_name_characters(task_.family)) {
    add("family", "Family contains invalid characters.");
  } else if (task_.family.size() > kNameMax) {
    add("family", "must have at most 255 characters");
  }
  for (size_t i = 0; i < task_.requires_compatibilities.size(); ++i) {
    if (!is_one_of(task_.requires_compatibilities[i], kCompatibilities)) {
      add(fmt::format("requiresCompatibilities[{}]", i),
          "is not one of [EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES]");
    }
  }
  bool is_ec2 = std::count(task_.requires_compatibilities.begin(),
                           task_.requires_compatibilities.end(), "EC2") > 0;
  if (is_ec2 && !task_.requires_fargate() && task_.ephemeral_storage_gib) {
    add("ephemeralStorage", "Tasks using the EC2 launch type do not support EphemeralStorage.");
  }
  bool has_faults_mode =
      task_.network_mode == NetworkMode::kAwsvpc || task_.network_mode == NetworkMode::kHost;
  if (task_.enable_fault_injection && !has_faults_mode) {
    add("enableFaultInjection",
        fmt::format("{} mode is not supported. Please use either host or awsvpc mode.",
                    name_of(task_.network_mode)));
  }
  if (task_.cpu_architecture && *task_.cpu_architecture != host_) {
    add("runtimePlatform.cpuArchitecture",
        fmt::format("this host runs {}, not {}", name_of(host_), name_of(*task_.cpu_architecture)));
    findings_.back().refused_by = Refuser::kBerth;
  }
}

void Check::check_task_sizes() {
  uint64_t sum = 0;
  for (const auto& container : task_.container_definitions) sum += container.cpu;
  if (task_.cpu && sum > *task_.cpu) {
    add("cpu",
        "The sum of all container 'cpu' values cannot be greater than the value of the task "
        "'cpu'.");
  }
}

void Check::check_fargate() {
  if (!task_.requires_fargate()) return;
  if (task_.network_mode != NetworkMode::kAwsvpc) {
    add("networkMode", "Fargate only supports network mode ‘awsvpc’.");
  }
  if (task_.pid_mode == PidMode::kHost) {
    add("pidMode",
        "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value "
        "for "
        "pidMode is 'task'.");
  }
  if (task_.ipc_mode != IpcMode::kPrivate) {
    add("ipcMode", "Fargate compatible task definitions do not support ipcMode");
  }
  if (!task_.cpu) add("cpu", "Fargate requires that 'cpu' be defined at the task level.");
  if (!task_.memory_mib)
    add("memory", "Fargate requires that 'memory' be defined at the task level.");
  if (task_.cpu && task_.memory_mib && !is_fargate_size(*task_.cpu, *task_.memory_mib)) {
    add("cpu", fmt::format("No Fargate configuration exists for given values: {} CPU, {} memory.",
                           *task_.cpu, *task_.memory_mib));
  }
}

bool is_tag_text(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return c >= 0x80 || std::isalnum(c) ||
           std::string_view(" _.:/=+-@").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

void Check::check_tags() {
  if (task_.tags.size() > kTagsMax) add("tags", "at most 50 tags");
  std::set<std::string> keys;
  for (size_t i = 0; i < task_.tags.size(); ++i) {
    const auto& [key, value] = task_.tags[i];
    std::string path = fmt::format("tags[{}]", i);
    if (key.empty() || key.size() > 128 || !is_tag_text(key)) {
      add(path + ".key", "must be 1 to 128 letters, digits, spaces and _.:/=+-@");
    }
    std::string start = key.substr(0, 4);
    std::transform(start.begin(), start.end(), start.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (start == "aws:") add(path + ".key", "the prefix aws: is reserved");
    if (value.size() > 256 || !is_tag_text(value)) {
      add(path + ".value", "must be at most 256 letters, digits, spaces and _.:/=+-@");
    }
    if (!keys.insert(key).second) add(path + ".key", "stands twice");
  }
}

void Check::check_volumes() {
  std::set<std::string> names;
  for (size_t i = 0; i < task_.volumes.size(); ++i) {
    const Volume& volume = task_.volumes[i];
    std::string path = fmt::format("volumes[{}]", i);
    if (!is_volume_name(volume.name)) {
      add(path + ".name", "must be 1 to 255 letters, digits, '_' and '-'");
    }
    if (!names.insert(volume.name).second) add(path + ".name", "Volume names must be unique");
    for (VolumeFault& fault : faults_of(volume, task_.requires_fargate())) {
      add(path + "." + fault.field, std::move(fault.message));
      if (fault.refused_by_berth) findings_.back().refused_by = Refuser::kBerth;
    }
  }
}

void Check::check_container_list() {
  const auto& containers = task_.container_definitions;
  if (containers.empty()) return add("containerDefinitions", "Container list cannot be empty.");
  if (containers.size() > kContainersMax) add("containerDefinitions", "Too many containers.");
  std::set<std::string> names;
  for (size_t i = 0; i < containers.size(); ++i) {
    if (!names.insert(containers[i].name).second) {
      add(fmt::format("containerDefinitions[{}].name", i),
          "Container names must be unique within a task definition");
    }
  }
  if (std::none_of(containers.begin(), containers.end(),
                   [](const auto& c) { return c.essential; })) {
    add("containerDefinitions", "Task definition doesn't have any essential container");
  }
}

void Check::check_firelens() {
  const ContainerDefinition* router = firelens_router_of(task_);
  bool is_used = false;
  for (size_t i = 0; i < task_.container_definitions.size(); ++i) {
    const ContainerDefinition& container = task_.container_definitions[i];
    at_ = fmt::format("containerDefinitions[{}].", i);
    if (container.firelens && &container != router) {
      add_here("firelensConfiguration", "at most one container of a task can be its log router");
    }
    if (!uses_firelens(container)) continue;
    is_used = true;
    if (router != nullptr) {
      check_firelens_output(container, router->firelens->type);
      continue;
    }
    add_here("logConfiguration.logDriver",
             "When awsfirelens log driver is specified in log configuration, a firelens "
             "configuration object must be configured in one of the containers.");
  }
  if (router == nullptr || is_used) return;
  add(fmt::format("containerDefinitions[{}].firelensConfiguration",
                  router - task_.container_definitions.data()),
      "When a firelensConfiguration object is specified, at least one container has to be "
      "configured with the awsfirelens log driver.");
}

void Check::check_proxy() {
  if (!task_.proxy) return;
  if (task_.network_mode != NetworkMode::kAwsvpc) {
    add("proxyConfiguration",
        "APPMESH proxy configuration is only supported in networkMode=awsvpc");
  }
  const std::string& name = task_.proxy->container_name;
  if (name.empty() || task_.find_container(name) != nullptr) return;
  add("proxyConfiguration.containerName",
      fmt::format("Proxy container [{}] does not exist", printable(name, 60)));
}

// The agent says so when the task starts, which is late.
void Check::check_firelens_output(const ContainerDefinition& container, FirelensType type) {
  const LogConfiguration& log = *container.log_configuration;
  std::set<std::string> names;
  for (const auto& [name, value] : log.options) names.insert(name);
  for (const SecretVariable& secret : log.secret_options) names.insert(secret.name);
  bool has_output = names.contains(output_key_of(type));
  for (const char* other : {kIncludePattern, kExcludePattern, kDriverBufferLimit})
    names.erase(other);
  if (names.empty() || has_output) return;
  add_here("logConfiguration.options",
           fmt::format("unable to apply log options of container {} to firelens config: missing "
                       "output key {} which is required for firelens configuration of type {}",
                       container.name, output_key_of(type), name_of(type)));
}

void Check::check_cycles() {
  size_t count = task_.container_definitions.size();
  if (start_order(task_).size() != count) {
    add("containerDefinitions", "dependsOn, volumesFrom and links form a cycle");
  }
}

void Check::check_container(const ContainerDefinition& container) {
  if (container.name.empty()) {
    add_here("name", "Container.name should not be null or empty.");
  } else if (!has_name_characters(container.name)) {
    add_here("name", "Container.name contains invalid characters.");
  } else if (container.name.size() > kNameMax) {
    add_here("name", "must have at most 255 characters");
  }
  if (container.image.empty()) {
    add_here("image", "Container.image should not be null or empty.");
  } else if (!has_image_characters(container.image)) {
    add_here("image", "Container.image contains invalid characters.");
  } else if (container.image.size() > kImageMax && container.image.find('@') == std::string::npos) {
    add_here("image", "must have at most 255 characters");
  }
  check_repository_credentials(container);
  check_sizes(container);
  check_timeouts(container);
  check_restart_policy(container);
  check_network(container);
  check_links(container);
  check_ports(container);
  check_mounts(container);
  check_dependencies(container);
  check_linux(container);
  check_limits(container);
  check_secrets(container);
  if (task_.requires_fargate()) check_fargate_container(container);
}

void Check::check_repository_credentials(const ContainerDefinition& container) {
  if (container.repository_credentials.empty()) return;
  if (task_.execution_role_arn.empty()) {
    add_here("repositoryCredentials",
             "Private repository authentication requires that the task definition specify a value "
             "for executionRoleArn.");
  }
  if (is_in_ecr(container.image)) {
    add_here("repositoryCredentials",
             "Private repository credentials are not a supported authentication method for ECR "
             "repositories.");
  }
  if (is_credentials_parameter(container.repository_credentials)) return;
  add_here("repositoryCredentials.credentialsParameter",
           fmt::format("The repository credentials parameter specified for container '{}' is "
                       "invalid. Parameter names can include up to 255 (uppercase and lowercase), "
                       "numbers, hyphens, and underscores are allowed. Spaces are not allowed.",
                       container.name));
}

void Check::check_sizes(const ContainerDefinition& container) {
  const auto& memory = container.memory_mib;
  const auto& reservation = container.memory_reservation_mib;
  if (!memory && !reservation && !task_.memory_mib) {
    add_here("memory",
             fmt::format("Invalid setting for container '{}'. At least one of 'memory' or "
                         "'memoryReservation' must be specified.",
                         container.name));
  }
  if (memory && *memory < kMemoryMinMib) add_here("memory", "must be at least 6 MiB");
  if (reservation && *reservation < kMemoryMinMib) {
    add_here("memoryReservation", "must be at least 6 MiB");
  }
  if (memory && task_.memory_mib && *memory > *task_.memory_mib) {
    add_here("memory",
             fmt::format("The 'memory' setting for container '{}' is greater than for the "
                         "task.",
                         container.name));
  }
  if (memory && reservation && *reservation > *memory) {
    add_here("memoryReservation", "'memory' must be greater than or equal to 'memoryReservation'");
  }
}

void Check::check_timeouts(const ContainerDefinition& container) {
  if (!task_.requires_fargate()) return;
  auto check = [this](const char* field, const std::optional<uint32_t>& seconds) {
    if (seconds && (*seconds < 2 || *seconds > 120)) {
      add_here(field, "must be between 2 and 120 seconds on Fargate");
    }
  };
  check("startTimeout", container.start_timeout_seconds);
  check("stopTimeout", container.stop_timeout_seconds);
}

void Check::check_restart_policy(const ContainerDefinition& container) {
  if (!container.restart_policy) return;
  const RestartPolicy& policy = *container.restart_policy;
  if (policy.ignored_exit_codes.size() > kIgnoredExitCodesMax) {
    add_here("restartPolicy.ignoredExitCodes",
             fmt::format("at most {} exit codes", kIgnoredExitCodesMax));
  }
  uint32_t period = policy.restart_attempt_period_seconds;
  if (period < kRestartPeriodMin || period > kRestartPeriodMax) {
    add_here("restartPolicy.restartAttemptPeriod",
             fmt::format("The 'restartAttemptPeriod' setting for container '{}' must be between {} "
                         "and {}.",
                         container.name, kRestartPeriodMin, kRestartPeriodMax));
  }
}

void Check::check_network(const ContainerDefinition& container) {
  if (container.disable_networking && !container.port_mappings.empty()) {
    add_here("portMappings", "port mappings need a network, and disableNetworking takes it away");
    findings_.back().refused_by = Refuser::kBerth;
  }
  if (task_.network_mode != NetworkMode::kAwsvpc) return;
  constexpr const char* kText = "{} not supported on container when networkMode=awsvpc.";
  auto refuse = [&](bool is_set, const char* field, const char* subject) {
    if (is_set) add_here(field, fmt::format(fmt::runtime(kText), subject));
  };
  refuse(!container.hostname.empty(), "hostname", "hostname is");
  refuse(!container.dns_servers.empty(), "dnsServers", "DNS servers are");
  refuse(!container.dns_search_domains.empty(), "dnsSearchDomains", "DNS search domains are");
  refuse(!container.extra_hosts.empty(), "extraHosts", "Extra hosts are");
  refuse(container.disable_networking, "disableNetworking", "Disable Networking is");
}

void Check::check_links(const ContainerDefinition& container) {
  if (container.links.empty()) return;
  if (task_.network_mode != NetworkMode::kBridge) {
    return add_here("links", fmt::format("Links are not supported when networkMode={}.",
                                         name_of(task_.network_mode)));
  }
  if (container.disable_networking) {
    add_here("links", "links need a network, and disableNetworking takes it away");
    findings_.back().refused_by = Refuser::kBerth;
  }
  std::set<std::string> aliases;
  for (size_t i = 0; i < container.links.size(); ++i) {
    const auto& [name, alias] = container.links[i];
    std::string field = fmt::format("links[{}]", i);
    const ContainerDefinition* other = task_.find_container(name);
    if (other == nullptr) {
      add_here(field, fmt::format("Cannot link to container {} because it does not exist", name));
    } else if (other->disable_networking) {
      add_here(field, fmt::format("container {} has no address: its networking is disabled", name));
      findings_.back().refused_by = Refuser::kBerth;
    }
    if (!is_name(alias)) add_here(field, "an alias must be letters, digits, '_' and '-'");
    if (!aliases.insert(alias).second) add_here(field, fmt::format("alias {} is taken", alias));
  }
}

void Check::check_ports(const ContainerDefinition& container) {
  if (task_.network_mode == NetworkMode::kNone && !container.port_mappings.empty()) {
    return add_here("portMappings", "port mappings are not allowed when networkMode=none");
  }
  // In bridge mode each container has its own ports; otherwise the containers share them.
  if (task_.network_mode == NetworkMode::kBridge) container_ports_.clear();
  auto is_range = [](const PortMapping& port) { return port.container_port_last.has_value(); };
  auto ranges =
      std::count_if(container.port_mappings.begin(), container.port_mappings.end(), is_range);
  if (ranges > kPortRangesMax) {
    add_here("portMappings", fmt::format("at most {} port ranges in a container", kPortRangesMax));
  }
  for (size_t i = 0; i < container.port_mappings.size(); ++i) {
    check_port(container.port_mappings[i], fmt::format("portMappings[{}].", i));
  }
}

bool is_port_name(const std::string& name) {
  return name.size() <= 64 && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return std::islower(c) || std::isdigit(c) || c == '_' || c == '-';
         });
}

bool overlap(const PortMapping& a, const PortMapping& b) {
  return a.protocol == b.protocol && a.container_port < b.container_port + count_of(b) &&
         b.container_port < a.container_port + count_of(a);
}

void Check::check_port(const PortMapping& port, const std::string& field) {
  bool bridge = task_.network_mode == NetworkMode::kBridge;
  if (port.container_port_last && task_.network_mode == NetworkMode::kHost) {
    add_here(field + "containerPortRange", "a range needs networkMode bridge or awsvpc");
  }
  if (!bridge && port.host_port != port.container_port) {
    add_here(field + "hostPort",
             fmt::format("When networkMode={}, the host ports and container ports in port mappings "
                         "must match.",
                         name_of(task_.network_mode)));
  }
  auto other = std::find_if(container_ports_.begin(), container_ports_.end(),
                            [&](const PortMapping& each) { return overlap(port, each); });
  if (other != container_ports_.end()) {
    add_here(
        field + (port.container_port_last ? "containerPortRange" : "containerPort"),
        fmt::format("{} container port '{}' is used multiple times in task when "
                    "networkMode={}.",
                    upper_of(port.protocol), std::max(port.container_port, other->container_port),
                    name_of(task_.network_mode)));
  }
  container_ports_.push_back(port);
  if (bridge && is_one_of(port.host_port, kReservedPorts)) {
    add_here(field + "hostPort", fmt::format("host port {} is reserved", port.host_port));
  }
  if (bridge && port.host_port != 0 &&
      !host_ports_.insert({port.host_port, port.protocol}).second) {
    add_here(field + "hostPort", fmt::format("{} host port '{}' is mapped multiple times in task.",
                                             upper_of(port.protocol), port.host_port));
  }
  if (port.name.empty()) return;
  if (!is_port_name(port.name)) {
    add_here(field + "name", "must be at most 64 of [a-z0-9_-], not starting with '-'");
  }
  if (!port_names_.insert(port.name).second) {
    add_here(field + "name", fmt::format("When networkMode={}, port mapping name is already used",
                                         name_of(task_.network_mode)));
  }
}

void Check::check_mounts(const ContainerDefinition& container) {
  std::set<std::string> paths;
  for (size_t i = 0; i < container.mount_points.size(); ++i) {
    const MountPoint& mount = container.mount_points[i];
    std::string field = fmt::format("mountPoints[{}].", i);
    bool known = std::any_of(task_.volumes.begin(), task_.volumes.end(),
                             [&](const Volume& v) { return v.name == mount.source_volume; });
    if (!known)
      add_here(field + "sourceVolume", fmt::format("Unknown volume '{}'.", mount.source_volume));
    if (mount.container_path[0] != '/') {
      add_here(field + "containerPath", "must be an absolute path");
    }
    if (!paths.insert(mount.container_path).second) {
      add_here(field + "containerPath", "is mounted twice");
    }
  }
  for (size_t i = 0; i < container.volumes_from.size(); ++i) {
    const std::string& source = container.volumes_from[i].source_container;
    if (task_.find_container(source) == nullptr) {
      add_here(fmt::format("volumesFrom[{}].sourceContainer", i),
               fmt::format("Invalid 'volumesFrom' setting. Unknown container: '{}'.", source));
    }
  }
  if (!container.working_directory.empty() && container.working_directory[0] != '/') {
    add_here("workingDirectory", "must be an absolute path");
  }
}

void Check::check_dependencies(const ContainerDefinition& container) {
  for (size_t i = 0; i < container.depends_on.size(); ++i) {
    const Dependency& dependency = container.depends_on[i];
    std::string field = fmt::format("dependsOn[{}].", i);
    const ContainerDefinition* other = task_.find_container(dependency.container_name);
    if (other == nullptr) {
      add_here(field + "containerName",
               fmt::format("Cannot depend on container + '{}' because it does not exist",
                           dependency.container_name));
    } else if (dependency.condition == Condition::kHealthy) {
      if (!other->health_check) {
        add_here(field + "condition",
                 "A dependency container with HEALTHY condition must have health check configured");
      }
    } else if (other->essential && dependency.condition != Condition::kStart) {
      add_here(field + "condition",
               "A dependency container with SUCCESS or COMPLETE condition cannot be an essential "
               "container");
    }
  }
}

void Check::check_linux(const ContainerDefinition& container) {
  const LinuxParameters& linux_parameters = container.linux_parameters;
  auto check_capabilities = [this](const char* list, const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) {
      if (is_one_of(names[i], kCapabilities)) continue;
      add_here(fmt::format("linuxParameters.capabilities.{}[{}]", list, i),
               "is no capability (names have no CAP_ in front)");
    }
  };
  check_capabilities("add", linux_parameters.add_capabilities);
  check_capabilities("drop", linux_parameters.drop_capabilities);
  for (size_t i = 0; i < linux_parameters.devices.size(); ++i) {
    const Device& device = linux_parameters.devices[i];
    std::string field = fmt::format("linuxParameters.devices[{}].", i);
    if (device.host_path[0] != '/') add_here(field + "hostPath", "must be an absolute path");
    if (device.container_path[0] != '/')
      add_here(field + "containerPath", "must be an absolute path");
  }
  for (size_t i = 0; i < linux_parameters.tmpfs.size(); ++i) {
    const Tmpfs& tmpfs = linux_parameters.tmpfs[i];
    std::string field = fmt::format("linuxParameters.tmpfs[{}].", i);
    if (tmpfs.container_path[0] != '/')
      add_here(field + "containerPath", "must be an absolute path");
    for (size_t k = 0; k < tmpfs.mount_options.size(); ++k) {
      const std::string& option = tmpfs.mount_options[k];
      if (is_one_of(option.substr(0, option.find('=')), kTmpfsOptions)) continue;
      add_here(fmt::format("{}mountOptions[{}]", field, k), "is no option of a tmpfs");
    }
  }
}

void Check::check_limits(const ContainerDefinition& container) {
  for (size_t i = 0; i < container.ulimits.size(); ++i) {
    const Ulimit& limit = container.ulimits[i];
    std::string field = fmt::format("ulimits[{}].", i);
    if (!is_one_of(limit.name, kUlimits)) add_here(field + "name", "is no ulimit");
    bool exceeds = limit.hard_limit != kUnlimited &&
                   (limit.soft_limit == kUnlimited || limit.soft_limit > limit.hard_limit);
    if (exceeds) {
      add_here(field + "softLimit",
               fmt::format("Soft limit exceeds hard limit for ulimit {}", limit.name));
    }
  }
  for (size_t i = 0; i < container.system_controls.size(); ++i) {
    const std::string& name = container.system_controls[i].name;
    std::string field = fmt::format("systemControls[{}].namespace", i);
    bool net = name.starts_with("net.");
    if (!net && !name.starts_with("fs.mqueue.") && !is_one_of(name, kSystemControls)) {
      add_here(field,
               "is not one of kernel.{msgmax,msgmnb,msgmni,sem,shmall,shmmax,shmmni,"
               "shm_rmid_forced}, fs.mqueue.* and net.*");
    }
    if (!net && task_.ipc_mode == IpcMode::kHost) {
      add_here(field, "IPC namespace-related systemControls are not supported when ipcMode=host");
    }
    if (net && task_.network_mode == NetworkMode::kHost) {
      add_here(field, "net.* would change the host when networkMode=host");
    }
  }
}

void Check::check_secrets(const ContainerDefinition& container) {
  for (SecretFault& fault : secret_faults_of(container)) {
    add_here(fmt::format("secrets[{}].name", fault.place), std::move(fault.message));
  }
}

void Check::check_fargate_container(const ContainerDefinition& container) {
  const LinuxParameters& linux_parameters = container.linux_parameters;
  if (container.privileged) {
    add_here("privileged",
             "Fargate requires that the ‘privileged’ setting be ‘false’ at the container level.");
  }
  if (is_in_ecr(container.image) && task_.execution_role_arn.empty()) {
    add_here("image",
             "Fargate requires task definition to have execution role ARN to support ECR images.");
  }
  auto refuse = [this](bool is_set, const std::string& parent, const char* field) {
    if (!is_set) return;
    add_here(parent + field,
             fmt::format("Fargate compatible task definitions do not support {}", field));
  };
  refuse(container.no_new_privileges, "", "dockerSecurityOptions");
  refuse(!linux_parameters.devices.empty(), "linuxParameters.", "devices");
  refuse(linux_parameters.shared_memory_size_mib.has_value(), "linuxParameters.",
         "sharedMemorySize");
  refuse(linux_parameters.max_swap_mib.has_value(), "linuxParameters.", "maxSwap");
  refuse(linux_parameters.swappiness.has_value(), "linuxParameters.", "swappiness");
  for (size_t i = 0; i < linux_parameters.add_capabilities.size(); ++i) {
    const std::string& name = linux_parameters.add_capabilities[i];
    if (name == "SYS_PTRACE") continue;
    add_here(fmt::format("linuxParameters.capabilities.add[{}]", i),
             fmt::format("{} is not allowed on Fargate.", name));
  }
}

}  // namespace

Findings check_task_definition(const TaskDefinition& definition, CpuArchitecture host) {
  return Check(definition, host).run();
}

}  // namespace berth::scheduler
