#include "scheduler/service_turn.h"

#include "base/ids.h"
#include "base/text.h"
#include "scheduler/service_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace berth::scheduler {
namespace {

constexpr size_t kNewsTold = 5;
constexpr const char* kDistinctShortage = "DistinctInstance placement constraint unsatisfied.";

// 0, 10, 20, 40 s and so on.
Duration backoff_after(int failures) {
  if (failures < 2) return Duration(0);
  Duration wait = kBackoffFirst;
  for (int i = 2; i < failures && wait < kBackoffMax; ++i) wait *= 2;
  return std::min(wait, kBackoffMax);
}

std::string words_of(const TaskNews& news) {
  switch (news.kind) {
    case NewsKind::kRan:
      return fmt::format("task {} runs", news.task.id);
    case NewsKind::kNeverRan:
      return fmt::format("task {} did not come to run: {}", news.task.id, news.reason);
    case NewsKind::kEnded:
      return fmt::format("task {} ended: {}", news.task.id, news.reason);
    case NewsKind::kChecked:
      return fmt::format("task {} is {}", news.task.id, news.reason);
    case NewsKind::kReleased:
      return fmt::format("task {} has stopped", news.task.id);
    case NewsKind::kProtected:
      return fmt::format("the protection of task {} changed", news.task.id);
  }
  return "";
}

// Whose turn it is: bases first, then by weights.
std::string next_provider(const std::vector<ProviderShare>& shares,
                          std::map<std::string, int>& given) {
  const ProviderShare* best = nullptr;
  for (const ProviderShare& share : shares) {
    if (given[share.provider] < share.base) {
      ++given[share.provider];
      return share.provider;
    }
  }
  auto beyond = [&](const ProviderShare& share) {
    return int64_t{given[share.provider] - share.base + 1};
  };
  for (const ProviderShare& share : shares) {
    if (share.weight == 0) continue;
    bool is_better = best == nullptr || beyond(share) * best->weight < beyond(*best) * share.weight;
    if (is_better) best = &share;
  }
  if (best == nullptr) return "";
  ++given[best->provider];
  return best->provider;
}

}  // namespace

ServiceTurn::ServiceTurn(ServiceFacts facts, const Room& room, const DecisionRules& rules,
                         WallTime now, Rng& rng)
    : facts_(std::move(facts)), room_(room), rules_(rules), now_(now), rng_(rng) {
  for (const auto& [revision, place] : facts_.places) {
    is_any_draining_ = is_any_draining_ || place.is_draining;
  }
}

// ---- The tasks ----

std::optional<WallTime> ServiceTurn::healthy_at(const ServiceTask& task) const {
  return healthy_since(task, rules_.healthy_after, now_);
}

TaskGrade ServiceTurn::grade_of(const ServiceTask& task) const {
  if (task.phase != TaskPhase::kRunning || !task.started_at) return TaskGrade::kPending;
  if (healthy_at(task)) return TaskGrade::kHealthy;
  Duration grace = std::chrono::seconds(facts_.service.configuration.health_check_grace_seconds);
  bool is_unhealthy = task.has_health_check && task.health == HealthStatus::kUnhealthy &&
                      now_ >= *task.started_at + grace;
  return is_unhealthy ? TaskGrade::kUnhealthy : TaskGrade::kSettling;
}

bool ServiceTurn::is_protected(const ServiceTask& task) const {
  return task.protected_until && *task.protected_until > now_;
}

bool ServiceTurn::is_draining(const ServiceTask& task) const {
  if (!is_any_draining_) return false;
  auto found = facts_.places.find(task.revision);
  return found != facts_.places.end() && found->second.is_draining;
}

std::vector<const ServiceTask*> ServiceTurn::live() const {
  std::vector<const ServiceTask*> live;
  for (const ServiceTask& task : facts_.tasks) {
    if (task.phase != TaskPhase::kStopping) live.push_back(&task);
  }
  return live;
}

std::vector<const ServiceTask*> ServiceTurn::live(const std::string& revision) const {
  std::vector<const ServiceTask*> live;
  for (const ServiceTask& task : facts_.tasks) {
    if (task.phase != TaskPhase::kStopping && task.revision == revision) live.push_back(&task);
  }
  return live;
}

int ServiceTurn::stopping() const {
  return static_cast<int>(
      std::count_if(facts_.tasks.begin(), facts_.tasks.end(),
                    [](const ServiceTask& task) { return task.phase == TaskPhase::kStopping; }));
}

// ---- The verdict ----

void ServiceTurn::tell(std::string message, const char* name, std::string cause) {
  ServiceEvent event;
  event.id = make_uuid(rng_);
  event.created_at = now_;
  event.message = std::move(message);
  event.name = name;
  event.cause = std::move(cause);
  verdict_.events.push_back(std::move(event));
}

void ServiceTurn::look_again(WallTime at) {
  if (at <= now_) return;  // it was looked at
  if (!verdict_.wake || at < *verdict_.wake) verdict_.wake = at;
}

void ServiceTurn::look_again_at(const ServiceTask& task) {
  if (!task.started_at) return;
  if (!task.has_health_check) {
    look_again(*task.started_at + rules_.healthy_after);
  } else if (task.health == HealthStatus::kUnhealthy) {
    look_again(*task.started_at +
               std::chrono::seconds(facts_.service.configuration.health_check_grace_seconds));
  }
}

std::string ServiceTurn::occasion() const {
  std::vector<std::string> words;
  if (!facts_.cause.empty()) words.push_back(facts_.cause);
  for (const TaskNews& news : facts_.news) {
    if (words.size() == kNewsTold) break;
    words.push_back(words_of(news));
  }
  return words.empty() ? "time has passed, or there is room" : join(words, ", ");
}

