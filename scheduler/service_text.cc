#include "scheduler/service_text.h"

#include <fmt/format.h>

#include <string_view>

namespace berth::scheduler::service_text {
namespace {

constexpr const char* kMore =
    "For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.";

std::string named_tasks(const std::vector<std::string>& tasks) {
  std::string text;
  for (size_t i = 0; i < tasks.size() && i < kTasksNamed; ++i) {
    text += fmt::format(" (task {})", tasks[i]);
  }
  return text;
}

// What the container instance lacks: "has insufficient CPU units available"; "" for another reason.
std::string lack(const std::string& shortage) {
  if (shortage == "RESOURCE:CPU") return "has insufficient CPU units available";
  if (shortage == "RESOURCE:MEMORY") return "has insufficient memory available";
  if (shortage == "RESOURCE:PORTS") return "is already using a port required by your task";
  return "";
}

}  // namespace

std::string started(const std::string& service, const std::vector<std::string>& tasks) {
  return fmt::format("(service {}) has started {} tasks:{}.", service, tasks.size(),
                     named_tasks(tasks));
}

std::string stopped(const std::string& service, const std::vector<std::string>& tasks) {
  return fmt::format("(service {}) has stopped {} running tasks:{}.", service, tasks.size(),
                     named_tasks(tasks));
}

std::string with_task_set(const std::string& service, const std::string& set) {
  return fmt::format("{}, taskSet {}", service, set);
}

std::string set_steady(const std::string& service, const std::string& set) {
  return fmt::format("(service {}) updated state to STEADY_STATE.", with_task_set(service, set));
}

std::string failed_health_check(const std::string& service, const std::string& task) {
  return fmt::format("(service {}) (task {}) failed container health checks.", service, task);
}

std::string deployment_completed(const std::string& service, const std::string& deployment) {
  return fmt::format("(service {}) (deployment {}) deployment completed.", service, deployment);
}

std::string deployment_failed(const std::string& service, const std::string& deployment,
                              const std::string& why) {
  return fmt::format("(service {}) (deployment {}) deployment failed: {}.", service, deployment,
                     why);
}

std::string rolling_back(const std::string& service, const std::string& deployment) {
  return fmt::format("(service {}) rolling back to deployment {}.", service, deployment);
}

std::string steady(const std::string& service) {
  return fmt::format("(service {}) has reached a steady state.", service);
}

std::string start_impaired(const std::string& service) {
  return fmt::format("(service {}) is unable to consistently start tasks successfully. {}", service,
                     kMore);
}

std::string throttled(const std::string& service) {
  return fmt::format("(service {}) operations are being throttled. Will try again later.", service);
}

std::string blocked(const std::string& service) {
  return fmt::format(
      "(service {}) was unable to stop or start tasks during a deployment because of the service "
      "deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try "
      "again.",
      service);
}

std::string cannot_scale_in(const std::string& service, const std::string& deployment) {
  return fmt::format(
      "(service {}) was unable to reach steady state because task set ({}) was unable to scale in. "
      "Reason: The number of protected tasks are more than the desired count of tasks.",
      service, deployment);
}

std::string unplaced(const std::string& service, const std::string& launch_type,
                     const std::string& node_id, const std::string& shortage) {
  if (launch_type == "FARGATE") {
    return fmt::format(
        "(service {}) was unable to place a task. Reason: Capacity is unavailable at this time. "
        "Please try again later or in a different availability zone. {}",
        service, kMore);
  }
  std::string text = fmt::format(
      "(service {}) was unable to place a task because no container instance met all of its "
      "requirements.",
      service);
  std::string lacking = lack(shortage);
  if (lacking.empty()) {
    const char* period = shortage.ends_with('.') ? "" : ".";
    return fmt::format("{} Reason: {}{} {}", text, shortage, period, kMore);
  }
  return fmt::format("{} The closest matching (container-instance {}) {}. {}", text, node_id,
                     lacking, kMore);
}

std::string in_progress_reason(const std::string& deployment) {
  return fmt::format("ECS deployment {} in progress.", deployment);
}

std::string completed_reason(const std::string& deployment) {
  return fmt::format("ECS deployment {} completed.", deployment);
}

std::string scaling_reason(const std::string& deployment) {
  return fmt::format("Scaling activity initiated by (deployment {})", deployment);
}

}  // namespace berth::scheduler::service_text
