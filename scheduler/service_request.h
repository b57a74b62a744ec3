// What users ask of services, and what of the outside concerns them: values, told to the core as
// events are. The API has checked them; the core refuses nothing, and ignores what is about a
// service or deployment that it does not have, or that is over.
#pragma once

#include "scheduler/record_store.h"
#include "scheduler/service.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace berth::scheduler {

// A new service, also one under the name of an INACTIVE one.
struct ServiceCreated {
  ServiceKey service{};
  ServiceConfiguration configuration{};
  std::optional<RevisionSpec> revision{};  // nothing with EXTERNAL
  std::string client_token{};
  std::string request_digest{};
  std::string created_by{};
  bool operator==(const ServiceCreated&) const = default;
};

// The whole configuration, as it is from now on. With a revision it starts a deployment.
struct ServiceUpdated {
  ServiceKey service{};
  ServiceConfiguration configuration{};
  std::optional<RevisionSpec> revision{};
  bool operator==(const ServiceUpdated&) const = default;
};

// Its desired count is another one, and nothing else: of those who scale services. What they
// remember of it is stored with it.
struct ServiceScaled {
  ServiceKey service{};
  int desired_count = 0;
  std::string message{};  // ECS's words
  std::string cause{};
  std::vector<Record> records{};
  bool operator==(const ServiceScaled&) const = default;
};

// Its tasks are stopped: DRAINING, then INACTIVE.
struct ServiceDeleted {
  ServiceKey service{};
  bool operator==(const ServiceDeleted&) const = default;
};

enum class StopType : uint8_t { kRollback, kAbort };

struct DeploymentStopRequested {
  std::string service_deployment{};
  StopType type = StopType::kRollback;
  bool operator==(const DeploymentStopRequested&) const = default;
};

// The answer to a hook: of ContinueServiceDeployment for a PAUSE, of its function for the others.
struct HookAnswered {
  std::string service_deployment{};
  std::string hook{};      // HookRun::id; "" for the one that waits
  bool is_success = true;  // false: roll back
  bool operator==(const HookAnswered&) const = default;
};

// An alarm that deployments may watch is raised, or is not any more.
struct AlarmChanged {
  std::string alarm{};
  bool is_raised = false;
  bool operator==(const AlarmChanged&) const = default;
};

struct TaskSetCreated {
  ServiceKey service{};
  std::string id{};  // of make_service_number(), with "ecs-svc/" before it
  RevisionSpec revision{};
  std::string external_id{};
  std::string client_token{};
  int scale_ppm = 0;
  std::vector<ProviderShare> providers{};
  std::vector<KeyValue> tags{};
  bool operator==(const TaskSetCreated&) const = default;
};

struct TaskSetScaled {
  ServiceKey service{};
  std::string task_set{};
  int scale_ppm = 0;
  bool operator==(const TaskSetScaled&) const = default;
};

struct TaskSetDeleted {
  ServiceKey service{};
  std::string task_set{};
  bool operator==(const TaskSetDeleted&) const = default;
};

// It has other tags from now on.
struct TaskSetTagged {
  ServiceKey service{};
  std::string task_set{};
  std::vector<KeyValue> tags{};
  bool operator==(const TaskSetTagged&) const = default;
};

struct PrimaryTaskSetChanged {
  ServiceKey service{};
  std::string task_set{};
  bool operator==(const PrimaryTaskSetChanged&) const = default;
};

// What services may use of the node is another than before: its capacity, its attributes, whether
// it drains. Those of the cluster look again, and all that found no place.
struct NodeChanged {
  std::string cluster{};
  bool operator==(const NodeChanged&) const = default;
};

using ServiceRequest =
    std::variant<ServiceCreated, ServiceUpdated, ServiceScaled, ServiceDeleted,
                 DeploymentStopRequested, HookAnswered, AlarmChanged, TaskSetCreated, TaskSetScaled,
                 TaskSetDeleted, TaskSetTagged, PrimaryTaskSetChanged, NodeChanged>;

// "ServiceCreated".
const char* name_of(const ServiceRequest& request);

}  // namespace berth::scheduler
