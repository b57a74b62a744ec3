#include "agent/task_metadata.h"

#include "agent/endpoint_document.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;
using Kind = runtime::ShimEvent::Kind;

// From the least far to the farthest; a task is as far as the least of its containers.
constexpr uint64_t kMib = 1 << 20;
constexpr std::array kStatuses = {"NONE", "PULLED", "CREATED", "RUNNING", "STOPPED"};

size_t rank_of(const Json& container) {
  const auto& status = container.at("KnownStatus").get_ref<const std::string&>();
  auto found = std::ranges::find(kStatuses, status);
  return static_cast<size_t>(found - kStatuses.begin());
}

void move_to(Json& container, const char* status) {
  Json there = {{"KnownStatus", status}};
  if (rank_of(there) > rank_of(container)) container["KnownStatus"] = status;
}

void set_once(Json& object, const char* key, const std::string& value) {
  if (!value.empty() && !object.contains(key)) object[key] = value;
}

void observe_health(Json& container, const runtime::ShimEvent& event) {
  if (!event.health) return;
  const runtime::HealthReport& report = *event.health;
  const char* word = "UNKNOWN";
  if (report.status == runtime::HealthStatus::kHealthy) word = "HEALTHY";
  if (report.status == runtime::HealthStatus::kUnhealthy) word = "UNHEALTHY";
  Json health = {{"status", word}, {"statusSince", event.at}};
  if (report.exit_code) health["exitCode"] = *report.exit_code;
  if (!report.output.empty()) health["output"] = report.output;
  container["Health"] = std::move(health);
}

void observe_exit(Json& container, const runtime::ShimEvent& event) {
  move_to(container, "STOPPED");
  container["DesiredStatus"] = "STOPPED";
  if (!event.exit) return;
  if (event.exit->exit_code) container["ExitCode"] = *event.exit->exit_code;
  set_once(container, "FinishedAt", event.exit->finished_at);
}

// What v2 and v3 do not have yet.
void make_old(Json& container) {
  for (const char* key : {"LogDriver", "LogOptions", "ContainerARN", "Snapshotter"}) {
    container.erase(key);
  }
  if (container.contains("Ports")) {
    for (Json& port : container["Ports"]) port.erase("HostIp");
  }
  for (Json& network : container["Networks"]) {
    network = {{"NetworkMode", network["NetworkMode"]},
               {"IPv4Addresses", network["IPv4Addresses"]}};
  }
}

// Whoever wrote it was us: looked at once, so that nothing later can throw.
Status check(const Json& document, const std::string& name) {
  auto is_object = [](const Json& at, const char* key) {
    return at.is_object() && at.contains(key) && at[key].is_object();
  };
  auto is_text = [](const Json& at, const char* key) {
    return at.is_object() && at.contains(key) && at[key].is_string();
  };
  bool is_whole = is_object(document, "containers") && document.contains("essential") &&
                  document["essential"].is_array() && is_object(document, "task") &&
                  is_text(document["task"], "TaskARN") && document.value("version", Json()) == 1;
  if (!is_whole) return fail(Errc::kCorrupt, "{}: is no endpoint.json of this version", name);
  if (document.contains("credentials") &&
      !(is_text(document["credentials"], "id") && is_text(document["credentials"], "roleArn"))) {
    return fail(Errc::kCorrupt, "{}: credentials: must have id and roleArn", name);
  }
  for (const auto& [id, container] : document["containers"].items()) {
    if (!container.is_string()) return fail(Errc::kCorrupt, "{}: containers.{}", name, id);
  }
  if (document.contains("ephemeralStorage") && !document["ephemeralStorage"].is_string()) {
    return fail(Errc::kCorrupt, "{}: ephemeralStorage: must be a directory", name);
  }
  const Json& task = document["task"];
  if (!task.contains("Containers") || !task["Containers"].is_array()) {
    return fail(Errc::kCorrupt, "{}: task.Containers: must be an array", name);
  }
  for (const Json& container : task["Containers"]) {
    bool is_container = is_text(container, "Name") && is_text(container, "DockerId") &&
                        is_text(container, "DockerName") && is_text(container, "KnownStatus") &&
                        container.contains("Networks") && container["Networks"].is_array() &&
                        rank_of(container) < kStatuses.size();
    if (!is_container) return fail(Errc::kCorrupt, "{}: task.Containers", name);
    for (const Json& network : container["Networks"]) {
      if (!network.is_object()) return fail(Errc::kCorrupt, "{}: task.Containers.Networks", name);
    }
  }
  return {};
}

std::string text_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

TaskMetadata::TaskMetadata(std::unique_ptr<Json> document) : document_(std::move(document)) {}
TaskMetadata::TaskMetadata(TaskMetadata&&) noexcept = default;
TaskMetadata& TaskMetadata::operator=(TaskMetadata&&) noexcept = default;
TaskMetadata::~TaskMetadata() = default;

