#include "api/events_operations.h"

#include "api/events_service.h"
#include "aws/endpoint.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>

namespace berth::api {
namespace eb {
namespace {

using enum Support;

constexpr size_t kRuleNameMax = 64;
constexpr size_t kRuleNameShown = 100;

// In the order of their names.
constexpr auto kEventsOperations = std::to_array<Operation>({
    {"DeleteRule", delete_rule, kWorks, ""},
    {"DescribeRule", describe_rule, kWorks, ""},
    {"DisableRule", disable_rule, kWorks, ""},
    {"EnableRule", enable_rule, kWorks, ""},
    {"ListRuleNamesByTarget", list_rule_names_by_target, kWorks, ""},
    {"ListRules", list_rules, kWorks, ""},
    {"ListTagsForResource", list_tags_for_resource, kPartly, "of rules"},
    {"ListTargetsByRule", list_targets_by_rule, kWorks, ""},
    {"PutRule", put_rule, kPartly,
     "with a ScheduleExpression; EventPattern and other buses than default are refused"},
    {"PutTargets", put_targets, kPartly,
     "tasks of ECS; other targets, InputPath and InputTransformer are refused; RoleArn and "
     "RetryPolicy are kept and change nothing"},
    {"RemoveTargets", remove_targets, kWorks, ""},
    {"TagResource", tag_resource, kPartly, "of rules"},
    {"UntagResource", untag_resource, kPartly, "of rules"},
});

}  // namespace

std::span<const Operation> all_operations() {
  return kEventsOperations;
}

void check_bus(Ask& ask) {
  std::string bus = ask.text("EventBusName");
  if (bus.empty() || bus == "default" || bus.ends_with(":event-bus/default")) return;
  ask.refuse("ResourceNotFoundException",
             fmt::format("Event bus {} does not exist.", printable(bus, kRuleNameShown)));
}

void check_name(Ask& ask, std::string_view member, const std::string& name) {
  bool has_letters = std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  });
  std::string constraint;
  if (!has_letters) {
    constraint = "Member must satisfy regular expression pattern: [\\.\\-_A-Za-z0-9]+";
  } else if (name.empty()) {
    constraint = "Member must have length greater than or equal to 1";
  } else if (name.size() > kRuleNameMax) {
    constraint = fmt::format("Member must have length less than or equal to {}", kRuleNameMax);
  }
  if (!constraint.empty()) ask.breaks(ask.root(), member, name, constraint);
}

const scaling::Rule* find_rule(Events& events, Ask& ask, std::string_view member) {
  check_bus(ask);
  std::string name = ask.text(member);
  check_name(ask, member, name);
  if (ask.refused()) return nullptr;
  const scaling::Rule* rule = events.engine.book().find(name);
  if (rule == nullptr) {
    ask.refuse("ResourceNotFoundException",
               fmt::format("Rule {} does not exist on EventBus default.", name));
  }
  return rule;
}

}  // namespace eb

Answer EventsService::answer(const Call& call) {
  std::string partition = aws::partition_of(host_.region);
  eb::Events events{.engine = engine_,
                    .now = call.at,
                    .rule_prefix = fmt::format("arn:{}:events:{}:{}:rule/", partition, host_.region,
                                               host_.account),
                    .cluster_prefix = fmt::format("arn:{}:ecs:{}:{}:cluster/", partition,
                                                  host_.region, host_.account)};
  Answer answer = answer_json(call, eb::kEventsFaults, eb::all_operations(), events);
  changed_();
  return answer;
}

}  // namespace berth::api
