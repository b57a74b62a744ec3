#include "tools/task_interfaces.h"

namespace berth::tools {
namespace {

const scheduler::NetworkInterface* address_of(const scheduler::Task& task) {
  for (const scheduler::Container& container : task.containers) {
    if (!container.network_interfaces.empty()) return &container.network_interfaces.front();
  }
  return nullptr;
}

}  // namespace

std::vector<api::TaskInterface> task_interfaces(const scheduler::Core& core) {
  std::vector<api::TaskInterface> interfaces;
  for (const scheduler::Task* each : core.living_tasks()) {
    const scheduler::Task& task = *each;
    const scheduler::NetworkInterface* address = address_of(task);
    if (address == nullptr || task.interface_id.empty()) continue;
    interfaces.push_back({.id = task.interface_id,
                          .attachment_id = task.attachment_id,
                          .description = "task " + task.id + ", attachment " + task.attachment_id,
                          .subnet = task.request.subnet,
                          .address = address->private_ipv4_address,
                          .mac = address->mac_address,
                          .address6 = address->ipv6_address,
                          .groups = task.request.security_groups,
                          .attached_at = task.created_at});
  }
  return interfaces;
}

}  // namespace berth::tools
