// berth stats: what the containers use, from their control groups and network namespaces.
#include "agent/task_table.h"
#include "base/text.h"
#include "sys/cgroup.h"
#include "sys/clock.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/network_counters.h"
#include "tools/table.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <map>

namespace berth::tools {
namespace {

constexpr Duration kInterval = std::chrono::seconds(1);
constexpr size_t kKernelFileMax = 1024 * 1024;
constexpr const char* kClearScreen = "\x1b[H\x1b[2J";

struct Sample {
  std::string task;
  std::string container;
  Instant at{};
  sys::CgroupStats group;
  std::optional<uint64_t> memory_limit;  // of the container or, if less, of its task
  NetworkCounters network;
};

// The limit of one group; nothing when there is none. v1 says "none" with a number near 2^63.
std::optional<uint64_t> limit_of(const sys::CgroupDir& group) {
  const char* file = group.is_unified() ? "/memory.max" : "/memory.limit_in_bytes";
  auto text = sys::read_file(group.directory("memory") + file, kKernelFileMax);
  auto limit = text ? parse_u64(trim(*text)) : std::nullopt;
  return limit && *limit < uint64_t{1} << 62 ? limit : std::nullopt;
}

Result<Sample> take_sample(const sys::Cgroups& host, const agent::ListedTask& task,
                           const agent::ListedContainer& container, Clock& clock) {
  Sample sample;
  sample.task = task.info.id;
  sample.container = container.info.name;
  sys::CgroupDir group = host.at(container.cgroup);
  sample.at = clock.now();
  sample.group = TRY(group.stats());
  sample.memory_limit = limit_of(group);
  auto of_task = limit_of(host.at(task.plan->cgroup));
  if (of_task) sample.memory_limit = std::min(*of_task, sample.memory_limit.value_or(*of_task));
  auto devices = sys::read_file(fmt::format("/proc/{}/net/dev", container.pid), kKernelFileMax);
  if (devices) sample.network = parse_network_counters(*devices);
  return sample;
}

// Of the containers that run right now, by task and container. One that ends meanwhile is left out.
using Samples = std::map<std::pair<std::string, std::string>, Sample>;

Result<Samples> take_samples(const agent::Config& config, const std::vector<std::string>& wanted,
                             Clock& clock) {
  auto host = TRY(sys::Cgroups::detect());
  std::vector<agent::ListedTask> tasks;
  for (const std::string& name : wanted) {
    tasks.push_back(TRY(choose_running_task(config, name, "stats")));
  }
  if (wanted.empty()) tasks = TRY(agent::list_tasks(config, false));
  Samples samples;
  for (const agent::ListedTask& task : tasks) {
    for (const agent::ListedContainer& container : task.containers) {
      if (container.state != agent::ContainerState::kRunning) continue;
      auto sample = take_sample(host, task, container, clock);
      if (sample) samples[{task.info.id, container.info.name}] = std::move(*sample);
    }
  }
  return samples;
}

// Percent of one processor since the sample before; 0 for a container that is new.
double processor_percent(const Samples& before, const Sample& now) {
  auto found = before.find({now.task, now.container});
  if (found == before.end() || now.at <= found->second.at) return 0;
  auto used = static_cast<double>(now.group.cpu_usage_ns - found->second.group.cpu_usage_ns);
  return 100 * used / static_cast<double>((now.at - found->second.at).count());
}

std::string render_table(const Samples& before, const Samples& now) {
  Table table({"TASK", "CONTAINER", "CPU", "MEMORY", "LIMIT", "PIDS", "NET RX", "NET TX"});
  for (const auto& [name, sample] : now) {
    table.add({sample.task.substr(0, kShortTaskId), sample.container,
               fmt::format("{:.1f}%", processor_percent(before, sample)),
               format_bytes(sample.group.memory_bytes),
               sample.memory_limit ? format_bytes(*sample.memory_limit) : "none",
               std::to_string(sample.group.pids), format_bytes(sample.network.received_bytes),
               format_bytes(sample.network.sent_bytes)});
  }
  return table.render();
}

std::string render_lines(const Samples& before, const Samples& now) {
  std::string lines;
  for (const auto& [name, sample] : now) {
    nlohmann::ordered_json line = {{"taskId", sample.task},
                                   {"container", sample.container},
                                   {"cpuPercent", processor_percent(before, sample)},
                                   {"cpuUsageNs", sample.group.cpu_usage_ns},
                                   {"throttledPeriods", sample.group.throttled_periods},
                                   {"memoryBytes", sample.group.memory_bytes},
                                   {"pids", sample.group.pids},
                                   {"oomKills", sample.group.oom_kills},
                                   {"networkReceivedBytes", sample.network.received_bytes},
                                   {"networkSentBytes", sample.network.sent_bytes}};
    if (sample.memory_limit) line["memoryLimitBytes"] = *sample.memory_limit;
    lines += line.dump() + "\n";
  }
  return lines;
}

class StatsSession {
 public:
  StatsSession(const agent::Config& config, const StatsOptions& options, sys::Loop& loop,
               Clock& clock)
      : config_(config), options_(options), loop_(loop), clock_(clock) {}

  Status run() {
    before_ = TRY(take_samples(config_, options_.tasks, clock_));
    TRY(loop_.on_signals({SIGINT, SIGTERM, SIGHUP}, [this](int) { loop_.stop(); }));
    loop_.after(kInterval, [this] { tick(); });
    TRY(loop_.run());
    return result_;
  }

 private:
  void tick() {
    auto now = take_samples(config_, options_.tasks, clock_);
    if (!now) {
      result_ = tl::unexpected<Error>(std::move(now).error());
      return loop_.stop();
    }
    show(*now);
    before_ = std::move(*now);
    if (options_.once) return loop_.stop();
    loop_.after(kInterval, [this] { tick(); });
  }

  void show(const Samples& now) {
    bool redraw = !options_.once && !options_.json && ::isatty(STDOUT_FILENO) == 1;
    if (redraw) std::fputs(kClearScreen, stdout);
    std::fputs((options_.json ? render_lines(before_, now) : render_table(before_, now)).c_str(),
               stdout);
    std::fflush(stdout);
  }

  const agent::Config& config_;
  const StatsOptions& options_;
  sys::Loop& loop_;
  Clock& clock_;
  Samples before_;
  Status result_;
};

Status show_stats(const agent::Config& config, const StatsOptions& options) {
  sys::SystemClock clock;
  auto loop = TRY(sys::Loop::make(clock));
  return StatsSession(config, options, *loop, clock).run();
}

}  // namespace

int stats_command(const agent::Config& config, const StatsOptions& options) {
  return exit_code(show_stats(config, options));
}

}  // namespace berth::tools
