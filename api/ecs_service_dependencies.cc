#include "api/ecs_service_dependencies.h"

#include "api/ecs_service_lookup.h"
#include "api/ecs_tags.h"
#include "base/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace berth::api::ecs {
namespace {

constexpr size_t kPreStopsMax = 10;  // as many as a task has containers
constexpr size_t kPreStopWordsMax = 100;

using scheduler::Service;
using scheduler::ServiceKey;

// Nothing: nothing is said of them.
std::optional<std::vector<std::string>> asked_dependencies(Ask& ask) {
  if (ask.has(kDependsOn)) return ask.texts(kDependsOn, scheduler::kDependenciesMax);
  for (const scheduler::KeyValue& tag : read_tags(ask, "tags")) {
    if (tag.name != kDependsOn) continue;
    std::vector<std::string> names;
    for (std::string& name : split(tag.value, ' ')) {
      if (!name.empty()) names.push_back(std::move(name));
    }
    return names;
  }
  return std::nullopt;
}

// Whether the way from `name` leads to `target`.
bool leads_to(const Ecs& ecs, const ServiceKey& target, const std::string& name) {
  std::set<std::string> seen;
  std::vector<std::string> open = {name};
  while (!open.empty()) {
    std::string next = std::move(open.back());
    open.pop_back();
    if (next == target.name) return true;
    const Service* service = ecs.core.services().find({target.cluster, next});
    if (service == nullptr || !seen.insert(next).second) continue;
    const auto& more = service->configuration.depends_on;
    open.insert(open.end(), more.begin(), more.end());
  }
  return false;
}

}  // namespace

void read_hold(Ask& ask, ServiceDraft& draft) {
  if (auto held = ask.find_flag(kHold)) draft.configuration.is_held = *held;
}

void read_pre_stop(Ask& ask, ServiceDraft& draft) {
  if (!ask.has(kPreStop)) return;
  std::map<std::string, std::vector<std::string>> commands;
  for (const json::Node& node : ask.objects(kPreStop, kPreStopsMax)) {
    std::string container = ask.required_text(node, "containerName");
    std::vector<std::string> command = ask.texts(node, "command", kPreStopWordsMax);
    if (command.empty()) ask.invalid(fmt::format("{} can not be empty.", path_of(node, "command")));
    if (!commands.emplace(container, std::move(command)).second) {
      ask.invalid(fmt::format("{}: container {} has one already.", kPreStop,
                              printable(container, kNameShown)));
    }
  }
  draft.revision.request.pre_stop = std::move(commands);
}

void check_pre_stop(Ask& ask, const ServiceDraft& draft) {
  const auto& containers = draft.revision.definition.container_definitions;
  for (const auto& pre_stop : draft.revision.request.pre_stop) {
    const std::string& name = pre_stop.first;
    bool is_there = std::any_of(containers.begin(), containers.end(),
                                [&](const auto& each) { return each.name == name; });
    if (is_there) continue;
    ask.invalid(fmt::format("{}: The container {} does not exist in the task definition.", kPreStop,
                            printable(name, kNameShown)));
  }
}

void read_dependencies(const Ecs& ecs, Ask& ask, ServiceDraft& draft) {
  auto names = asked_dependencies(ask);
  if (!names || ask.refused()) return;
  if (names->size() > scheduler::kDependenciesMax) {
    ask.invalid(
        fmt::format("{} must name at most {} services.", kDependsOn, scheduler::kDependenciesMax));
  }
  for (const std::string& name : *names) {
    const Service* service = ecs.core.services().find({draft.key.cluster, name});
    bool is_there = service != nullptr && service->status == scheduler::ServiceStatus::kActive;
    if (name == draft.key.name || leads_to(ecs, draft.key, name)) {
      ask.invalid(fmt::format("{}: {} waits for service {} itself; leave one of them out.",
                              kDependsOn, printable(name, kNameShown), draft.key.name));
    } else if (!is_there) {
      ask.invalid(fmt::format("{}: the cluster {} has no service {}; create it first.", kDependsOn,
                              draft.key.cluster, printable(name, kNameShown)));
    }
  }
  draft.configuration.depends_on = std::move(*names);
}

}  // namespace berth::api::ecs
