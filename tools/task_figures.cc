#include "tools/task_figures.h"

#include "agent/task_table.h"
#include "sys/cgroup.h"

#include <optional>

namespace berth::tools {
namespace {

constexpr double kUnitsOfCpu = 1024;

// Units of processor that a task has used on average since the look before.
std::optional<double> units_used(const std::string& id, const UsedByTasks& before,
                                 const UsedByTask& now) {
  auto found = before.find(id);
  bool is_counted = found != before.end() && now.at > found->second.at &&
                    now.cpu_ns >= found->second.cpu_ns;  // a container that went takes its time
  if (!is_counted) return std::nullopt;
  auto used = static_cast<double>(now.cpu_ns - found->second.cpu_ns);
  return kUnitsOfCpu * used / static_cast<double>((now.at - found->second.at).count());
}

metrics::Datum datum_of(const char* name, metrics::Dimensions dimensions, int64_t at) {
  metrics::Datum datum;
  datum.name = {"AWS/ECS", name, std::move(dimensions)};
  datum.unit = "Percent";
  datum.at = at;
  return datum;
}

}  // namespace

Result<UsedByTasks> look_at_tasks(const agent::Config& config, Clock& clock) {
  auto host = TRY(sys::Cgroups::detect());
  UsedByTasks used;
  for (const agent::ListedTask& task : TRY(agent::list_tasks(config, false))) {
    UsedByTask& of_task = used[task.info.id];
    of_task.at = clock.now();
    for (const agent::ListedContainer& container : task.containers) {
      if (container.state != agent::ContainerState::kRunning) continue;
      auto stats = host.at(container.cgroup).stats();
      if (!stats) continue;  // it ended just now
      of_task.cpu_ns += stats->cpu_usage_ns;
      of_task.memory_bytes += stats->memory_bytes;
    }
  }
  return used;
}

std::vector<metrics::Datum> figures_of(const std::vector<ReservingTask>& tasks,
                                       const UsedByTasks& before, const UsedByTasks& now,
                                       const HostSize& host, int64_t at_seconds) {
  struct Used {
    double cpu_units = 0;
    double memory_bytes = 0;
    bool has_cpu = false;
  };
  std::map<std::string, Used> clusters;
  std::map<metrics::MetricName, metrics::Datum> services;
  auto add = [&](const char* name, const ReservingTask& task, double percent) {
    metrics::Datum datum =
        datum_of(name, {{"ClusterName", task.cluster}, {"ServiceName", task.service}}, at_seconds);
    auto [found, _] = services.emplace(datum.name, datum);
    found->second.statistics.merge(metrics::statistics_of(percent, 1));
  };
  for (const ReservingTask& task : tasks) {
    auto used = now.find(task.id);
    if (used == now.end()) continue;
    auto units = units_used(task.id, before, used->second);
    auto memory = static_cast<double>(used->second.memory_bytes);
    Used& cluster = clusters[task.cluster];
    cluster.memory_bytes += memory;
    if (units) cluster.cpu_units += *units;
    cluster.has_cpu = cluster.has_cpu || units.has_value();
    if (task.service.empty()) continue;
    if (units && task.cpu_units != 0) {
      add("CPUUtilization", task, 100 * *units / static_cast<double>(task.cpu_units));
    }
    if (task.memory_bytes != 0) {
      add("MemoryUtilization", task, 100 * memory / static_cast<double>(task.memory_bytes));
    }
  }
  std::vector<metrics::Datum> data;
  auto add_cluster = [&](const char* name, const std::string& cluster, double percent) {
    metrics::Datum datum = datum_of(name, {{"ClusterName", cluster}}, at_seconds);
    datum.statistics = metrics::statistics_of(percent, 1);
    data.push_back(std::move(datum));
  };
  for (const auto& [cluster, used] : clusters) {
    if (used.has_cpu && host.cpu_units != 0) {
      add_cluster("CPUUtilization", cluster,
                  100 * used.cpu_units / static_cast<double>(host.cpu_units));
    }
    if (host.memory_bytes != 0) {
      add_cluster("MemoryUtilization", cluster,
                  100 * used.memory_bytes / static_cast<double>(host.memory_bytes));
    }
  }
  for (auto& [name, datum] : services) data.push_back(std::move(datum));
  return data;
}

}  // namespace berth::tools
