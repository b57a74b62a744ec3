#include "tools/daemon_metrics.h"

#include "base/text.h"
#include "sys/file.h"
#include "sys/host.h"

#include <fmt/core.h>

#include <chrono>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::tools {
namespace {

constexpr size_t kStatMax = 64 * 1024;
constexpr double kTicksPerSecond = 100;  // USER_HZ
// After the command's name, which ends with ')': proc_pid_stat(5), counted from the state.
constexpr size_t kUserTicks = 11;
constexpr size_t kSystemTicks = 12;
constexpr std::string_view kResidentLine = "VmRSS:";  // proc_pid_status(5), in KiB
constexpr uint64_t kKiB = 1024;

using Labels = std::vector<std::pair<const char*, std::string>>;

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string("\\n") : std::string(1, c);
  }
  return out;
}

class Page {
 public:
  void begin(const char* name, const char* type, const char* help) {
    name_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void add(const Labels& labels, double value, const char* suffix = "") {
    std::string list;
    for (const auto& [name, label] : labels) {
      list += fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",", name, escaped(label));
    }
    text_ += fmt::format("{}{}{} {}\n", name_, suffix, list.empty() ? "" : "{" + list + "}", value);
  }
  std::string take() { return std::move(text_); }

 private:
  const char* name_ = "";
  std::string text_;
};

double seconds_of(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

void add_tasks(Page& page, const scheduler::Core& core) {
  std::map<std::pair<std::string, std::string>, uint64_t> tasks;
  std::map<std::pair<std::string, std::string>, uint64_t> unhealthy;
  uint64_t restarts = 0;
  for (const std::string& id : core.task_ids()) {
    const scheduler::Task& task = *core.find_task(id);
    ++tasks[{task.request.cluster, name_of(task.last_status())}];
    for (const scheduler::Container& container : task.containers) {
      restarts += static_cast<uint64_t>(container.restart_count);
    }
    if (task.last_status() != scheduler::TaskStatus::kRunning) continue;
    ++unhealthy[{task.request.cluster, name_of(scheduler::health_status_of(task))}];
  }
  page.begin("berth_tasks", "gauge", "Tasks by cluster and status; stopped ones for an hour.");
  for (const auto& [key, count] : tasks) {
    page.add({{"cluster", key.first}, {"status", key.second}}, static_cast<double>(count));
  }
  page.begin("berth_tasks_health", "gauge", "Running tasks by what their health checks say.");
  for (const auto& [key, count] : unhealthy) {
    page.add({{"cluster", key.first}, {"health", key.second}}, static_cast<double>(count));
  }
  page.begin("berth_container_restarts", "gauge", "Restarts in place of the tasks that are known.");
  page.add({}, static_cast<double>(restarts));
}

}  // namespace

void DaemonMetrics::count(const api::Exchanged& exchanged) {
  ++requests_[{exchanged.service, exchanged.operation, exchanged.outcome}];
  Timing& timing = timings_[exchanged.service];
  double seconds = seconds_of(exchanged.took);
  for (size_t i = 0; i < kBounds.size(); ++i) {
    if (seconds <= kBounds[i]) ++timing.within[i];
  }
  ++timing.count;
  timing.seconds += seconds;
}

void DaemonMetrics::count(const scheduler::Change& change) {
  if (std::holds_alternative<scheduler::RunTaskRequested>(change.cause)) ++begun_;
  if (!std::holds_alternative<scheduler::TaskReleased>(change.cause)) return;
  if (change.task.stop_code) ++ended_[name_of(*change.task.stop_code)];
}

std::string DaemonMetrics::render(const scheduler::Core& core,
                                  const ProcessFigures& process) const {
  Page page;
  page.begin("berth_build_info", "gauge", "1, with the version as a label.");
  page.add({{"version", BERTH_VERSION}}, 1);
  add_tasks(page, core);
  page.begin("berth_tasks_begun_total", "counter", "Tasks that were asked for.");
  page.add({}, static_cast<double>(begun_));
  page.begin("berth_tasks_ended_total", "counter", "Tasks that have stopped, by their stop code.");
  for (const auto& [code, count] : ended_) page.add({{"code", code}}, static_cast<double>(count));
  page.begin("berth_api_requests_total", "counter",
             "Requests of Amazon's API; the outcome is OK or the exception's name.");
  for (const auto& [key, count] : requests_) {
    const auto& [service, operation, outcome] = key;
    page.add({{"service", service}, {"operation", operation}, {"outcome", outcome}},
             static_cast<double>(count));
  }
  page.begin("berth_api_request_duration_seconds", "histogram", "How long they took.");
  for (const auto& [service, timing] : timings_) {
    for (size_t i = 0; i < kBounds.size(); ++i) {
      page.add({{"service", service}, {"le", fmt::format("{}", kBounds[i])}},
               static_cast<double>(timing.within[i]), "_bucket");
    }
    auto count = static_cast<double>(timing.count);
    page.add({{"service", service}, {"le", "+Inf"}}, count, "_bucket");
    page.add({{"service", service}}, timing.seconds, "_sum");
    page.add({{"service", service}}, count, "_count");
  }
  page.begin("process_cpu_seconds_total", "counter", "Processor time of berthd.");
  page.add({}, process.cpu_seconds);
  page.begin("process_resident_memory_bytes", "gauge", "Memory of berthd.");
  page.add({}, static_cast<double>(process.resident_bytes));
  page.begin("process_open_fds", "gauge", "Descriptors of berthd.");
  page.add({}, static_cast<double>(process.open_descriptors));
  page.begin("process_start_time_seconds", "gauge", "When berthd began, since 1970.");
  page.add({}, seconds_of(started_.time_since_epoch()));
  return page.take();
}

ProcessFigures own_figures() {
  ProcessFigures figures;
  std::string stat = sys::read_file("/proc/self/stat", kStatMax).value_or("");
  std::vector<std::string> fields =
      split(stat.substr(std::min(stat.size(), stat.rfind(')') + 2)), ' ');
  if (fields.size() > kSystemTicks) {
    uint64_t ticks =
        parse_u64(fields[kUserTicks]).value_or(0) + parse_u64(fields[kSystemTicks]).value_or(0);
    figures.cpu_seconds = static_cast<double>(ticks) / kTicksPerSecond;
  }
  std::string status = sys::read_file("/proc/self/status", kStatMax).value_or("");
  for (const std::string& line : split(status, '\n')) {
    if (!line.starts_with(kResidentLine)) continue;
    std::vector<std::string> words = split(trim(line.substr(kResidentLine.size())), ' ');
    figures.resident_bytes = parse_u64(words.front()).value_or(0) * kKiB;
  }
  auto descriptors = sys::list_directory("/proc/self/fd");
  if (descriptors) figures.open_descriptors = descriptors->size();
  return figures;
}

}  // namespace berth::tools
