// ScalingBook: all that there is of scaling, in memory; what changes is a Changes, which the store
// takes first, alone or in the transaction of the scheduler's step that it is about.
#pragma once

#include "base/result.h"
#include "scaling/model.h"
#include "scheduler/record_store.h"

#include <map>
#include <string>
#include <vector>

namespace berth::scaling {

// What is put, and what goes, by key.
struct Changes {
  std::vector<ScalableTarget> targets{};
  std::vector<Policy> policies{};
  std::vector<ScheduledAction> actions{};
  std::vector<Activity> activities{};
  std::vector<scheduler::Record> gone{};  // without bodies
};

class ScalingBook {
 public:
  // Borrows `records`.
  static Result<ScalingBook> open(scheduler::RecordStore& records);

  // By "cluster/service", and "cluster/service/name".
  const std::map<std::string, ScalableTarget>& targets() const { return targets_; }
  const std::map<std::string, Policy>& policies() const { return policies_; }
  const std::map<std::string, ScheduledAction>& actions() const { return actions_; }
  const ScalableTarget* find_target(const ServiceKey& service) const;
  std::vector<const Policy*> policies_of(const ServiceKey& service) const;
  std::vector<const ScheduledAction*> actions_of(const ServiceKey& service) const;
  // Oldest first.
  const std::vector<Activity>& activities_of(const ServiceKey& service) const;
  std::vector<const Activity*> all_activities() const;

  // What a target and all that is about it leave behind, but its activities.
  Changes without(const ServiceKey& service) const;

  // Durable when it returns, or nothing has changed.
  Status write(const Changes& changes);
  // The two halves of write(), for changes that the scheduler stores: what there is to store, the
  // activities that are too many with it, and the changes once they are stored.
  std::vector<scheduler::Record> records_of(const Changes& changes) const;
  void apply(const Changes& changes);

 private:
  explicit ScalingBook(scheduler::RecordStore& records) : records_(&records) {}

  scheduler::RecordStore* records_;
  std::map<std::string, ScalableTarget> targets_;
  std::map<std::string, Policy> policies_;
  std::map<std::string, ScheduledAction> actions_;
  std::map<ServiceKey, std::vector<Activity>> activities_;
};

}  // namespace berth::scaling
