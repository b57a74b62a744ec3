#include "scheduler/exit_code.h"

#include "base/text.h"

#include <fmt/core.h>

namespace berth::scheduler {
namespace {

constexpr size_t kOutputShown = 200;

}  // namespace

int exit_code_of(const Task& task) {
  const Container* ended_by = task.find_container(task.ended_by);
  if (ended_by != nullptr && ended_by->exit_code) return *ended_by->exit_code;
  if (task.stop_code == StopCode::kUserInitiated) return kInterruptedExitCode;
  return kStartFailedExitCode;
}

std::string summarize(const Container& container) {
  std::string text = container.name + ": ";
  if (container.lifecycle.status() != ContainerStatus::kStopped) {
    text += name_of(container.lifecycle.status());
  } else if (container.exit_code) {
    text += fmt::format("exit code {}", *container.exit_code);
  } else if (container.started_at) {
    text += "ended, exit code unknown";
  } else {
    text += "did not run";
  }
  if (!container.reason.empty()) text += ", " + container.reason;
  if (container.restart_count == 1) text += ", restarted once";
  if (container.restart_count > 1) {
    text += fmt::format(", restarted {} times", container.restart_count);
  }
  return text;
}

std::string summarize(const std::string& container, const ContainerHealth& health) {
  std::string text = fmt::format("{}: {}", container, name_of(health.status));
  if (health.status != HealthStatus::kUnhealthy) return text;
  if (health.exit_code) text += fmt::format(", exit code {}", *health.exit_code);
  std::string line = health.output.substr(0, health.output.find('\n'));
  if (!line.empty()) text += ": " + printable(line, kOutputShown);
  return text;
}

std::string summarize(const ContainerRestarted& restarted) {
  std::string text = restarted.container + ": ";
  if (restarted.exit_code) text += fmt::format("exit code {}, ", *restarted.exit_code);
  if (restarted.out_of_memory) text += std::string(kOutOfMemoryReason) + ", ";
  return text + "restarted";
}

std::string summarize(const Task& task) {
  std::string text = fmt::format("task {}", name_of(task.last_status()));
  if (task.stop_code) text += fmt::format(": {}", name_of(*task.stop_code));
  if (!task.stopped_reason.empty()) text += ", " + task.stopped_reason;
  return text;
}

}  // namespace berth::scheduler
