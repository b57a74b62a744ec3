#include "agent/recovery.h"

#include "agent/paths.h"
#include "base/text.h"
#include "runtime/shim.h"
#include "sys/file.h"

#include <algorithm>

namespace berth::agent {
namespace {

constexpr size_t kCommandLineMax = 64 * 1024;

}  // namespace

const char* name_of(Resumption way) {
  switch (way) {
    case Resumption::kFollow:
      return "follow";
    case Resumption::kBeginAnew:
      return "begin anew";
    case Resumption::kGiveUp:
      return "give up";
    case Resumption::kEnded:
      return "ended";
    case Resumption::kRelease:
      return "release";
  }
  return "";
}

Resumption resumption_of(const scheduler::Task& task, const TaskEvidence& evidence) {
  if (task.orders.release) return Resumption::kRelease;
  bool was_elsewhere = !evidence.has_directory && (evidence.was_begun || has_started(task));
  if (evidence.was_told_to_start) {
    return evidence.shim_lives ? Resumption::kFollow : Resumption::kEnded;
  }
  if (was_elsewhere) return Resumption::kEnded;
  bool is_to_stop = task.orders.stop || task.orders.kill;
  return is_to_stop ? Resumption::kGiveUp : Resumption::kBeginAnew;
}

bool has_started(const scheduler::Task& task) {
  return std::ranges::any_of(task.containers, [](const scheduler::Container& each) {
    return each.started_at.has_value();
  });
}

TaskEvidence look_for_evidence(const Config& config, const std::string& task_id) {
  InstancePaths paths = paths_of(config);
  runtime::TaskPaths directory = paths.task(task_id);
  TaskEvidence evidence;
  evidence.was_begun = sys::exists(paths.logs(task_id)) || sys::exists(paths.stopped(task_id));
  evidence.has_directory = sys::exists(directory.directory);
  evidence.was_told_to_start = sys::exists(told_to_start_path(directory));
  return evidence;
}

std::optional<sys::Process> find_shim(const runtime::TaskPaths& task) {
  auto identity = runtime::read_shim_identity(task.shim());
  if (!identity) return std::nullopt;
  auto pidfd = sys::open_pidfd(identity->pid);
  // Only now: had the number gone to another process before, it would be that one's descriptor.
  if (!pidfd || !runtime::is_alive(*identity)) return std::nullopt;
  return sys::Process{identity->pid, std::move(*pidfd)};
}

std::vector<sys::Process> find_unnamed_shims(const runtime::TaskPaths& task) {
  std::vector<sys::Process> found;
  auto names = sys::list_directory("/proc");
  if (!names) return found;
  std::string last_argument = '\0' + task.directory + '\0';
  auto was_started_for_it = [&](const std::string& number) {
    auto arguments = sys::read_file("/proc/" + number + "/cmdline", kCommandLineMax);
    return arguments && arguments->ends_with(last_argument);
  };
  for (const std::string& name : *names) {
    auto pid = parse_u64(name);
    if (!pid || !was_started_for_it(name)) continue;
    auto pidfd = sys::open_pidfd(static_cast<pid_t>(*pid));
    // Only now, as above.
    if (!pidfd || !was_started_for_it(name)) continue;
    found.push_back({static_cast<pid_t>(*pid), std::move(*pidfd)});
  }
  return found;
}

std::vector<runtime::ExitRecord> exit_records_of(const Config& config,
                                                 const scheduler::Task& task) {
  InstancePaths paths = paths_of(config);
  std::vector<runtime::ExitRecord> records;
  for (const scheduler::Container& container : task.containers) {
    auto record =
        runtime::read_exit_record(paths.task(task.id).bundle(container.name) + "/exit.json");
    // A sweep that took it for dead has kept it there.
    if (!record) {
      record =
          runtime::read_exit_record(paths.stopped(task.id) + "/" + container.name + ".exit.json");
    }
    // One of a run before the last is no end: the container had been started again.
    bool is_last = record && record->restarts >= container.restart_count;
    if (is_last) records.push_back(std::move(*record));
  }
  return records;
}

}  // namespace berth::agent
