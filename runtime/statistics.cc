// The statistics of a container in runc's JSON (types/events.go there): what v1 and v2 count under
// different names, under one.
#include "base/text.h"
#include "runtime/control.h"
#include "sys/cgroup.h"
#include "sys/file.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <map>

namespace berth::runtime {
namespace {

using Json = nlohmann::ordered_json;
using Numbers = std::map<std::string, uint64_t>;

constexpr size_t kFileMax = 1024 * 1024;
constexpr uint64_t kNsPerUs = 1000;
constexpr uint64_t kTicksPerSecond = 100;  // USER_HZ, in which v1 counts user and system time

// The files of one group. What is not there reads as nothing: controllers differ by host.
class Files {
 public:
  explicit Files(sys::CgroupDir group) : group_(std::move(group)) {}
  bool is_unified() const { return group_.is_unified(); }

  std::string text(const char* controller, const std::string& file) const {
    std::string directory = group_.directory(controller);
    if (directory.empty()) return "";
    auto read = sys::read_file(directory + "/" + file, kFileMax);
    return read ? std::string(trim(*read)) : "";
  }
  // "max" is the largest number, as runc has it.
  uint64_t number(const char* controller, const std::string& file) const {
    std::string found = text(controller, file);
    if (found == "max") return std::numeric_limits<uint64_t>::max();
    return parse_u64(found).value_or(0);
  }
  // "key value" lines.
  Numbers numbers(const char* controller, const std::string& file) const {
    Numbers found;
    for (const std::string& line : split(text(controller, file), '\n')) {
      std::vector<std::string> words = split(line, ' ');
      if (words.size() != 2) continue;
      if (auto value = parse_u64(words[1])) found[words[0]] = *value;
    }
    return found;
  }

