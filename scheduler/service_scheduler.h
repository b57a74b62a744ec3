// ServiceScheduler: the part of the core that knows services. In each step it hears what users ask
// of services and what becomes of tasks, has those decide for which something changed, and says
// what is to be stored with it:
//
//   begin(now)  apply(request)...  note(before, after)...  decide() -> events -> note()... -> {}
//   records()  ->  the store  ->  keep(), or drop(): then it is as it was before begin()
//
// A service is looked at when it, a task of its own or the room that it waits for changed, or when
// it said so (Verdict::wake). All others cost nothing. What a request or a task is about is looked
// at in its step; of those that time, room, the node or an alarm makes due only as many as the
// budget has (ServiceSettings::look_budget), the longest due first, and the others in the steps
// after it, which next_deadline() asks for at once: no step is long, however many are due.
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "scheduler/messages.h"
#include "scheduler/service_request.h"
#include "scheduler/service_table.h"
#include "scheduler/store.h"
#include "scheduler/traffic_shift.h"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace berth::scheduler {

// What one step looks at, beside what its own events are about: each service costs 1, and 1 for
// each of its tasks.
constexpr size_t kLookBudget = 500;

struct ServiceSettings {
  CpuArchitecture host = CpuArchitecture::kX86_64;
  uint64_t cpu_units = 0;  // of the node; 0: as much as is asked for
  uint64_t memory_mib = 0;
  std::string node_id{};  // of the container instance that this host is
  Duration healthy_after = kHealthyAfter;
  size_t look_budget = kLookBudget;
  // Why the node is no place for tasks of the service, whatever room it has; "" when it is one.
  std::function<std::string(const Service&, const RevisionSpec&)> unsuited{};
  // Whether the node drains in that cluster: EC2 and EXTERNAL tasks of services are to leave it.
  std::function<bool(const std::string& cluster)> drains{};
};

class ServiceScheduler {
 public:
  ServiceScheduler(ServiceSettings settings, Rng& rng);

  // What the store has. All services are looked at in the next step.
  Status load(const Store& store);

  const Services& services() const { return services_; }
  // When to step although nothing happened; nothing: never.
  std::optional<WallTime> next_deadline() const;

  // Each event that was decided, once it is stored.
  using EventSink = std::function<void(const ServiceKey&, const ServiceEvent&)>;
  void watch(EventSink sink) { sink_ = std::move(sink); }

  // Who moves traffic; borrowed. It hears of all services that shift theirs.
  void attach(TrafficPlane& plane);

  // ---- Within a step ----
  void begin(WallTime now);
  void apply(const ServiceRequest& request);
  void note(const Task* before, const Task& after);
  // What services want done with tasks; empty when all are content.
  std::vector<Event> decide();
  std::vector<Record> records();
  void keep();
  void drop();

 private:
  // A service as this step leaves it.
  struct Entry {
    Service service{};
    std::optional<std::map<std::string, ServiceTask>> tasks{};  // once one of them changed
    std::vector<TaskNews> news{};
    std::string cause{};
    std::vector<ServiceEvent> events{};  // of this step, oldest first
    bool is_new = false;                 // events of one that had its name are not its own
    bool is_decided = false;
    std::optional<WallTime> wake{};
    bool waits_for_room = false;
    bool is_forgotten = false;  // nothing of it is kept
    int rounds = 0;
  };
  struct Turnover {
    std::optional<Holding> before{};
    std::optional<Holding> after{};
  };
  // What goes, so that a service keeps only so much.
  struct Outdated {
    std::vector<std::string> revisions{};
    std::vector<std::string> deployments{};
    size_t events = 0;  // the oldest
  };
  struct Draft {
    WallTime now{};
    std::map<ServiceKey, Entry> entries{};
    std::map<std::string, ServiceRevision> revisions{};
    std::map<std::string, ServiceDeployment> deployments{};
    std::map<std::string, bool> alarms{};
    std::vector<Record> others{};  // of those who scale
    std::set<ServiceKey> due{};    // in this step
    // In this step if the budget has it, else soon; and what became due, in words.
    std::map<ServiceKey, std::string> due_soon{};
    size_t looked = 0;  // of the budget
    std::vector<Turnover> turnover{};
    std::map<ServiceKey, Outdated> outdated{};
  };

  void apply(const ServiceCreated& request);
  void apply(const ServiceUpdated& request);
  void apply(const ServiceScaled& request);
  void apply(const ServiceDeleted& request);
  void apply(const DeploymentStopRequested& request);
  void apply(const HookAnswered& request);
  void apply(const AlarmChanged& request);
  void apply(const TaskSetCreated& request);
  void apply(const TaskSetScaled& request);
  void apply(const TaskSetDeleted& request);
  void apply(const TaskSetTagged& request);
  void apply(const PrimaryTaskSetChanged& request);
  void apply(const NodeChanged& request);

  // Null when there is no such service.
  Entry* touch(const ServiceKey& key);
  Entry* touch_active(const ServiceKey& key);
  void look_at(const ServiceKey& key, const std::string& cause);
  void look_soon_at(const ServiceKey& key, const std::string& cause);
  bool has_budget() const { return draft_.looked < settings_.look_budget; }
  size_t cost_of(const ServiceKey& key) const;
  std::optional<ServiceKey> next_due();
  void keep_due_soon();
  void look_at_waiting();
  ServiceDeployment* touch_deployment(const std::string& id);
  const ServiceRevision* find_revision(const std::string& id) const;
  const std::map<std::string, ServiceTask>& tasks_of(const ServiceKey& key) const;
  bool is_raised(const std::string& alarm) const;
  std::set<std::string> raised_alarms() const;

  void tell(Entry& entry, const char* name, std::string cause);
  std::string add_revision(const ServiceKey& key, const RevisionSpec& spec);
  void start_deployment(Entry& entry, const RevisionSpec& spec);
  void end_deployment(const Service& service, const std::string& reason);
  void note_room(const Task* before, const Task& after);
  void note_digests(const Task& task);

  const Service* find_in_step(const ServiceKey& key) const;
  std::string wait_of(const Service& service) const;
  void look_at_dependents(const ServiceKey& key);
  // Takes service and news out of the entry; the verdict brings the service back.
  ServiceFacts facts_of(Entry& entry) const;
  std::vector<Event> decide_one(const ServiceKey& key);
  Event start_event(const Service& service, const TaskStart& start) const;

  Outdated outdated_of(const ServiceKey& key, const Entry& entry) const;
  Outdated all_of(const ServiceKey& key) const;
  void add_removals(std::vector<Record>& records, const ServiceKey& key, const Outdated& outdated);
  void keep_entry(const ServiceKey& key, Entry& entry);
  void keep_outdated(const ServiceKey& key, const Outdated& outdated);
  void forget(const ServiceKey& key);
  void shift_traffic(const ServiceKey& key);
  void set_wake(const ServiceKey& key, std::optional<WallTime> wake);

  ServiceSettings settings_;
  DecisionRules rules_;
  Rng& rng_;
  Services services_;
  Room room_;
  std::map<ServiceKey, WallTime> wakes_;
  std::set<std::pair<WallTime, ServiceKey>> by_wake_;
  std::set<ServiceKey> waiting_;                   // for room
  std::map<ServiceKey, std::string> late_causes_;  // of those that were put off
  Draft draft_;
  EventSink sink_;
  TrafficPlane* plane_ = nullptr;
  std::map<ServiceKey, TrafficWeights> told_weights_;
};

}  // namespace berth::scheduler
