// Rules with a schedule.
#include "api/events_operations.h"
#include "api/page.h"
#include "api/tags.h"
#include "base/text.h"
#include "scaling/schedule.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::eb {
namespace {

using scaling::Rule;

constexpr size_t kDescriptionMax = 512;
constexpr size_t kScheduleExpressionMax = 256;
constexpr size_t kRulePageMax = 100;
constexpr size_t kRuleTagKeysMax = 200;

std::string read_schedule_expression(Ask& ask) {
  if (!ask.text("EventPattern").empty()) {
    ask.invalid(
        "EventPattern: berth has no events to match; a rule has a ScheduleExpression, and "
        "`berth events --follow` tells what happens.");
    return "";
  }
  std::string text = ask.text("ScheduleExpression");
  if (text.empty()) {
    ask.invalid("ScheduleExpression is required: rate(5 minutes) or cron(0 8 ? * MON-FRI *).");
    return "";
  }
  auto schedule = scaling::parse_schedule(text);
  bool is_good = schedule && !std::holds_alternative<scaling::At>(*schedule) &&
                 text.size() <= kScheduleExpressionMax;
  if (!is_good) {
    ask.invalid("Parameter ScheduleExpression is not valid.");
  }
  return text;
}

Json rule_json(const Events& events, const Rule& rule) {
  Json json = {{"Name", rule.name}, {"Arn", events.rule_prefix + rule.name}};
  json["State"] = rule.is_enabled ? "ENABLED" : "DISABLED";
  if (!rule.description.empty()) json["Description"] = rule.description;
  json["ScheduleExpression"] = rule.schedule;
  if (!rule.role_arn.empty()) json["RoleArn"] = rule.role_arn;
  json["EventBusName"] = "default";
  return json;
}

// Durable, and due by what it is now.
void keep(Events& events, Ask& ask, const Rule& rule) {
  ask.check(events.engine.book().put(rule));
  events.engine.forget(rule.name);
}

Json switch_rule(Events& events, Ask& ask, bool is_enabled) {
  const Rule* known = find_rule(events, ask, "Name");
  if (known == nullptr) return {};
  if (known->is_enabled == is_enabled) return Json::object();
  Rule rule = *known;
  rule.is_enabled = is_enabled;
  if (is_enabled) rule.begun_at = events.now;
  keep(events, ask, rule);
  return Json::object();
}

const Rule* find_rule_by_arn(Events& events, Ask& ask) {
  std::string arn = ask.required_text("ResourceARN");
  if (ask.refused()) return nullptr;
  for (const auto& [name, rule] : events.engine.book().rules()) {
    if (events.rule_prefix + name == arn) return &rule;
  }
  std::string name = printable(arn.substr(arn.rfind('/') + 1), kScheduleExpressionMax);
  bool is_bus = arn.find(":event-bus/") != std::string::npos;
  if (is_bus && name == "default")
    ask.invalid("ResourceARN: rules have tags here, the bus has none.");
  ask.refuse("ResourceNotFoundException",
             is_bus ? fmt::format("Event bus {} does not exist.", name)
                    : fmt::format("Rule {} does not exist on EventBus default.", name));
  return nullptr;
}

}  // namespace

