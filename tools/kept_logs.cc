#include "tools/kept_logs.h"

#include "base/text.h"
#include "logs/find_streams.h"
#include "logs/log_store.h"

#include <algorithm>
#include <optional>
#include <set>

namespace berth::tools {
namespace {

constexpr size_t kTaskIdDigits = 32;
constexpr size_t kIdBeginMin = 4;  // shorter ones are rather somebody's name of a stream
constexpr size_t kShownName = 200;
constexpr const char* kDigits = "0123456789abcdef";

// Of "PREFIX/CONTAINER/TASK", which the awslogs driver makes.
struct StreamName {
  std::string container;
  std::string task;
};

std::optional<StreamName> parse_stream_name(const std::string& stream) {
  std::vector<std::string> parts = split(stream, '/');
  if (parts.size() < 3) return std::nullopt;
  StreamName name{parts[parts.size() - 2], parts.back()};
  bool is_task = name.task.size() == kTaskIdDigits &&
                 name.task.find_first_not_of(kDigits) == std::string::npos;
  return is_task ? std::optional(std::move(name)) : std::nullopt;
}

// Of a stream that is named after the container's id alone.
const agent::ContainerInfo* container_of(const DaemonTask* task, const std::string& stream) {
  if (task == nullptr) return nullptr;
  auto found = task->streams.find(stream);
  if (found == task->streams.end()) return nullptr;
  auto info = std::ranges::find(task->containers, found->second, &agent::ContainerInfo::name);
  return info == task->containers.end() ? nullptr : &*info;
}

}  // namespace

Result<agent::ListedTask> find_kept_logs(const agent::Config& config, const std::string& wanted,
                                         const DaemonTask* of_daemon) {
  std::string id = of_daemon == nullptr ? agent::task_name_of(wanted) : of_daemon->id;
  auto names_task = [&](const std::string& stream) {
    auto name = parse_stream_name(stream);
    return name && id.size() >= kIdBeginMin && name->task.starts_with(id);
  };
  auto places = TRY(logs::find_streams(config.root, [&](const std::string& stream) {
    return names_task(stream) || container_of(of_daemon, stream) != nullptr;
  }));
  std::set<std::string> tasks;
  agent::LogPaths logs;
  for (const logs::StreamPlace& place : places) {
    auto name = parse_stream_name(place.stream);
    const agent::ContainerInfo* info = container_of(of_daemon, place.stream);
    tasks.insert(name ? name->task : id);
    logs.emplace(name ? name->container : info->name,
                 logs::LogStore(config.root, place.region).events_path(place.group, place.stream));
  }
  std::string shown = printable(wanted, kShownName);
  if (tasks.empty())
    return fail(Errc::kNotFound, "no log group has a stream of task \"{}\"", shown);
  if (tasks.size() > 1) {
    return fail(Errc::kInvalid,
                "\"{}\" means {} tasks that log groups have streams of: give more of the id", shown,
                tasks.size());
  }
  agent::ListedTask task;
  task.info.id = *tasks.begin();
  task.state = agent::TaskState::kStopped;
  for (const auto& [container, path] : logs) {
    agent::ListedContainer listed;
    listed.info.name = container;
    listed.info.log_path = path;
    listed.state = agent::ContainerState::kStopped;
    task.containers.push_back(std::move(listed));
  }
  return task;
}

std::vector<std::string> containers_without_logs(const agent::ListedTask& kept,
                                                 const DaemonTask& of_daemon) {
  std::vector<std::string> names;
  for (const agent::ContainerInfo& container : of_daemon.containers) {
    bool is_kept = std::ranges::any_of(kept.containers, [&](const agent::ListedContainer& each) {
      return each.info.name == container.name;
    });
    if (!is_kept) names.push_back(container.name);
  }
  return names;
}

}  // namespace berth::tools
