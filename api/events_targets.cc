// Targets of rules: tasks.
#include "api/events_operations.h"
#include "api/page.h"
#include "base/text.h"
#include "scheduler/overrides.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api::eb {
namespace {

using scaling::Rule;
using scaling::RuleTarget;

constexpr size_t kTargetsOfRequestMax = 100;
constexpr size_t kTargetPageMax = 100;
constexpr size_t kInputMax = 8192;
constexpr size_t kArnShown = 200;
constexpr int64_t kTaskCountMax = 10;

constexpr std::array kOtherParameters = {"KinesisParameters", "RunCommandParameters",
                                         "BatchParameters",   "SqsParameters",
                                         "HttpParameters",    "RedshiftDataParameters",
                                         "AppSyncParameters", "SageMakerPipelineParameters",
                                         "DeadLetterConfig",  "InputPath",
                                         "InputTransformer"};

void refuse_other_targets(Ask& ask, const json::Node& node) {
  for (const char* member : kOtherParameters) {
    if (!node.find(member)) continue;
    ask.invalid(fmt::format("{}: berth's rules run tasks, with EcsParameters and a constant Input.",
                            path_of(node, member)));
  }
}

// All of it is RunTask's, which says more about it when it runs.
void check_ecs_parameters(Ask& ask, const json::Node& node) {
  auto parameters = ask.object(node, "EcsParameters");
  if (!parameters) {
    ask.invalid(fmt::format("{}: is required: TaskDefinitionArn, and how its tasks run.",
                            path_of(node, "EcsParameters")));
    return;
  }
  (void)ask.required_text(*parameters, "TaskDefinitionArn");
  (void)ask.number(*parameters, "TaskCount", {1, kTaskCountMax});
  (void)ask.word(*parameters, "LaunchType", {"EC2", "FARGATE", "EXTERNAL"});
}

void check_input(Ask& ask, const json::Node& node, const std::string& input) {
  if (input.empty()) return;
  auto wrong = [&](const std::string& why) {
    ask.invalid(
        fmt::format("{}: must be the overrides of RunTask, as {{\"containerOverrides\": "
                    "[...]}}: {}",
                    path_of(node, "Input"), why));
  };
  if (input.size() > kInputMax) return wrong(fmt::format("at most {} characters.", kInputMax));
  auto overrides = scheduler::read_overrides(input, "Input");
  if (!overrides) wrong(overrides.error().text);
}

RuleTarget read_target(Events& events, Ask& ask, const json::Node& node) {
  RuleTarget target;
  target.id = ask.required_text(node, "Id");
  if (!ask.refused()) check_name(ask, path_of(node, "Id"), target.id);
  target.arn = ask.required_text(node, "Arn");
  if (!ask.refused() && !target.arn.starts_with(events.cluster_prefix)) {
    ask.invalid(
        fmt::format("{} '{}': must be the ARN of a cluster of berth's, {}NAME: its rules "
                    "run tasks.",
                    path_of(node, "Arn"), printable(target.arn, kArnShown), events.cluster_prefix));
  }
  refuse_other_targets(ask, node);
  check_ecs_parameters(ask, node);
  target.role_arn = ask.text(node, "RoleArn");
  target.input = ask.text(node, "Input");
  check_input(ask, node, target.input);
  if (auto parameters = ask.object(node, "EcsParameters")) target.ecs_json = parameters->dump();
  if (auto retry = ask.object(node, "RetryPolicy")) target.retry_json = retry->dump();
  return target;
}

Json target_json(const RuleTarget& target) {
  Json json = {{"Id", target.id}, {"Arn", target.arn}};
  if (!target.role_arn.empty()) json["RoleArn"] = target.role_arn;
  if (!target.input.empty()) json["Input"] = target.input;
  json["EcsParameters"] = Json::parse(target.ecs_json);
  if (!target.retry_json.empty()) json["RetryPolicy"] = Json::parse(target.retry_json);
  return json;
}

}  // namespace

Json put_targets(Events& events, Ask& ask) {
  const Rule* known = find_rule(events, ask, "Rule");
  if (known == nullptr) return {};
  Rule rule = *known;
  for (const json::Node& node : ask.objects("Targets", kTargetsOfRequestMax)) {
    RuleTarget target = read_target(events, ask, node);
    auto same = std::ranges::find(rule.targets, target.id, &RuleTarget::id);
    if (same != rule.targets.end()) {
      *same = std::move(target);
    } else {
      rule.targets.push_back(std::move(target));
    }
  }
  if (!ask.refused() && rule.targets.size() > scaling::kRuleTargetsMax) {
    ask.refuse("LimitExceededException",
               fmt::format("A rule has at most {} targets.", scaling::kRuleTargetsMax));
  }
  if (ask.refused()) return {};
  ask.check(events.engine.book().put(rule));
  return {{"FailedEntryCount", 0}, {"FailedEntries", Json::array()}};
}

Json remove_targets(Events& events, Ask& ask) {
  const Rule* known = find_rule(events, ask, "Rule");
  std::vector<std::string> ids = ask.texts("Ids", kTargetsOfRequestMax);
  if (known == nullptr) return {};
  if (ids.empty()) ask.invalid("Ids is required.");
  if (ask.refused()) return {};
  Rule rule = *known;
  Json failed = Json::array();
  for (const std::string& id : ids) {
    if (std::erase_if(rule.targets, [&](const RuleTarget& each) { return each.id == id; }) > 0) {
      continue;
    }
    failed.push_back(
        {{"TargetId", printable(id, kArnShown)},
         {"ErrorCode", "ResourceNotFoundException"},
         {"ErrorMessage", fmt::format("Rule {} does not have such a target.", rule.name)}});
  }
  ask.check(events.engine.book().put(rule));
  size_t count = failed.size();
  return {{"FailedEntryCount", count}, {"FailedEntries", std::move(failed)}};
}

Json list_targets_by_rule(Events& events, Ask& ask) {
  const Rule* rule = find_rule(events, ask, "Rule");
  if (rule == nullptr) return {};
  std::vector<std::string> ids;
  for (const RuleTarget& target : rule->targets) ids.push_back(target.id);
  Page page = page_of(ask, ids, {.limit = "Limit", .token = "NextToken", .max = kTargetPageMax});
  Json list = Json::array();
  for (const std::string& id : page.items) {
    list.push_back(target_json(*std::ranges::find(rule->targets, id, &RuleTarget::id)));
  }
  Json json = {{"Targets", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json list_rule_names_by_target(Events& events, Ask& ask) {
  check_bus(ask);
  std::string arn = ask.required_text("TargetArn");
  std::vector<std::string> names;
  for (const auto& [name, rule] : events.engine.book().rules()) {
    bool has_it = std::ranges::find(rule.targets, arn, &RuleTarget::arn) != rule.targets.end();
    if (has_it) names.push_back(name);
  }
  Page page = page_of(ask, names, {.limit = "Limit", .token = "NextToken", .max = kTargetPageMax});
  Json json = {{"RuleNames", page.items}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::eb
