#include "scheduler/task_definition.h"

#include "scheduler/firelens.h"

#include <algorithm>

namespace berth::scheduler {

bool TaskDefinition::requires_fargate() const {
  return std::find(requires_compatibilities.begin(), requires_compatibilities.end(), "FARGATE") !=
         requires_compatibilities.end();
}

const ContainerDefinition* TaskDefinition::find_container(const std::string& name) const {
  auto found = std::find_if(container_definitions.begin(), container_definitions.end(),
                            [&name](const ContainerDefinition& each) { return each.name == name; });
  return found == container_definitions.end() ? nullptr : &*found;
}

uint16_t count_of(const PortMapping& mapping) {
  int last = mapping.container_port_last.value_or(mapping.container_port);
  return static_cast<uint16_t>(last - mapping.container_port + 1);
}

std::vector<MountPoint> effective_mount_points(const TaskDefinition& task,
                                               const ContainerDefinition& container) {
  std::vector<MountPoint> mounts = container.mount_points;
  for (const VolumeFrom& from : container.volumes_from) {
    const ContainerDefinition* source = task.find_container(from.source_container);
    if (source == nullptr) continue;
    for (MountPoint inherited : effective_mount_points(task, *source)) {
      bool taken = std::any_of(mounts.begin(), mounts.end(), [&](const MountPoint& each) {
        return each.container_path == inherited.container_path;
      });
      if (taken) continue;
      inherited.read_only = inherited.read_only || from.read_only;
      mounts.push_back(std::move(inherited));
    }
  }
  return mounts;
}

std::vector<std::string> args_of(const HealthCheck& check) {
  const std::vector<std::string>& command = check.command;
  if (command.empty()) return {};
  if (command[0] == "CMD") return {command.begin() + 1, command.end()};
  if (command[0] != "CMD-SHELL") return command;      // as if CMD stood before it
  std::vector<std::string> args = {"/bin/sh", "-c"};  // the container's own
  args.insert(args.end(), command.begin() + 1, command.end());
  return args;
}

std::vector<size_t> start_order(const TaskDefinition& task) {
  const auto& containers = task.container_definitions;
  std::vector<size_t> order;
  std::vector<bool> placed(containers.size(), false);
  auto is_placed = [&](const std::string& name) {
    for (size_t i = 0; i < containers.size(); ++i) {
      if (containers[i].name == name) return static_cast<bool>(placed[i]);
    }
    return true;  // unknown names hold nothing up; the check refuses them
  };
  const ContainerDefinition* router = firelens_router_of(task);
  auto is_ready = [&](const ContainerDefinition& container) {
    if (waits_for_router(task, container) && !is_placed(router->name)) return false;
    return std::all_of(container.depends_on.begin(), container.depends_on.end(),
                       [&](const Dependency& each) { return is_placed(each.container_name); }) &&
           std::all_of(container.volumes_from.begin(), container.volumes_from.end(),
                       [&](const VolumeFrom& each) { return is_placed(each.source_container); }) &&
           std::all_of(container.links.begin(), container.links.end(),
                       [&](const Link& each) { return is_placed(each.container_name); });
  };
  for (bool progress = true; progress;) {
    progress = false;
    for (size_t i = 0; i < containers.size() && !progress; ++i) {
      if (placed[i] || !is_ready(containers[i])) continue;
      placed[i] = true;
      order.push_back(i);
      progress = true;
    }
  }
  return order;  // shorter than the list when there is a cycle
}

}  // namespace berth::scheduler
