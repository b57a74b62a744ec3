// berth ps and inspect: which tasks there are.
#include "agent/task_table.h"
#include "base/text.h"
#include "netns/plan.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/table.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace berth::tools {
namespace {

using Json = nlohmann::ordered_json;

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

// Of one without a directory berthd knows more than "PENDING".
std::string shown_status(const agent::ListedTask& task, const DaemonTask* of_daemon) {
  bool has_directory = !task.log_directory.empty();
  return has_directory || of_daemon == nullptr ? agent::name_of(task.state)
                                               : of_daemon->last_status;
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

// Clusters and groups are berthd's, and take no room where it has no tasks.
std::string render_table(const std::vector<agent::ListedTask>& tasks, const DaemonTasks& owned) {
  bool has_owned = std::ranges::any_of(
      tasks, [&](const agent::ListedTask& task) { return owned.find(task.info.id) != nullptr; });
  std::vector<std::string> head = {"TASK", "FAMILY", "STATUS", "CREATED"};
  if (has_owned) head.insert(head.end(), {"CLUSTER", "GROUP"});
  head.insert(head.end(), {"CONTAINERS", "ADDRESS", "PORTS"});
  Table table(head);
  for (const agent::ListedTask& task : tasks) {
    const DaemonTask* of_daemon = owned.find(task.info.id);
    std::vector<std::string> row = {task.info.id.substr(0, kShortTaskId), task.info.family,
                                    shown_status(task, of_daemon),
                                    task.info.created_at.substr(0, 19)};
    if (has_owned) {
      row.push_back(of_daemon == nullptr ? "-" : of_daemon->cluster);
      row.push_back(of_daemon == nullptr ? "-" : of_daemon->group);
    }
    row.insert(row.end(),
               {shown_containers(task), shown_address(task.info), shown_ports(task.info)});
    table.add(std::move(row));
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

void add_daemon_members(Json& json, const DaemonTask& task) {
  json["taskArn"] = task.arn;
  json["cluster"] = task.cluster;
  json["group"] = task.group;
  if (!task.service.empty()) json["service"] = task.service;
  if (!task.started_by.empty()) json["startedBy"] = task.started_by;
  json["desiredStatus"] = task.desired_status;
  if (!task.stopped_reason.empty()) json["stoppedReason"] = task.stopped_reason;
}

Json json_of(const agent::ListedTask& task, const DaemonTask* of_daemon) {
  Json containers = Json::array();
  for (const agent::ListedContainer& container : task.containers) {
    containers.push_back(json_of(container));
  }
  Json addresses = Json::array();
  for (const agent::AddressInfo& address : task.info.addresses) {
    Json shown = {{"container", address.container}, {"privateIpv4Address", address.address}};
    if (!address.ipv6.empty()) shown["ipv6Address"] = address.ipv6;
    addresses.push_back(std::move(shown));
  }
  Json bindings = Json::array();
  for (const agent::PortInfo& port : task.info.ports) {
    bindings.push_back(json_of(port));
  }
  Json json = {{"taskId", task.info.id},
               {"family", task.info.family},
               {"lastStatus", shown_status(task, of_daemon)},
               {"networkMode", task.info.network_mode},
               {"createdAt", task.info.created_at},
               {"detached", task.info.detached},
               {"containers", std::move(containers)},
               {"addresses", std::move(addresses)},
               {"networkBindings", std::move(bindings)},
               {"logDirectory", task.log_directory}};
  if (of_daemon != nullptr) add_daemon_members(json, *of_daemon);
  if (task.shim != 0) json["supervisorPid"] = task.shim;
  if (task.plan) {
    json["cgroup"] = task.plan->cgroup;
    json["taskDirectory"] = task.plan->directory;
  }
  return json;
}

std::string render_json(const std::vector<agent::ListedTask>& tasks, const DaemonTasks& owned) {
  Json list = Json::array();
  for (const agent::ListedTask& task : tasks) {
    list.push_back(json_of(task, owned.find(task.info.id)));
  }
  return list.dump(2) + "\n";
}

Status list(const agent::Config& config, const PsOptions& options) {
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, options.all));
  if (options.quiet) {
    for (const agent::ListedTask& task : tasks) std::printf("%s\n", task.info.id.c_str());
    return {};
  }
  std::fputs((options.json ? render_json(tasks, owned) : render_table(tasks, owned)).c_str(),
             stdout);
  return {};
}

Status inspect(const agent::Config& config, const std::vector<std::string>& wanted) {
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, true));
  std::vector<agent::ListedTask> chosen;
  for (const std::string& name : wanted) chosen.push_back(*TRY(agent::choose_task(tasks, name)));
  std::fputs(render_json(chosen, owned).c_str(), stdout);
  return {};
}

}  // namespace

int ps_command(const agent::Config& config, const PsOptions& options) {
  return exit_code(list(config, options));
}

int inspect_command(const agent::Config& config, const std::vector<std::string>& tasks) {
  return exit_code(inspect(config, tasks));
}

}  // namespace berth::tools
