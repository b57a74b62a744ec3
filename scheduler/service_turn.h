// ServiceTurn: one decision about one service while it is made: the facts, what was concluded from
// them so far, and the verdict as it grows. The ways to decide (deployments, task sets, draining)
// share it.
#pragma once

#include "scheduler/rolling_plan.h"
#include "scheduler/service_decision.h"

#include <string>
#include <vector>

namespace berth::scheduler {

class ServiceTurn {
 public:
  // Borrows all but the facts.
  ServiceTurn(ServiceFacts facts, const Room& room, const DecisionRules& rules, WallTime now,
              Rng& rng);

  Service& service() { return facts_.service; }
  std::optional<ServiceDeployment>& deployment() { return facts_.deployment; }
  const ServiceFacts& facts() const { return facts_; }
  const std::string& name() const { return facts_.service.key.name; }
  WallTime now() const { return now_; }
  Rng& rng() { return rng_; }

  // ---- The tasks ----

  TaskGrade grade_of(const ServiceTask& task) const;
  bool is_protected(const ServiceTask& task) const;
  // It runs where nothing is to run any more.
  bool is_draining(const ServiceTask& task) const;
  bool is_any_draining() const { return is_any_draining_; }
  // Those that have not been told to stop.
  std::vector<const ServiceTask*> live() const;
  std::vector<const ServiceTask*> live(const std::string& revision) const;
  int stopping() const;
  // Since when; nothing when it does not count as healthy.
  std::optional<WallTime> healthy_at(const ServiceTask& task) const;

  // ---- The verdict ----

  void tell(std::string message, const char* name, std::string cause);
  // Whoever decides looks again then, if nothing happens before.
  void look_again(WallTime at);
  // When time changes a grade.
  void look_again_at(const ServiceTask& task);

  struct Launch {
    std::string revision;
    std::string started_by;
    const std::vector<ProviderShare>& providers;
    int count = 0;
    Backoff& backoff;
    std::string cause;
    std::string teller{};  // whom the event names; empty for the service
  };
  // What was planned so far is not wanted any more, and waits for no room either.
  void plan_anew() {
    verdict_.waits_for_room = false;
    is_backing_off_ = false;
  }
  // As many as back-off and the node let it.
  void launch(const Launch& launch);

  struct Halt {
    std::string task;
    std::string reason;
  };
  void halt(const std::vector<Halt>& halts, std::string cause, const std::string& teller = "");
  // All of its tasks, or none.
  void hold(bool is_held);
  // Of one that is INACTIVE.
  void forget_in_time();

  // What a task of this kind tells of back-off. True: it counts as a failure.
  bool hear(const TaskNews& news, Backoff& backoff);

  bool has_acted() const { return !verdict_.starts.empty() || !verdict_.stops.empty(); }
  // What made this decision due, in words: "task 1234 ended: Essential container in task exited".
  std::string occasion() const;

  Verdict take() &&;

 private:
  void back_off(const TaskNews& news, Backoff& backoff);
  void hear_crash(const TaskNews& news, Backoff& backoff);
  bool waits_for_others();
  int placeable(const Launch& launch);

  ServiceFacts facts_;
  const Room& room_;
  const DecisionRules& rules_;
  WallTime now_;
  Rng& rng_;
  Verdict verdict_{};
  bool is_any_draining_ = false;
  bool is_backing_off_ = false;
};

}  // namespace berth::scheduler
