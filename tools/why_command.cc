// berth why: from what a task is back to what it comes from.
#include "agent/event_log.h"
#include "agent/task_table.h"
#include "base/text.h"
#include "scheduler/story.h"
#include "tools/clock_text.h"
#include "tools/commands.h"
#include "tools/daemon_tasks.h"
#include "tools/service_commands.h"
#include "tools/task_commands.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <optional>

namespace berth::tools {
namespace {

using Json = nlohmann::ordered_json;
using scheduler::StoryLine;

constexpr const char* kServiceWord = "service";  // "service/NAME", "service/CLUSTER/NAME"
constexpr const char* kRuleWord = "rule";        // "rule/NAME"

struct TaskAccount {
  std::string state;
  std::vector<std::string> causes;  // from the state back to its root
  std::vector<StoryLine> story;
};

std::string told(const StoryLine& line) {
  return fmt::format("{}, at {}", line.text, clock_of(line.at));
}

const StoryLine* last_of(const std::vector<StoryLine>& story, std::string_view event,
                         const std::string& container) {
  auto matches = [&](const StoryLine& line) {
    return line.event == event && line.container == container;
  };
  auto found = std::find_if(story.rbegin(), story.rend(), matches);
  return found == story.rend() ? nullptr : &*found;
}

// What made the end be decided, and what had led to that.
void explain_end(const std::vector<StoryLine>& story, std::vector<std::string>& causes) {
  auto decided =
      std::ranges::find_if(story, [](const StoryLine& line) { return !line.decision.empty(); });
  if (decided == story.end()) return;
  causes.push_back(decided->decision);
  causes.push_back(told(*decided));
  if (decided->event != "ContainerExited") return;
  for (const char* event : {"ContainerRestarted", "ContainerHealthChanged"}) {
    const StoryLine* before = last_of(story, event, decided->container);
    if (before != nullptr) causes.push_back(told(*before));
  }
}

const agent::ListedContainer* find_container(const agent::ListedTask& task,
                                             const std::string& name) {
  auto found = std::ranges::find(
      task.containers, name,
      [](const agent::ListedContainer& each) -> const std::string& { return each.info.name; });
  return found == task.containers.end() ? nullptr : &*found;
}

// Nothing when the dependency is met.
std::optional<std::string> unmet(const agent::ListedTask& task, const std::vector<StoryLine>& story,
                                 const runtime::ContainerDependency& dependency) {
  const agent::ListedContainer* other = find_container(task, dependency.container);
  if (other == nullptr) return std::nullopt;
  bool ended = other->state == agent::ContainerState::kStopped;
  switch (dependency.condition) {
    case runtime::DependencyCondition::kStart:
      if (other->state != agent::ContainerState::kPending) return std::nullopt;
      return fmt::format("{} has not started", dependency.container);
    case runtime::DependencyCondition::kComplete:
      if (ended) return std::nullopt;
      return fmt::format("{} has not ended", dependency.container);
    case runtime::DependencyCondition::kSuccess:
      if (ended) return std::nullopt;
      return fmt::format("{} has not ended with exit code 0", dependency.container);
    case runtime::DependencyCondition::kHealthy: {
      const StoryLine* health = last_of(story, "ContainerHealthChanged", dependency.container);
      std::string known = health == nullptr ? "no check has come to a verdict" : told(*health);
      return fmt::format("{} is not HEALTHY: {}", dependency.container, known);
    }
  }
  return std::nullopt;
}

void explain_waits(const agent::ListedTask& task, const std::vector<StoryLine>& story,
                   std::vector<std::string>& causes) {
  if (!task.plan) {
    causes.emplace_back("its images or its network are not there yet");
    return;
  }
  for (const runtime::ContainerPlan& container : task.plan->containers) {
    const agent::ListedContainer* listed = find_container(task, container.name);
    if (listed == nullptr || listed->state != agent::ContainerState::kPending) continue;
    for (const runtime::ContainerDependency& dependency : container.depends_on) {
      auto reason = unmet(task, story, dependency);
      if (reason) causes.push_back(fmt::format("container {} waits: {}", container.name, *reason));
    }
  }
}

// The records on disk tell more than the events where nobody was there to note them.
void explain_exits(const agent::ListedTask& task, const std::vector<StoryLine>& story,
                   std::vector<std::string>& causes) {
  for (const agent::ListedContainer& container : task.containers) {
    if (!container.exit || last_of(story, "ContainerExited", container.info.name) != nullptr)
      continue;
    std::string how = container.exit->exit_code
                          ? fmt::format("exited with code {}", *container.exit->exit_code)
                          : "ended";
    if (!container.exit->reason.empty()) {
      how += ": " + container.exit->reason;
    } else if (container.exit->killed) {
      how += fmt::format(
          " ({})", scheduler::meaning_of_end(*container.exit->exit_code, container.exit->killed));
    }
    causes.push_back(
        fmt::format("container {} {}, as its exit record says", container.info.name, how));
  }
}

Result<TaskAccount> account_of(const agent::ListedTask& task) {
  TaskAccount account;
  account.state = agent::name_of(task.state);
  account.story = TRY(agent::EventLog::read(task.event_log));
  explain_end(account.story, account.causes);
  explain_exits(task, account.story, account.causes);
  if (task.state == agent::TaskState::kLost) {
    account.causes.emplace_back(
        "its supervisor is gone, and its containers with it: killed, or the host was started "
        "again");
  }
  bool goes_on =
      task.state == agent::TaskState::kPending || task.state == agent::TaskState::kRunning;
  if (goes_on && account.causes.empty()) explain_waits(task, account.story, account.causes);
  return account;
}

// Of a task that only berthd knows.
Result<TaskAccount> account_of_daemon(const agent::Config& config, const DaemonTask& task) {
  TaskAccount account;
  account.state = task.last_status;
  account.story = TRY(recent_story(config, task));
  explain_end(account.story, account.causes);
  bool is_told = !account.causes.empty() || task.stopped_reason.empty();
  if (!is_told) account.causes.push_back(task.stopped_reason);
  return account;
}

void print_text(const agent::ListedTask& task, const TaskAccount& account) {
  std::printf("task %s (%s) is %s\n", task.info.id.c_str(), task.info.family.c_str(),
              account.state.c_str());
  std::string indent = "  ";
  for (const std::string& cause : account.causes) {
    std::printf("%sbecause %s\n", indent.c_str(), printable(cause, cause.size()).c_str());
    indent += "  ";
  }
  std::printf("\n");
  for (const StoryLine& line : account.story) {
    std::printf("%s  %-14s %s\n", clock_of(line.at).c_str(), line.status.c_str(),
                printable(line.text, line.text.size()).c_str());
  }
}

void print_json(const agent::ListedTask& task, const TaskAccount& account) {
  Json story = Json::array();
  for (const StoryLine& line : account.story) {
    Json json = {
        {"at", line.at}, {"event", line.event}, {"lastStatus", line.status}, {"text", line.text}};
    if (!line.container.empty()) json["container"] = line.container;
    if (!line.decision.empty()) json["decision"] = line.decision;
    story.push_back(std::move(json));
  }
  Json json = {{"taskId", task.info.id},
               {"lastStatus", account.state},
               {"causes", account.causes},
               {"events", std::move(story)}};
  std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
}

Status why(const agent::Config& config, const WhyOptions& options) {
  DaemonTasks owned = TRY(DaemonTasks::ask(config));
  std::vector<agent::ListedTask> tasks = TRY(list_all_tasks(config, owned, true));
  const agent::ListedTask& task = *TRY(agent::choose_task(tasks, options.task));
  bool has_directory = !task.log_directory.empty();
  auto found =
      has_directory ? account_of(task) : account_of_daemon(config, *owned.find(task.info.id));
  TaskAccount account = TRY(std::move(found));
  if (options.json) {
    print_json(task, account);
  } else {
    print_text(task, account);
  }
  return {};
}

}  // namespace

int why_command(const agent::Config& config, const WhyOptions& options) {
  std::vector<std::string> words = split(options.task, '/');
  if (words.front() == kServiceWord && words.size() > 1) {
    ServiceOptions service;
    if (words.size() > 2) service.cluster = words[1];
    service.name = words.back();
    service.json = options.json;
    return why_service_command(config, service);
  }
  if (words.front() == kRuleWord && words.size() == 2) {
    return why_rule_command(config, words.back(), options.json);
  }
  return exit_code(why(config, options));
}

}  // namespace berth::tools
