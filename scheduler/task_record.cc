// {"id", "request": {...}, "group", "lastStatus", "desiredStatus", "containers": [...], ...}: names
// are those of DescribeTasks where it has them. Times are nanoseconds since 1970. What is empty is
// left out.
#include "scheduler/task_record.h"

#include "base/json.h"
#include "scheduler/record_values.h"

#include <nlohmann/json.hpp>

#include <array>
#include <limits>

namespace berth::scheduler {
namespace {

using RecordJson = nlohmann::ordered_json;

constexpr auto kTaskStatuses =
    std::to_array({TaskStatus::kProvisioning, TaskStatus::kPending, TaskStatus::kActivating,
                   TaskStatus::kRunning, TaskStatus::kDeactivating, TaskStatus::kStopping,
                   TaskStatus::kDeprovisioning, TaskStatus::kStopped});
constexpr auto kDesiredStatuses = std::to_array({DesiredStatus::kRunning, DesiredStatus::kStopped});
constexpr auto kContainerStatuses = std::to_array(
    {ContainerStatus::kPending, ContainerStatus::kRunning, ContainerStatus::kStopped});
constexpr auto kHealthStatuses =
    std::to_array({HealthStatus::kUnknown, HealthStatus::kHealthy, HealthStatus::kUnhealthy});
constexpr auto kProtocols = std::to_array({Protocol::kTcp, Protocol::kUdp});
constexpr auto kStopCodes =
    std::to_array({StopCode::kTaskFailedToStart, StopCode::kEssentialContainerExited,
                   StopCode::kUserInitiated, StopCode::kServiceSchedulerInitiated,
                   StopCode::kSpotInterruption, StopCode::kTerminationNotice});

// ---- writing ----

void put(RecordJson& json, const char* key, const std::string& text) {
  if (!text.empty()) json[key] = text;
}
void put(RecordJson& json, const char* key, bool flag) {
  if (flag) json[key] = true;
}
void put(RecordJson& json, const char* key, std::optional<int> number) {
  if (number) json[key] = *number;
}
void put(RecordJson& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = time->time_since_epoch().count();
}
void put_list(RecordJson& json, const char* key, RecordJson list) {
  if (!list.empty()) json[key] = std::move(list);
}

RecordJson render(const TaskRequest& request) {
  RecordJson json = {{"cluster", request.cluster}, {"revision", request.revision}};
  put(json, "definition", request.definition_json);
  put(json, "overrides", request.overrides_json);
  put(json, "volumes", request.volumes_json);
  put(json, "launchType", request.launch_type);
  put(json, "capacityProvider", request.capacity_provider);
  put(json, "platformVersion", request.platform_version);
  put(json, "group", request.group);
  put(json, "startedBy", request.started_by);
  put(json, "service", request.service);
  put(json, "serviceRevision", request.service_revision);
  put_list(json, "tags", pairs_json(request.tags));
  put(json, "enableExecuteCommand", request.enable_execute_command);
  if (!request.pre_stop.empty()) json["preStop"] = request.pre_stop;
  put(json, "subnet", request.subnet);
  put_list(json, "securityGroups", RecordJson(request.security_groups));
  put(json, "clientToken", request.client_token);
  put(json, "requestDigest", request.request_digest);
  return json;
}

RecordJson render(const ContainerHealth& health) {
  RecordJson json = {{"status", name_of(health.status)}};
  put(json, "since", health.since);
  put(json, "exitCode", health.exit_code);
  put(json, "output", health.output);
  return json;
}

RecordJson render(const NetworkInterface& interface) {
  RecordJson json = {{"privateIpv4Address", interface.private_ipv4_address}};
  put(json, "attachmentId", interface.attachment_id);
  put(json, "macAddress", interface.mac_address);
  put(json, "ipv6Address", interface.ipv6_address);
  return json;
}

RecordJson render(const NetworkBinding& binding) {
  RecordJson json = {{"containerPort", binding.container_port},
                     {"hostPort", binding.host_port},
                     {"count", binding.count},
                     {"protocol", name_of(binding.protocol)}};
  put(json, "bindIP", binding.bind_ip);
  return json;
}

RecordJson render(const Container& container);

template <class Item>
RecordJson render_items(const std::vector<Item>& items) {
  RecordJson list = RecordJson::array();
  for (const Item& item : items) list.push_back(render(item));
  return list;
}

RecordJson render(const Container& container) {
  RecordJson json = {{"id", container.id},
                     {"name", container.name},
                     {"image", container.image},
                     {"essential", container.essential},
                     {"lastStatus", name_of(container.lifecycle.status())},
                     {"restartCount", container.restart_count}};
  put(json, "imageDigest", container.image_digest);
  put(json, "preStop", container.pre_stop);
  put(json, "exitCode", container.exit_code);
  put(json, "reason", container.reason);
  if (container.health != ContainerHealth{}) json["health"] = render(container.health);
  put(json, "startedAt", container.started_at);
  put(json, "stoppedAt", container.stopped_at);
  put_list(json, "networkInterfaces", render_items(container.network_interfaces));
  put_list(json, "networkBindings", render_items(container.network_bindings));
  return json;
}

// ---- reading ----

template <class Enum, size_t N>
Result<Enum> parse_word(const json::Node& node, const char* key,
                        const std::array<Enum, N>& values) {
  std::string word = TRY(node.string_at(key));
  for (Enum value : values) {
    if (word == name_of(value)) return value;
  }
  return fail(Errc::kCorrupt, "{}.{}: unknown word '{}'", node.path(), key, word);
}

Result<std::string> text_of(const json::Node& node, const char* key) {
  return TRY(node.find_string(key)).value_or("");
}
Result<bool> flag_of(const json::Node& node, const char* key) {
  return TRY(node.find_bool(key)).value_or(false);
}

Result<WallTime> time_of(const json::Node& node, const char* key) {
  return WallTime(Duration(TRY(node.i64_at(key))));
}

template <class Number>
Result<Number> number_of(const json::Node& node, const char* key) {
  int64_t number = TRY(node.i64_at(key));
  if (number >= std::numeric_limits<Number>::min() &&
      number <= std::numeric_limits<Number>::max()) {
    return static_cast<Number>(number);
  }
  return fail(Errc::kCorrupt, "{}.{}: {} is out of range", node.path(), key, number);
}
Result<std::optional<int>> find_number(const json::Node& node, const char* key) {
  if (!node.find(key)) return std::optional<int>();
  return std::optional<int>(TRY(number_of<int>(node, key)));
}

Result<TaskRequest> parse_request(const json::Node& node) {
  TaskRequest request;
  request.cluster = TRY(node.string_at("cluster"));
  request.revision = TRY(node.i64_at("revision"));
  request.definition_json = TRY(text_of(node, "definition"));
  request.overrides_json = TRY(text_of(node, "overrides"));
  request.volumes_json = TRY(text_of(node, "volumes"));
  request.launch_type = TRY(text_of(node, "launchType"));
  request.capacity_provider = TRY(text_of(node, "capacityProvider"));
  request.platform_version = TRY(text_of(node, "platformVersion"));
  request.group = TRY(text_of(node, "group"));
  request.started_by = TRY(text_of(node, "startedBy"));
  request.service = TRY(text_of(node, "service"));
  request.service_revision = TRY(text_of(node, "serviceRevision"));
  request.tags = TRY(read_pairs(node, "tags"));
  request.enable_execute_command = TRY(flag_of(node, "enableExecuteCommand"));
  request.pre_stop = TRY(read_commands(node, "preStop"));
  request.subnet = TRY(text_of(node, "subnet"));
  request.security_groups = TRY(node.find_strings("securityGroups"));
  request.client_token = TRY(text_of(node, "clientToken"));
  request.request_digest = TRY(text_of(node, "requestDigest"));
  return request;
}

Result<ContainerHealth> parse_health(const json::Node& node) {
  ContainerHealth health;
  health.status = TRY(parse_word(node, "status", kHealthStatuses));
  health.since = TRY(find_time(node, "since"));
  health.exit_code = TRY(find_number(node, "exitCode"));
  health.output = TRY(text_of(node, "output"));
  return health;
}

Result<NetworkInterface> parse_interface(const json::Node& node) {
  NetworkInterface interface {};
  interface.private_ipv4_address = TRY(node.string_at("privateIpv4Address"));
  interface.attachment_id = TRY(text_of(node, "attachmentId"));
  interface.mac_address = TRY(text_of(node, "macAddress"));
  interface.ipv6_address = TRY(text_of(node, "ipv6Address"));
  return interface;
}

Result<NetworkBinding> parse_binding(const json::Node& node) {
  NetworkBinding binding;
  binding.bind_ip = TRY(text_of(node, "bindIP"));
  binding.container_port = TRY(number_of<uint16_t>(node, "containerPort"));
  binding.host_port = TRY(number_of<uint16_t>(node, "hostPort"));
  binding.count = TRY(number_of<uint16_t>(node, "count"));
  binding.protocol = TRY(parse_word(node, "protocol", kProtocols));
  return binding;
}

template <class Item>
Result<std::vector<Item>> parse_items(const json::Node& node, const char* key,
                                      Result<Item> (*parse)(const json::Node&)) {
  std::vector<Item> items;
  for (const json::Node& each : TRY(node.find_array(key))) items.push_back(TRY(parse(each)));
  return items;
}

Result<Container> parse_container(const json::Node& node) {
  Container container;
  container.id = TRY(node.string_at("id"));
  container.name = TRY(node.string_at("name"));
  container.image = TRY(node.string_at("image"));
  container.essential = TRY(flag_of(node, "essential"));
  ContainerStatus status = TRY(parse_word(node, "lastStatus", kContainerStatuses));
  if (status != ContainerStatus::kPending) container.lifecycle.advance(status);
  container.restart_count = TRY(number_of<int>(node, "restartCount"));
  container.image_digest = TRY(text_of(node, "imageDigest"));
  container.pre_stop = TRY(text_of(node, "preStop"));
  container.exit_code = TRY(find_number(node, "exitCode"));
  container.reason = TRY(text_of(node, "reason"));
  if (auto health = node.find("health")) container.health = TRY(parse_health(*health));
  container.started_at = TRY(find_time(node, "startedAt"));
  container.stopped_at = TRY(find_time(node, "stoppedAt"));
  container.network_interfaces = TRY(parse_items(node, "networkInterfaces", parse_interface));
  container.network_bindings = TRY(parse_items(node, "networkBindings", parse_binding));
  return container;
}

Result<Task> parse_task(const json::Node& root, DefinitionMaker& definitions) {
  Task task;
  task.id = TRY(root.string_at("id"));
  task.request = TRY(parse_request(TRY(root.at("request"))));
  const TaskRequest& request = task.request;
  task.definition = TRY(definitions.make({request.definition_json, request.overrides_json,
                                          request.launch_type, request.volumes_json}));
  task.group = TRY(text_of(root, "group"));
  task.lifecycle = TaskLifecycle(TRY(parse_word(root, "lastStatus", kTaskStatuses)));
  task.desired_status = TRY(parse_word(root, "desiredStatus", kDesiredStatuses));
  task.containers = TRY(parse_items(root, "containers", parse_container));
  if (root.find("stopCode")) task.stop_code = TRY(parse_word(root, "stopCode", kStopCodes));
  task.stopped_reason = TRY(text_of(root, "stoppedReason"));
  task.attachment_id = TRY(text_of(root, "attachmentId"));
  task.interface_id = TRY(text_of(root, "interfaceId"));
  task.ended_by = TRY(text_of(root, "endedBy"));
  task.version = TRY(root.i64_at("version"));
  task.protected_until = TRY(find_time(root, "protectedUntil"));
  task.is_held = TRY(root.find_bool("isHeld")).value_or(false);
  task.created_at = TRY(time_of(root, "createdAt"));
  task.connectivity_at = TRY(find_time(root, "connectivityAt"));
  task.pull_started_at = TRY(find_time(root, "pullStartedAt"));
  task.pull_stopped_at = TRY(find_time(root, "pullStoppedAt"));
  task.started_at = TRY(find_time(root, "startedAt"));
  task.stopping_at = TRY(find_time(root, "stoppingAt"));
  task.execution_stopped_at = TRY(find_time(root, "executionStoppedAt"));
  task.stopped_at = TRY(find_time(root, "stoppedAt"));
  json::Node orders = TRY(root.at("orders"));
  task.orders.start = TRY(flag_of(orders, "start"));
  task.orders.stop = TRY(flag_of(orders, "stop"));
  task.orders.kill = TRY(flag_of(orders, "kill"));
  task.orders.release = TRY(flag_of(orders, "release"));
  return task;
}

}  // namespace

Result<TaskDefinition> DefinitionMaker::make(const DefinitionSource& source) {
  std::array<std::string, 4> key = {source.definition_json, source.overrides_json,
                                    source.launch_type, source.volumes_json};
  auto made = made_.find(key);
  if (made == made_.end()) {
    made = made_.emplace(std::move(key), TRY(make_definition(source, host_))).first;
  }
  return made->second;
}

std::string render_task_record(const Task& task) {
  RecordJson orders = RecordJson::object();
  put(orders, "start", task.orders.start);
  put(orders, "stop", task.orders.stop);
  put(orders, "kill", task.orders.kill);
  put(orders, "release", task.orders.release);
  RecordJson json = {{"id", task.id},
                     {"request", render(task.request)},
                     {"lastStatus", name_of(task.last_status())},
                     {"desiredStatus", name_of(task.desired_status)},
                     {"version", task.version},
                     {"orders", std::move(orders)}};
  put(json, "group", task.group);
  put_list(json, "containers", render_items(task.containers));
  if (task.stop_code) json["stopCode"] = name_of(*task.stop_code);
  put(json, "stoppedReason", task.stopped_reason);
  put(json, "attachmentId", task.attachment_id);
  put(json, "interfaceId", task.interface_id);
  put(json, "endedBy", task.ended_by);
  put(json, "protectedUntil", task.protected_until);
  if (task.is_held) json["isHeld"] = true;
  put(json, "createdAt", std::optional(task.created_at));
  put(json, "connectivityAt", task.connectivity_at);
  put(json, "pullStartedAt", task.pull_started_at);
  put(json, "pullStoppedAt", task.pull_stopped_at);
  put(json, "startedAt", task.started_at);
  put(json, "stoppingAt", task.stopping_at);
  put(json, "executionStoppedAt", task.execution_stopped_at);
  put(json, "stoppedAt", task.stopped_at);
  return record_text(json);
}

Result<Task> parse_task_record(std::string_view text, const std::string& name,
                               DefinitionMaker& definitions) {
  auto document = TRY(json::Document::parse(text, {.name = name}));
  auto task = parse_task(document.root(), definitions);
  if (!task) return wrap(std::move(task).error(), "{}", name);
  return task;
}

}  // namespace berth::scheduler
