#include "agent/task_table.h"

#include "agent/paths.h"
#include "base/log.h"
#include "base/text.h"
#include "runtime/shim.h"
#include "runtime/state.h"
#include "sys/file.h"
#include "sys/socket.h"

#include <fcntl.h>

#include <algorithm>

namespace berth::agent {
namespace {

// Of several tasks that a name means.
constexpr size_t kTasksNamed = 5;
constexpr size_t kDigitsNamed = 12;

std::optional<runtime::TaskPlan> read_plan(const runtime::TaskPaths& paths) {
  auto text = sys::read_file(paths.plan(), runtime::kTaskPlanMax);
  if (!text) return std::nullopt;
  auto plan = runtime::parse_task_plan(*text, paths.plan());
  return plan ? std::optional(std::move(*plan)) : std::nullopt;
}

// Of a task whose start has not come as far as its files: the id is all there is.
TaskInfo read_info(const std::string& path, const std::string& task_id) {
  TaskInfo nothing;
  nothing.id = task_id;
  auto text = sys::read_file(path, kTaskInfoMax);
  if (!text) return nothing;
  auto info = parse_task_info(*text, path);
  if (!info) LOG(kWarn, "task not understood", {{"why", info.error().text}});
  return info ? std::move(*info) : nothing;
}

void look_at(ListedContainer& container, const runtime::TaskPlan& plan) {
  auto planned = std::find_if(plan.containers.begin(), plan.containers.end(),
                              [&](const auto& each) { return each.name == container.info.name; });
  if (planned == plan.containers.end()) return;
  container.id = planned->id;
  container.cgroup = planned->cgroup;
  // A container that is started again has the record of its last end.
  auto state = runtime::load(plan.oci_root, planned->id);
  if (state && state->status == runtime::ContainerStatus::kRunning) {
    container.state = ContainerState::kRunning;
    container.pid = state->pid;
    return;
  }
  container.exit = runtime::read_exit_record(planned->exit_file);
  if (container.exit) container.state = ContainerState::kStopped;
}

// Whoever starts a task holds its lock. One that is gone is not made anew by looking at it.
bool is_owned(const std::string& lock) {
  auto fd = sys::open(lock, O_RDONLY);
  if (!fd) return false;
  auto free = sys::try_lock(fd->get(), sys::LockMode::kShared);
  return free && !*free;
}

TaskState state_of(const ListedTask& task) {
  bool pending = std::ranges::all_of(task.containers, [](const ListedContainer& container) {
    return container.state == ContainerState::kPending;
  });
  return pending ? TaskState::kPending : TaskState::kRunning;
}

// Of a task that no shim serves: `had_one` says that there was one.
TaskState state_without_shim(const std::string& lock, bool had_one) {
  if (!is_owned(lock)) return TaskState::kLost;
  return had_one ? TaskState::kDeprovisioning : TaskState::kPending;
}

ListedTask read_task(const InstancePaths& paths, const std::string& id) {
  runtime::TaskPaths directory = paths.task(id);
  ListedTask task;
  task.info = read_info(info_path(directory), id);
  task.plan = read_plan(directory);
  task.log_directory = paths.logs(id);
  task.event_log = paths.events(id);
  auto identity = runtime::read_shim_identity(directory.shim());
  if (identity && runtime::is_alive(*identity)) task.shim = identity->pid;
  for (const ContainerInfo& info : task.info.containers) {
    ListedContainer container;
    container.info = info;
    if (task.plan) look_at(container, *task.plan);
    task.containers.push_back(std::move(container));
  }
  task.state = task.shim != 0 ? state_of(task)
                              : state_without_shim(paths.task_lock(id), identity.has_value());
  return task;
}

ListedTask read_stopped(const InstancePaths& paths, const std::string& id) {
  std::string directory = paths.stopped(id);
  ListedTask task;
  task.info = read_info(info_path({directory}), id);
  task.state = TaskState::kStopped;
  task.log_directory = directory + "/logs";
  task.event_log = directory + "/" + kEventsFile;
  for (const ContainerInfo& info : task.info.containers) {
    ListedContainer container;
    container.info = info;
    container.state = ContainerState::kStopped;
    container.exit = runtime::read_exit_record(directory + "/" + info.name + ".exit.json");
    task.containers.push_back(std::move(container));
  }
  return task;
}

Result<std::vector<std::string>> names_in(const std::string& directory) {
  if (!sys::exists(directory)) return std::vector<std::string>();
  return sys::list_directory(directory);
}

std::string names_of(const ListedTask& task) {
  std::vector<std::string> names;
  for (const ListedContainer& container : task.containers) names.push_back(container.info.name);
  return join(names, ", ");
}

// All of it in tmp form first: a record that is there is whole.
Status write_stopped(const InstancePaths& paths, const TaskInfo& info) {
  std::string target = paths.stopped(info.id);
  std::string draft = target + ".new";
  TRY(sys::remove_tree(draft));
  TRY(sys::make_directories(draft, 0700));
  TRY(sys::write_replace(info_path({draft}), render_task_info(info), 0600));
  for (const ContainerInfo& container : info.containers) {
    auto record = sys::read_file(paths.task(info.id).bundle(container.name) + "/exit.json",
                                 runtime::kExitRecordMax);
    if (!record) continue;  // never ran
    TRY(sys::write_replace(draft + "/" + container.name + ".exit.json", *record, 0600));
  }
  if (sys::exists(paths.events(info.id))) {
    TRY(sys::rename(paths.events(info.id), draft + "/" + kEventsFile));
  }
  if (sys::exists(paths.logs(info.id))) TRY(sys::rename(paths.logs(info.id), draft + "/logs"));
  return sys::rename(draft, target);
}

}  // namespace

const char* name_of(ContainerState state) {
  switch (state) {
    case ContainerState::kPending:
      return "PENDING";
    case ContainerState::kRunning:
      return "RUNNING";
    case ContainerState::kStopped:
      return "STOPPED";
  }
  return "";
}

const char* name_of(TaskState state) {
  switch (state) {
    case TaskState::kPending:
      return "PENDING";
    case TaskState::kRunning:
      return "RUNNING";
    case TaskState::kDeprovisioning:
      return "DEPROVISIONING";
    case TaskState::kStopped:
      return "STOPPED";
    case TaskState::kLost:
      return "LOST";
  }
  return "";
}

LogPaths log_paths_of(const ListedTask& task) {
  LogPaths logs;
  for (const ListedContainer& container : task.containers) {
    const ContainerInfo& info = container.info;
    logs.emplace(info.name, info.log_path.empty() ? task.log_directory + "/" + info.name + ".log"
                                                  : info.log_path);
  }
  return logs;
}

Result<std::vector<ListedTask>> list_tasks(const Config& config, bool stopped) {
  InstancePaths paths = paths_of(config);
  std::vector<ListedTask> tasks;
  for (const std::string& name : TRY(names_in(paths.tasks()))) {
    if (!name.ends_with(kLockSuffix)) continue;
    std::string id = name.substr(0, name.size() - kLockSuffix.size());
    ListedTask task = read_task(paths, id);
    bool is_gone = !sys::exists(paths.task(id).directory);  // it went while we looked
    if (!is_gone) tasks.push_back(std::move(task));
  }
  if (stopped) {
    for (const std::string& id : TRY(names_in(paths.stopped_tasks()))) {
      if (!id.ends_with(".new")) tasks.push_back(read_stopped(paths, id));
    }
  }
  std::ranges::stable_sort(tasks, {}, [](const ListedTask& task) { return task.info.created_at; });
  return tasks;
}

std::string task_name_of(const std::string& text) {
  return text.starts_with("arn:") ? text.substr(text.rfind('/') + 1) : text;
}

Result<const ListedTask*> choose_task(const std::vector<ListedTask>& tasks,
                                      const std::string& name) {
  std::vector<const ListedTask*> found;
  std::string wanted = task_name_of(name);
  for (const ListedTask& task : tasks) {
    if (task.info.id == wanted) return &task;
    bool matches =
        !wanted.empty() && (task.info.id.starts_with(wanted) || task.info.family == wanted);
    if (matches) found.push_back(&task);
  }
  if (found.size() == 1) return found.front();
  std::string shown = printable(wanted, 200);
  if (found.empty()) {
    return fail(Errc::kNotFound, "no task \"{}\": `berth ps --all` lists what there is", shown);
  }
  std::vector<std::string> ids;
  for (const ListedTask* task : found) {
    if (ids.size() < kTasksNamed) ids.push_back(task->info.id.substr(0, kDigitsNamed));
  }
  if (ids.size() < found.size()) ids.emplace_back("...");
  return fail(Errc::kInvalid, "\"{}\" means {} tasks: give more of the id ({})", shown,
              found.size(), join(ids, ", "));
}

Result<const ListedContainer*> choose_container(const ListedTask& task, const std::string& name) {
  const ListedContainer* essential = nullptr;
  for (const ListedContainer& container : task.containers) {
    if (container.info.name == name) return &container;
    if (essential == nullptr && container.info.essential) essential = &container;
  }
  if (name.empty() && essential != nullptr) return essential;
  return fail(Errc::kNotFound, "task {} has no container \"{}\"; it has {}", task.info.id,
              printable(name, 200), names_of(task));
}

Result<sys::Fd> connect_to_task(const Config& config, const ListedTask& task) {
  if (task.shim == 0) {
    return fail(Errc::kUnavailable, "task {} is {}: no supervisor serves it", task.info.id,
                name_of(task.state));
  }
  return sys::connect_unix(paths_of(config).task(task.info.id).socket());
}

Result<sys::Fd> ask_task(const Config& config, const ListedTask& task,
                         runtime::ShimRequest request) {
  sys::Fd connection = TRY(connect_to_task(config, task));
  TRY(sys::send_message(connection.get(), runtime::render_request(request), {}));
  return connection;
}

Status keep_stopped_task(const Config& config, const std::string& task_id) {
  InstancePaths paths = paths_of(config);
  std::string path = info_path(paths.task(task_id));
  if (!sys::exists(path) || sys::exists(paths.stopped(task_id))) return {};
  TaskInfo info = TRY(parse_task_info(TRY(sys::read_file(path, kTaskInfoMax)), path));
  if (!info.detached) return {};
  return write_stopped(paths, info);
}

Status forget_stopped_tasks(const Config& config, WallTime now, Duration kept) {
  InstancePaths paths = paths_of(config);
  for (const std::string& name : TRY(names_in(paths.stopped_tasks()))) {
    std::string path = paths.stopped(name);
    struct stat st = TRY(sys::stat(path));
    if (now - WallTime(std::chrono::seconds(st.st_mtim.tv_sec)) >= kept)
      TRY(sys::remove_tree(path));
  }
  return {};
}

}  // namespace berth::agent
