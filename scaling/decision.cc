#include "scaling/decision.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace berth::scaling {
namespace {

constexpr double kRounding = 1e-9;  // a metric at its target is not above it

struct Proposal {
  std::string policy;
  std::string alarm;
  std::string why;
  int from = 0;  // the capacity that it is made of
  int wanted = 0;
  int cooldown = 0;
};

std::string described(const TargetTracking& rule) {
  return rule.predefined.empty() ? rule.customized.name : rule.predefined;
}

Proposal proposal_of(const TrackingReading& reading, int from) {
  Proposal proposal;
  proposal.policy = reading.policy;
  proposal.from = from;
  proposal.wanted = tracked(from, *reading.value, reading.rule.target);
  proposal.why = fmt::format("{} is {:.1f}, its target {:g}: {} x {:.1f} / {:g} makes {}",
                             described(reading.rule), *reading.value, reading.rule.target, from,
                             *reading.value, reading.rule.target, proposal.wanted);
  return proposal;
}

std::optional<Proposal> out_of(const ScalingFacts& facts, const TrackingReading& reading) {
  if (!reading.is_high || !reading.value) return std::nullopt;
  Proposal proposal = proposal_of(reading, facts.running);
  if (facts.running == 0) {  // nothing to count from: the least that is more than nothing
    if (facts.desired > 0) return std::nullopt;
    proposal.wanted = std::max(1, facts.target.min);
    proposal.why =
        fmt::format("{} is {:.1f}, and nothing runs", described(reading.rule), *reading.value);
  }
  proposal.alarm = reading.high_alarm;
  proposal.cooldown = reading.rule.out_cooldown;
  return proposal;
}

std::optional<Proposal> step_of(const ScalingFacts& facts, const StepReading& reading) {
  double offset = reading.value - reading.threshold;
  auto wanted = stepped(reading.rule, facts.desired, offset, reading.is_above);
  if (!wanted) return std::nullopt;
  Proposal proposal{.policy = reading.policy, .alarm = reading.alarm};
  proposal.from = facts.desired;
  proposal.wanted = *wanted;
  proposal.cooldown = reading.rule.cooldown;
  proposal.why =
      fmt::format("the metric is {:g} from the threshold {:g}: {} makes {} of {}", offset,
                  reading.threshold, name_of(reading.rule.type), *wanted, facts.desired);
  return proposal;
}

const Proposal* largest_of(const std::vector<Proposal>& proposals) {
  auto largest = std::max_element(
      proposals.begin(), proposals.end(),
      [](const Proposal& one, const Proposal& other) { return one.wanted < other.wanted; });
  return largest == proposals.end() ? nullptr : &*largest;
}

Decision begin_decision(const ScalingFacts& facts, const Proposal& proposal) {
  Decision decision;
  decision.policy = proposal.policy;
  decision.alarm = proposal.alarm;
  decision.why = proposal.why;
  decision.target = facts.target;
  return decision;
}

Decision scale_out(const ScalingFacts& facts, const Proposal& proposal) {
  const ScalableTarget& target = facts.target;
  Decision decision = begin_decision(facts, proposal);
  decision.is_out = true;
  bool is_cooling = target.out_until && facts.now < *target.out_until;
  int wanted = proposal.wanted;
  if (is_cooling) wanted = target.out_base + (proposal.wanted - proposal.from);
  // Below its minimum it goes there and on from there.
  wanted = std::min(std::max(wanted, target.min), target.max);
  if (wanted > facts.desired) {
    decision.desired = wanted;
    decision.target.out_base = is_cooling ? target.out_base : facts.desired;
    decision.target.out_until = facts.now + std::chrono::seconds(proposal.cooldown);
    decision.target.in_until.reset();
    return decision;
  }
  if (facts.desired >= target.max) {
    decision.not_scaled =
        NotScaled{.code = "AlreadyAtMaxCapacity", .max = target.max, .current = facts.desired};
  } else if (!is_cooling && proposal.wanted <= facts.desired && facts.running >= facts.desired) {
    decision.not_scaled = NotScaled{.code = "AlreadyAtDesiredCapacity", .current = facts.desired};
  }
  return decision;
}

Decision scale_in(const ScalingFacts& facts, const Proposal& proposal) {
  const ScalableTarget& target = facts.target;
  Decision decision = begin_decision(facts, proposal);
  bool is_cooling = target.in_until && facts.now < *target.in_until;
  if (is_cooling || facts.is_deploying) return decision;
  // Above its maximum it goes there and on from there.
  int wanted = std::min(std::max(proposal.wanted, target.min), target.max);
  if (wanted < facts.desired) {
    decision.desired = wanted;
    decision.target.in_until = facts.now + std::chrono::seconds(proposal.cooldown);
    return decision;
  }
  if (facts.desired <= target.min) {
    decision.not_scaled =
        NotScaled{.code = "AlreadyAtMinCapacity", .min = target.min, .current = facts.desired};
  } else {
    decision.not_scaled = NotScaled{.code = "AlreadyAtDesiredCapacity", .current = facts.desired};
  }
  return decision;
}

// What target tracking would take away: nothing unless all say so.
std::optional<Proposal> agreed_scale_in(const ScalingFacts& facts) {
  std::vector<Proposal> proposals;
  for (const TrackingReading& reading : facts.tracking) {
    if (reading.rule.is_scale_in_disabled) continue;
    if (!reading.is_low || !reading.value) return std::nullopt;
    Proposal proposal = proposal_of(reading, facts.desired);
    proposal.alarm = reading.low_alarm;
    proposal.cooldown = reading.rule.in_cooldown;
    proposals.push_back(std::move(proposal));
  }
  const Proposal* largest = largest_of(proposals);
  return largest == nullptr ? std::nullopt : std::optional(*largest);
}

double percent_of(const StepScaling& rule, int current, int adjustment) {
  double change = current * (adjustment / 100.0);
  if (change > 0 && change < 1) change = 1;
  if (change < 0 && change > -1) change = -1;
  change = std::trunc(change);
  double least = rule.min_magnitude.value_or(0);
  if (std::abs(change) < least) change = adjustment < 0 ? -least : least;
  return change;
}

bool is_meant(const Step& step, double offset, bool is_above) {
  if (is_above) {
    return (!step.lower || offset >= *step.lower) && (!step.upper || offset < *step.upper);
  }
  return (!step.lower || offset > *step.lower) && (!step.upper || offset <= *step.upper);
}

}  // namespace

