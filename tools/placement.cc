#include "tools/placement.h"

#include "api/ecs_placement.h"
#include "base/text.h"
#include "tools/task_input.h"

namespace berth::tools {
namespace {

constexpr size_t kExpressionShown = 200;

// A task of `berth run` is in no cluster: there is nothing to ask of other tasks.
api::ecs::QueryFacts facts_of(const std::vector<scheduler::KeyValue>& attributes) {
  api::ecs::QueryFacts facts;
  for (const scheduler::KeyValue& each : attributes) {
    facts.emplace("attribute:" + each.name, each.value);
  }
  facts.emplace("agentConnected", "true");
  facts.emplace("agentVersion", BERTH_VERSION);
  facts.emplace("runningTasksCount", "0");
  return facts;
}

std::string values_shown(const std::vector<scheduler::KeyValue>& attributes) {
  std::vector<std::string> words;
  for (const scheduler::KeyValue& each : attributes) {
    if (!each.value.empty()) words.push_back(each.name + " " + each.value);
  }
  return join(words, ", ");
}

}  // namespace

Status check_placement(const agent::Config& config, std::string_view definition_json,
                       std::string_view overrides_json) {
  auto needs = TRY(scheduler::placement_needs_of(definition_json, overrides_json));
  if (needs.gpus > 0) {
    return fail(Errc::kUnsupported,
                "{}: resourceRequirements ask for {} GPUs, and this host gives none to its tasks: "
                "take them out, or run the task where there are some",
                api::ecs::kNoGpus, needs.gpus);
  }
  if (needs.member_of.empty()) return {};
  auto attributes = api::ecs::host_attributes(TRY(host_architecture()), config.region + "a");
  const std::string* unmet = api::ecs::unmet_expression(needs, facts_of(attributes));
  if (unmet == nullptr) return {};
  return fail(Errc::kUnsupported,
              "placementConstraints: {} \"{}\" does not hold of this host, which has {}, and the "
              "attributes of berthd's clusters only under berthd",
              api::ecs::kNotAMember, printable(*unmet, kExpressionShown), values_shown(attributes));
}

}  // namespace berth::tools
