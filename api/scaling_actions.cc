// Scheduled actions, and the activities of all that scales.
#include "api/scaling_operations.h"
#include "base/ids.h"
#include "base/text.h"
#include "scaling/record.h"
#include "scaling/schedule.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::aas {
namespace {

using scaling::Activity;
using scaling::ScheduledAction;

constexpr size_t kActionNameMax = 256;
constexpr size_t kActionNamesMax = 50;

void check_action_name(Ask& ask, const std::string& name) {
  bool is_good = name.size() <= kActionNameMax && name.find_first_of(":/|") == std::string::npos &&
                 std::ranges::all_of(name, [](char c) { return c >= ' ' && c != '\x7f'; });
  bool has_margins = !name.empty() && (name.front() == ' ' || name.back() == ' ');
  if (is_good && !has_margins) return;
  ask.invalid(
      fmt::format("ScheduledActionName: has at most {} characters, none of them ':', '/' or "
                  "'|', and begins and ends with no space.",
                  kActionNameMax));
}

void read_schedule(Scaling& scaling, Ask& ask, ScheduledAction& action) {
  std::string schedule = ask.text("Schedule");
  if (!schedule.empty()) action.schedule = schedule;
  if (action.schedule.empty()) {
    ask.invalid("Schedule is required for a new scheduled action.");
    return;
  }
  auto parsed = scaling::parse_schedule(action.schedule);
  if (!parsed) ask.invalid(fmt::format("Schedule: {}.", parsed.error().text));
  if (ask.has("Timezone")) action.time_zone = ask.text("Timezone");
  auto zone = scaling.engine.zones().find(action.time_zone);
  if (!zone) ask.invalid(fmt::format("Timezone: {}.", zone.error().text));
  if (auto start = ask.time(ask.root(), "StartTime")) action.start = start;
  if (auto end = ask.time(ask.root(), "EndTime")) action.end = end;
  if (action.start && action.end && *action.end <= *action.start) {
    ask.invalid("EndTime must be after StartTime.");
  }
}

void read_bounds(Ask& ask, ScheduledAction& action) {
  auto node = ask.object("ScalableTargetAction");
  if (node) {
    action.min = read_capacity(ask, *node, "MinCapacity");
    action.max = read_capacity(ask, *node, "MaxCapacity");
  }
  if (!action.min && !action.max) {
    ask.invalid("ScalableTargetAction: MinCapacity or MaxCapacity is required.");
  }
  if (action.min && action.max && *action.min > *action.max) {
    ask.invalid("ScalableTargetAction: MaxCapacity cannot be less than MinCapacity.");
  }
}

Json action_json(const Scaling& scaling, const ScheduledAction& action) {
  Json json = {
      {"ScheduledActionName", action.name},
      {"ScheduledActionARN",
       fmt::format("{}scheduledAction:{}:resource/ecs/{}:scheduledActionName/{}",
                   scaling.resource_prefix, action.id, resource_id(action.service), action.name)}};
  json.update(resource_json(action.service));
  json["Schedule"] = action.schedule;
  if (!action.time_zone.empty()) json["Timezone"] = action.time_zone;
  if (action.start) json["StartTime"] = epoch_of(*action.start);
  if (action.end) json["EndTime"] = epoch_of(*action.end);
  Json bounds = Json::object();
  if (action.min) bounds["MinCapacity"] = *action.min;
  if (action.max) bounds["MaxCapacity"] = *action.max;
  json["ScalableTargetAction"] = std::move(bounds);
  json["CreationTime"] = epoch_of(action.created_at);
  return json;
}

Json activity_json(const Activity& activity) {
  Json json = {{"ActivityId", activity.id}};
  json.update(resource_json(activity.service));
  json["Description"] = activity.description;
  json["Cause"] = activity.cause;
  json["StartTime"] = epoch_of(activity.started_at);
  if (activity.ended_at) json["EndTime"] = epoch_of(*activity.ended_at);
  json["StatusCode"] = name_of(activity.status);
  if (!activity.message.empty()) json["StatusMessage"] = activity.message;
  if (!activity.not_scaled) return json;
  Json reason = {{"Code", activity.not_scaled->code}};
  if (activity.not_scaled->max) reason["MaxCapacity"] = *activity.not_scaled->max;
  if (activity.not_scaled->min) reason["MinCapacity"] = *activity.not_scaled->min;
  if (activity.not_scaled->current) reason["CurrentCapacity"] = *activity.not_scaled->current;
  json["NotScaledReasons"] = Json::array({std::move(reason)});
  return json;
}

}  // namespace