// The node takes that many; what it lacks for more is told, once.
void ServiceTurn::hold(bool is_held) {
  for (const ServiceTask* task : live()) {
    if (task->is_held != is_held) verdict_.holds.push_back({task->id, is_held});
  }
}

void ServiceTurn::forget_in_time() {
  Service& service = facts_.service;
  if (!service.inactive_at) service.inactive_at = now_;
  WallTime end = *service.inactive_at + kInactiveServiceKept;
  verdict_.is_forgotten = now_ >= end;
  look_again(end);
}

// Only while nothing of it runs: one that serves goes on, whatever becomes of the others.
bool ServiceTurn::waits_for_others() {
  if (facts_.waits_for.empty() || !live().empty()) return false;
  verdict_.waits_for_room = true;
  if (facts_.service.placement_told != facts_.waits_for) {
    tell("", "SERVICE_WAITS", facts_.waits_for);
  }
  facts_.service.placement_told = facts_.waits_for;
  return true;
}

int ServiceTurn::placeable(const Launch& launch) {
  auto found = facts_.places.find(launch.revision);
  ServiceFacts::Place place = found == facts_.places.end() ? ServiceFacts::Place() : found->second;
  Room::Fit fit{.count = launch.count};
  if (!place.unsuited.empty()) {
    fit = {.count = 0, .shortage = place.unsuited};
  } else {
    fit = room_.fit(place.holding, launch.count);
  }
  if (facts_.service.configuration.distinct_instance) {
    int free = facts_.tasks.empty() ? 1 : 0;
    if (free < fit.count) fit = {.count = free, .shortage = kDistinctShortage};
  }
  if (fit.count < launch.count) {
    verdict_.waits_for_room = true;
    if (facts_.service.placement_told != fit.shortage) {
      tell(service_text::unplaced(name(), place.launch_type, rules_.node_id, fit.shortage),
           "SERVICE_TASK_PLACEMENT_FAILURE",
           fmt::format("{}: {} of {} wanted tasks have a place", fit.shortage, fit.count,
                       launch.count));
    }
    facts_.service.placement_told = fit.shortage;
  }
  return fit.count;
}

void ServiceTurn::launch(const Launch& launch) {
  if (launch.count <= 0) return;
  if (launch.backoff.until && *launch.backoff.until > now_) {
    look_again(*launch.backoff.until);
    is_backing_off_ = true;
    return;
  }
  if (waits_for_others()) return;
  int count = placeable(launch);
  if (count == 0) return;
  std::map<std::string, int> given;
  for (const ServiceTask* task : live(launch.revision)) ++given[task->provider];
  std::vector<std::string> ids;
  for (int i = 0; i < count; ++i) {
    TaskStart start;
    start.task_id = make_task_id(rng_);
    start.revision = launch.revision;
    start.started_by = launch.started_by;
    start.provider = next_provider(launch.providers, given);
    ids.push_back(start.task_id);
    verdict_.starts.push_back(std::move(start));
  }
  tell(service_text::started(launch.teller.empty() ? name() : launch.teller, ids), "",
       launch.cause);
}

void ServiceTurn::halt(const std::vector<Halt>& halts, std::string cause,
                       const std::string& teller) {
  if (halts.empty()) return;
  std::vector<std::string> ids;
  for (const Halt& each : halts) {
    ids.push_back(each.task);
    verdict_.stops.push_back({each.task, each.reason});
  }
  tell(service_text::stopped(teller.empty() ? name() : teller, ids), "", std::move(cause));
}

// ---- Back-off ----

// Tasks that were started together and failed together are one try.
void ServiceTurn::back_off(const TaskNews& news, Backoff& backoff) {
  if (backoff.since && news.task.created_at < *backoff.since) return;
  ++backoff.failures;
  backoff.since = now_;
  Duration wait = backoff_after(backoff.failures);
  backoff.until = now_ + wait;
  if (wait == kBackoffFirst) {
    tell(service_text::start_impaired(name()), "SERVICE_TASK_START_IMPAIRED", occasion());
  }
}

void ServiceTurn::hear_crash(const TaskNews& news, Backoff& backoff) {
  bool is_short = news.task.started_at && now_ - *news.task.started_at < kShortRun;
  if (!is_short || !news.is_failure) {
    backoff.crashes = 0;
    return;
  }
  ++backoff.crashes;
  if (backoff.crashes <= kCrashesAtOnce) return;
  backoff.until = now_ + kCrashPause;
  if (backoff.crashes == kCrashesAtOnce + 1) {
    tell(service_text::throttled(name()), "", occasion());
  }
}

bool ServiceTurn::hear(const TaskNews& news, Backoff& backoff) {
  switch (news.kind) {
    case NewsKind::kChecked:
    case NewsKind::kReleased:
    case NewsKind::kProtected:
      return false;
    case NewsKind::kNeverRan:
      if (news.is_failure) back_off(news, backoff);
      return news.is_failure;
    case NewsKind::kRan:
    case NewsKind::kEnded:
      break;
  }
  if (backoff.failures > 0) {
    backoff.failures = 0;
    backoff.since.reset();
    backoff.until.reset();
  }
  if (news.kind == NewsKind::kRan) return false;
  hear_crash(news, backoff);
  return news.is_failure && !healthy_at(news.task);
}

Verdict ServiceTurn::take() && {
  if (has_acted()) verdict_.occasion = occasion();
  // All that was wanted has its place: the next shortage is news again.
  if (!verdict_.waits_for_room && !is_backing_off_) facts_.service.placement_told.clear();
  verdict_.service = std::move(facts_.service);
  verdict_.deployment = std::move(facts_.deployment);
  return std::move(verdict_);
}

}  // namespace berth::scheduler
