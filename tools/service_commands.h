// The commands for services, which berthd has: one function each. They return the exit code.
#pragma once

#include "agent/config.h"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace berth::tools {

// By the name of `name` in `cluster`, or an ARN.
struct ServiceOptions {
  std::string cluster;  // "" is the default one
  std::string name;
  bool json = false;
};

struct CreateServiceOptions {
  std::string file;  // the JSON of `aws ecs create-service --cli-input-json`; "-" is standard input
  bool wait = false;
};
// Prints the ARN.
int create_service_command(const agent::Config& config, const CreateServiceOptions& options);

struct UpdateServiceOptions {
  ServiceOptions service;
  std::string file;  // the JSON of update-service, "" for none
  std::string task_definition;
  std::optional<int> desired_count;
  bool force = false;
  bool wait = false;
};
int update_service_command(const agent::Config& config, const UpdateServiceOptions& options);

struct RollbackOptions {
  ServiceOptions service;
  bool wait = false;
};
// Stops the deployment that is under way: back to what was before.
int rollback_service_command(const agent::Config& config, const RollbackOptions& options);

struct ContinueOptions {
  ServiceOptions service;
  std::string hook;  // its id; "" for the one that waits
  bool wait = false;
};
// Answers the hook that a deployment pauses at.
int continue_service_command(const agent::Config& config, const ContinueOptions& options);

struct HoldOptions {
  ServiceOptions service;
  bool is_held = false;  // false: it goes on
};
int hold_service_command(const agent::Config& config, const HoldOptions& options);

struct RemoveServicesOptions {
  std::string cluster;
  std::vector<std::string> names;
  bool force = false;  // whatever they run
};
int remove_services_command(const agent::Config& config, const RemoveServicesOptions& options);

struct ListServicesOptions {
  std::string cluster;  // "" is all of them
  bool quiet = false;   // names only
  bool json = false;
};
int list_services_command(const agent::Config& config, const ListServicesOptions& options);

struct ServiceEventsOptions {
  ServiceOptions service;
  bool follow = false;
};
int service_events_command(const agent::Config& config, const ServiceEventsOptions& options);

// Shows what happens until the service has what it is to have. 1: its deployment did not succeed.
int watch_service_command(const agent::Config& config, const ServiceOptions& options);

// berth why service/NAME.
int why_service_command(const agent::Config& config, const ServiceOptions& options);

// ---- What they share ----

// One service as DescribeServices has it, its events with their causes. kNotFound: there is none.
Result<nlohmann::ordered_json> describe_service(const agent::Config& config,
                                                const ServiceOptions& service);
// The service deployment of that ARN, with what it waits for; an empty object when it is forgotten.
Result<nlohmann::ordered_json> describe_deployment(const agent::Config& config,
                                                   const std::string& arn);
Result<int> watch_service(const agent::Config& config, const ServiceOptions& options);

}  // namespace berth::tools
