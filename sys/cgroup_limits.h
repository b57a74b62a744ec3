// What a control group may be told, as values, and as the files to write on v1 and v2.
#pragma once

#include "base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::sys {

struct DeviceRule {
  bool allow = false;
  char type = 'a';               // 'a' all, 'b' block, 'c' character
  std::optional<int64_t> major;  // nothing: any
  std::optional<int64_t> minor;
  std::string access = "rwm";
  bool operator==(const DeviceRule&) const = default;
};

struct BlockDevice {
  int64_t major = 0;
  int64_t minor = 0;
};
struct BlockWeight {
  BlockDevice device;
  std::optional<uint64_t> weight;
  std::optional<uint64_t> leaf_weight;
};
struct BlockRate {
  BlockDevice device;
  uint64_t rate = 0;
};
struct BlockLimits {
  std::optional<uint64_t> weight;  // 10 to 1000
  std::optional<uint64_t> leaf_weight;
  std::vector<BlockWeight> weight_devices;
  std::vector<BlockRate> read_bps;
  std::vector<BlockRate> write_bps;
  std::vector<BlockRate> read_iops;
  std::vector<BlockRate> write_iops;
};

struct HugePageLimit {
  std::string page_size;  // "2MB"
  uint64_t limit_bytes = 0;
};
struct RdmaLimit {
  std::string device;
  std::optional<uint32_t> handles;
  std::optional<uint32_t> objects;
};

// Nothing means: leave as it is. -1 means: no limit.
struct CgroupLimits {
  std::optional<int64_t> memory_max_bytes;
  std::optional<int64_t> memory_low_bytes;  // v1 soft limit, v2 memory.low
  // Memory and swap together, as OCI has it; v2's swap.max is the difference.
  std::optional<int64_t> memory_and_swap_max_bytes;
  std::optional<int64_t> kernel_memory_max_bytes;      // v1 only
  std::optional<int64_t> kernel_tcp_memory_max_bytes;  // v1 only
  std::optional<uint64_t> swappiness;                  // v1 only
  bool oom_killer_disabled = false;                    // v1 only
  bool checks_memory_before_update = false;  // refuse a limit below the use, as v1 does anyway
  std::optional<int64_t> pids_max;
  std::optional<uint64_t> cpu_shares;  // v2: see weight_of_shares
  std::optional<int64_t> cpu_quota_us;
  std::optional<uint64_t> cpu_period_us;
  std::optional<uint64_t> cpu_burst_us;
  std::optional<int64_t> cpu_realtime_runtime_us;  // v1 only
  std::optional<uint64_t> cpu_realtime_period_us;  // v1 only
  std::optional<int64_t> cpu_idle;
  std::optional<std::string> cpus;
  std::optional<std::string> mems;
  BlockLimits block;
  std::vector<HugePageLimit> huge_pages;
  std::optional<uint32_t> network_class;                             // v1 only
  std::vector<std::pair<std::string, uint32_t>> network_priorities;  // v1 only: link -> priority
  std::vector<RdmaLimit> rdma;
  std::vector<DeviceRule> devices;  // first deny, then allow, in order; the last match decides
  std::vector<std::pair<std::string, std::string>> unified;  // v2 file -> value
};

// cpu.weight for cpu.shares: ceil(10^((l^2 + 125 l) / 612 - 7/34)), l = log2(shares), as runc and
// crun. Shares are taken into [2, 262144] first. Pure.
uint64_t weight_of_shares(uint64_t shares);
// io.weight (1 to 10000) for blkio.weight (10 to 1000), linear, as runc and crun. Pure.
uint64_t io_weight_of(uint64_t block_weight);

enum class Need {
  kMust,      // a file that is not there is an error
  kIfThere,   // a file that is not there is passed over
  kElseNext,  // a file that is not there: the next setting stands for this one, and only then
};

// One file to write.
struct CgroupSetting {
  std::string field;       // "memory.limit", as config.json has it
  std::string controller;  // "memory"
  std::string file;        // "memory.max"
  std::string value;
  Need need = Need::kMust;
};

// In writing order. kUnsupported names the field that this version of cgroups cannot honour, and
// why. Devices are not among them.
Result<std::vector<CgroupSetting>> settings_v1(const CgroupLimits& limits);
Result<std::vector<CgroupSetting>> settings_v2(const CgroupLimits& limits);

}  // namespace berth::sys
