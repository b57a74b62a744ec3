#include "sys/cgroup_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace berth::sys {
namespace {

std::vector<std::string> lines(const Result<std::vector<CgroupSetting>>& settings) {
  if (!settings) return {"refused " + settings.error().text};
  std::vector<std::string> found;
  for (const CgroupSetting& setting : *settings) {
    found.push_back(setting.controller + " " + setting.file + " " + setting.value);
  }
  return found;
}

struct Case {
  const char* name;
  std::function<void(CgroupLimits&)> give;
  std::vector<std::string> v1;
  std::vector<std::string> v2;
};

TEST(CgroupLimits, BecomeFilesOfBothVersions) {
  constexpr int64_t kMiB = 1 << 20;
  const Case kCases[] = {
      {"memory and swap",
       [](auto& l) { l.memory_max_bytes = 2 * kMiB, l.memory_and_swap_max_bytes = 3 * kMiB; },
       {"memory memory.limit_in_bytes 2097152", "memory memory.memsw.limit_in_bytes 3145728"},
       {"memory memory.max 2097152", "memory memory.swap.max 1048576"}},
      {"no limits",
       [](auto& l) { l.memory_max_bytes = -1, l.memory_and_swap_max_bytes = -1, l.pids_max = -1; },
       {"memory memory.limit_in_bytes -1", "memory memory.memsw.limit_in_bytes -1",
        "pids pids.max max"},
       {"memory memory.max max", "memory memory.swap.max max", "pids pids.max max"}},
      {"swap alone",
       [](auto& l) { l.memory_and_swap_max_bytes = 3 * kMiB; },
       {"memory memory.memsw.limit_in_bytes 3145728"},
       {"refused memory.swap: a limit of memory and swap needs memory.limit"}},
      {"swappiness",
       [](auto& l) { l.swappiness = 5; },
       {"memory memory.swappiness 5"},
       {"refused memory.swappiness: cgroup v2 has no swappiness by group"}},
      {"period alone",
       [](auto& l) { l.cpu_period_us = 5000; },
       {"cpu cpu.cfs_period_us 5000"},
       {"cpu cpu.max max 5000"}},
      {"quota alone keeps the period",
       [](auto& l) { l.cpu_quota_us = 5000; },
       {"cpu cpu.cfs_quota_us 5000"},
       {"cpu cpu.max 5000"}},
      {"an idle group has no weight",
       [](auto& l) { l.cpu_idle = 1, l.cpu_shares = 512; },
       {"cpu cpu.idle 1"},
       {"cpu cpu.idle 1"}},
      {"block weight",
       [](auto& l) { l.block.weight = 1000; },
       {"blkio blkio.weight 1000", "blkio blkio.bfq.weight 1000"},
       {"io io.bfq.weight 1000", "io io.weight default 10000"}},
      {"throttle",
       [](auto& l) {
         l.block.write_iops = {{{8, 0}, 7}};
       },
       {"blkio blkio.throttle.write_iops_device 8:0 7"},
       {"io io.max 8:0 wiops=7"}},
      {"huge pages",
       [](auto& l) {
         l.huge_pages = {{"2MB", 2 * kMiB}};
       },
       {"hugetlb hugetlb.2MB.limit_in_bytes 2097152",
        "hugetlb hugetlb.2MB.rsvd.limit_in_bytes 2097152"},
       {"hugetlb hugetlb.2MB.max 2097152", "hugetlb hugetlb.2MB.rsvd.max 2097152"}},
      {"rdma",
       [](auto& l) {
         l.rdma = {{"mlx5_1", 3, 4}};
       },
       {"rdma rdma.max mlx5_1 hca_handle=3 hca_object=4"},
       {"rdma rdma.max mlx5_1 hca_handle=3 hca_object=4"}},
      {"network",
       [](auto& l) {
         l.network_class = 9, l.network_priorities = {{"lo", 2}};
       },
       {"net_cls net_cls.classid 9", "net_prio net_prio.ifpriomap lo 2"},
       {"refused network.classID: cgroup v2 has no net_cls; match the cgroup in nftables instead"}},
      {"unified, a line at a time",
       [](auto& l) {
         l.unified = {{"io.max", "8:0 rbps=1\n8:16 rbps=2"}};
       },
       {"refused unified: is for cgroup v2, but this host uses v1"},
       {"unified io.max 8:0 rbps=1", "unified io.max 8:16 rbps=2"}},
  };
  for (const Case& entry : kCases) {
    CgroupLimits limits;
    entry.give(limits);
    EXPECT_EQ(lines(settings_v1(limits)), entry.v1) << entry.name;
    EXPECT_EQ(lines(settings_v2(limits)), entry.v2) << entry.name;
  }
}

TEST(CgroupLimits, BlockWeightsAreConvertedLinearly) {
  EXPECT_EQ(io_weight_of(10), 1u);
  EXPECT_EQ(io_weight_of(1000), 10000u);
  EXPECT_EQ(io_weight_of(100), 910u);
}

}  // namespace
}  // namespace berth::sys
