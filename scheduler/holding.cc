#include "scheduler/holding.h"

#include <algorithm>

namespace berth::scheduler {
namespace {

bool has_ports_of_host(const TaskDefinition& definition) {
  return definition.network_mode == NetworkMode::kBridge ||
         definition.network_mode == NetworkMode::kHost;
}

uint64_t fitting(uint64_t has, uint64_t held, uint64_t each, uint64_t count) {
  if (each == 0) return count;
  return held >= has ? 0 : std::min(count, (has - held) / each);
}

}  // namespace

Holding holding_of(const TaskDefinition& definition) {
  Holding holding;
  uint64_t cpu = 0;
  uint64_t memory = 0;
  for (const ContainerDefinition& container : definition.container_definitions) {
    cpu += container.cpu;
    memory += container.memory_reservation_mib.value_or(container.memory_mib.value_or(0));
    if (!has_ports_of_host(definition)) continue;
    for (const PortMapping& mapping : container.port_mappings) {
      for (uint32_t i = 0; mapping.host_port != 0 && i < count_of(mapping); ++i) {
        holding.ports.insert({mapping.protocol, static_cast<uint16_t>(mapping.host_port + i)});
      }
    }
  }
  holding.cpu_units = definition.cpu ? *definition.cpu : cpu;
  holding.memory_mib = definition.memory_mib ? *definition.memory_mib : memory;
  return holding;
}

Holding holding_of(const Task& task) {
  Holding holding = holding_of(task.definition);
  for (const Container& container : task.containers) {
    for (const NetworkBinding& binding : container.network_bindings) {
      for (uint32_t i = 0; i < binding.count; ++i) {
        holding.ports.insert({binding.protocol, static_cast<uint16_t>(binding.host_port + i)});
      }
    }
  }
  return holding;
}

void add(Holding& held, const Holding& more) {
  held.cpu_units += more.cpu_units;
  held.memory_mib += more.memory_mib;
  held.ports.insert(more.ports.begin(), more.ports.end());
}

std::string shortage_of(const NodeCapacity& capacity, const Holding& held, const Holding& wanted) {
  if (held.cpu_units + wanted.cpu_units > capacity.cpu_units) return "RESOURCE:CPU";
  if (held.memory_mib + wanted.memory_mib > capacity.memory_mib) return "RESOURCE:MEMORY";
  bool collides = std::any_of(wanted.ports.begin(), wanted.ports.end(),
                              [&](const HostPort& port) { return held.ports.count(port) > 0; });
  return collides ? "RESOURCE:PORTS" : "";
}

void Room::take(const Holding& holding) {
  cpu_units_ += holding.cpu_units;
  memory_mib_ += holding.memory_mib;
  for (const HostPort& port : holding.ports) ++ports_[port];
}

void Room::give_back(const Holding& holding) {
  cpu_units_ -= holding.cpu_units;
  memory_mib_ -= holding.memory_mib;
  for (const HostPort& port : holding.ports) {
    auto found = ports_.find(port);
    if (found != ports_.end() && --found->second == 0) ports_.erase(found);
  }
}

Room::Fit Room::fit(const Holding& wanted, int count) const {
  auto many = static_cast<uint64_t>(std::max(count, 0));
  uint64_t by_cpu = fitting(capacity_.cpu_units, cpu_units_, wanted.cpu_units, many);
  uint64_t by_memory = fitting(capacity_.memory_mib, memory_mib_, wanted.memory_mib, many);
  bool collides = std::any_of(wanted.ports.begin(), wanted.ports.end(),
                              [&](const HostPort& port) { return ports_.count(port) > 0; });
  uint64_t by_ports = wanted.ports.empty() ? many : collides ? 0 : std::min<uint64_t>(many, 1);
  uint64_t fits = std::min({by_cpu, by_memory, by_ports});
  Fit fit{.count = static_cast<int>(fits)};
  if (fits == many) return fit;
  fit.shortage = fits == by_cpu      ? "RESOURCE:CPU"
                 : fits == by_memory ? "RESOURCE:MEMORY"
                                     : "RESOURCE:PORTS";
  return fit;
}

}  // namespace berth::scheduler
