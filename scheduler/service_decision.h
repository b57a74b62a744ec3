// What a service does next, from what it is and what its tasks are. Pure: the same facts give the
// same verdict. Deciding again on what a verdict made of the facts comes to rest: the last verdict
// starts and stops nothing.
//
//   facts: the service, the deployment under way, its tasks, what has just happened to them
//     1. news        failures counted, back-off begun or over
//     2. judgement   the circuit breaker, alarms: failed, rolled back
//     3. plan        which tasks start, which stop
//     4. conclusions completed, steady, gone; when to look again
#pragma once

#include "base/env.h"
#include "scheduler/holding.h"
#include "scheduler/service.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace berth::scheduler {

constexpr Duration kHealthyAfter = std::chrono::seconds(40);
constexpr Duration kSteadyToldAgain = std::chrono::hours(6);
// For so long a service stays described after it became INACTIVE; ECS promises no time.
constexpr Duration kInactiveServiceKept = std::chrono::hours(24);
constexpr Duration kBackoffFirst = std::chrono::seconds(10);
constexpr Duration kBackoffMax = std::chrono::seconds(900);
// A task that ran for less is started again at once this many times in a row, then once in so long:
// ECS is slower by nature, and without a brake such a service would take the host to itself.
constexpr Duration kShortRun = std::chrono::seconds(1);
constexpr int kCrashesAtOnce = 10;
constexpr Duration kCrashPause = std::chrono::seconds(1);

enum class TaskPhase : uint8_t { kPending, kRunning, kStopping };

// What a service looks at in a task of its own that has not STOPPED.
struct ServiceTask {
  std::string id{};
  std::string revision{};
  std::string provider{};
  TaskPhase phase = TaskPhase::kPending;
  WallTime created_at{};
  std::optional<WallTime> started_at{};
  bool has_health_check = false;  // in an essential container
  HealthStatus health = HealthStatus::kUnknown;
  std::optional<WallTime> health_since{};
  std::optional<WallTime> protected_until{};
  bool is_held = false;
  bool operator==(const ServiceTask&) const = default;
};
ServiceTask service_task_of(const Task& task);

enum class NewsKind : uint8_t {
  kRan,
  kNeverRan,
  kEnded,
  kChecked,    // its health is another
  kReleased,   // it has STOPPED, and what it held is free
  kProtected,  // or not any more
};

// What happened to a task by itself, since the last decision.
struct TaskNews {
  NewsKind kind = NewsKind::kRan;
  ServiceTask task{};       // as it was
  std::string reason{};     // its stoppedReason, or its health
  bool is_failure = false;  // nobody asked for its end
  bool operator==(const TaskNews&) const = default;
};
// Nothing for a change that a service asked for, or that it need not know.
std::optional<TaskNews> news_of(const Task* before, const Task& after);

struct ServiceFacts {
  Service service{};
  std::optional<ServiceDeployment> deployment{};  // the current one
  std::vector<ServiceTask> tasks{};               // in the order of their ids
  std::vector<TaskNews> news{};
  // Of the revisions that may start tasks: what one of them holds, and why the node is no place for
  // it whatever room there is ("": it is one).
  struct Place {
    Holding holding{};
    std::string unsuited{};
    std::string launch_type{};
    // The node drains: tasks of it are to go as minimumHealthyPercent lets them.
    bool is_draining = false;
  };
  std::map<std::string, Place> places{};
  std::string waits_for{};  // why its first task may not start yet: "service db is not steady yet"
  std::set<std::string> raised_alarms{};
  std::string cause{};  // of a request: "ServiceUpdated"; "" for none
};

struct TaskStart {
  std::string task_id{};
  std::string revision{};
  std::string started_by{};
  std::string provider{};
  bool operator==(const TaskStart&) const = default;
};

struct TaskStop {
  std::string task_id{};
  std::string reason{};
  bool operator==(const TaskStop&) const = default;
};

struct TaskHold {
  std::string task_id{};
  bool is_held = false;
  bool operator==(const TaskHold&) const = default;
};

struct Verdict {
  Service service{};
  std::optional<ServiceDeployment> deployment{};
  std::vector<TaskStart> starts{};
  std::vector<TaskStop> stops{};
  std::vector<TaskHold> holds{};
  std::vector<ServiceEvent> events{};  // oldest first, without number
  std::optional<WallTime> wake{};      // when time alone changes something
  bool waits_for_room = false;
  bool is_forgotten = false;  // it was INACTIVE for long enough: nothing of it is kept
  std::string occasion{};     // what made the decision due, in words; "" when nothing is done
};

struct DecisionRules {
  Duration healthy_after = kHealthyAfter;
  std::string node_id{};  // of the container instance that this host is
};

Verdict decide(ServiceFacts facts, const Room& room, const DecisionRules& rules, WallTime now,
               Rng& rng);

// Whether the task counts towards minimumHealthyPercent, and since when.
std::optional<WallTime> healthy_since(const ServiceTask& task, Duration healthy_after,
                                      WallTime now);

}  // namespace berth::scheduler
