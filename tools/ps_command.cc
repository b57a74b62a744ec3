// berth ps, inspect and stop: which tasks there are.
#include "agent/paths.h"
#include "agent/task_table.h"
#include "agent/teardown.h"
#include "base/text.h"
#include "netns/plan.h"
#include "sys/file.h"
#include "sys/spawn.h"
#include "tools/commands.h"
#include "tools/table.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <fcntl.h>

#include <cstdio>

namespace berth::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kKillPatience(10);

// "RUNNING", "STOPPED (137)".
std::string shown_state(const agent::ListedContainer& container) {
  std::string state = agent::name_of(container.state);
  bool ended = container.state == agent::ContainerState::kStopped && container.exit &&
               container.exit->exit_code;
  return ended ? fmt::format("{} ({})", state, *container.exit->exit_code) : state;
}

std::string shown_containers(const agent::ListedTask& task) {
  std::vector<std::string> shown;
  for (const agent::ListedContainer& container : task.containers) {
    shown.push_back(container.info.name + " " + shown_state(container));
  }
  return join(shown, ", ");
}

std::string shown_address(const agent::TaskInfo& info) {
  std::vector<std::string> shown;
  for (const agent::AddressInfo& address : info.addresses) shown.push_back(address.address);
  return join(shown, ", ");
}

std::string shown_ports(const agent::TaskInfo& info) {
  std::vector<std::string> shown;
  for (const agent::PortInfo& port : info.ports) {
    shown.push_back(fmt::format("{}:{}->{}/{}", port.host_address,
                                netns::ports_text(port.host_port, port.count),
                                netns::ports_text(port.container_port, port.count), port.protocol));
  }
  return join(shown, ", ");
}

std::string render_table(const std::vector<agent::ListedTask>& tasks) {
  Table table({"TASK", "FAMILY", "STATUS", "CREATED", "CONTAINERS", "ADDRESS", "PORTS"});
  for (const agent::ListedTask& task : tasks) {
    table.add({task.info.id.substr(0, kShortTaskId), task.info.family, agent::name_of(task.state),
               task.info.created_at.substr(0, 19), shown_containers(task), shown_address(task.info),
               shown_ports(task.info)});
  }
  return table.render();
}

Json json_of(const agent::ListedContainer& container) {
  Json json = {{"name", container.info.name},
               {"image", container.info.image},
               {"imageDigest", container.info.image_digest},
               {"essential", container.info.essential},
               {"lastStatus", agent::name_of(container.state)}};
  if (container.pid != 0) json["pid"] = container.pid;
  if (!container.id.empty()) json["runtimeId"] = container.id;
  if (!container.cgroup.empty()) json["cgroup"] = container.cgroup;
  if (!container.exit) return json;
  if (container.exit->exit_code) json["exitCode"] = *container.exit->exit_code;
  if (!container.exit->reason.empty()) json["reason"] = container.exit->reason;
  if (!container.exit->started_at.empty()) json["startedAt"] = container.exit->started_at;
  json["stoppedAt"] = container.exit->finished_at;
  return json;
}

// As DescribeTasks: a range has no single ports.
Json json_of(const agent::PortInfo& port) {
  Json json = {{"container", port.container}, {"bindIP", port.host_address}};
  if (port.count == 1) {
    json["hostPort"] = port.host_port;
    json["containerPort"] = port.container_port;
  } else {
    json["hostPortRange"] = netns::ports_text(port.host_port, port.count);
    json["containerPortRange"] = netns::ports_text(port.container_port, port.count);
  }
  json["protocol"] = port.protocol;
  return json;
}