Json put_scheduled_action(Scaling& scaling, Ask& ask) {
  std::string name = ask.required_text("ScheduledActionName");
  check_action_name(ask, name);
  scaling::ServiceKey service = read_resource(ask);
  if (find_target(scaling, ask, service) == nullptr) return {};
  const auto& all = scaling.engine.book().actions();
  auto known = all.find(scaling::key_of(service) + "/" + name);
  ScheduledAction action;
  if (known != all.end()) action = known->second;
  action.service = service;
  action.name = name;
  read_schedule(scaling, ask, action);
  bool keeps_bounds = known != all.end() && !ask.has("ScalableTargetAction");
  if (!keeps_bounds) read_bounds(ask, action);
  if (known == all.end()) {
    action.id = make_uuid(scaling.engine.env().rng);
    size_t count = scaling.engine.book().actions_of(service).size();
    if (count >= scaling::kScheduledActionsMax) {
      ask.refuse("LimitExceededException",
                 fmt::format("A scalable target has at most {} scheduled actions.",
                             scaling::kScheduledActionsMax));
    }
  }
  // Times that were before it is what it is now are not its own.
  action.created_at = scaling.now;
  action.ran_at.reset();
  if (ask.refused()) return {};
  ask.check(scaling.engine.put_action(action));
  return Json::object();
}

Json delete_scheduled_action(Scaling& scaling, Ask& ask) {
  std::string name = ask.required_text("ScheduledActionName");
  scaling::ServiceKey service = read_resource(ask);
  if (ask.refused()) return {};
  const auto& all = scaling.engine.book().actions();
  auto known = all.find(scaling::key_of(service) + "/" + name);
  if (known == all.end()) {
    refuse_missing(
        ask, "scheduled action found",
        fmt::format("resource ID: {}, scheduled action name: {}", resource_id(service), name));
    return {};
  }
  ask.check(scaling.engine.remove_action(ScheduledAction(known->second)));
  return Json::object();
}

Json describe_scheduled_actions(Scaling& scaling, Ask& ask) {
  auto service = read_resource_filter(ask);
  std::vector<std::string> names = ask.texts("ScheduledActionNames", kActionNamesMax);
  std::vector<std::string> keys;
  for (const auto& [key, action] : scaling.engine.book().actions()) {
    bool is_wanted = names.empty() || std::ranges::find(names, action.name) != names.end();
    if (is_wanted && (!service || *service == action.service)) keys.push_back(key);
  }
  Page page = page_of_keys(ask, keys);
  Json list = Json::array();
  for (const std::string& key : page.items) {
    list.push_back(action_json(scaling, scaling.engine.book().actions().at(key)));
  }
  Json json = {{"ScheduledActions", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

// Newest first.
Json describe_scaling_activities(Scaling& scaling, Ask& ask) {
  auto service = read_resource_filter(ask);
  bool with_not_scaled = ask.flag("IncludeNotScaledActivities");
  if (ask.refused()) return {};
  scaling.engine.settle();
  std::vector<const Activity*> all;
  for (const Activity* each : scaling.engine.book().all_activities()) {
    bool is_wanted = with_not_scaled || !each->not_scaled;
    if (is_wanted && (!service || *service == each->service)) all.push_back(each);
  }
  std::ranges::stable_sort(all, [](const Activity* one, const Activity* other) {
    return one->started_at > other->started_at;
  });
  std::vector<std::string> ids;
  std::map<std::string, const Activity*> by_id;
  for (const Activity* each : all) {
    ids.push_back(each->id);
    by_id[each->id] = each;
  }
  Page page = page_of_keys(ask, ids);
  Json list = Json::array();
  for (const std::string& id : page.items) list.push_back(activity_json(*by_id.at(id)));
  Json json = {{"ScalingActivities", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

}  // namespace berth::api::aas