int tracked(int current, double value, double target) {
  double wanted = std::ceil(current * value / target - kRounding);
  return static_cast<int>(std::clamp<double>(wanted, 0, scheduler::kDesiredCountMax));
}

std::optional<int> stepped(const StepScaling& rule, int current, double offset, bool is_above) {
  for (const Step& step : rule.steps) {
    if (!is_meant(step, offset, is_above)) continue;
    double wanted = step.adjustment;
    if (rule.type == AdjustmentType::kChangeInCapacity) wanted += current;
    if (rule.type == AdjustmentType::kPercentChangeInCapacity) {
      wanted = current + percent_of(rule, current, step.adjustment);
    }
    return static_cast<int>(std::clamp<double>(wanted, 0, scheduler::kDesiredCountMax));
  }
  return std::nullopt;
}

int within_bounds(const ScalableTarget& target, int desired) {
  return std::min(std::max(desired, target.min), target.max);
}

std::string problem_of(const std::vector<Step>& steps) {
  std::vector<Step> sorted = steps;
  auto lower_of = [](const Step& step) { return step.lower.value_or(-HUGE_VAL); };
  auto upper_of = [](const Step& step) { return step.upper.value_or(HUGE_VAL); };
  std::sort(sorted.begin(), sorted.end(),
            [&](const Step& one, const Step& other) { return lower_of(one) < lower_of(other); });
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (lower_of(sorted[i]) >= upper_of(sorted[i])) {
      return "MetricIntervalLowerBound must be below MetricIntervalUpperBound";
    }
    if (i == 0) continue;
    double before = upper_of(sorted[i - 1]);
    double next = lower_of(sorted[i]);
    if (before > next) return "StepAdjustment intervals can't overlap";
    if (before < next) return "There is a gap between the StepAdjustment intervals";
  }
  return "";
}

Decision decide(const ScalingFacts& facts) {
  std::vector<Proposal> out;
  std::vector<Proposal> in;
  bool is_out_wanted = false;
  for (const TrackingReading& reading : facts.tracking) {
    is_out_wanted = is_out_wanted || reading.is_high;
    if (auto proposal = out_of(facts, reading)) out.push_back(std::move(*proposal));
  }
  for (const StepReading& reading : facts.steps) {
    auto proposal = step_of(facts, reading);
    if (!proposal || proposal->wanted == facts.desired) continue;
    (proposal->wanted > facts.desired ? out : in).push_back(std::move(*proposal));
  }
  if (const Proposal* largest = largest_of(out)) {
    if (facts.target.suspended.scale_out) return {.target = facts.target};
    return scale_out(facts, *largest);
  }
  if (is_out_wanted || facts.target.suspended.scale_in) return {.target = facts.target};
  if (auto agreed = agreed_scale_in(facts)) in.push_back(std::move(*agreed));
  if (const Proposal* largest = largest_of(in)) return scale_in(facts, *largest);
  return {.target = facts.target};
}

}  // namespace berth::scaling
