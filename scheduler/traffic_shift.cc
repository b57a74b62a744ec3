#include "scheduler/traffic_shift.h"

#include "base/ids.h"

#include <fmt/format.h>

#include <algorithm>

namespace berth::scheduler {
namespace {

constexpr int kAllTraffic = 1000;
constexpr const char* kStageEvent = "SERVICE_DEPLOYMENT_LIFECYCLE";
constexpr const char* kHookEvent = "HOOK_AWAITING_ACTION";

bool is_open_run(const HookRun& run) {
  return run.status == HookStatus::kAwaitingAction || run.status == HookStatus::kInProgress;
}

bool is_no(const HookRun& run, const LifecycleHook& hook) {
  if (run.status == HookStatus::kFailed) return true;
  return run.status == HookStatus::kTimedOut && hook.timeout_action == HookTimeoutAction::kRollback;
}

class Shift {
 public:
  Shift(ServiceDeployment& progress, const ShiftFacts& facts, WallTime now, Rng& rng)
      : progress_(progress), facts_(facts), now_(now), rng_(rng) {}

  ShiftOutcome advance() && {
    if (!progress_.stage) {
      enter(facts_.is_reconciled ? LifecycleStage::kPreScaleUp : LifecycleStage::kReconcileService);
    }
    while (!outcome_.failure && !outcome_.is_done && is_work_done() && are_hooks_done()) leave();
    return std::move(outcome_);
  }

 private:
  LifecycleStage stage() const { return *progress_.stage; }
  // There is nothing that traffic could come from, or go back to: no steps and no bake.
  bool is_first() const { return progress_.source_revisions.empty(); }

  void tell(const char* name, std::string text) {
    outcome_.told.push_back({name, std::move(text)});
  }

  std::string hook_id_of(HookTarget target) {
    if (target != HookTarget::kPause) return make_uuid(rng_);
    return "ecs-pause-" + make_service_deployment_id(rng_) + make_service_deployment_id(rng_);
  }

  void enter(LifecycleStage stage) {
    progress_.stage = stage;
    progress_.stage_at = now_;
    progress_.updated_at = now_;
    progress_.bake_until.reset();
    tell(kStageEvent, fmt::format("{} begins", name_of(stage)));
    if (stage == LifecycleStage::kTestTrafficShift) progress_.test_permille = kAllTraffic;
    if (stage == LifecycleStage::kProductionTrafficShift) shift_production();
    if (stage == LifecycleStage::kBakeTime && !is_first()) {
      progress_.bake_until = now_ + std::chrono::minutes(progress_.configuration.bake_minutes);
    }
  }

  void leave() {
    if (stage() == LifecycleStage::kCleanUp) {
      outcome_.is_done = true;
    } else if (stage() == LifecycleStage::kProductionTrafficShift &&
               progress_.production_permille < kAllTraffic) {
      shift_production();
    } else {
      enter(static_cast<LifecycleStage>(static_cast<int>(stage()) + 1));
    }
  }

  // The next step, and how long it is looked at before the one after.
  void shift_production() {
    const DeploymentConfiguration& rules = progress_.configuration;
    int minutes = 0;
    int next = kAllTraffic;
    if (is_first()) {
      // all at once
    } else if (rules.strategy == DeploymentStrategy::kLinear) {
      next = progress_.production_permille + std::max(rules.linear.step_permille, 1);
      minutes = rules.linear.step_bake_minutes;
    } else if (rules.strategy == DeploymentStrategy::kCanary && progress_.steps == 0) {
      next = rules.canary.canary_permille;
      minutes = rules.canary.canary_bake_minutes;
    }
    progress_.production_permille = std::min(next, kAllTraffic);
    ++progress_.steps;
    progress_.updated_at = now_;
    progress_.bake_until.reset();
    bool is_last = progress_.production_permille == kAllTraffic;
    if (!is_last) progress_.bake_until = now_ + std::chrono::minutes(minutes);
    tell(kStageEvent,
         fmt::format("step {} of production traffic: {}.{} %", progress_.steps,
                     progress_.production_permille / 10, progress_.production_permille % 10));
  }

  bool is_work_done() {
    switch (stage()) {
      case LifecycleStage::kReconcileService:
        return facts_.is_reconciled;
      case LifecycleStage::kScaleUp:
        return facts_.is_scaled_up;
      case LifecycleStage::kCleanUp:
        return facts_.is_cleaned_up;
      case LifecycleStage::kProductionTrafficShift:
      case LifecycleStage::kBakeTime:
        return is_baked();
      case LifecycleStage::kPreScaleUp:
      case LifecycleStage::kPostScaleUp:
      case LifecycleStage::kTestTrafficShift:
      case LifecycleStage::kPostTestTrafficShift:
      case LifecycleStage::kPreProductionTrafficShift:
      case LifecycleStage::kPostProductionTrafficShift:
        return true;
    }
    return true;
  }

  bool is_baked() {
    if (!progress_.bake_until || now_ >= *progress_.bake_until) return true;
    look_again(*progress_.bake_until);
    return false;
  }

  void look_again(WallTime at) {
    if (!outcome_.wake || at < *outcome_.wake) outcome_.wake = at;
  }

  // ---- Hooks ----

  bool has_stage(const LifecycleHook& hook) const {
    bool has_none = stage() == LifecycleStage::kScaleUp || stage() == LifecycleStage::kBakeTime ||
                    stage() == LifecycleStage::kCleanUp;
    return !has_none &&
           std::find(hook.stages.begin(), hook.stages.end(), stage()) != hook.stages.end();
  }

