#include "scaling/record.h"

#include "base/json.h"
#include "scheduler/record_values.h"

#include <nlohmann/json.hpp>

#include <initializer_list>

namespace berth::scaling {
namespace {

using RecordJson = nlohmann::ordered_json;
using scheduler::find_time;
using scheduler::int_at;
using scheduler::read_record;
using scheduler::Record;
using scheduler::record_text;
using scheduler::wall_time_at;

int64_t count_of(WallTime time) {
  return time.time_since_epoch().count();
}

template <class T>
void put_number(RecordJson& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}
void put_time(RecordJson& json, const char* key, const std::optional<WallTime>& time) {
  if (time) json[key] = count_of(*time);
}

RecordJson begin_json(const ServiceKey& service) {
  return {{"cluster", service.cluster}, {"service", service.name}};
}

Result<ServiceKey> read_service(const json::Node& node) {
  ServiceKey key;
  key.cluster = TRY(node.string_at("cluster"));
  key.name = TRY(node.string_at("service"));
  return key;
}

Result<std::optional<int>> find_int(const json::Node& node, const char* key) {
  if (!node.find(key)) return std::optional<int>();
  return std::optional<int>(TRY(int_at(node, key)));
}
Result<std::optional<double>> find_double(const json::Node& node, const char* key) {
  auto value = node.find(key);
  if (!value) return std::optional<double>();
  return std::optional<double>(TRY(value->as_double()));
}
Result<bool> read_bool(const json::Node& node, const char* key) {
  return TRY(node.find_bool(key)).value_or(false);
}
Result<std::map<std::string, std::string>> read_map(const json::Node& node, const char* key) {
  std::map<std::string, std::string> map;
  for (auto& [name, value] : TRY(TRY(node.at(key)).as_string_map())) map[name] = std::move(value);
  return map;
}

template <class Enum>
Result<Enum> read_word(const json::Node& node, const char* key, std::initializer_list<Enum> all) {
  std::string word = TRY(node.string_at(key));
  for (Enum each : all) {
    if (word == name_of(each)) return each;
  }
  return fail(Errc::kCorrupt, "{}: unknown word '{}'", key, word);
}

// ---- policies ----

RecordJson rule_json(const TargetTracking& rule) {
  return {{"target", rule.target},
          {"predefined", rule.predefined},
          {"namespace", rule.customized.space},
          {"metric", rule.customized.name},
          {"dimensions", RecordJson(rule.customized.dimensions)},
          {"statistic", rule.customized.statistic},
          {"unit", rule.customized.unit},
          {"outCooldown", rule.out_cooldown},
          {"inCooldown", rule.in_cooldown},
          {"disableScaleIn", rule.is_scale_in_disabled}};
}

RecordJson rule_json(const StepScaling& rule) {
  RecordJson steps = RecordJson::array();
  for (const Step& step : rule.steps) {
    RecordJson json = {{"adjustment", step.adjustment}};
    put_number(json, "lower", step.lower);
    put_number(json, "upper", step.upper);
    steps.push_back(std::move(json));
  }
  RecordJson json = {{"type", name_of(rule.type)},
                     {"steps", std::move(steps)},
                     {"cooldown", rule.cooldown},
                     {"aggregation", rule.aggregation}};
  put_number(json, "minMagnitude", rule.min_magnitude);
  return json;
}

Result<TargetTracking> read_tracking(const json::Node& node) {
  TargetTracking rule;
  rule.target = TRY(TRY(node.at("target")).as_double());
  rule.predefined = TRY(node.string_at("predefined"));
  rule.customized.space = TRY(node.string_at("namespace"));
  rule.customized.name = TRY(node.string_at("metric"));
  rule.customized.dimensions = TRY(read_map(node, "dimensions"));
  rule.customized.statistic = TRY(node.string_at("statistic"));
  rule.customized.unit = TRY(node.string_at("unit"));
  rule.out_cooldown = TRY(int_at(node, "outCooldown"));
  rule.in_cooldown = TRY(int_at(node, "inCooldown"));
  rule.is_scale_in_disabled = TRY(read_bool(node, "disableScaleIn"));
  if (!(rule.target > 0)) return fail(Errc::kCorrupt, "target: must be above 0");
  return rule;
}

Result<StepScaling> read_steps(const json::Node& node) {
  StepScaling rule;
  rule.type =
      TRY(read_word(node, "type",
                    {AdjustmentType::kChangeInCapacity, AdjustmentType::kPercentChangeInCapacity,
                     AdjustmentType::kExactCapacity}));
  for (const json::Node& each : TRY(node.find_array("steps"))) {
    Step step;
    step.lower = TRY(find_double(each, "lower"));
    step.upper = TRY(find_double(each, "upper"));
    step.adjustment = TRY(int_at(each, "adjustment"));
    rule.steps.push_back(step);
  }
  rule.min_magnitude = TRY(find_int(node, "minMagnitude"));
  rule.cooldown = TRY(int_at(node, "cooldown"));
  rule.aggregation = TRY(node.string_at("aggregation"));
  return rule;
}

Result<ScalableTarget> read_target(const json::Node& root) {
  ScalableTarget target;
  target.service = TRY(read_service(root));
  target.id = TRY(root.string_at("id"));
  target.min = TRY(int_at(root, "min"));
  target.max = TRY(int_at(root, "max"));
  target.suspended.scale_in = TRY(read_bool(root, "suspendedIn"));
  target.suspended.scale_out = TRY(read_bool(root, "suspendedOut"));
  target.suspended.scheduled = TRY(read_bool(root, "suspendedScheduled"));
  target.role_arn = TRY(root.string_at("role"));
  target.tags = TRY(read_map(root, "tags"));
  target.created_at = TRY(wall_time_at(root, "createdAt"));
  target.out_until = TRY(find_time(root, "outUntil"));
  target.out_base = TRY(int_at(root, "outBase"));
  target.in_until = TRY(find_time(root, "inUntil"));
  return target;
}

Result<Policy> read_policy(const json::Node& root) {
  Policy policy;
  policy.service = TRY(read_service(root));
  policy.name = TRY(root.string_at("name"));
  policy.id = TRY(root.string_at("id"));
  if (auto tracking = root.find("tracking")) {
    policy.rule = TRY(read_tracking(*tracking));
  } else {
    policy.rule = TRY(read_steps(TRY(root.at("steps"))));
  }
  policy.created_at = TRY(wall_time_at(root, "createdAt"));
  policy.high_alarm = TRY(root.string_at("highAlarm"));
  policy.low_alarm = TRY(root.string_at("lowAlarm"));
  return policy;
}

Result<ScheduledAction> read_action(const json::Node& root) {
  ScheduledAction action;
  action.service = TRY(read_service(root));
  action.name = TRY(root.string_at("name"));
  action.id = TRY(root.string_at("id"));
  action.schedule = TRY(root.string_at("schedule"));
  action.time_zone = TRY(root.string_at("timeZone"));
  action.start = TRY(find_time(root, "start"));
  action.end = TRY(find_time(root, "end"));
  action.min = TRY(find_int(root, "min"));
  action.max = TRY(find_int(root, "max"));
  action.created_at = TRY(wall_time_at(root, "createdAt"));
  action.ran_at = TRY(find_time(root, "ranAt"));
  return action;
}

Result<Activity> read_activity(const json::Node& root) {
  Activity activity;
  activity.service = TRY(read_service(root));
  activity.id = TRY(root.string_at("id"));
  activity.description = TRY(root.string_at("description"));
  activity.cause = TRY(root.string_at("cause"));
  activity.status = TRY(read_word(root, "status",
                                  {ActivityStatus::kInProgress, ActivityStatus::kSuccessful,
                                   ActivityStatus::kOverridden, ActivityStatus::kFailed}));
  activity.message = TRY(root.string_at("message"));
  activity.desired = TRY(find_int(root, "desired"));
  if (auto node = root.find("notScaled")) {
    NotScaled not_scaled;
    not_scaled.code = TRY(node->string_at("code"));
    not_scaled.min = TRY(find_int(*node, "min"));
    not_scaled.max = TRY(find_int(*node, "max"));
    not_scaled.current = TRY(find_int(*node, "current"));
    activity.not_scaled = std::move(not_scaled);
  }
  activity.started_at = TRY(wall_time_at(root, "startedAt"));
  activity.ended_at = TRY(find_time(root, "endedAt"));
  return activity;
}

}  // namespace

std::string key_of(const ServiceKey& service) {
  return service.cluster + "/" + service.name;
}

Record record_of(const ScalableTarget& target) {
  RecordJson json = begin_json(target.service);
  json["id"] = target.id;
  json["min"] = target.min;
  json["max"] = target.max;
  json["suspendedIn"] = target.suspended.scale_in;
  json["suspendedOut"] = target.suspended.scale_out;
  json["suspendedScheduled"] = target.suspended.scheduled;
  json["role"] = target.role_arn;
  json["tags"] = RecordJson(target.tags);
  json["createdAt"] = count_of(target.created_at);
  put_time(json, "outUntil", target.out_until);
  json["outBase"] = target.out_base;
  put_time(json, "inUntil", target.in_until);
  return {kTargetKind, key_of(target.service), record_text(json)};
}

Record record_of(const Policy& policy) {
  RecordJson json = begin_json(policy.service);
  json["name"] = policy.name;
  json["id"] = policy.id;
  const auto* tracking = std::get_if<TargetTracking>(&policy.rule);
  if (tracking != nullptr) json["tracking"] = rule_json(*tracking);
  if (tracking == nullptr) json["steps"] = rule_json(std::get<StepScaling>(policy.rule));
  json["createdAt"] = count_of(policy.created_at);
  json["highAlarm"] = policy.high_alarm;
  json["lowAlarm"] = policy.low_alarm;
  return {kPolicyKind, key_of(policy.service) + "/" + policy.name, record_text(json)};
}

Record record_of(const ScheduledAction& action) {
  RecordJson json = begin_json(action.service);
  json["name"] = action.name;
  json["id"] = action.id;
  json["schedule"] = action.schedule;
  json["timeZone"] = action.time_zone;
  put_time(json, "start", action.start);
  put_time(json, "end", action.end);
  put_number(json, "min", action.min);
  put_number(json, "max", action.max);
  json["createdAt"] = count_of(action.created_at);
  put_time(json, "ranAt", action.ran_at);
  return {kActionKind, key_of(action.service) + "/" + action.name, record_text(json)};
}

Record record_of(const Activity& activity) {
  RecordJson json = begin_json(activity.service);
  json["id"] = activity.id;
  json["description"] = activity.description;
  json["cause"] = activity.cause;
  json["status"] = name_of(activity.status);
  json["message"] = activity.message;
  put_number(json, "desired", activity.desired);
  if (activity.not_scaled) {
    RecordJson not_scaled = {{"code", activity.not_scaled->code}};
    put_number(not_scaled, "min", activity.not_scaled->min);
    put_number(not_scaled, "max", activity.not_scaled->max);
    put_number(not_scaled, "current", activity.not_scaled->current);
    json["notScaled"] = std::move(not_scaled);
  }
  json["startedAt"] = count_of(activity.started_at);
  put_time(json, "endedAt", activity.ended_at);
  return {kActivityKind, activity.id, record_text(json)};
}

Result<ScalableTarget> parse_target_record(const Record& record) {
  return read_record(record, read_target);
}
Result<Policy> parse_policy_record(const Record& record) {
  return read_record(record, read_policy);
}
Result<ScheduledAction> parse_action_record(const Record& record) {
  return read_record(record, read_action);
}
Result<Activity> parse_activity_record(const Record& record) {
  return read_record(record, read_activity);
}

}  // namespace berth::scaling
