#include "scheduler/rolling_plan.h"

#include <algorithm>
#include <functional>

namespace berth::scheduler {
namespace {

class RollingPlanner {
 public:
  RollingPlanner(const std::vector<GradedTask>& tasks, const RollingBounds& bounds)
      : tasks_(tasks), bounds_(bounds) {
    for (const GradedTask& each : tasks_) {
      if (each.grade == TaskGrade::kHealthy) count_healthy(each, 1);
      if (each.is_new && each.grade != TaskGrade::kUnhealthy) ++fit_;
    }
  }

  RollingPlan plan() && {
    int room = bounds_.upper - static_cast<int>(tasks_.size()) - bounds_.stopping;
    int need = bounds_.desired - fit_;
    plan_.start = std::max(std::min(need, room), 0);
    stop_surplus();
    stop_unhealthy(need - std::max(room, 0));
    stop_old();
    plan_.is_blocked = need > 0 && room <= 0 && bounds_.stopping == 0 && plan_.stops.empty() &&
                       may_old_go() && are_all_healthy();
    return std::move(plan_);
  }

 private:
  using Pick = std::function<bool(const GradedTask&)>;

  std::vector<const GradedTask*> pick(const Pick& wanted) const {
    std::vector<const GradedTask*> picked;
    for (const GradedTask& each : tasks_) {
      if (wanted(each)) picked.push_back(&each);
    }
    return picked;
  }

  void count_healthy(const GradedTask& each, int by) {
    healthy_ += by;
    if (each.has_traffic) serving_ += by;
  }

  void stop(const GradedTask& each, StopCause cause) {
    if (each.grade == TaskGrade::kHealthy) count_healthy(each, -1);
    plan_.stops.push_back({each.task, cause});
  }

  // What does least goes first; among equals the youngest, which has the least to lose.
  void stop_surplus() {
    int surplus = fit_ - bounds_.desired;
    if (surplus <= 0) return;
    auto fit = pick(
        [](const GradedTask& each) { return each.is_new && each.grade != TaskGrade::kUnhealthy; });
    std::sort(fit.begin(), fit.end(), [](const GradedTask* one, const GradedTask* other) {
      if (one->grade != other->grade) return one->grade < other->grade;
      if (one->task->created_at != other->task->created_at) {
        return one->task->created_at > other->task->created_at;
      }
      return one->task->id < other->task->id;
    });
    for (const GradedTask* each : fit) {
      if (surplus == 0) return;
      if (each->is_protected) continue;
      stop(*each, StopCause::kScaleIn);
      --surplus;
    }
    plan_.is_held_by_protection = surplus > 0;
  }

  // `short_of`: tasks that are needed and that there is no room for. Protection is from scale-in
  // only.
  void stop_unhealthy(int short_of) {
    auto unhealthy = pick(
        [](const GradedTask& each) { return each.is_new && each.grade == TaskGrade::kUnhealthy; });
    int count = static_cast<int>(unhealthy.size());
    int kept = std::max(bounds_.desired - healthy_, 0);  // until others have taken their place
    int stops = std::clamp(std::max(count - kept, short_of), 0, count);
    for (int i = 0; i < stops; ++i) stop(*unhealthy[i], StopCause::kUnhealthy);
  }

  // Whoever does not serve goes; of those that may serve only as many as are not needed.
  void stop_old() {
    auto old = pick([](const GradedTask& each) { return !each.is_new; });
    std::sort(old.begin(), old.end(), [](const GradedTask* one, const GradedTask* other) {
      if (one->grade != other->grade) return one->grade < other->grade;
      if (one->age != other->age) return one->age > other->age;
      if (one->task->created_at != other->task->created_at) {
        return one->task->created_at < other->task->created_at;
      }
      return one->task->id < other->task->id;
    });
    for (const GradedTask* each : old) {
      if (!may_stop(*each)) continue;
      if (each->is_protected) {
        plan_.is_held_by_protection = true;
        continue;
      }
      stop(*each, StopCause::kReplaced);
    }
  }

  bool may_stop(const GradedTask& each) const {
    int healthy = each.has_traffic ? std::min(healthy_, serving_) : healthy_;
    switch (each.grade) {
      case TaskGrade::kPending:
      case TaskGrade::kUnhealthy:
        return true;
      case TaskGrade::kSettling:
        return healthy >= bounds_.lower;
      case TaskGrade::kHealthy:
        return healthy - 1 >= bounds_.lower;
    }
    return false;
  }

  bool may_old_go() const {
    return std::any_of(tasks_.begin(), tasks_.end(),
                       [](const GradedTask& each) { return !each.is_new && !each.is_protected; });
  }
  bool are_all_healthy() const {
    return std::all_of(tasks_.begin(), tasks_.end(),
                       [](const GradedTask& each) { return each.grade == TaskGrade::kHealthy; });
  }

  const std::vector<GradedTask>& tasks_;
  const RollingBounds& bounds_;
  int healthy_ = 0;  // of those that stay
  int serving_ = 0;  // of these: that have traffic
  int fit_ = 0;      // of the PRIMARY
  RollingPlan plan_{};
};

}  // namespace

RollingPlan plan_rolling(const std::vector<GradedTask>& tasks, const RollingBounds& bounds) {
  return RollingPlanner(tasks, bounds).plan();
}

}  // namespace berth::scheduler