Json json_of(const agent::ListedTask& task) {
  Json containers = Json::array();
  for (const agent::ListedContainer& container : task.containers) {
    containers.push_back(json_of(container));
  }
  Json addresses = Json::array();
  for (const agent::AddressInfo& address : task.info.addresses) {
    addresses.push_back(
        {{"container", address.container}, {"privateIpv4Address", address.address}});
  }
  Json bindings = Json::array();
  for (const agent::PortInfo& port : task.info.ports) {
    bindings.push_back(json_of(port));
  }
  Json json = {{"taskId", task.info.id},
               {"family", task.info.family},
               {"lastStatus", agent::name_of(task.state)},
               {"networkMode", task.info.network_mode},
               {"createdAt", task.info.created_at},
               {"detached", task.info.detached},
               {"containers", std::move(containers)},
               {"addresses", std::move(addresses)},
               {"networkBindings", std::move(bindings)},
               {"logDirectory", task.log_directory}};
  if (task.shim != 0) json["supervisorPid"] = task.shim;
  if (task.plan) {
    json["cgroup"] = task.plan->cgroup;
    json["taskDirectory"] = task.plan->directory;
  }
  return json;
}

std::string render_json(const std::vector<agent::ListedTask>& tasks) {
  Json list = Json::array();
  for (const agent::ListedTask& task : tasks) list.push_back(json_of(task));
  return list.dump(2) + "\n";
}

Status list(const agent::Config& config, const PsOptions& options) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, options.all));
  if (options.quiet) {
    for (const agent::ListedTask& task : tasks) std::printf("%s\n", task.info.id.c_str());
    return {};
  }
  std::fputs((options.json ? render_json(tasks) : render_table(tasks)).c_str(), stdout);
  return {};
}

Status inspect(const agent::Config& config, const std::vector<std::string>& wanted) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, true));
  std::vector<agent::ListedTask> chosen;
  for (const std::string& name : wanted) chosen.push_back(*TRY(agent::choose_task(tasks, name)));
  std::fputs(render_json(chosen).c_str(), stdout);
  return {};
}

// The longest that a container may take, one after the other in reverse order, and its end.
std::chrono::seconds patience_with(const agent::ListedTask& task, bool kill) {
  std::chrono::seconds patience = kKillPatience;
  if (kill || !task.plan) return patience;
  for (const runtime::ContainerPlan& container : task.plan->containers) {
    patience += std::chrono::seconds(container.stop_timeout_seconds);
  }
  return patience;
}

Status stop_task(const agent::Config& config, const agent::ListedTask& task, bool kill) {
  sys::Process shim{task.shim, {}};
  if (task.shim != 0) {
    auto pidfd = sys::open_pidfd(task.shim);
    if (!pidfd && pidfd.error().code == Errc::kNotFound) return {};  // it has just stopped
    shim.pidfd = TRY(std::move(pidfd));
  }
  auto how = kill ? runtime::ShimRequest::kKill : runtime::ShimRequest::kStop;
  sys::Fd connection = TRY(agent::ask_task(config, task, how));
  if (TRY(sys::ends_within(shim, patience_with(task, kill)))) return {};
  return fail(Errc::kUnavailable, "task {} was told to stop and still runs: `berth stop --kill {}`",
              task.info.id, task.info.id);
}

// Whoever looks after the task gives back its addresses and ports when it has stopped, and then its
// lock. Where nobody does, the sweep behind us will.
Status wait_for_release(const std::string& lock_file) {
  auto lock = sys::open(lock_file, O_RDONLY);
  if (!lock) return {};  // gone already
  return sys::lock(lock->get(), sys::LockMode::kShared);
}

// Every name is looked up before any task is told.
Status stop(const agent::Config& config, const StopOptions& options) {
  std::vector<agent::ListedTask> tasks = TRY(agent::list_tasks(config, false));
  std::vector<const agent::ListedTask*> chosen;
  for (const std::string& name : options.tasks) {
    chosen.push_back(TRY(agent::choose_task(tasks, name)));
  }
  for (const agent::ListedTask* task : chosen) {
    TRY(stop_task(config, *task, options.kill));
    TRY(wait_for_release(agent::paths_of(config).task_lock(task->info.id)));
    std::printf("%s\n", task->info.id.c_str());
  }
  return agent::sweep_instance(config, netns::Retired::kKeep);
}

}  // namespace

int ps_command(const agent::Config& config, const PsOptions& options) {
  return exit_code(list(config, options));
}

int inspect_command(const agent::Config& config, const std::vector<std::string>& tasks) {
  return exit_code(inspect(config, tasks));
}

int stop_command(const agent::Config& config, const StopOptions& options) {
  return exit_code(stop(config, options));
}

}  // namespace berth::tools
