// What Application Auto Scaling keeps of a service's desired count. Values.
//
//   ScalableTarget     its bounds, what is suspended, the cooldowns that run
//     Policy           when it is another one: by a metric's target, or by steps from an alarm
//     ScheduledAction  when its bounds are others
//     Activity         what was done, or why nothing was
#pragma once

#include "base/env.h"
#include "scheduler/service.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth::scaling {

constexpr int kCooldownUsual = 300;  // seconds, of all that have one
constexpr size_t kPoliciesMax = 50;  // of a target
constexpr size_t kScheduledActionsMax = 200;
constexpr size_t kStepsMax = 20;
constexpr size_t kActivitiesMax = 100;  // that a target keeps

using scheduler::ServiceKey;

struct Suspended {
  bool scale_in = false;
  bool scale_out = false;
  bool scheduled = false;
  bool operator==(const Suspended&) const = default;
};

struct ScalableTarget {
  ServiceKey service{};
  std::string id{};  // the end of its ARN
  int min = 0;
  int max = 0;
  Suspended suspended{};
  std::string role_arn{};
  std::map<std::string, std::string> tags{};
  WallTime created_at{};
  // Until then a policy adds to no more than it had before the first of its latest scale-outs.
  std::optional<WallTime> out_until{};
  int out_base = 0;
  std::optional<WallTime> in_until{};  // until then none takes away
  bool operator==(const ScalableTarget&) const = default;
};

struct CustomizedMetric {
  std::string space{};
  std::string name{};
  std::map<std::string, std::string> dimensions{};
  std::string statistic{};
  std::string unit{};
  bool operator==(const CustomizedMetric&) const = default;
};

struct TargetTracking {
  double target = 0;
  std::string predefined{};  // "ECSServiceAverageCPUUtilization"; "" for a customized one
  CustomizedMetric customized{};
  int out_cooldown = kCooldownUsual;  // seconds
  int in_cooldown = kCooldownUsual;
  bool is_scale_in_disabled = false;
  bool operator==(const TargetTracking&) const = default;
};

enum class AdjustmentType : uint8_t { kChangeInCapacity, kPercentChangeInCapacity, kExactCapacity };
// "ChangeInCapacity".
const char* name_of(AdjustmentType type);

// Offsets from the alarm's threshold; nothing: without end.
struct Step {
  std::optional<double> lower{};
  std::optional<double> upper{};
  int adjustment = 0;
  bool operator==(const Step&) const = default;
};

struct StepScaling {
  AdjustmentType type = AdjustmentType::kChangeInCapacity;
  std::vector<Step> steps{};
  std::optional<int> min_magnitude{};  // of percents
  int cooldown = kCooldownUsual;
  std::string aggregation{};  // "Average"
  bool operator==(const StepScaling&) const = default;
};

struct Policy {
  ServiceKey service{};
  std::string name{};
  std::string id{};  // a UUID
  std::variant<TargetTracking, StepScaling> rule{};
  WallTime created_at{};
  // Of target tracking: the alarms that berth makes.
  std::string high_alarm{};
  std::string low_alarm{};
  bool operator==(const Policy&) const = default;
};

struct ScheduledAction {
  ServiceKey service{};
  std::string name{};
  std::string id{};  // a UUID
  std::string schedule{};
  std::string time_zone{};  // "": UTC
  std::optional<WallTime> start{};
  std::optional<WallTime> end{};
  std::optional<int> min{};
  std::optional<int> max{};
  WallTime created_at{};
  std::optional<WallTime> ran_at{};  // the latest time that is done
  bool operator==(const ScheduledAction&) const = default;
};

enum class ActivityStatus : uint8_t { kInProgress, kSuccessful, kOverridden, kFailed };
// "InProgress".
const char* name_of(ActivityStatus status);

// Why nothing was done: "AlreadyAtMaxCapacity", and the figures that say so.
struct NotScaled {
  std::string code{};
  std::optional<int> min{};
  std::optional<int> max{};
  std::optional<int> current{};
  bool operator==(const NotScaled&) const = default;
};

struct Activity {
  ServiceKey service{};
  std::string id{};  // a UUID
  std::string description{};
  std::string cause{};
  ActivityStatus status = ActivityStatus::kInProgress;
  std::string message{};
  std::optional<int> desired{};  // that it set
  std::optional<NotScaled> not_scaled{};
  WallTime started_at{};
  std::optional<WallTime> ended_at{};
  bool operator==(const Activity&) const = default;
};

}  // namespace berth::scaling
