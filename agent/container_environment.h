// What containers get by environmentFiles and secrets, fetched once when their task starts.
#pragma once

#include "agent/config.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "scheduler/task_definition.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

struct ContainerEnvironment {
  std::vector<scheduler::KeyValue> from_files;          // each name once: the first file wins
  std::vector<std::pair<std::string, Secret>> secrets;  // name -> value
};
using ContainerEnvironments = std::map<std::string, ContainerEnvironment>;  // by container

// Whether anything is to be fetched.
bool needs_fetching(const scheduler::TaskDefinition& definition);

// Blocking. Errors have the text of ECS behind "ResourceInitializationError: "; no value is in
// them.
Result<ContainerEnvironments> fetch_environments(const Config& config,
                                                 const scheduler::TaskDefinition& definition,
                                                 aws::Http& http, Clock& clock);

}  // namespace berth::agent