Json put_rule(Events& events, Ask& ask) {
  std::string name = ask.text("Name");
  check_bus(ask);
  check_name(ask, "Name", name);
  std::string schedule = read_schedule_expression(ask);
  std::string description = ask.text("Description");
  if (description.size() > kDescriptionMax) {
    ask.invalid(fmt::format("Description has at most {} characters.", kDescriptionMax));
  }
  std::string state = ask.word("State", {"ENABLED", "DISABLED"});
  Tags tags = read_tag_list(ask, "Tags", {});
  if (ask.refused()) return {};
  const Rule* known = events.engine.book().find(name);
  if (known == nullptr && events.engine.book().rules().size() >= scaling::kRulesMax) {
    ask.refuse("LimitExceededException",
               fmt::format("There are at most {} rules.", scaling::kRulesMax));
    return {};
  }
  Rule rule;
  if (known != nullptr) rule = *known;
  bool is_enabled = state != "DISABLED";
  bool begins = known == nullptr || rule.schedule != schedule || (is_enabled && !rule.is_enabled);
  if (begins) rule.begun_at = events.now;
  rule.name = name;
  rule.schedule = schedule;
  rule.description = description;
  rule.role_arn = ask.text("RoleArn");
  rule.is_enabled = is_enabled;
  if (known == nullptr) {  // of one that is there already PutRule changes none
    for (const scheduler::KeyValue& tag : tags) rule.tags[tag.name] = tag.value;
  }
  if (ask.refused()) return {};
  keep(events, ask, rule);
  return {{"RuleArn", events.rule_prefix + name}};
}

Json delete_rule(Events& events, Ask& ask) {
  check_bus(ask);
  std::string name = ask.text("Name");
  check_name(ask, "Name", name);
  if (ask.refused()) return {};
  const Rule* rule = events.engine.book().find(name);
  if (rule == nullptr) return Json::object();  // as AWS: it is gone
  if (!rule->targets.empty()) {
    ask.invalid("Rule can't be deleted since it has targets.");
    return {};
  }
  ask.check(events.engine.book().remove(name));
  events.engine.forget(name);
  return Json::object();
}

Json describe_rule(Events& events, Ask& ask) {
  const Rule* rule = find_rule(events, ask, "Name");
  return rule == nullptr ? Json() : rule_json(events, *rule);
}

Json list_rules(Events& events, Ask& ask) {
  check_bus(ask);
  std::string prefix = ask.text("NamePrefix");
  std::vector<std::string> names;
  for (const auto& [name, rule] : events.engine.book().rules()) {
    if (name.starts_with(prefix)) names.push_back(name);
  }
  Page page = page_of(ask, names, {.limit = "Limit", .token = "NextToken", .max = kRulePageMax});
  Json list = Json::array();
  for (const std::string& name : page.items) {
    list.push_back(rule_json(events, *events.engine.book().find(name)));
  }
  Json json = {{"Rules", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json enable_rule(Events& events, Ask& ask) {
  return switch_rule(events, ask, /*is_enabled=*/true);
}

Json disable_rule(Events& events, Ask& ask) {
  return switch_rule(events, ask, /*is_enabled=*/false);
}

Json tag_resource(Events& events, Ask& ask) {
  Tags tags = read_tag_list(ask, "Tags", {});
  const Rule* known = find_rule_by_arn(events, ask);
  if (known == nullptr) return {};
  Rule rule = *known;
  for (const scheduler::KeyValue& tag : tags) rule.tags[tag.name] = tag.value;
  if (rule.tags.size() > kTagsMax) {
    ask.invalid(fmt::format("A resource can have at most {} tags.", kTagsMax));
  }
  if (!ask.refused()) ask.check(events.engine.book().put(rule));
  return Json::object();
}

Json untag_resource(Events& events, Ask& ask) {
  std::vector<std::string> keys = ask.texts("TagKeys", kRuleTagKeysMax);
  const Rule* known = find_rule_by_arn(events, ask);
  if (known == nullptr) return {};
  Rule rule = *known;
  for (const std::string& key : keys) rule.tags.erase(key);
  ask.check(events.engine.book().put(rule));
  return Json::object();
}

Json list_tags_for_resource(Events& events, Ask& ask) {
  const Rule* rule = find_rule_by_arn(events, ask);
  if (rule == nullptr) return {};
  Json tags = Json::array();
  for (const auto& [key, value] : rule->tags) tags.push_back({{"Key", key}, {"Value", value}});
  return {{"Tags", std::move(tags)}};
}

}  // namespace berth::api::eb
