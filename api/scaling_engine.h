// ScalingEngine: what alarms, the clock and bounds make of the desired counts of services.
//
//   alarms were looked at   -> look()     readings > decide() > one step of the core: the service's
//                                         new count, its event, the activity, the cooldowns
//   a schedule is due       -> run_due()  bounds, and what follows from them, likewise
//   a client asks           -> put()      likewise
//
// A decision is one transaction of the store. Alarms are in a file of their own: policies come
// first, and what a death between the two has left is mended by reconcile().
#pragma once

#include "api/authentication.h"
#include "api/time_zones.h"
#include "base/env.h"
#include "metrics/alarm_book.h"
#include "metrics/metric_store.h"
#include "scaling/book.h"
#include "scaling/decision.h"
#include "scheduler/core.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::api {

class ScalingEngine {
 public:
  // core.step(now), and what follows from it, done.
  using Step = std::function<Status()>;

  struct World {  // borrowed
    scheduler::Core& core;
    scaling::ScalingBook& book;
    metrics::AlarmBook& alarms;
    metrics::MetricStore& figures;
  };
  ScalingEngine(World world, Host host, Env env, Step step)
      : world_(world), host_(std::move(host)), env_(env), step_(std::move(step)) {}

  const scaling::ScalingBook& book() const { return world_.book; }
  const scheduler::Services& services() const { return world_.core.services(); }
  TimeZones& zones() { return zones_; }
  Env env() const { return env_; }

  // Policies and alarms agree again. Once, at the start.
  Status reconcile();
  // What raised alarms say, and which activities are over.
  void look();
  // Scheduled actions whose time has come; of those that were missed, the latest of each.
  void run_due();
  // When to run_due(); nothing: never.
  std::optional<WallTime> next_due();

  // ---- For operations; durable when they return ----
  // A target with new bounds: the desired count goes within them at once.
  Status put_target(const scaling::ScalableTarget& target);
  // With its alarms; those of a policy of that name that are not its own any more go.
  Status put_policy(scaling::Policy policy);
  Status remove_policy(const scaling::Policy& policy);
  Status put_action(const scaling::ScheduledAction& action);
  Status remove_action(const scaling::ScheduledAction& action);
  // With its policies, their alarms and its scheduled actions.
  Status remove_target(const scaling::ServiceKey& service);
  Status write(const scaling::Changes& changes) { return world_.book.write(changes); }
  // Activities whose change is fulfilled, or has been overridden.
  void settle();

  // Those that the policy has made, or that have it as an action.
  std::vector<std::string> alarms_about(const scaling::Policy& policy) const;
  std::string policy_arn(const scaling::Policy& policy) const;
  std::string alarm_arn(const std::string& name) const;
  // Of an alarm that has entered its state: "" when the action is a policy that look() calls.
  std::string why_not_called(const metrics::AlarmBase& alarm, const std::string& action) const;

 private:
  struct Wish {
    int desired = 0;
    std::string cause;  // of the activity
    std::string why;    // in our words, for the event of the service
  };
  const scheduler::Service* find_active(const scaling::ServiceKey& key) const;
  scaling::ScalingFacts facts_of(const scaling::ScalableTarget& target,
                                 const scheduler::Service& service) const;
  void read_alarms(const scaling::Policy& policy, scaling::ScalingFacts& facts) const;
  std::optional<double> latest_value(const metrics::Alarm& alarm) const;
  void look_at(const scaling::ScalableTarget& target);
  Status act(const scaling::Decision& decision, const scheduler::Service& service);
  Status note_not_scaled(const scaling::Decision& decision, const std::string& cause);
  Status bring_within(scaling::Changes changes, const scaling::ScalableTarget& target,
                      const std::optional<scaling::ScalableTarget>& before);
  Status scale(scaling::Changes changes, const scaling::ServiceKey& service, const Wish& wish);
  Status run(const scaling::ScheduledAction& action, WallTime now);
  std::optional<int64_t> next_of(const scaling::ScheduledAction& action);
  scaling::Activity begin_activity(const scaling::ServiceKey& service);
  std::vector<metrics::Alarm> alarms_of(const scaling::Policy& policy) const;
  Status put_missing_alarms(const scaling::Policy& policy, bool is_changed);
  void forget_gone();

  World world_;
  Host host_;
  Env env_;
  Step step_;
  TimeZones zones_;
  std::map<std::string, std::optional<int64_t>> due_{};  // of actions, by their key
};

}  // namespace berth::api
