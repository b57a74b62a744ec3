#include "runtime/task_plan.h"

#include "base/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>

namespace berth::runtime {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kCpuPeriodUs = 100000;

const char* word_of(DependencyCondition condition) {
  switch (condition) {
    case DependencyCondition::kStart:
      return "START";
    case DependencyCondition::kComplete:
      return "COMPLETE";
    case DependencyCondition::kSuccess:
      return "SUCCESS";
    case DependencyCondition::kHealthy:
      return "HEALTHY";
  }
  return "";
}

Result<DependencyCondition> condition_of(const json::Node& node) {
  std::string word = TRY(node.as_string());
  for (auto condition : {DependencyCondition::kStart, DependencyCondition::kComplete,
                         DependencyCondition::kSuccess, DependencyCondition::kHealthy}) {
    if (word == word_of(condition)) return condition;
  }
  return fail(Errc::kInvalid, "{}: no such condition", node.path());
}

// A number that fits into `Number`, the type that it is kept in.
template <class Number>
Result<Number> number_of(const json::Node& node) {
  int64_t value = TRY(node.as_i64());
  if (value < 0 || value > int64_t{std::numeric_limits<Number>::max()}) {
    return fail(Errc::kInvalid, "{}: must be 0 to {}, not {}", node.path(),
                std::numeric_limits<Number>::max(), value);
  }
  return static_cast<Number>(value);
}

template <class Number>
Result<Number> number_at(const json::Node& node, std::string_view key) {
  return number_of<Number>(TRY(node.at(key)));
}

Json render(const HealthCheckPlan& check) {
  return {{"args", check.args},
          {"intervalMs", check.interval_ms},
          {"timeoutMs", check.timeout_ms},
          {"retries", check.retries},
          {"startPeriodMs", check.start_period_ms}};
}

Result<HealthCheckPlan> parse_health_check(const json::Node& node) {
  HealthCheckPlan check;
  check.args = TRY(node.find_strings("args"));
  check.interval_ms = TRY(number_at<uint32_t>(node, "intervalMs"));
  check.timeout_ms = TRY(number_at<uint32_t>(node, "timeoutMs"));
  check.retries = TRY(number_at<uint32_t>(node, "retries"));
  check.start_period_ms = TRY(number_at<uint32_t>(node, "startPeriodMs"));
  if (check.args.empty()) return fail(Errc::kInvalid, "{}.args: is required", node.path());
  return check;
}

Json render(const RestartPlan& restart) {
  return {{"ignoredExitCodes", restart.ignored_exit_codes},
          {"attemptPeriodMs", restart.attempt_period_ms}};
}

Result<RestartPlan> parse_restart(const json::Node& node) {
  RestartPlan restart;
  for (const json::Node& code : TRY(node.find_array("ignoredExitCodes"))) {
    restart.ignored_exit_codes.push_back(TRY(number_of<int>(code)));
  }
  restart.attempt_period_ms = TRY(number_at<uint32_t>(node, "attemptPeriodMs"));
  return restart;
}

Json render(const EphemeralStoragePlan& storage) {
  return {{"image", storage.image}, {"path", storage.path}, {"directories", storage.directories}};
}

Result<EphemeralStoragePlan> parse_ephemeral_storage(const json::Node& node) {
  EphemeralStoragePlan storage;
  storage.image = TRY(node.string_at("image"));
  storage.path = TRY(node.string_at("path"));
  storage.directories = TRY(node.find_strings("directories"));
  return storage;
}

Json render(const VolumePlan& volume) {
  return {{"name", volume.name},
          {"path", volume.path},
          {"type", volume.type},
          {"source", volume.source},
          {"options", volume.options},
          {"root", volume.root},
          {"onFailure", volume.on_failure},
          {"loop", volume.loop}};
}

Result<VolumePlan> parse_volume(const json::Node& node) {
  VolumePlan volume;
  volume.name = TRY(node.string_at("name"));
  volume.path = TRY(node.string_at("path"));
  volume.type = TRY(node.string_at("type"));
  volume.source = TRY(node.string_at("source"));
  volume.options = TRY(node.find_strings("options"));
  volume.root = TRY(node.string_at("root"));
  volume.on_failure = TRY(node.string_at("onFailure"));
  volume.loop = TRY(node.find_bool("loop")).value_or(false);
  return volume;
}

Json render(const FillPlan& fill) {
  return {{"volume", fill.volume}, {"path", fill.path}, {"lock", fill.lock}};
}

Result<FillPlan> parse_fill(const json::Node& node) {
  FillPlan fill;
  fill.volume = TRY(node.string_at("volume"));
  fill.path = TRY(node.string_at("path"));
  fill.lock = TRY(node.string_at("lock"));
  return fill;
}

Json render(const ContainerPlan& container) {
  Json depends_on = Json::array();
  for (const ContainerDependency& dependency : container.depends_on) {
    depends_on.push_back(
        {{"container", dependency.container}, {"condition", word_of(dependency.condition)}});
  }
  Json json = {{"name", container.name},
               {"id", container.id},
               {"bundle", container.bundle},
               {"rootfs",
                {{"layers", container.rootfs.layers},
                 {"upper", container.rootfs.upper},
                 {"work", container.rootfs.work},
                 {"target", container.rootfs.target}}},
               {"cgroup", container.cgroup},
               {"log", render_log_plan(container.log)},
               {"exitFile", container.exit_file},
               {"restartsFile", container.restarts_file},
               {"essential", container.essential},
               {"createEarly", container.create_early},
               {"dependsOn", depends_on},
               {"stopTimeout", container.stop_timeout_seconds},
               {"stopSignal", container.stop_signal},
               {"ownPids", container.own_pids},
               {"consoleSocket", container.console_socket},
               {"openInput", container.open_input}};
  for (const FillPlan& fill : container.fills) json["fills"].push_back(render(fill));
  if (container.health_check) json["healthCheck"] = render(*container.health_check);
  if (container.restart) json["restart"] = render(*container.restart);
  if (!container.pre_stop.empty()) json["preStop"] = container.pre_stop;
  if (container.start_timeout_seconds) json["startTimeout"] = *container.start_timeout_seconds;
  return json;
}

Result<ContainerPlan> parse_container(const json::Node& node) {
  ContainerPlan container;
  container.name = TRY(node.string_at("name"));
  container.id = TRY(node.string_at("id"));
  container.bundle = TRY(node.string_at("bundle"));
  json::Node rootfs = TRY(node.at("rootfs"));
  container.rootfs.layers = TRY(rootfs.find_strings("layers"));
  container.rootfs.upper = TRY(rootfs.string_at("upper"));
  container.rootfs.work = TRY(rootfs.string_at("work"));
  container.rootfs.target = TRY(rootfs.string_at("target"));
  for (const json::Node& fill : TRY(node.find_array("fills"))) {
    container.fills.push_back(TRY(parse_fill(fill)));
  }
  container.cgroup = TRY(node.string_at("cgroup"));
  container.log = TRY(parse_log_plan(TRY(node.at("log"))));
  container.exit_file = TRY(node.string_at("exitFile"));
  container.restarts_file = TRY(node.string_at("restartsFile"));
  container.essential = TRY(TRY(node.at("essential")).as_bool());
  container.create_early = TRY(TRY(node.at("createEarly")).as_bool());
  for (const json::Node& dependency : TRY(node.find_array("dependsOn"))) {
    ContainerDependency needs;
    needs.container = TRY(dependency.string_at("container"));
    needs.condition = TRY(condition_of(TRY(dependency.at("condition"))));
    container.depends_on.push_back(std::move(needs));
  }
  if (auto check = node.find("healthCheck")) {
    container.health_check = TRY(parse_health_check(*check));
  }
  if (auto restart = node.find("restart")) container.restart = TRY(parse_restart(*restart));
  container.pre_stop = TRY(node.find_strings("preStop"));
  if (auto timeout = node.find("startTimeout")) {
    container.start_timeout_seconds = TRY(number_of<uint32_t>(*timeout));
  }
  container.stop_timeout_seconds = TRY(number_at<uint32_t>(node, "stopTimeout"));
  container.stop_signal = TRY(number_at<int>(node, "stopSignal"));
  container.own_pids = TRY(node.find_bool("ownPids")).value_or(true);
  container.console_socket = TRY(node.find_string("consoleSocket")).value_or("");
  container.open_input = TRY(node.find_bool("openInput")).value_or(false);
  return container;
}

Json render(const TaskLimits& limits) {
  Json json = {{"cpuShares", limits.cpu_shares}, {"pids", limits.pids}};
  if (limits.cpu_quota_us) json["cpuQuotaUs"] = *limits.cpu_quota_us;
  if (limits.memory_bytes) json["memoryBytes"] = *limits.memory_bytes;
  return json;
}

Result<TaskLimits> parse_limits(const json::Node& node) {
  TaskLimits limits;
  limits.cpu_shares = TRY(number_at<uint32_t>(node, "cpuShares"));
  limits.pids = TRY(node.i64_at("pids"));
  limits.cpu_quota_us = TRY(node.find_i64("cpuQuotaUs"));
  limits.memory_bytes = TRY(node.find_i64("memoryBytes"));
  return limits;
}

Json render(const EndpointPlan& endpoint) {
  return {{"command", endpoint.command}, {"hostListener", endpoint.host_listener}};
}

Result<EndpointPlan> parse_endpoint(const json::Node& node) {
  EndpointPlan endpoint;
  endpoint.command = TRY(node.find_strings("command"));
  endpoint.host_listener = TRY(TRY(node.at("hostListener")).as_bool());
  if (endpoint.command.empty()) return fail(Errc::kInvalid, "{}.command: is required", node.path());
  return endpoint;
}

Result<ResolverPlan> parse_resolver(const json::Node& node) {
  ResolverPlan resolver;
  resolver.command = TRY(node.find_strings("command"));
  resolver.ipv6 = TRY(node.find_bool("ipv6")).value_or(false);
  if (resolver.command.empty()) return fail(Errc::kInvalid, "{}.command: is required", node.path());
  return resolver;
}

Json render(const NamesPlan& names) {
  Json records = Json::array();
  for (const NamePlan& each : names.names) {
    records.push_back({{"name", each.name}, {"record", each.record}});
  }
  return {{"directory", names.directory}, {"names", records}};
}

// It becomes a file name.
Result<std::string> file_name_at(const json::Node& node, std::string_view key) {
  std::string name = TRY(node.string_at(key));
  bool is_name = !name.empty() && name != "." && name != ".." &&
                 name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
  if (is_name) return name;
  return fail(Errc::kInvalid, "{}.{}: is no file name", node.path(), key);
}

Result<NamesPlan> parse_names(const json::Node& node) {
  NamesPlan names;
  names.directory = TRY(node.string_at("directory"));
  for (const json::Node& each : TRY(node.find_array("names"))) {
    NamePlan name;
    name.name = TRY(file_name_at(each, "name"));
    name.record = TRY(each.string_at("record"));
    names.names.push_back(std::move(name));
  }
  return names;
}

// The order of the task relies on it.
Status check_dependencies(const TaskPlan& plan) {
  for (size_t i = 0; i < plan.containers.size(); ++i) {
    const auto& dependencies = plan.containers[i].depends_on;
    for (size_t k = 0; k < dependencies.size(); ++k) {
      auto found = std::find_if(plan.containers.begin(), plan.containers.end(),
                                [&](const auto& c) { return c.name == dependencies[k].container; });
      if (found != plan.containers.end()) continue;
      return fail(Errc::kInvalid, "containers[{}].dependsOn[{}].container: no such container", i,
                  k);
    }
  }
  return {};
}

Result<TaskPlan> parse_plan(const json::Node& root) {
  if (int64_t version = TRY(root.i64_at("version")); version != kTaskPlanVersion) {
    return fail(Errc::kUnsupported, "version: {}, this shim reads {}", version, kTaskPlanVersion);
  }
  TaskPlan plan;
  plan.task_id = TRY(root.string_at("taskId"));
  plan.directory = TRY(root.string_at("directory"));
  plan.oci_runtime = TRY(root.string_at("ociRuntime"));
  plan.oci_root = TRY(root.string_at("ociRoot"));
  plan.foreground = TRY(TRY(root.at("foreground")).as_bool());
  if (auto ids = root.find("ids")) {
    IdRangePlan range;
    range.first = TRY(number_at<uint32_t>(*ids, "first"));
    range.size = TRY(number_at<uint32_t>(*ids, "size"));
    plan.ids = range;
  }
  plan.user_namespace = TRY(root.string_at("userNamespace"));
  for (const json::Node& network : TRY(root.find_array("networks"))) {
    NamespacePlan joined;
    joined.name = TRY(network.string_at("name"));
    joined.path = TRY(network.string_at("path"));
    joined.shared = TRY(network.find_bool("shared")).value_or(false);
    joined.resolver = TRY(network.find_bool("resolver")).value_or(false);
    plan.networks.push_back(std::move(joined));
  }
  plan.pid_namespace = TRY(root.find_string("pidNamespace")).value_or("");
  plan.ipc_namespace = TRY(root.find_string("ipcNamespace")).value_or("");
  if (auto memory = root.find("sharedMemory")) {
    SharedMemoryPlan shared;
    shared.path = TRY(memory->string_at("path"));
    shared.size_bytes = TRY(number_at<int64_t>(*memory, "sizeBytes"));
    plan.shared_memory = std::move(shared);
  }
  if (auto storage = root.find("ephemeralStorage")) {
    plan.ephemeral_storage = TRY(parse_ephemeral_storage(*storage));
  }
  for (const json::Node& volume : TRY(root.find_array("volumes"))) {
    plan.volumes.push_back(TRY(parse_volume(volume)));
  }
  if (auto endpoint = root.find("endpoint")) {
    plan.endpoint = TRY(parse_endpoint(*endpoint));
  }
  if (auto resolver = root.find("resolver")) plan.resolver = TRY(parse_resolver(*resolver));
  if (auto names = root.find("names")) plan.names = TRY(parse_names(*names));
  plan.cgroup = TRY(root.string_at("cgroup"));
  plan.limits = TRY(parse_limits(TRY(root.at("limits"))));
  for (const json::Node& container : TRY(root.find_array("containers"))) {
    plan.containers.push_back(TRY(parse_container(container)));
  }
  TRY(check_dependencies(plan));
  return plan;
}

}  // namespace

