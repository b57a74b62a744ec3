// Services: all that the scheduler remembers of services, to be read. What changes it is one step
// of the core (service_scheduler.h).
#pragma once

#include "scheduler/service.h"
#include "scheduler/service_decision.h"

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace berth::scheduler {

// runningCount and pendingCount: of tasks that have not been told to stop.
struct TaskCounts {
  int pending = 0;
  int running = 0;
  bool operator==(const TaskCounts&) const = default;
};

class Services {
 public:
  const std::map<ServiceKey, Service>& all() const { return services_; }
  // Null when there is none, or none any more. Valid until the next step, as all the others.
  const Service* find(const ServiceKey& key) const;
  const ServiceRevision* find_revision(const std::string& id) const;
  const ServiceDeployment* find_deployment(const std::string& id) const;
  // Newest first.
  std::vector<const ServiceDeployment*> deployments_of(const ServiceKey& key) const;
  std::vector<const ServiceRevision*> revisions_of(const ServiceKey& key) const;
  std::vector<ServiceEvent> events_of(const ServiceKey& key) const;
  // Of its tasks that have not STOPPED, by their ids.
  const std::map<std::string, ServiceTask>& tasks_of(const ServiceKey& key) const;
  // Of one revision; of all for "".
  TaskCounts counts_of(const ServiceKey& key, const std::string& revision) const;
  const std::set<std::string>& raised_alarms() const { return alarms_; }

 private:
  friend class ServiceScheduler;

  std::map<ServiceKey, Service> services_;
  std::map<std::string, ServiceRevision> revisions_;
  std::map<std::string, ServiceDeployment> deployments_;
  // By service, oldest first.
  std::map<ServiceKey, std::vector<std::string>> revision_ids_;
  std::map<ServiceKey, std::vector<std::string>> deployment_ids_;
  std::map<ServiceKey, std::deque<ServiceEvent>> events_;
  std::map<ServiceKey, std::map<std::string, ServiceTask>> tasks_;
  std::set<std::string> alarms_;
};

}  // namespace berth::scheduler
