// What RunTask and services ask alike of a task that is to run: its definition, who runs it, its
// network, which instances are a place for it.
#pragma once

#include "api/ecs_operations.h"
#include "api/ecs_query.h"
#include "api/ecs_strategy.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::api::ecs {

inline constexpr const char* kLatestPlatform = "LATEST";

// The ACTIVE revision that `text` means: "family", "family:revision" or an ARN. Null: refused.
const scheduler::Revision* find_active_revision(const Ecs& ecs, Ask& ask, const std::string& text);

// launchType, or capacityProviderStrategy, or the cluster's strategy, or EC2.
struct Launcher {
  std::string launch_type{};  // FARGATE with a strategy
  Strategy strategy{};        // empty with a launch type
};
Launcher read_launcher(Ask& ask, const scheduler::Cluster& cluster);
// "" when it is absent and for other launch types than FARGATE.
std::string read_platform(Ask& ask, const std::string& launch_type);

// The first subnet and the security groups of networkConfiguration, into the request; false when
// there is none.
bool read_network(const Ecs& ecs, Ask& ask, scheduler::TaskRequest& request);

// placementConstraints and placementStrategy. One host: strategies have nothing to choose,
// constraints can only say no.
struct Placement {
  bool distinct_instance = false;
  std::vector<Query> queries{};  // that the instance must match
};
Placement read_placement(Ask& ask, const std::string& launch_type);
// Those of placementConstraints as they were stored once they were read.
std::vector<Query> stored_queries(const std::string& constraints_json);
// Why the node is no place for one more task, whatever room it has; "" when it is one.
std::string unsuited(const Ecs& ecs, const scheduler::Cluster& cluster,
                     const scheduler::TaskRequest& request, const std::vector<Query>& queries);

// What the request's definition_json, overrides_json, volumes_json and launch_type give; of no use
// when the ask is refused.
scheduler::TaskDefinition resolve_definition(const Ecs& ecs, Ask& ask,
                                             const scheduler::TaskRequest& request,
                                             bool has_network);

// clientToken; "" without one.
std::string read_client_token(Ask& ask, size_t max);
// Of all that was asked: members in any order are the same request.
std::string request_digest_of(const Ask& ask);

}  // namespace berth::api::ecs