 private:
  sys::CgroupDir group_;
};

Json cpu_of(const Files& files) {
  Numbers stat = files.numbers("cpu", "cpu.stat");
  Json usage;
  if (files.is_unified()) {
    usage = {{"total", stat["usage_usec"] * kNsPerUs},
             {"kernel", stat["system_usec"] * kNsPerUs},
             {"user", stat["user_usec"] * kNsPerUs}};
  } else {
    constexpr uint64_t kNsPerTick = 1000000000 / kTicksPerSecond;
    Numbers times = files.numbers("cpuacct", "cpuacct.stat");
    usage["total"] = files.number("cpuacct", "cpuacct.usage");
    for (const std::string& cpu : split(files.text("cpuacct", "cpuacct.usage_percpu"), ' ')) {
      if (auto value = parse_u64(cpu)) usage["percpu"].push_back(*value);
    }
    usage["kernel"] = times["system"] * kNsPerTick;
    usage["user"] = times["user"] * kNsPerTick;
  }
  uint64_t throttled_ns =
      files.is_unified() ? stat["throttled_usec"] * kNsPerUs : stat["throttled_time"];
  return {{"usage", usage},
          {"throttling",
           {{"periods", stat["nr_periods"]},
            {"throttledPeriods", stat["nr_throttled"]},
            {"throttledTime", throttled_ns}}}};
}

Json memory_entry(const Files& files, const std::string& prefix) {
  return {{"limit", files.number("memory", prefix + ".limit_in_bytes")},
          {"usage", files.number("memory", prefix + ".usage_in_bytes")},
          {"max", files.number("memory", prefix + ".max_usage_in_bytes")},
          {"failcnt", files.number("memory", prefix + ".failcnt")}};
}

// v2 counts swap by itself; the entry is memory and swap together, as v1 has it.
Json swap_entry_v2(const Files& files, uint64_t memory, uint64_t memory_limit) {
  uint64_t limit = files.number("memory", "memory.swap.max");
  constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();
  bool bounded = limit != kNoLimit && memory_limit != kNoLimit;
  return {{"limit", bounded ? limit + memory_limit : kNoLimit},
          {"usage", files.number("memory", "memory.swap.current") + memory},
          {"failcnt", 0}};
}

Json memory_of(const Files& files) {
  Numbers stat = files.numbers("memory", "memory.stat");
  Json memory;
  if (files.is_unified()) {
    uint64_t usage = files.number("memory", "memory.current");
    uint64_t limit = files.number("memory", "memory.max");
    memory["cache"] = stat["file"];
    memory["usage"] = {{"limit", limit},
                       {"usage", usage},
                       {"max", files.number("memory", "memory.peak")},
                       {"failcnt", files.numbers("memory", "memory.events")["max"]}};
    memory["swap"] = swap_entry_v2(files, usage, limit);
  } else {
    memory["cache"] = stat["cache"];
    memory["usage"] = memory_entry(files, "memory");
    memory["swap"] = memory_entry(files, "memory.memsw");
    memory["kernel"] = memory_entry(files, "memory.kmem");
    memory["kernelTCP"] = memory_entry(files, "memory.kmem.tcp");
  }
  memory["raw"] = stat;
  return memory;
}

Json block_entry(const std::string& device, const std::string& operation, uint64_t value) {
  std::vector<std::string> numbers = split(device, ':');
  if (numbers.size() != 2) return nullptr;
  return {{"major", parse_u64(numbers[0]).value_or(0)},
          {"minor", parse_u64(numbers[1]).value_or(0)},
          {"op", operation},
          {"value", value}};
}

// "8:0 Read 4096" lines.
Json block_list_v1(const Files& files, const std::string& file) {
  Json list = Json::array();
  for (const std::string& line : split(files.text("blkio", file), '\n')) {
    std::vector<std::string> words = split(line, ' ');
    if (words.size() != 3) continue;
    Json entry = block_entry(words[0], words[1], parse_u64(words[2]).value_or(0));
    if (!entry.is_null()) list.push_back(std::move(entry));
  }
  return list;
}

// "8:0 rbytes=4096 wbytes=0 rios=1 ..." lines.
Json block_of_v2(const Files& files) {
  struct Column {
    const char* key;
    const char* list;
    const char* operation;
  };
  constexpr Column kColumns[] = {{"rbytes=", "ioServiceBytesRecursive", "Read"},
                                 {"wbytes=", "ioServiceBytesRecursive", "Write"},
                                 {"rios=", "ioServicedRecursive", "Read"},
                                 {"wios=", "ioServicedRecursive", "Write"}};
  Json block = Json::object();
  for (const std::string& line : split(files.text("io", "io.stat"), '\n')) {
    std::vector<std::string> words = split(line, ' ');
    for (const std::string& word : words) {
      for (const Column& column : kColumns) {
        if (!word.starts_with(column.key)) continue;
        uint64_t value = parse_u64(word.substr(word.find('=') + 1)).value_or(0);
        Json entry = block_entry(words[0], column.operation, value);
        if (!entry.is_null()) block[column.list].push_back(std::move(entry));
      }
    }
  }
  return block;
}

Json block_of(const Files& files) {
  if (files.is_unified()) return block_of_v2(files);
  return {{"ioServiceBytesRecursive",
           block_list_v1(files, "blkio.throttle.io_service_bytes_recursive")},
          {"ioServicedRecursive", block_list_v1(files, "blkio.throttle.io_serviced_recursive")}};
}

Json pids_of(const Files& files) {
  uint64_t limit = files.number("pids", "pids.max");
  // 0 is runc's word for no limit here.
  if (limit == std::numeric_limits<uint64_t>::max()) limit = 0;
  return {{"current", files.number("pids", "pids.current")}, {"limit", limit}};
}

Json huge_pages_of(const Files& files) {
  Json pages = Json::object();
  auto sizes = sys::list_directory("/sys/kernel/mm/hugepages");
  if (!sizes) return pages;
  for (const std::string& name : *sizes) {
    // "hugepages-2048kB"
    std::string digits = name.substr(name.find('-') + 1);
    auto kilobytes = parse_u64(digits.substr(0, digits.find('k')));
    if (!kilobytes) continue;
    std::string size = *kilobytes % 1048576 == 0 ? fmt::format("{}GB", *kilobytes / 1048576)
                       : *kilobytes % 1024 == 0  ? fmt::format("{}MB", *kilobytes / 1024)
                                                 : fmt::format("{}KB", *kilobytes);
    std::string prefix = "hugetlb." + size;
    const char* current = files.is_unified() ? ".current" : ".usage_in_bytes";
    if (files.text("hugetlb", prefix + current).empty()) continue;
    pages[size] = {
        {"usage", files.number("hugetlb", prefix + current)},
        {"max", files.number("hugetlb", prefix + ".max_usage_in_bytes")},
        {"failcnt", files.is_unified() ? files.numbers("hugetlb", prefix + ".events")["max"]
                                       : files.number("hugetlb", prefix + ".failcnt")}};
  }
  return pages;
}

}  // namespace

Result<std::string> render_stats(const State& state) {
  Files files(TRY(sys::Cgroups::detect()).at(state.cgroup));
  Json data{{"cpu", cpu_of(files)},
            {"memory", memory_of(files)},
            {"pids", pids_of(files)},
            {"blkio", block_of(files)},
            {"hugetlb", huge_pages_of(files)},
            {"intel_rdt", Json::object()},
            {"network_interfaces", nullptr}};
  Json event{{"type", "stats"}, {"id", state.id}, {"data", data}};
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace berth::runtime
