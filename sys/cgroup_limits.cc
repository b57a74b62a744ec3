#include "sys/cgroup_limits.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>

namespace berth::sys {
namespace {

class Settings {
 public:
  explicit Settings(const char* controller) : controller_(controller) {}
  void controller(const char* name) { controller_ = name; }

  template <class T>
  void add(const char* field, const char* file, const std::optional<T>& value) {
    if (value) add(field, file, fmt::format("{}", *value), Need::kMust);
  }
  // "max" for -1, as v2 writes it.
  void add_limit(const char* field, const char* file, const std::optional<int64_t>& value) {
    if (value) add(field, file, *value < 0 ? "max" : std::to_string(*value), Need::kMust);
  }
  void add(std::string field, std::string file, std::string value, Need need) {
    list_.push_back({std::move(field), controller_, std::move(file), std::move(value), need});
  }
  std::vector<CgroupSetting> take() { return std::move(list_); }

 private:
  std::string controller_;
  std::vector<CgroupSetting> list_;
};

std::string name_of(const BlockDevice& device) {
  return fmt::format("{}:{}", device.major, device.minor);
}

void add_rates_v1(const char* field, const char* file, const std::vector<BlockRate>& rates,
                  Settings& settings) {
  for (const BlockRate& rate : rates) {
    settings.add(field, file, fmt::format("{} {}", name_of(rate.device), rate.rate), Need::kMust);
  }
}

void add_block_v1(const BlockLimits& block, Settings& settings) {
  settings.controller("blkio");
  // The weights of CFQ went with it in Linux 5.0; BFQ has its own.
  if (block.weight) {
    std::string value = std::to_string(*block.weight);
    settings.add("blockIO.weight", "blkio.weight", value, Need::kElseNext);
    settings.add("blockIO.weight", "blkio.bfq.weight", value, Need::kMust);
  }
  settings.add("blockIO.leafWeight", "blkio.leaf_weight", block.leaf_weight);
  for (const BlockWeight& entry : block.weight_devices) {
    auto line = [&](uint64_t weight) {
      return fmt::format("{} {}", name_of(entry.device), weight);
    };
    if (entry.weight) {
      const char* field = "blockIO.weightDevice";
      settings.add(field, "blkio.weight_device", line(*entry.weight), Need::kElseNext);
      settings.add(field, "blkio.bfq.weight_device", line(*entry.weight), Need::kMust);
    }
    if (entry.leaf_weight) {
      settings.add("blockIO.weightDevice.leafWeight", "blkio.leaf_weight_device",
                   line(*entry.leaf_weight), Need::kMust);
    }
  }
  add_rates_v1("blockIO.throttleReadBpsDevice", "blkio.throttle.read_bps_device", block.read_bps,
               settings);
  add_rates_v1("blockIO.throttleWriteBpsDevice", "blkio.throttle.write_bps_device", block.write_bps,
               settings);
  add_rates_v1("blockIO.throttleReadIOPSDevice", "blkio.throttle.read_iops_device", block.read_iops,
               settings);
  add_rates_v1("blockIO.throttleWriteIOPSDevice", "blkio.throttle.write_iops_device",
               block.write_iops, settings);
}

void add_rates_v2(const char* field, const char* key, const std::vector<BlockRate>& rates,
                  Settings& settings) {
  for (const BlockRate& rate : rates) {
    // No rate at all is v1's word for no limit.
    std::string value = rate.rate == 0 ? "max" : std::to_string(rate.rate);
    settings.add(field, "io.max", fmt::format("{} {}={}", name_of(rate.device), key, value),
                 Need::kMust);
  }
}

Status add_block_v2(const BlockLimits& block, Settings& settings) {
  settings.controller("io");
  if (block.leaf_weight) {
    return fail(Errc::kUnsupported, "blockIO.leafWeight: cgroup v2 has no leaf weights");
  }
  if (block.weight) {
    settings.add("blockIO.weight", "io.bfq.weight", std::to_string(*block.weight), Need::kElseNext);
    settings.add("blockIO.weight", "io.weight",
                 fmt::format("default {}", io_weight_of(*block.weight)), Need::kMust);
  }
  for (const BlockWeight& entry : block.weight_devices) {
    if (entry.leaf_weight) {
      return fail(Errc::kUnsupported,
                  "blockIO.weightDevice.leafWeight: cgroup v2 has no leaf weights");
    }
    if (!entry.weight) continue;
    const char* field = "blockIO.weightDevice";
    std::string device = name_of(entry.device);
    settings.add(field, "io.bfq.weight", fmt::format("{} {}", device, *entry.weight),
                 Need::kElseNext);
    settings.add(field, "io.weight", fmt::format("{} {}", device, io_weight_of(*entry.weight)),
                 Need::kMust);
  }
  add_rates_v2("blockIO.throttleReadBpsDevice", "rbps", block.read_bps, settings);
  add_rates_v2("blockIO.throttleWriteBpsDevice", "wbps", block.write_bps, settings);
  add_rates_v2("blockIO.throttleReadIOPSDevice", "riops", block.read_iops, settings);
  add_rates_v2("blockIO.throttleWriteIOPSDevice", "wiops", block.write_iops, settings);
  return {};
}

// The limit of use and, where the kernel has it, that of reservations.
void add_huge_pages(const CgroupLimits& limits, const char* end, Settings& settings) {
  settings.controller("hugetlb");
  for (const HugePageLimit& limit : limits.huge_pages) {
    std::string value = std::to_string(limit.limit_bytes);
    settings.add("hugepageLimits", fmt::format("hugetlb.{}.{}", limit.page_size, end), value,
                 Need::kMust);
    settings.add("hugepageLimits", fmt::format("hugetlb.{}.rsvd.{}", limit.page_size, end), value,
                 Need::kIfThere);
  }
}

void add_rdma(const CgroupLimits& limits, Settings& settings) {
  settings.controller("rdma");
  for (const RdmaLimit& limit : limits.rdma) {
    std::string line = limit.device;
    if (limit.handles) line += fmt::format(" hca_handle={}", *limit.handles);
    if (limit.objects) line += fmt::format(" hca_object={}", *limit.objects);
    settings.add("rdma", "rdma.max", line, Need::kMust);
  }
}

void add_memory_v1(const CgroupLimits& limits, Settings& settings) {
  settings.controller("memory");
  settings.add("memory.limit", "memory.limit_in_bytes", limits.memory_max_bytes);
  // Without swap accounting nothing is swapped from the group's account: no limit holds by itself.
  if (auto total = limits.memory_and_swap_max_bytes) {
    settings.add("memory.swap", "memory.memsw.limit_in_bytes", std::to_string(*total),
                 *total < 0 ? Need::kIfThere : Need::kMust);
  }
  settings.add("memory.reservation", "memory.soft_limit_in_bytes", limits.memory_low_bytes);
  settings.add("memory.kernel", "memory.kmem.limit_in_bytes", limits.kernel_memory_max_bytes);
  settings.add("memory.kernelTCP", "memory.kmem.tcp.limit_in_bytes",
               limits.kernel_tcp_memory_max_bytes);
  settings.add("memory.swappiness", "memory.swappiness", limits.swappiness);
  if (limits.oom_killer_disabled) {
    settings.add("memory.disableOOMKiller", "memory.oom_control", "1", Need::kMust);
  }
}

void add_cpu_v1(const CgroupLimits& limits, Settings& settings) {
  settings.controller("cpu");
  settings.add("cpu.idle", "cpu.idle", limits.cpu_idle);
  // The weight of an idle group cannot be set.
  if (limits.cpu_idle.value_or(0) == 0) settings.add("cpu.shares", "cpu.shares", limits.cpu_shares);
  settings.add("cpu.period", "cpu.cfs_period_us", limits.cpu_period_us);
  settings.add("cpu.quota", "cpu.cfs_quota_us", limits.cpu_quota_us);
  settings.add("cpu.burst", "cpu.cfs_burst_us", limits.cpu_burst_us);
  settings.add("cpu.realtimePeriod", "cpu.rt_period_us", limits.cpu_realtime_period_us);
  settings.add("cpu.realtimeRuntime", "cpu.rt_runtime_us", limits.cpu_realtime_runtime_us);
}

Status add_memory_v2(const CgroupLimits& limits, Settings& settings) {
  settings.controller("memory");
  settings.add_limit("memory.limit", "memory.max", limits.memory_max_bytes);
  settings.add_limit("memory.reservation", "memory.low", limits.memory_low_bytes);
  if (!limits.memory_and_swap_max_bytes) return {};
  int64_t total = *limits.memory_and_swap_max_bytes;
  if (total >= 0 && limits.memory_max_bytes.value_or(-1) < 0) {
    return fail(Errc::kInvalid, "memory.swap: a limit of memory and swap needs memory.limit");
  }
  if (total >= 0 && total < *limits.memory_max_bytes) {
    return fail(Errc::kInvalid, "memory.swap: is below memory.limit");
  }
  int64_t swap = total < 0 ? -1 : total - *limits.memory_max_bytes;
  // A kernel without swap accounting swaps nothing of ours: a limit of nothing holds by itself.
  settings.add("memory.swap", "memory.swap.max", swap < 0 ? "max" : std::to_string(swap),
               swap <= 0 ? Need::kIfThere : Need::kMust);
  return {};
}

void add_cpu_v2(const CgroupLimits& limits, Settings& settings) {
  settings.controller("cpu");
  settings.add("cpu.idle", "cpu.idle", limits.cpu_idle);
  if (limits.cpu_shares && limits.cpu_idle.value_or(0) == 0) {
    settings.add("cpu.shares", "cpu.weight", std::to_string(weight_of_shares(*limits.cpu_shares)),
                 Need::kMust);
  }
  if (limits.cpu_quota_us || limits.cpu_period_us) {
    int64_t quota = limits.cpu_quota_us.value_or(-1);
    std::string value = quota <= 0 ? "max" : std::to_string(quota);
    if (limits.cpu_period_us) value += fmt::format(" {}", *limits.cpu_period_us);
    settings.add(limits.cpu_quota_us ? "cpu.quota" : "cpu.period", "cpu.max", value, Need::kMust);
  }
  settings.add("cpu.burst", "cpu.max.burst", limits.cpu_burst_us);
  settings.controller("cpuset");
  settings.add("cpu.cpus", "cpuset.cpus", limits.cpus);
  settings.add("cpu.mems", "cpuset.mems", limits.mems);
}

// What only v1 can do.
Status check_v2(const CgroupLimits& limits) {
  struct Case {
    bool given;
    const char* field;
    const char* why;
  };
  const Case cases[] = {
      {limits.kernel_memory_max_bytes.value_or(-1) >= 0, "memory.kernel",
       "cgroup v2 counts kernel memory with the rest; use memory.limit"},
      {limits.kernel_tcp_memory_max_bytes.value_or(-1) >= 0, "memory.kernelTCP",
       "cgroup v2 counts TCP buffers with the rest; use memory.limit"},
      {limits.swappiness.has_value(), "memory.swappiness", "cgroup v2 has no swappiness by group"},
      {limits.oom_killer_disabled, "memory.disableOOMKiller",
       "cgroup v2 cannot switch the OOM killer off"},
      {limits.cpu_realtime_runtime_us.value_or(0) != 0, "cpu.realtimeRuntime",
       "cgroup v2 has no real-time bandwidth"},
      {limits.cpu_realtime_period_us.value_or(0) != 0, "cpu.realtimePeriod",
       "cgroup v2 has no real-time bandwidth"},
      {limits.network_class.value_or(0) != 0, "network.classID",
       "cgroup v2 has no net_cls; match the cgroup in nftables instead"},
      {!limits.network_priorities.empty(), "network.priorities", "cgroup v2 has no net_prio"},
  };
  for (const Case& entry : cases) {
    if (entry.given) return fail(Errc::kUnsupported, "{}: {}", entry.field, entry.why);
  }
  return {};
}

}  // namespace

uint64_t weight_of_shares(uint64_t shares) {
  constexpr uint64_t kSharesMin = 2;
  constexpr uint64_t kSharesMax = 262144;
  shares = std::clamp(shares, kSharesMin, kSharesMax);
  if (shares == kSharesMin) return 1;
  if (shares == kSharesMax) return 10000;
  double l = std::log2(static_cast<double>(shares));
  double exponent = (l * l + 125 * l) / 612.0 - 7.0 / 34.0;
  return static_cast<uint64_t>(std::ceil(std::pow(10, exponent)));
}

uint64_t io_weight_of(uint64_t block_weight) {
  constexpr uint64_t kMin = 10;
  constexpr uint64_t kMax = 1000;
  return 1 + (std::clamp(block_weight, kMin, kMax) - kMin) * 9999 / (kMax - kMin);
}

Result<std::vector<CgroupSetting>> settings_v1(const CgroupLimits& limits) {
  if (!limits.unified.empty()) {
    return fail(Errc::kUnsupported, "unified: is for cgroup v2, but this host uses v1");
  }
  Settings settings("memory");
  add_memory_v1(limits, settings);
  add_cpu_v1(limits, settings);
  settings.controller("pids");
  settings.add_limit("pids.limit", "pids.max", limits.pids_max);
  settings.controller("cpuset");
  settings.add("cpu.cpus", "cpuset.cpus", limits.cpus);
  settings.add("cpu.mems", "cpuset.mems", limits.mems);
  add_block_v1(limits.block, settings);
  add_huge_pages(limits, "limit_in_bytes", settings);
  settings.controller("net_cls");
  settings.add("network.classID", "net_cls.classid", limits.network_class);
  settings.controller("net_prio");
  for (const auto& [link, priority] : limits.network_priorities) {
    settings.add("network.priorities", "net_prio.ifpriomap", fmt::format("{} {}", link, priority),
                 Need::kMust);
  }
  add_rdma(limits, settings);
  return settings.take();
}

Result<std::vector<CgroupSetting>> settings_v2(const CgroupLimits& limits) {
  TRY(check_v2(limits));
  Settings settings("memory");
  TRY(add_memory_v2(limits, settings));
  add_cpu_v2(limits, settings);
  settings.controller("pids");
  settings.add_limit("pids.limit", "pids.max", limits.pids_max);
  TRY(add_block_v2(limits.block, settings));
  add_huge_pages(limits, "max", settings);
  add_rdma(limits, settings);
  for (const auto& [file, value] : limits.unified) {
    // A file may take several lines, each by a write of its own.
    settings.controller("unified");
    for (const std::string& line : split(value, '\n')) {
      settings.add("unified." + file, file, line, Need::kMust);
    }
  }
  return settings.take();
}

}  // namespace berth::sys