  // All at once, and all have to agree.
  bool are_hooks_done() {
    bool is_done = true;
    const auto& hooks = progress_.configuration.hooks;
    for (size_t i = 0; i < hooks.size(); ++i) {
      if (!has_stage(hooks[i])) continue;
      HookRun& run = find_or_ask(i);
      expire(run, hooks[i]);
      if (is_no(run, hooks[i]) && !outcome_.failure) {
        outcome_.failure = fmt::format("hook {} at {} failed", run.id, name_of(stage()));
      }
      bool is_open = is_open_run(run);
      if (is_open && run.expires_at) look_again(*run.expires_at);
      if (is_open || is_no(run, hooks[i])) is_done = false;
    }
    return is_done;
  }

  int round() const {
    return stage() == LifecycleStage::kProductionTrafficShift ? progress_.steps : 0;
  }

  HookRun& find_or_ask(size_t hook) {
    for (HookRun& run : progress_.hooks) {
      if (run.hook == hook && run.stage == stage() && run.round == round()) return run;
    }
    const LifecycleHook& asked = progress_.configuration.hooks[hook];
    HookRun run;
    run.id = hook_id_of(asked.target);
    run.hook = hook;
    run.stage = stage();
    run.round = round();
    run.status =
        asked.target == HookTarget::kPause ? HookStatus::kAwaitingAction : HookStatus::kInProgress;
    run.asked_at = now_;
    if (asked.timeout_minutes) {
      run.expires_at = now_ + std::chrono::minutes(*asked.timeout_minutes);
    }
    progress_.updated_at = now_;
    tell(kHookEvent, fmt::format("hook {} at {} waits for its answer", run.id, name_of(stage())));
    progress_.hooks.push_back(std::move(run));
    return progress_.hooks.back();
  }

  void expire(HookRun& run, const LifecycleHook& hook) {
    if (!is_open_run(run) || !run.expires_at || now_ < *run.expires_at) return;
    run.status = HookStatus::kTimedOut;
    progress_.updated_at = now_;
    tell("HOOK_TIMED_OUT", fmt::format("hook {} at {} had no answer in time: {}", run.id,
                                       name_of(stage()), name_of(hook.timeout_action)));
  }

  ServiceDeployment& progress_;
  const ShiftFacts& facts_;
  WallTime now_;
  Rng& rng_;
  ShiftOutcome outcome_{};
};

// What it has decided of the traffic counts, as long as it is the current one and was not taken
// back.
bool has_traffic(const ServiceDeployment& progress) {
  bool counts = progress.status == ServiceDeploymentStatus::kInProgress ||
                progress.status == ServiceDeploymentStatus::kStopRequested ||
                progress.status == ServiceDeploymentStatus::kStopped ||
                progress.status == ServiceDeploymentStatus::kRollbackRequested;
  return counts && progress.stage.has_value();
}

}  // namespace

ShiftOutcome advance_shift(ServiceDeployment& progress, const ShiftFacts& facts, WallTime now,
                           Rng& rng) {
  return Shift(progress, facts, now, rng).advance();
}

ShiftCounts shift_counts_of(const ServiceDeployment& progress, int desired) {
  if (!progress.stage) return {.green = 0, .blue = desired};
  bool is_up = *progress.stage >= LifecycleStage::kScaleUp;
  bool is_over = *progress.stage == LifecycleStage::kCleanUp;
  return {.green = is_up ? desired : 0, .blue = is_over ? 0 : desired};
}

void close_hooks(ServiceDeployment& progress) {
  for (HookRun& run : progress.hooks) {
    if (is_open_run(run)) run.status = HookStatus::kFailed;
  }
}

HookRun* find_waiting_hook(ServiceDeployment& progress, const std::string& id) {
  for (HookRun& run : progress.hooks) {
    if (is_open_run(run) && (id.empty() || run.id == id)) return &run;
  }
  return nullptr;
}

TrafficWeights traffic_of(const Service& service, const ServiceDeployment* progress) {
  TrafficWeights weights;
  bool is_rolling =
      service.configuration.deployment.strategy == DeploymentStrategy::kRolling &&
      (progress == nullptr || progress->configuration.strategy == DeploymentStrategy::kRolling);
  if (is_rolling || service.deployments.empty()) return weights;
  bool is_first = service.completed_revision.empty() && progress != nullptr && progress->stage &&
                  progress->source_revisions.empty();
  if (is_first) {  // none before its stage, also when it has failed
    weights.production[progress->target_revision] = progress->production_permille;
    if (progress->test_permille > 0) {
      weights.test[progress->target_revision] = progress->test_permille;
    }
    return weights;
  }
  if (progress == nullptr || !has_traffic(*progress)) {
    const std::string& all = service.completed_revision.empty()
                                 ? service.deployments.front().revision
                                 : service.completed_revision;
    weights.production[all] = kAllTraffic;
    return weights;
  }
  int green = progress->production_permille;
  if (green > 0) weights.production[progress->target_revision] = green;
  if (green < kAllTraffic) weights.production[service.completed_revision] = kAllTraffic - green;
  if (progress->test_permille > 0) {
    weights.test[progress->target_revision] = progress->test_permille;
  }
  return weights;
}

}  // namespace berth::scheduler
