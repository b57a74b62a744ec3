// The configuration of a FireLens router, as the ECS agent generates it: where logs come in, what
// is filtered, what is added to records, and an output for each container that says one. Pure.
//
//   [INPUT]   unix socket, TCP 24224, health check   (in awsvpc and bridge mode the latter two)
//   [FILTER]  include-pattern, exclude-pattern       by container
//   [FILTER]  ECS metadata                           for all records
//   @INCLUDE  the file of config-file-type
//   [OUTPUT]  the options of logConfiguration        by container
#pragma once

#include "base/result.h"
#include "base/secret.h"
#include "scheduler/firelens.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

inline constexpr const char* kRouterSocketDirectory = "/var/run";  // in the router's container
inline constexpr const char* kRouterSocketName = "fluent.sock";
inline constexpr const char* kRouterPort = "24224";

// Where a router of the type looks for its configuration, and where what it includes is seen.
const char* router_config_target(scheduler::FirelensType type);
const char* router_external_target(scheduler::FirelensType type);

struct FirelensSection {
  std::string name;
  std::string tag;
  std::map<std::string, std::string> options;
  bool operator==(const FirelensSection&) const = default;
};
struct FirelensFilter {
  std::string tag;
  std::string pattern;  // of the record's "log"
  bool operator==(const FirelensFilter&) const = default;
};
struct FirelensConfig {
  scheduler::FirelensType type = scheduler::FirelensType::kFluentbit;
  std::vector<FirelensSection> inputs;
  std::vector<FirelensFilter> includes;
  std::vector<FirelensFilter> excludes;
  std::map<std::string, std::string> fields;  // added to all records
  std::string external;                       // a path; "": none
  std::vector<FirelensSection> outputs;
};

// Who the task is, for its records.
struct FirelensIdentity {
  std::string cluster;
  std::string task_arn;
  std::string task_definition;  // "family:revision"
};

// Of a task that has a router. Secret options stand in it as variables of the router's environment.
FirelensConfig firelens_config_of(const scheduler::TaskDefinition& task,
                                  const FirelensIdentity& identity);
std::string render_firelens_config(const FirelensConfig& config);

// "apiKey_1": the variable that has the value of a secret option; the number is the container's
// place in the task definition.
std::string firelens_variable(const std::string& option, size_t place);

// "web-firelens-<task id>".
std::string firelens_tag(const std::string& container, const std::string& task_id);

}  // namespace berth::agent
