// TaskRequest: what RunTask and StartTask say about a task beside its definition. `berth run`
// leaves most of it empty.
#pragma once

#include "scheduler/task_definition.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace berth::scheduler {

constexpr const char* kDefaultCluster = "default";

struct TaskRequest {
  std::string cluster = kDefaultCluster;  // its name
  // The JSON that the task's definition was made of, as it is registered, the TaskOverride that
  // was laid over it ("" for none) and what its volumes are: definition_source.h makes the same
  // definition of them again.
  std::string definition_json{};
  std::string overrides_json{};
  std::string volumes_json{};       // volumeConfigurations, a list; "" for none
  int64_t revision = 0;             // of the definition's family; 0: not registered
  std::string launch_type{};        // "EC2", "FARGATE", "EXTERNAL"
  std::string capacity_provider{};  // "FARGATE_SPOT"; "" without a strategy
  std::string platform_version{};   // of FARGATE: "1.4.0"
  std::string group{};              // "" for "family:<family>"
  std::string started_by{};
  // Of a service's task; "" for others.
  std::string service{};           // its name
  std::string service_revision{};  // of ServiceRevision
  std::vector<KeyValue> tags{};
  bool enable_execute_command = false;
  // berth's own, of a service's tasks: what runs in a container before its stop signal, by name.
  std::map<std::string, std::vector<std::string>> pre_stop{};
  std::string subnet{};                        // of an awsvpc task; a name, no more
  std::vector<std::string> security_groups{};  // likewise; empty: those of the instance
  // Of RunTask's idempotency; "" without a token. The digest is that of all that was asked.
  std::string client_token{};
  std::string request_digest{};
  bool operator==(const TaskRequest&) const = default;
};

}  // namespace berth::scheduler
