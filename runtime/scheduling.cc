#include "runtime/scheduling.h"

#include "base/text.h"
#include "runtime/parse.h"
#include "sys/scheduling.h"

#include <array>
#include <utility>

namespace berth::runtime {
namespace {

constexpr std::array<std::pair<std::string_view, uint32_t>, 7> kPolicies{{
    {"SCHED_OTHER", 0},
    {"SCHED_FIFO", 1},
    {"SCHED_RR", 2},
    {"SCHED_BATCH", 3},
    {"SCHED_ISO", 4},
    {"SCHED_IDLE", 5},
    {"SCHED_DEADLINE", 6},
}};
constexpr std::array<std::pair<std::string_view, uint64_t>, 7> kSchedulerFlags{{
    {"SCHED_FLAG_RESET_ON_FORK", 0x01},
    {"SCHED_FLAG_RECLAIM", 0x02},
    {"SCHED_FLAG_DL_OVERRUN", 0x04},
    {"SCHED_FLAG_KEEP_POLICY", 0x08},
    {"SCHED_FLAG_KEEP_PARAMS", 0x10},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", 0x20},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", 0x40},
}};
// linux/ioprio.h, which is not C++.
constexpr std::array<std::pair<std::string_view, int>, 3> kClasses{{
    {"IOPRIO_CLASS_RT", 1},
    {"IOPRIO_CLASS_BE", 2},
    {"IOPRIO_CLASS_IDLE", 3},
}};
constexpr int64_t kIoLevelMax = 7;
constexpr int kIoClassShift = 13;
constexpr int64_t kNiceMin = -20;
constexpr int64_t kNiceMax = 19;

// The value of the name that the node holds.
template <class T, size_t N>
Result<T> choose(const std::array<std::pair<std::string_view, T>, N>& table,
                 const json::Node& node) {
  std::string name = TRY(node.as_string());
  for (const auto& [known, value] : table) {
    if (known == name) return value;
  }
  return parse::invalid(node, "unknown " + printable(name, 64));
}

Status parse_cpu_list(const std::string& text, cpu_set_t& cpus) {
  for (const std::string& range : split(text, ',')) {
    size_t dash = range.find('-');
    auto first = parse_u64(trim(range.substr(0, dash)));
    auto last = dash == std::string::npos ? first : parse_u64(trim(range.substr(dash + 1)));
    if (!first || !last || *first > *last || *last >= CPU_SETSIZE) {
      return fail(Errc::kInvalid, "must be a list of CPUs like 0-3,7");
    }
    for (uint64_t cpu = *first; cpu <= *last; ++cpu) CPU_SET(cpu, &cpus);
  }
  return {};
}

}  // namespace

Result<Scheduler> parse_scheduler(const json::Node& node) {
  Scheduler scheduler;
  json::Node policy = TRY(node.at("policy"));
  scheduler.policy = TRY(choose(kPolicies, policy));
  int64_t nice = TRY(node.find_i64("nice")).value_or(0);
  if (nice < kNiceMin || nice > kNiceMax) {
    return parse::invalid(node, fmt::format("nice must be from {} to {}", kNiceMin, kNiceMax));
  }
  scheduler.nice = static_cast<int32_t>(nice);
  scheduler.priority = TRY(parse::find_u32(node, "priority")).value_or(0);
  for (const json::Node& flag : TRY(node.find_array("flags"))) {
    scheduler.flags |= TRY(choose(kSchedulerFlags, flag));
  }
  scheduler.runtime_ns = TRY(node.find_u64("runtime")).value_or(0);
  scheduler.deadline_ns = TRY(node.find_u64("deadline")).value_or(0);
  scheduler.period_ns = TRY(node.find_u64("period")).value_or(0);
  return scheduler;
}

Status set_scheduler(pid_t pid, const Scheduler& scheduler) {
  auto set = sys::set_scheduler(pid, {.policy = scheduler.policy,
                                      .flags = scheduler.flags,
                                      .nice = scheduler.nice,
                                      .priority = scheduler.priority,
                                      .runtime_ns = scheduler.runtime_ns,
                                      .deadline_ns = scheduler.deadline_ns,
                                      .period_ns = scheduler.period_ns});
  if (!set) return wrap(std::move(set).error(), "process.scheduler");
  return set;
}

Result<int> parse_io_priority(const json::Node& node) {
  json::Node name = TRY(node.at("class"));
  int io_class = TRY(choose(kClasses, name));
  json::Node member = TRY(node.at("priority"));
  int64_t level = TRY(member.as_i64());
  if (level < 0 || level > kIoLevelMax) return parse::invalid(member, "must be from 0 to 7");
  return io_class << kIoClassShift | static_cast<int>(level);
}

Status set_io_priority(pid_t pid, int priority) {
  auto set = sys::set_io_priority(pid, priority);
  if (!set) return wrap(std::move(set).error(), "process.ioPriority");
  return set;
}

Result<std::optional<cpu_set_t>> find_cpus(const json::Node& node, std::string_view key) {
  std::string text = TRY(parse::find_text(node, key));
  if (text.empty()) return std::nullopt;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  auto parsed = parse_cpu_list(text, cpus);
  if (!parsed) return wrap(std::move(parsed).error(), "{}.{}", node.path(), key);
  return std::optional<cpu_set_t>(cpus);
}

Status set_affinity(const cpu_set_t& cpus) {
  auto set = sys::set_own_affinity(cpus);
  if (!set) return wrap(std::move(set).error(), "process.execCPUAffinity.initial");
  return set;
}

}  // namespace berth::runtime
