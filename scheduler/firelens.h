// FireLens: one container of a task, the router, takes the logs of those whose log driver is
// awsfirelens. What the fields mean, as the ECS agent reads them; agent/firelens.h makes the
// router's configuration of it. Pure.
#pragma once

#include "scheduler/log_configuration.h"
#include "scheduler/task_definition.h"

#include <map>
#include <string>
#include <vector>

namespace berth::scheduler {

inline constexpr const char* kFirelensDriver = "awsfirelens";
// Options of a container's logConfiguration that are not the output's.
inline constexpr const char* kIncludePattern = "include-pattern";
inline constexpr const char* kExcludePattern = "exclude-pattern";
inline constexpr const char* kDriverBufferLimit = "log-driver-buffer-limit";  // lines
constexpr uint64_t kDriverBufferLines = 1048576;                              // unless given
constexpr uint64_t kDriverBufferLinesEnd = 536870912;

enum class ExternalConfig { kNone, kFile, kS3 };

// The options of a router.
struct RouterOptions {
  bool ecs_metadata = true;
  ExternalConfig external = ExternalConfig::kNone;
  std::string value{};  // a path in the router's container, or arn:aws:s3:::BUCKET/KEY
};
RouterOptions router_options_of(const FirelensConfiguration& firelens);
// What is wrong with them.
std::vector<LogProblem> check_router_options(const FirelensConfiguration& firelens, bool fargate);

// The option that names the output's plugin: "Name", "@type".
const char* output_key_of(FirelensType type);

bool uses_firelens(const ContainerDefinition& container);
// Null when there is none.
const ContainerDefinition* firelens_router_of(const TaskDefinition& task);
// Whether the container waits for the start of the router although its dependsOn does not say so:
// not when the router itself waits for others, which could be a ring.
bool waits_for_router(const TaskDefinition& task, const ContainerDefinition& container);

}  // namespace berth::scheduler
