// RuleEngine: runs the tasks of rules when they are due, by ECS's own RunTask.
//
// What berthd did not run at is not made up for, as EventBridge does not for what it could not
// deliver: a task of a time that is over is seldom what anybody wants. So each time is due in one
// process at most, and nothing needs to be remembered of it.
#pragma once

#include "api/authentication.h"
#include "api/service.h"
#include "base/env.h"
#include "scaling/rule.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace berth::api {

// What became of a target when its rule was due.
struct RuleRun {
  std::string rule{};
  std::string target{};
  std::string cluster{};
  WallTime at{};
  size_t tasks = 0;       // that began
  std::string failure{};  // why not all of them did, in RunTask's words; "" when they did
  bool operator==(const RuleRun&) const = default;
};

class RuleEngine {
 public:
  using RunSink = std::function<void(const RuleRun&)>;

  // Borrows `book` and `ecs`.
  RuleEngine(scaling::RuleBook& book, Service& ecs, Host host, Env env)
      : book_(book), ecs_(ecs), host_(std::move(host)), env_(env), opened_at_(env.clock.wall()) {}

  scaling::RuleBook& book() { return book_; }
  // Each run of a target, when it is over.
  void watch(RunSink sink) { sink_ = std::move(sink); }

  // Of a rule that is another one now, or gone.
  void forget(const std::string& name) { due_.erase(name); }
  void run_due();
  // When to run_due(); nothing: never.
  std::optional<WallTime> next_due();

 private:
  std::optional<int64_t> next_of(const scaling::Rule& rule, WallTime after) const;
  void run(const scaling::Rule& rule, const scaling::RuleTarget& target);

  scaling::RuleBook& book_;
  Service& ecs_;
  Host host_;
  Env env_;
  WallTime opened_at_;
  RunSink sink_{};
  std::map<std::string, std::optional<int64_t>> due_{};  // by name
};

// RunTask's request of a target; what is wrong with its input is told by RunTask.
std::string run_task_request(const scaling::Rule& rule, const scaling::RuleTarget& target);

}  // namespace berth::api
