#include "agent/teardown.h"

#include "agent/host_faults.h"
#include "agent/paths.h"
#include "agent/task_network.h"
#include "agent/task_table.h"
#include "base/log.h"
#include "runtime/shim.h"
#include "runtime/task_names.h"
#include "sys/cgroup.h"
#include "sys/file.h"

#include <set>
#include <vector>

namespace berth::agent {
namespace {

Status remove_cgroups(const std::string& instance, const std::string& task_id) {
  auto host = TRY(sys::Cgroups::detect());
  sys::CgroupDir task = host.at(cgroup_of(instance) + "/" + task_id);
  TRY(task.kill_all());
  TRY(task.remove());
  TRY(host.at(cgroup_of(instance)).remove_if_empty());
  return host.at("/berth").remove_if_empty();
}

Status remove_oci_state(const InstancePaths& paths, const std::string& task_id) {
  if (!sys::exists(paths.oci())) return {};
  for (const std::string& name : TRY(sys::list_directory(paths.oci()))) {
    if (name.starts_with(task_id)) TRY(sys::remove_tree(paths.oci() + "/" + name));
  }
  return {};
}

// Those that a shim left that was killed. Without a plan there was no shim that could have any.
Status withdraw_names(const runtime::TaskPaths& task) {
  auto text = sys::read_file(task.plan(), runtime::kTaskPlanMax);
  if (!text) return {};
  auto plan = runtime::parse_task_plan(*text, task.plan());
  if (!plan || !plan->names) return {};
  return runtime::withdraw_names(*plan->names, plan->task_id);
}

// Nothing of the task runs or acts any more.
Status end_what_acts(const Config& config, const std::string& task_id) {
  runtime::TaskPaths task = paths_of(config).task(task_id);
  TRY(remove_cgroups(instance_of(config.run), task_id));
  TRY(withdraw_names(task));
  return remove_host_faults(task.directory);
}

bool shim_is_alive(const runtime::TaskPaths& task) {
  auto identity = runtime::read_shim_identity(task.shim());
  return identity && runtime::is_alive(*identity);
}

// Locks of tasks that nobody owns; holding one is being the new owner.
struct Orphan {
  std::string task_id;
  sys::FileLock lock;
};

struct Found {
  std::set<std::string> live;
  std::vector<Orphan> orphans;
};

Result<Found> find_tasks(const InstancePaths& paths) {
  Found found;
  for (const std::string& name : TRY(sys::list_directory(paths.tasks()))) {
    if (!name.ends_with(kLockSuffix)) continue;
    std::string id = name.substr(0, name.size() - kLockSuffix.size());
    auto lock = sys::FileLock::try_acquire(paths.task_lock(id));
    bool stopping = lock && shim_is_alive(paths.task(id));
    if (stopping) {
      LOG(kWarn, "the berth of a task is gone and its shim is still stopping it; sweep again later",
          {{"task", id}});
    }
    if (!lock || stopping) {
      found.live.insert(id);
    } else {
      found.orphans.push_back({id, std::move(*lock)});
    }
  }
  return found;
}

}  // namespace

Status undo_start(const Config& config, const std::string& task_id) {
  InstancePaths paths = paths_of(config);
  TRY(end_what_acts(config, task_id));
  TRY(TRY(TaskNetwork::make(config)).remove(task_id));
  TRY(remove_oci_state(paths, task_id));
  if (sys::exists(paths.durable(task_id))) {
    for (const std::string& name : TRY(sys::list_directory(paths.durable(task_id)))) {
      if (name != kEventsFile) TRY(sys::remove_tree(paths.durable(task_id) + "/" + name));
    }
  }
  return sys::remove_tree(paths.task(task_id).directory);
}

Result<Remains> tear_down_task(const Config& config, const std::string& task_id,
                               NetworkEnd network_end) {
  InstancePaths paths = paths_of(config);
  TRY(end_what_acts(config, task_id));
  TaskNetwork network = TRY(TaskNetwork::make(config));
  bool retired = network_end == NetworkEnd::kBySweep && TRY(network.retire(task_id));
  if (!retired) TRY(network.remove(task_id));
  TRY(remove_oci_state(paths, task_id));
  auto kept = keep_stopped_task(config, task_id);
  if (!kept) LOG(kWarn, "record of the task lost", {{"task", task_id}, {"why", kept.error().text}});
  TRY(sys::remove_tree(paths.durable(task_id)));
  TRY(sys::remove_tree(paths.task(task_id).directory));
  // The lock goes last: while it is there, a sweep knows of the task.
  TRY(sys::remove_file(paths.task_lock(task_id)));
  return retired ? Remains::kNetwork : Remains::kNothing;
}

Status sweep_instance(const Config& config, netns::Retired retired) {
  InstancePaths paths = paths_of(config);
  Status first;
  auto note = [&](Status status, const std::string& task_id) {
    if (status) return;
    LOG(kWarn, "sweep", {{"task", task_id}, {"why", status.error().text}});
    if (first) first = std::move(status);
  };
  Found found = TRY(find_tasks(paths));
  for (const Orphan& orphan : found.orphans) {
    LOG(kInfo, "sweeping what a dead task left", {{"task", orphan.task_id}});
    auto torn_down = tear_down_task(config, orphan.task_id, NetworkEnd::kNow);
    if (!torn_down) note(tl::unexpected<Error>(torn_down.error()), orphan.task_id);
  }
  note(TRY(TaskNetwork::make(config)).sweep(found.live, retired), "");
  return first;
}

Result<bool> has_retired_leases(const Config& config) {
  return TRY(TaskNetwork::make(config)).has_retired();
}

}  // namespace berth::agent
