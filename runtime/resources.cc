#include "runtime/resources.h"

#include "base/text.h"
#include "runtime/parse.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace berth::runtime {
namespace {

using parse::find_text;
using parse::find_u32;
using parse::invalid;
using parse::u32_at;

constexpr uint64_t kWeightMin = 10;
constexpr uint64_t kWeightMax = 1000;

Result<std::vector<sys::DeviceRule>> parse_device_rules(const json::Node& resources) {
  std::vector<sys::DeviceRule> rules;
  for (const json::Node& entry : TRY(resources.find_array("devices"))) {
    sys::DeviceRule rule;
    json::Node allow = TRY(entry.at("allow"));
    rule.allow = TRY(allow.as_bool());
    std::string type = TRY(find_text(entry, "type"));
    if (!type.empty() && type != "a" && type != "b" && type != "c") {
      json::Node node = TRY(entry.at("type"));
      return invalid(node, "must be a, b or c");
    }
    rule.type = type.empty() ? 'a' : type[0];
    auto number = [&](std::string_view key) -> Result<std::optional<int64_t>> {
      auto value = TRY(entry.find_i64(key));
      if (value && *value < 0) value.reset();  // -1 is "any"
      return value;
    };
    rule.major = TRY(number("major"));
    rule.minor = TRY(number("minor"));
    std::string access = TRY(find_text(entry, "access"));
    if (!access.empty()) rule.access = access;
    if (access.find_first_not_of("rwm") != std::string::npos) {
      json::Node node = TRY(entry.at("access"));
      return invalid(node, "must be made of r, w and m");
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

// -1 is no limit; nothing is below it.
Result<std::optional<int64_t>> find_limit(const json::Node& node, std::string_view key) {
  auto value = TRY(node.find_i64(key));
  if (value && *value < -1) {
    json::Node member = TRY(node.at(key));
    return invalid(member, "must be -1 (no limit) or more");
  }
  return value;
}

// As runc: 0 leaves the limit as it is, for engines write it for "not given".
Result<std::optional<int64_t>> find_memory(const json::Node& node, std::string_view key) {
  auto value = TRY(find_limit(node, key));
  if (value && *value == 0) value.reset();
  return value;
}

Status parse_memory(const json::Node& node, sys::CgroupLimits& limits) {
  limits.memory_max_bytes = TRY(find_memory(node, "limit"));
  limits.memory_low_bytes = TRY(find_memory(node, "reservation"));
  limits.memory_and_swap_max_bytes = TRY(find_memory(node, "swap"));
  limits.kernel_memory_max_bytes = TRY(find_memory(node, "kernel"));
  limits.kernel_tcp_memory_max_bytes = TRY(find_memory(node, "kernelTCP"));
  // Without a limit of memory there is none of memory and swap either.
  if (limits.memory_max_bytes == -1 && !limits.memory_and_swap_max_bytes) {
    limits.memory_and_swap_max_bytes = -1;
  }
  limits.swappiness = TRY(node.find_u64("swappiness"));
  if (limits.swappiness && *limits.swappiness > 100) {
    json::Node swappiness = TRY(node.at("swappiness"));
    return invalid(swappiness, "must be from 0 to 100");
  }
  limits.oom_killer_disabled = TRY(node.find_bool("disableOOMKiller")).value_or(false);
  limits.checks_memory_before_update = TRY(node.find_bool("checkBeforeUpdate")).value_or(false);
  TRY(node.find_bool("useHierarchy"));  // every kernel since 5.11 accounts by hierarchy
  return {};
}

// 0 is "not given" for everything about CPU time, as for runc.
template <class T>
std::optional<T> unless_zero(std::optional<T> value) {
  return value && *value == 0 ? std::nullopt : value;
}

Status parse_cpu(const json::Node& node, sys::CgroupLimits& limits) {
  limits.cpu_shares = unless_zero(TRY(node.find_u64("shares")));
  limits.cpu_quota_us = unless_zero(TRY(find_limit(node, "quota")));
  limits.cpu_period_us = unless_zero(TRY(node.find_u64("period")));
  limits.cpu_burst_us = TRY(node.find_u64("burst"));
  limits.cpu_realtime_runtime_us = unless_zero(TRY(find_limit(node, "realtimeRuntime")));
  limits.cpu_realtime_period_us = unless_zero(TRY(node.find_u64("realtimePeriod")));
  limits.cpu_idle = TRY(node.find_i64("idle"));
  if (limits.cpu_idle && *limits.cpu_idle != 0 && *limits.cpu_idle != 1) {
    json::Node idle = TRY(node.at("idle"));
    return invalid(idle, "must be 0 or 1");
  }
  if (limits.cpu_burst_us && limits.cpu_quota_us.value_or(-1) > 0 &&
      *limits.cpu_burst_us > static_cast<uint64_t>(*limits.cpu_quota_us)) {
    json::Node burst = TRY(node.at("burst"));
    return invalid(burst, "is above quota");
  }
  std::string cpus = TRY(find_text(node, "cpus"));
  std::string mems = TRY(find_text(node, "mems"));
  if (!cpus.empty()) limits.cpus = cpus;
  if (!mems.empty()) limits.mems = mems;
  return {};
}

Result<std::optional<uint64_t>> find_weight(const json::Node& node, std::string_view key) {
  auto weight = unless_zero(TRY(node.find_u64(key)));
  if (weight && (*weight < kWeightMin || *weight > kWeightMax)) {
    json::Node member = TRY(node.at(key));
    return invalid(member, fmt::format("must be from {} to {}", kWeightMin, kWeightMax));
  }
  return weight;
}

Result<sys::BlockDevice> parse_block_device(const json::Node& node) {
  sys::BlockDevice device;
  device.major = TRY(node.i64_at("major"));
  device.minor = TRY(node.i64_at("minor"));
  if (device.major < 0 || device.minor < 0) {
    return invalid(node, "major and minor must not be negative");
  }
  return device;
}

Result<std::vector<sys::BlockRate>> parse_rates(const json::Node& node, std::string_view key) {
  std::vector<sys::BlockRate> rates;
  for (const json::Node& entry : TRY(node.find_array(key))) {
    sys::BlockRate rate;
    rate.device = TRY(parse_block_device(entry));
    json::Node value = TRY(entry.at("rate"));
    rate.rate = TRY(value.as_u64());
    rates.push_back(rate);
  }
  return rates;
}

Result<sys::BlockLimits> parse_block(const json::Node& node) {
  sys::BlockLimits block;
  block.weight = TRY(find_weight(node, "weight"));
  block.leaf_weight = TRY(find_weight(node, "leafWeight"));
  for (const json::Node& entry : TRY(node.find_array("weightDevice"))) {
    sys::BlockWeight weight;
    weight.device = TRY(parse_block_device(entry));
    weight.weight = TRY(find_weight(entry, "weight"));
    weight.leaf_weight = TRY(find_weight(entry, "leafWeight"));
    if (!weight.weight && !weight.leaf_weight) {
      return invalid(entry, "needs weight or leafWeight");
    }
    block.weight_devices.push_back(weight);
  }
  block.read_bps = TRY(parse_rates(node, "throttleReadBpsDevice"));
  block.write_bps = TRY(parse_rates(node, "throttleWriteBpsDevice"));
  block.read_iops = TRY(parse_rates(node, "throttleReadIOPSDevice"));
  block.write_iops = TRY(parse_rates(node, "throttleWriteIOPSDevice"));
  return block;
}

// <size><unit>B: 64KB, 2MB, 1GB. It becomes part of a file name.
bool is_page_size(const std::string& text) {
  size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  constexpr std::array<std::string_view, 3> kUnits{"KB", "MB", "GB"};
  std::string_view unit = std::string_view(text).substr(digits);
  return digits > 0 && digits < 8 && text[0] != '0' &&
         std::find(kUnits.begin(), kUnits.end(), unit) != kUnits.end();
}

Result<std::vector<sys::HugePageLimit>> parse_huge_pages(const json::Node& resources) {
  std::vector<sys::HugePageLimit> limits;
  for (const json::Node& entry : TRY(resources.find_array("hugepageLimits"))) {
    sys::HugePageLimit limit;
    json::Node size = TRY(entry.at("pageSize"));
    limit.page_size = TRY(size.as_string());
    if (!is_page_size(limit.page_size)) return invalid(size, "must be like 64KB, 2MB or 1GB");
    json::Node bytes = TRY(entry.at("limit"));
    limit.limit_bytes = TRY(bytes.as_u64());
    limits.push_back(std::move(limit));
  }
  return limits;
}

// A word in a line that the kernel takes apart at spaces.
bool is_word(const std::string& text) {
  return !text.empty() && std::none_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isspace(c) != 0 || c == '\0';
  });
}

Status parse_network(const json::Node& node, sys::CgroupLimits& limits) {
  limits.network_class = TRY(find_u32(node, "classID"));
  for (const json::Node& entry : TRY(node.find_array("priorities"))) {
    json::Node name = TRY(entry.at("name"));
    std::string link = TRY(name.as_string());
    if (!is_word(link)) return invalid(name, "must be the name of a network interface");
    uint32_t priority = TRY(u32_at(entry, "priority"));
    limits.network_priorities.emplace_back(link, priority);
  }
  return {};
}

Result<std::vector<sys::RdmaLimit>> parse_rdma(const json::Node& node) {
  std::vector<sys::RdmaLimit> limits;
  for (const auto& [device, entry] : TRY(node.as_object())) {
    sys::RdmaLimit limit{.device = device, .handles = {}, .objects = {}};
    if (!is_word(device)) return invalid(entry, "must be named after an RDMA device");
    limit.handles = TRY(find_u32(entry, "hcaHandles"));
    limit.objects = TRY(find_u32(entry, "hcaObjects"));
    if (!limit.handles && !limit.objects) return invalid(entry, "needs hcaHandles or hcaObjects");
    limits.push_back(std::move(limit));
  }
  return limits;
}

Status parse_pids(const json::Node& node, sys::CgroupLimits& limits) {
  limits.pids_max = TRY(find_limit(node, "limit"));
  // The init is one already, so 0 and 1 are the same to it: but 0 would keep it from being born
  // into its group.
  if (limits.pids_max == 0) limits.pids_max = 1;
  return {};
}

Status parse_unified(const json::Node& node, sys::CgroupLimits& limits) {
  limits.unified = TRY(node.as_string_map());
  for (const auto& [file, value] : limits.unified) {
    if (!is_word(file) || file.find('/') != std::string::npos || file.find('.') == 0) {
      return invalid(node, printable(file, 64) + ": must be a file name");
    }
  }
  return {};
}

}  // namespace

Result<sys::CgroupLimits> parse_resources(const json::Node& node) {
  sys::CgroupLimits limits;
  if (auto memory = node.find("memory")) TRY(parse_memory(*memory, limits));
  if (auto cpu = node.find("cpu")) TRY(parse_cpu(*cpu, limits));
  if (auto pids = node.find("pids")) TRY(parse_pids(*pids, limits));
  if (auto block = node.find("blockIO")) limits.block = TRY(parse_block(*block));
  limits.huge_pages = TRY(parse_huge_pages(node));
  if (auto network = node.find("network")) TRY(parse_network(*network, limits));
  if (auto rdma = node.find("rdma")) limits.rdma = TRY(parse_rdma(*rdma));
  limits.devices = TRY(parse_device_rules(node));
  if (auto unified = node.find("unified")) TRY(parse_unified(*unified, limits));
  return limits;
}

}  // namespace berth::runtime