sys::CgroupLimits cgroup_limits_of(const TaskLimits& limits) {
  sys::CgroupLimits group;
  group.memory_max_bytes = limits.memory_bytes;
  group.pids_max = limits.pids;
  group.cpu_shares = limits.cpu_shares;
  if (limits.cpu_quota_us) {
    group.cpu_quota_us = limits.cpu_quota_us;
    group.cpu_period_us = kCpuPeriodUs;
  }
  return group;
}

std::string render_task_plan(const TaskPlan& plan) {
  Json networks = Json::array();
  for (const NamespacePlan& network : plan.networks) {
    networks.push_back({{"name", network.name}, {"path", network.path}});
    if (network.shared) networks.back()["shared"] = true;
    if (network.resolver) networks.back()["resolver"] = true;
  }
  Json containers = Json::array();
  for (const ContainerPlan& container : plan.containers) containers.push_back(render(container));
  Json json = {{"version", kTaskPlanVersion},
               {"taskId", plan.task_id},
               {"directory", plan.directory},
               {"ociRuntime", plan.oci_runtime},
               {"ociRoot", plan.oci_root},
               {"foreground", plan.foreground},
               {"userNamespace", plan.user_namespace},
               {"networks", networks},
               {"cgroup", plan.cgroup},
               {"limits", render(plan.limits)},
               {"containers", containers}};
  if (!plan.pid_namespace.empty()) json["pidNamespace"] = plan.pid_namespace;
  if (!plan.ipc_namespace.empty()) json["ipcNamespace"] = plan.ipc_namespace;
  if (plan.shared_memory) {
    json["sharedMemory"] = {{"path", plan.shared_memory->path},
                            {"sizeBytes", plan.shared_memory->size_bytes}};
  }
  if (plan.ephemeral_storage) json["ephemeralStorage"] = render(*plan.ephemeral_storage);
  for (const VolumePlan& volume : plan.volumes) json["volumes"].push_back(render(volume));
  if (plan.endpoint) json["endpoint"] = render(*plan.endpoint);
  if (plan.resolver) {
    json["resolver"] = {{"command", plan.resolver->command}};
    if (plan.resolver->ipv6) json["resolver"]["ipv6"] = true;
  }
  if (plan.names) json["names"] = render(*plan.names);
  if (plan.ids) json["ids"] = {{"first", plan.ids->first}, {"size", plan.ids->size}};
  return json.dump(2) + "\n";
}

Result<TaskPlan> parse_task_plan(std::string_view text, const std::string& name) {
  auto document = TRY(json::Document::parse(text, {.name = name, .text_max = kTaskPlanMax}));
  auto plan = parse_plan(document.root());
  if (!plan) return wrap(std::move(plan).error(), "{}", name);
  return plan;
}

}  // namespace berth::runtime
