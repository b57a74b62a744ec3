// What the policies of a target make of what is read: pure.
//
//   readings -> out proposals, the largest wins      -> bounds, cooldown -> Decision
//            -> else in proposals, if all agree       -> bounds, cooldown, deployment
//
// Where AWS leaves it open:
// - A scale-out counts from the tasks that run. While its cooldown runs, what it added is part of
//   what the next one adds: only one that is larger does something.
// - A scale-in counts from the desired count and rounds up, so it never takes the metric over its
//   target; target tracking policies scale in only when all that may do so say it.
// - No figure, no change.
#pragma once

#include "scaling/model.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::scaling {

struct TrackingReading {
  std::string policy{};
  TargetTracking rule{};
  std::string high_alarm{};
  std::string low_alarm{};
  bool is_high = false;  // the alarm's state
  bool is_low = false;
  std::optional<double> value{};  // the latest figure
};

// An alarm that is raised and has the policy as its action.
struct StepReading {
  std::string policy{};
  StepScaling rule{};
  std::string alarm{};
  double threshold = 0;
  double value = 0;      // the latest figure; the threshold itself when there is none
  bool is_above = true;  // the alarm is raised above its threshold, not below
};

struct ScalingFacts {
  ScalableTarget target{};
  std::vector<TrackingReading> tracking{};
  std::vector<StepReading> steps{};
  int desired = 0;
  int running = 0;
  bool is_deploying = false;
  WallTime now{};
};

struct Decision {
  std::string policy{};  // whose it is; "": nobody wants anything
  std::string alarm{};
  std::string why{};  // "CPUUtilization is 92.3, its target 50: 2 tasks x 92.3 / 50 makes 4"
  std::optional<int> desired{};
  bool is_out = false;
  std::optional<NotScaled> not_scaled{};  // instead of `desired`
  ScalableTarget target{};                // as it is afterwards: its cooldowns
};

Decision decide(const ScalingFacts& facts);

// The capacity that a step policy makes of `current`; nothing when no step is meant.
std::optional<int> stepped(const StepScaling& rule, int current, double offset, bool is_above);
// The capacity at which a metric of `value` would be at its target, rounded up.
int tracked(int current, double value, double target);

// The offsets must meet, and leave no gap; "" when they do, else what is wrong.
std::string problem_of(const std::vector<Step>& steps);

// Where bounds alone put it.
int within_bounds(const ScalableTarget& target, int desired);

}  // namespace berth::scaling
