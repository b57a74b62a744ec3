#include "agent/container_stats.h"

#include "base/text.h"
#include "runtime/control.h"
#include "runtime/state.h"
#include "sys/file.h"
#include "sys/host.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kProcFileMax = 1024 * 1024;
constexpr size_t kCounters = 4;              // of a direction: bytes, packets, errors, dropped
constexpr size_t kSentColumn = 8;            // proc_pid_net(5)
constexpr size_t kHostCpuColumns = 7;        // user to softirq, as Docker adds them up
constexpr uint64_t kNsPerTick = 10'000'000;  // USER_HZ is 100
// What Docker prints where there is no limit: the largest that v1 knows.
constexpr uint64_t kNoMemoryLimit = 9223372036854771712ULL;

std::vector<uint64_t> numbers_of(std::string_view text) {
  std::vector<uint64_t> numbers;
  for (const std::string& word : split(text, ' ')) {
    if (auto number = parse_u64(word)) numbers.push_back(*number);
  }
  return numbers;
}

Json cpu_stats_of(const StatsSample& sample, const Json& group) {
  const Json& usage = group.at("cpu").at("usage");
  const Json& throttling = group.at("cpu").at("throttling");
  Json used = {{"total_usage", usage.at("total")}};
  if (usage.contains("percpu")) used["percpu_usage"] = usage["percpu"];
  used["usage_in_kernelmode"] = usage.at("kernel");
  used["usage_in_usermode"] = usage.at("user");
  return {{"cpu_usage", used},
          {"system_cpu_usage", sample.host_cpu_ns},
          {"online_cpus", sample.processors},
          {"throttling_data",
           {{"periods", throttling.at("periods")},
            {"throttled_periods", throttling.at("throttledPeriods")},
            {"throttled_time", throttling.at("throttledTime")}}}};
}

Json memory_stats_of(const StatsSample& sample, const Json& group) {
  const Json& memory = group.at("memory");
  const Json& usage = memory.at("usage");
  uint64_t limit = std::min(usage.at("limit").get<uint64_t>(), kNoMemoryLimit);
  if (sample.memory_limit) limit = std::min(limit, *sample.memory_limit);
  return {{"usage", usage.at("usage")},
          {"max_usage", usage.at("max")},
          {"stats", memory.at("raw")},
          {"limit", limit}};
}

Json block_stats_of(const Json& group) {
  const Json& block = group.at("blkio");
  Json stats;
  const std::pair<const char*, const char*> kLists[] = {
      {"io_service_bytes_recursive", "ioServiceBytesRecursive"},
      {"io_serviced_recursive", "ioServicedRecursive"}};
  for (const auto& [docker, ours] : kLists) stats[docker] = block.value(ours, Json::array());
  for (const char* name :
       {"io_queue_recursive", "io_service_time_recursive", "io_wait_time_recursive",
        "io_merged_recursive", "io_time_recursive", "sectors_recursive"}) {
    stats[name] = Json::array();
  }
  return stats;
}

Json interface_of(const InterfaceCounters& counters) {
  constexpr const char* kNames[kCounters] = {"bytes", "packets", "errors", "dropped"};
  Json json;
  for (size_t i = 0; i < kCounters; ++i)
    json[std::string("rx_") + kNames[i]] = counters.received[i];
  for (size_t i = 0; i < kCounters; ++i) json[std::string("tx_") + kNames[i]] = counters.sent[i];
  return json;
}

double rate_of(uint64_t before, uint64_t now, double seconds) {
  return now <= before || seconds <= 0 ? 0 : static_cast<double>(now - before) / seconds;
}

Json rates_of(const StatsSample& before, const StatsSample& now) {
  uint64_t sums[2][2] = {};  // of before and now, received and sent
  for (const auto& [sample, sum] : {std::pair(&before, sums[0]), std::pair(&now, sums[1])}) {
    for (const auto& [name, counters] : sample->interfaces) {
      sum[0] += counters.received[0];
      sum[1] += counters.sent[0];
    }
  }
  double seconds = std::chrono::duration<double>(now.taken - before.taken).count();
  return {{"rx_bytes_per_sec", rate_of(sums[0][0], sums[1][0], seconds)},
          {"tx_bytes_per_sec", rate_of(sums[0][1], sums[1][1], seconds)}};
}

Json render(const StatsName& name, const StatsSample& before, const StatsSample& now) {
  Json group = Json::parse(now.group).at("data");
  Json group_before = Json::parse(before.group).at("data");
  Json stats = {{"read", format_rfc3339(now.at)},
                {"preread", format_rfc3339(before.at)},
                {"pids_stats", {{"current", group.at("pids").at("current")}}},
                {"blkio_stats", block_stats_of(group)},
                {"num_procs", 0},
                {"storage_stats", Json::object()},
                {"cpu_stats", cpu_stats_of(now, group)},
                {"precpu_stats", cpu_stats_of(before, group_before)},
                {"memory_stats", memory_stats_of(now, group)},
                {"name", name.name},
                {"id", name.id}};
  if (now.interfaces.empty()) return stats;
  for (const auto& [interface, counters] : now.interfaces) {
    stats["networks"][interface] = interface_of(counters);
  }
  stats["network_rate_stats"] = rates_of(before, now);
  return stats;
}

}  // namespace

std::map<std::string, InterfaceCounters> parse_interface_counters(std::string_view text) {
  std::map<std::string, InterfaceCounters> interfaces;
  for (const std::string& line : split(text, '\n')) {
    size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    std::string name(trim(std::string_view(line).substr(0, colon)));
    std::vector<uint64_t> numbers = numbers_of(std::string_view(line).substr(colon + 1));
    if (name == "lo" || numbers.size() < kSentColumn + kCounters) continue;
    InterfaceCounters counters;
    std::copy_n(numbers.begin(), kCounters, counters.received);
    std::copy_n(numbers.begin() + kSentColumn, kCounters, counters.sent);
    interfaces.emplace(std::move(name), counters);
  }
  return interfaces;
}

uint64_t parse_host_cpu(std::string_view text) {
  std::vector<uint64_t> numbers = numbers_of(text.substr(0, text.find('\n')));
  uint64_t ticks = 0;
  for (size_t i = 0; i < std::min(numbers.size(), kHostCpuColumns); ++i) ticks += numbers[i];
  return ticks * kNsPerTick;
}

Result<StatsSample> take_stats_sample(const StatsSource& source, Clock& clock) {
  StatsSample sample;
  sample.at = clock.wall();
  sample.taken = clock.now();
  runtime::State state;
  state.cgroup = source.cgroup;
  sample.group = TRY(runtime::render_stats(state));
  sample.host_cpu_ns = parse_host_cpu(TRY(sys::read_file("/proc/stat", kProcFileMax)));
  sample.processors = sys::online_processors();
  sample.memory_limit = source.task_memory;
  if (source.pid == 0) return sample;
  auto devices = sys::read_file(fmt::format("/proc/{}/net/dev", source.pid), kProcFileMax);
  if (devices) sample.interfaces = parse_interface_counters(*devices);
  return sample;
}

Result<std::string> render_docker_stats(const StatsName& name, const StatsSample& before,
                                        const StatsSample& now) {
  try {
    return render(name, before, now).dump(-1, ' ', false, Json::error_handler_t::replace);
  } catch (const nlohmann::json::exception& error) {
    return fail(Errc::kCorrupt, "statistics of {}: {}", name.name, error.what());
  }
}

}  // namespace berth::agent
