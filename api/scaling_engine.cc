#include "api/scaling_engine.h"

#include "aws/endpoint.h"
#include "base/ids.h"
#include "base/log.h"
#include "scaling/record.h"
#include "scaling/schedule.h"

#include <fmt/core.h>

#include <algorithm>
#include <set>

namespace berth::api {
namespace {

using scaling::Activity;
using scaling::ActivityStatus;
using scaling::Changes;
using scaling::Decision;
using scaling::Policy;
using scaling::ScalableTarget;
using scaling::ScalingFacts;
using scaling::ScheduledAction;
using scaling::ServiceKey;
using scaling::StepScaling;
using scaling::TargetTracking;

// As AWS's alarms of target tracking have it: out after 3 minutes, in after 15 under 90 percent.
constexpr int64_t kHighPeriods = 3;
constexpr int64_t kLowPeriods = 15;
constexpr double kLowShare = 0.9;
constexpr const char* kTrackingPrefix = "TargetTracking-service/";

int64_t whole_seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

WallTime time_of_seconds(int64_t seconds) {
  return WallTime(std::chrono::seconds(seconds));
}

bool is_deploying(const scheduler::Service& service) {
  if (service.deployments.size() > 1) return true;
  return !service.deployments.empty() &&
         service.deployments.front().rollout_state == scheduler::RolloutState::kInProgress;
}

metrics::Alarm tracking_alarm(const Policy& policy, const TargetTracking& rule,
                              const std::string& policy_arn) {
  metrics::Alarm alarm;
  alarm.description =
      fmt::format("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {}.", policy_arn);
  if (rule.predefined.empty()) {
    alarm.metric = {rule.customized.space, rule.customized.name, rule.customized.dimensions};
    alarm.statistic = rule.customized.statistic;
    alarm.unit = rule.customized.unit;
  } else {
    bool is_cpu = rule.predefined == "ECSServiceAverageCPUUtilization";
    alarm.metric = {
        "AWS/ECS",
        is_cpu ? "CPUUtilization" : "MemoryUtilization",
        {{"ClusterName", policy.service.cluster}, {"ServiceName", policy.service.name}}};
    alarm.statistic = "Average";
  }
  alarm.alarm_actions = {policy_arn};
  return alarm;
}

bool is_triggering(const metrics::Alarm& alarm, const std::string& policy_arn) {
  return alarm.state == metrics::AlarmState::kAlarm && alarm.actions_enabled &&
         std::ranges::find(alarm.alarm_actions, policy_arn) != alarm.alarm_actions.end();
}

std::string fulfilled(int desired) {
  return fmt::format("Successfully set desired count to {}. Change successfully fulfilled by ecs.",
                     desired);
}

}  // namespace

std::string ScalingEngine::policy_arn(const Policy& policy) const {
  return fmt::format(
      "arn:{}:autoscaling:{}:{}:scalingPolicy:{}:resource/ecs/service/{}:policyName/{}",
      aws::partition_of(host_.region), host_.region, host_.account, policy.id,
      scaling::key_of(policy.service), policy.name);
}

std::string ScalingEngine::alarm_arn(const std::string& name) const {
  return fmt::format("arn:{}:cloudwatch:{}:{}:alarm:{}", aws::partition_of(host_.region),
                     host_.region, host_.account, name);
}

std::vector<std::string> ScalingEngine::alarms_about(const Policy& policy) const {
  std::vector<std::string> names;
  std::string arn = policy_arn(policy);
  for (const auto& [name, alarm] : world_.alarms.alarms()) {
    auto has_arn = [&](const std::vector<std::string>& actions) {
      return std::ranges::find(actions, arn) != actions.end();
    };
    bool is_about = has_arn(alarm.alarm_actions) || has_arn(alarm.ok_actions) ||
                    has_arn(alarm.insufficient_data_actions);
    if (is_about) names.push_back(name);
  }
  return names;
}

std::string ScalingEngine::why_not_called(const metrics::AlarmBase& alarm,
                                          const std::string& action) const {
  bool is_policy = std::ranges::any_of(
      book().policies(), [&](const auto& each) { return policy_arn(each.second) == action; });
  if (is_policy && alarm.state == metrics::AlarmState::kAlarm) return "";
  if (is_policy) return "A scaling policy is called by AlarmActions alone";
  bool is_of_scaling = action.find(":autoscaling:") != std::string::npos;
  return is_of_scaling ? "There is no scaling policy of that ARN"
                       : "Scaling policies are called here, and nobody else";
}

const scheduler::Service* ScalingEngine::find_active(const ServiceKey& key) const {
  const scheduler::Service* service = services().find(key);
  bool is_active = service != nullptr && service->status == scheduler::ServiceStatus::kActive;
  return is_active ? service : nullptr;
}

// ---- Alarms of policies ----

std::vector<metrics::Alarm> ScalingEngine::alarms_of(const Policy& policy) const {
  std::vector<metrics::Alarm> alarms;
  const auto* rule = std::get_if<TargetTracking>(&policy.rule);
  if (rule == nullptr) return alarms;
  metrics::Alarm alarm = tracking_alarm(policy, *rule, policy_arn(policy));
  alarm.configured_at = alarm.state_at = whole_seconds(env_.clock.wall());
  alarm.name = policy.high_alarm;
  alarm.threshold = rule->target;
  alarm.comparison = "GreaterThanThreshold";
  alarm.evaluation_periods = kHighPeriods;
  alarms.push_back(alarm);
  alarm.name = policy.low_alarm;
  alarm.threshold = rule->target * kLowShare;
  alarm.comparison = "LessThanThreshold";
  alarm.evaluation_periods = kLowPeriods;
  alarms.push_back(std::move(alarm));
  return alarms;
}

Status ScalingEngine::put_missing_alarms(const Policy& policy, bool is_changed) {
  for (metrics::Alarm& alarm : alarms_of(policy)) {
    if (!is_changed && world_.alarms.alarms().contains(alarm.name)) continue;
    TRY(world_.alarms.put(std::move(alarm)));
  }
  return {};
}

Status ScalingEngine::reconcile() {
  std::set<std::string> wanted;
  for (const auto& [key, policy] : book().policies()) {
    wanted.insert({policy.high_alarm, policy.low_alarm});
    TRY(put_missing_alarms(policy, /*is_changed=*/false));
  }
  std::vector<std::string> orphans;
  for (const auto& [name, alarm] : world_.alarms.alarms()) {
    if (name.starts_with(kTrackingPrefix) && !wanted.contains(name)) orphans.push_back(name);
  }
  if (!orphans.empty()) TRY(world_.alarms.remove(orphans, whole_seconds(env_.clock.wall())));
  return {};
}

Status ScalingEngine::put_policy(Policy policy) {
  Changes changes;
  if (std::holds_alternative<TargetTracking>(policy.rule)) {
    std::string prefix =
        fmt::format("{}{}-Alarm", kTrackingPrefix, scaling::key_of(policy.service));
    if (policy.high_alarm.empty()) {
      policy.high_alarm = fmt::format("{}High-{}", prefix, make_uuid(env_.rng));
      policy.low_alarm = fmt::format("{}Low-{}", prefix, make_uuid(env_.rng));
    }
  }
  changes.policies.push_back(policy);
  TRY(write(changes));
  return put_missing_alarms(policy, /*is_changed=*/true);
}

Status ScalingEngine::remove_policy(const Policy& policy) {
  Changes changes;
  changes.gone.push_back(
      {scaling::kPolicyKind, scaling::key_of(policy.service) + "/" + policy.name, {}});
  std::vector<std::string> alarms = {policy.high_alarm, policy.low_alarm};
  bool has_alarms = !policy.high_alarm.empty();
  TRY(write(changes));
  return has_alarms ? world_.alarms.remove(alarms, whole_seconds(env_.clock.wall())) : Status();
}

Status ScalingEngine::remove_target(const ServiceKey& service) {
  std::vector<std::string> alarms;
  for (const Policy* policy : book().policies_of(service)) {
    if (policy->high_alarm.empty()) continue;
    alarms.push_back(policy->high_alarm);
    alarms.push_back(policy->low_alarm);
  }
  for (const ScheduledAction* action : book().actions_of(service)) {
    due_.erase(scaling::key_of(service) + "/" + action->name);
  }
  TRY(write(book().without(service)));
  return alarms.empty() ? Status() : world_.alarms.remove(alarms, whole_seconds(env_.clock.wall()));
}

// With a service goes what scales it; one that comes under its name begins without.
void ScalingEngine::forget_gone() {
  std::vector<ServiceKey> gone;
  for (const auto& [key, target] : book().targets()) {
    if (find_active(target.service) == nullptr) gone.push_back(target.service);
  }
  for (const ServiceKey& service : gone) {
    auto removed = remove_target(service);
    if (!removed) LOG(kWarn, "what scaled a service stays", {{"why", removed.error().text}});
  }
}

// ---- Policies ----

std::optional<double> ScalingEngine::latest_value(const metrics::Alarm& alarm) const {
  return metrics::latest_value(alarm, world_.figures, whole_seconds(env_.clock.wall()));
}

void ScalingEngine::read_alarms(const Policy& policy, ScalingFacts& facts) const {
  const auto& alarms = world_.alarms.alarms();
  std::string arn = policy_arn(policy);
  if (const auto* rule = std::get_if<TargetTracking>(&policy.rule)) {
    scaling::TrackingReading reading{.policy = policy.name, .rule = *rule};
    reading.high_alarm = policy.high_alarm;
    reading.low_alarm = policy.low_alarm;
    auto high = alarms.find(policy.high_alarm);
    auto low = alarms.find(policy.low_alarm);
    reading.is_high = high != alarms.end() && is_triggering(high->second, arn);
    reading.is_low = low != alarms.end() && is_triggering(low->second, arn);
    if (high != alarms.end()) reading.value = latest_value(high->second);
    facts.tracking.push_back(std::move(reading));
    return;
  }
  for (const auto& [name, alarm] : alarms) {
    if (!is_triggering(alarm, arn)) continue;
    scaling::StepReading reading{.policy = policy.name, .rule = std::get<StepScaling>(policy.rule)};
    reading.alarm = name;
    reading.threshold = alarm.threshold;
    reading.value = latest_value(alarm).value_or(alarm.threshold);
    reading.is_above = alarm.comparison.starts_with("Greater");
    facts.steps.push_back(std::move(reading));
  }
}

ScalingFacts ScalingEngine::facts_of(const ScalableTarget& target,
                                     const scheduler::Service& service) const {
  ScalingFacts facts;
  facts.target = target;
  facts.desired = service.configuration.desired_count;
  facts.running = services().counts_of(service.key, "").running;
  facts.is_deploying = is_deploying(service);
  facts.now = env_.clock.wall();
  for (const Policy* policy : book().policies_of(target.service)) read_alarms(*policy, facts);
  return facts;
}

void ScalingEngine::look_at(const ScalableTarget& target) {
  const scheduler::Service* service = find_active(target.service);
  if (service == nullptr) return;
  Decision decision = scaling::decide(facts_of(target, *service));
  auto acted = act(decision, *service);
  if (acted) return;
  LOG(kError, "a service is not scaled",
      {{"service", target.service.name}, {"why", acted.error().text}});
}

void ScalingEngine::look() {
  forget_gone();
  settle();
  std::vector<ScalableTarget> targets;  // what is done changes the book
  for (const auto& [key, target] : book().targets()) targets.push_back(target);
  for (const ScalableTarget& target : targets) look_at(target);
}

Status ScalingEngine::act(const Decision& decision, const scheduler::Service& service) {
  if (decision.policy.empty()) return {};
  std::string cause = fmt::format("monitor alarm {} in state ALARM triggered policy {}",
                                  decision.alarm, decision.policy);
  if (decision.not_scaled) return note_not_scaled(decision, cause);
  if (!decision.desired) return {};
  Changes changes;
  changes.targets.push_back(decision.target);
  return scale(std::move(changes), service.key,
               {.desired = *decision.desired, .cause = cause, .why = decision.why});
}

// Once, not every minute anew.
Status ScalingEngine::note_not_scaled(const Decision& decision, const std::string& cause) {
  const auto& known = book().activities_of(decision.target.service);
  bool is_told = !known.empty() && known.back().not_scaled == decision.not_scaled &&
                 known.back().cause == cause;
  if (is_told) return {};
  Activity activity = begin_activity(decision.target.service);
  activity.description = "Attempting to scale due to alarm triggered";
  activity.cause = cause;
  activity.status = ActivityStatus::kFailed;
  activity.message = decision.why;
  activity.not_scaled = decision.not_scaled;
  activity.ended_at = activity.started_at;
  Changes changes;
  changes.activities.push_back(std::move(activity));
  return write(changes);
}

Activity ScalingEngine::begin_activity(const ServiceKey& service) {
  Activity activity;
  activity.service = service;
  activity.id = make_uuid(env_.rng);
  activity.started_at = env_.clock.wall();
  return activity;
}

// `changes`, and the service's new count, in one transaction. When the store refuses it, the core
// keeps the request and tries again: so it counts as done here.
Status ScalingEngine::scale(Changes changes, const ServiceKey& service, const Wish& wish) {
  for (const Activity& each : book().activities_of(service)) {
    if (each.status != ActivityStatus::kInProgress) continue;
    Activity overridden = each;
    overridden.status = ActivityStatus::kOverridden;
    overridden.ended_at = env_.clock.wall();
    overridden.message = fmt::format("Set desired count to {}, and then to {}.",
                                     each.desired.value_or(0), wish.desired);
    changes.activities.push_back(std::move(overridden));
  }
  Activity activity = begin_activity(service);
  activity.description = fmt::format("Setting desired count to {}.", wish.desired);
  activity.cause = wish.cause;
  activity.message = fmt::format(
      "Successfully set desired count to {}. Waiting for change to be fulfilled by ecs.",
      wish.desired);
  activity.desired = wish.desired;
  scheduler::ServiceScaled scaled;
  scaled.service = service;
  scaled.desired_count = wish.desired;
  scaled.message = fmt::format("Message: {} Cause: {}.", activity.message, wish.cause);
  scaled.cause = wish.why.empty() ? wish.cause : wish.why;
  changes.activities.push_back(std::move(activity));
  scaled.records = world_.book.records_of(changes);
  LOG(kInfo, "scales a service",
      {{"service", service.name}, {"desired", wish.desired}, {"why", scaled.cause}});
  world_.core.submit(scheduler::ServiceRequest(std::move(scaled)));
  world_.book.apply(changes);
  return step_();
}

void ScalingEngine::settle() {
  Changes changes;
  for (const auto& [key, service] : services().all()) {
    for (const Activity& each : book().activities_of(key)) {
      if (each.status != ActivityStatus::kInProgress || !each.desired) continue;
      Activity settled = each;
      settled.ended_at = env_.clock.wall();
      int desired = service.configuration.desired_count;
      if (service.status != scheduler::ServiceStatus::kActive || desired != *each.desired) {
        settled.status = ActivityStatus::kOverridden;
        settled.message =
            fmt::format("Set desired count to {}, and others to {}.", *each.desired, desired);
      } else if (services().counts_of(key, "").running == desired) {
        settled.status = ActivityStatus::kSuccessful;
        settled.message = fulfilled(desired);
      } else {
        continue;
      }
      changes.activities.push_back(std::move(settled));
    }
  }
  if (changes.activities.empty()) return;
  auto written = write(changes);
  if (!written) LOG(kWarn, "scaling activities stay open", {{"why", written.error().text}});
}

// ---- Bounds ----

Status ScalingEngine::bring_within(Changes changes, const ScalableTarget& target,
                                   const std::optional<ScalableTarget>& before) {
  const scheduler::Service* service = find_active(target.service);
  bool is_other = !before || before->min != target.min || before->max != target.max;
  if (service == nullptr || !is_other) return write(changes);
  int now = service->configuration.desired_count;
  int desired = scaling::within_bounds(target, now);
  if (desired == now) return write(changes);
  std::string cause = desired > now ? fmt::format("minimum capacity was set to {}", target.min)
                                    : fmt::format("maximum capacity was set to {}", target.max);
  return scale(std::move(changes), target.service, {.desired = desired, .cause = cause, .why = ""});
}

Status ScalingEngine::put_target(const ScalableTarget& target) {
  const ScalableTarget* known = book().find_target(target.service);
  std::optional<ScalableTarget> before;
  if (known != nullptr) before = *known;
  Changes changes;
  changes.targets.push_back(target);
  return bring_within(std::move(changes), target, before);
}

// ---- Schedules ----

std::optional<int64_t> ScalingEngine::next_of(const ScheduledAction& action) {
  auto schedule = scaling::parse_schedule(action.schedule);
  auto zone = zones_.find(action.time_zone);
  if (!schedule || !zone) {
    LOG(kError, "a scheduled action never runs",
        {{"action", action.name}, {"why", schedule ? zone.error().text : schedule.error().text}});
    return std::nullopt;
  }
  int64_t created = whole_seconds(action.created_at);
  int64_t from = action.start ? whole_seconds(*action.start) : created;
  int64_t after = created;
  if (action.start) after = std::max(created, from - 1);
  if (action.ran_at) after = std::max(after, whole_seconds(*action.ran_at));
  auto next = scaling::next_time(*schedule, **zone, from, after);
  if (next && action.end && *next > whole_seconds(*action.end)) return std::nullopt;
  return next;
}

std::optional<WallTime> ScalingEngine::next_due() {
  std::optional<int64_t> first;
  for (const auto& [key, action] : book().actions()) {
    auto [due, is_new] = due_.try_emplace(key);
    if (is_new) due->second = next_of(action);
    if (due->second && (!first || *due->second < *first)) first = due->second;
  }
  return first ? std::optional(time_of_seconds(*first)) : std::nullopt;
}

void ScalingEngine::run_due() {
  WallTime now = env_.clock.wall();
  std::map<int64_t, std::vector<ScheduledAction>> due;  // in the order of their times
  (void)next_due();                                     // all are known then
  for (const auto& [key, action] : book().actions()) {
    const auto& at = due_.at(key);
    if (at && time_of_seconds(*at) <= now) due[*at].push_back(action);
  }
  for (const auto& [at, actions] : due) {
    for (const ScheduledAction& action : actions) {
      auto ran = run(action, now);
      due_.erase(scaling::key_of(action.service) + "/" + action.name);
      if (ran) continue;
      LOG(kError, "a scheduled action is not done",
          {{"action", action.name}, {"why", ran.error().text}});
    }
  }
}

Status ScalingEngine::run(const ScheduledAction& action, WallTime now) {
  ScheduledAction done = action;
  done.ran_at = now;
  Changes changes;
  changes.actions.push_back(std::move(done));
  const ScalableTarget* known = book().find_target(action.service);
  if (known == nullptr || known->suspended.scheduled) return write(changes);
  std::optional<ScalableTarget> before = *known;
  ScalableTarget target = *known;
  std::string set;
  if (action.min) set = fmt::format("min capacity to {}", *action.min);
  if (action.max)
    set += fmt::format("{}max capacity to {}", set.empty() ? "" : " and ", *action.max);
  target.min = action.min.value_or(target.min);
  target.max = action.max.value_or(target.max);
  // One bound alone takes the other one with it.
  if (!action.min) target.min = std::min(target.min, target.max);
  if (!action.max) target.max = std::max(target.min, target.max);
  changes.targets.push_back(target);
  Activity activity = begin_activity(action.service);
  activity.description = fmt::format("Setting {}", set);
  activity.cause = fmt::format("scheduled action name {} was triggered", action.name);
  activity.status = ActivityStatus::kSuccessful;
  activity.message = fmt::format("Successfully set {}", set);
  activity.ended_at = activity.started_at;
  changes.activities.push_back(std::move(activity));
  // Also when the bounds are what they were: the desired count need not be within them.
  return bring_within(std::move(changes), target, std::nullopt);
}

Status ScalingEngine::put_action(const ScheduledAction& action) {
  Changes changes;
  changes.actions.push_back(action);
  TRY(write(changes));
  due_.erase(scaling::key_of(action.service) + "/" + action.name);
  return {};
}

Status ScalingEngine::remove_action(const ScheduledAction& action) {
  std::string key = scaling::key_of(action.service) + "/" + action.name;
  Changes changes;
  changes.gone.push_back({scaling::kActionKind, key, {}});
  TRY(write(changes));
  due_.erase(key);
  return {};
}

}  // namespace berth::api