Result<TaskMetadata> TaskMetadata::parse(std::string_view text, const std::string& name) {
  auto document = std::make_unique<Json>(Json::parse(text, nullptr, false));
  TRY(check(*document, name));
  return TaskMetadata(std::move(document));
}

Json* TaskMetadata::find(const std::string& container) {
  for (Json& each : (*document_)["task"]["Containers"]) {
    if (each["Name"] == container) return &each;
  }
  return nullptr;
}

std::optional<std::string> TaskMetadata::ephemeral_storage() const {
  auto storage = document_->find("ephemeralStorage");
  if (storage == document_->end()) return std::nullopt;
  return storage->get<std::string>();
}

void TaskMetadata::observe_ephemeral_storage(uint64_t used_bytes, uint64_t size_bytes) {
  (*document_)["task"]["EphemeralStorageMetrics"] = {{"Utilized", used_bytes / kMib},
                                                     {"Reserved", size_bytes / kMib}};
}

void TaskMetadata::observe(const runtime::ShimEvent& event) {
  Json& task = (*document_)["task"];
  if (event.kind == Kind::kTaskStopping || event.kind == Kind::kTaskStopped) {
    task["DesiredStatus"] = "STOPPED";
    for (Json& each : task["Containers"]) each["DesiredStatus"] = "STOPPED";
    return;
  }
  Json* container = find(event.container);
  if (container == nullptr) return;
  switch (event.kind) {
    case Kind::kContainerCreated:
      move_to(*container, "CREATED");
      return set_once(*container, "CreatedAt", event.at);
    case Kind::kContainerStarted:
      move_to(*container, "RUNNING");
      pids_[event.container] = event.pid;
      return set_once(*container, "StartedAt", event.at);
    case Kind::kContainerRestarted:
      pids_[event.container] = event.pid;
      if (event.exit) (*container)["RestartCount"] = event.exit->restarts + 1;
      return;
    case Kind::kContainerHealth:
      return observe_health(*container, event);
    case Kind::kContainerExited:
      pids_.erase(event.container);
      observe_exit(*container, event);
      if (is_essential(event.container)) set_once(task, "ExecutionStoppedAt", event.at);
      return;
    case Kind::kNamespaces:
    case Kind::kPreStopEnded:
    case Kind::kStopRequested:
    case Kind::kTaskStopping:
    case Kind::kTaskStopped:
    case Kind::kFailed:
    case Kind::kAttachRefused:
    case Kind::kOutputMissed:
    case Kind::kUpToDate:
      return;
  }
}

bool TaskMetadata::is_essential(const std::string& container) const {
  const Json& names = document_->at("essential");
  return std::ranges::find(names, Json(container)) != names.end();
}

std::optional<std::string> TaskMetadata::container_of(const std::string& endpoint_id) const {
  const Json& containers = document_->at("containers");
  auto found = containers.find(endpoint_id);
  if (found == containers.end()) return std::nullopt;
  return found->get<std::string>();
}

std::vector<MetadataContainer> TaskMetadata::containers() const {
  std::vector<MetadataContainer> containers;
  for (const Json& each : document_->at("task").at("Containers")) {
    MetadataContainer container;
    container.name = each["Name"];
    container.docker_id = each["DockerId"];
    container.docker_name = each["DockerName"];
    auto pid = pids_.find(container.name);
    container.running = pid != pids_.end();
    if (container.running) container.pid = pid->second;
    containers.push_back(std::move(container));
  }
  return containers;
}

std::string TaskMetadata::task_arn() const {
  return document_->at("task").at("TaskARN").get<std::string>();
}

bool TaskMetadata::fault_injection_enabled() const {
  return document_->at("task").value("FaultInjectionEnabled", Json(false)) == true;
}

std::optional<TaskMetadata::Role> TaskMetadata::role() const {
  auto role = document_->find("credentials");
  if (role == document_->end()) return std::nullopt;
  return Role{role->at("id").get<std::string>(), role->at("roleArn").get<std::string>()};
}

std::string TaskMetadata::render_task(MetadataVersion version, Tags tags) const {
  Json task = document_->at("task");
  size_t least = kStatuses.size() - 1;
  for (const Json& each : task["Containers"]) least = std::min(least, rank_of(each));
  task["KnownStatus"] = kStatuses.at(least);
  if (tags == Tags::kWithout) task.erase("TaskTags");
  if (version != MetadataVersion::kV4) {
    for (const char* key :
         {"LaunchType", "Group", "FaultInjectionEnabled", "EphemeralStorageMetrics"}) {
      task.erase(key);
    }
    for (Json& each : task["Containers"]) make_old(each);
  }
  return text_of(task);
}

std::string TaskMetadata::render_container(MetadataVersion version, const std::string& name) const {
  for (const Json& each : document_->at("task").at("Containers")) {
    if (each["Name"] != name) continue;
    Json container = each;
    if (version != MetadataVersion::kV4) make_old(container);
    return text_of(container);
  }
  return "null";
}

}  // namespace berth::agent
