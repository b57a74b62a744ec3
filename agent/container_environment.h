// What containers get by environmentFiles and secrets, their log drivers by secretOptions, and
// registries by repositoryCredentials; fetched once when their task starts.
#pragma once

#include "agent/config.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "image/credentials.h"
#include "scheduler/task_definition.h"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace berth::agent {

struct ContainerEnvironment {
  std::vector<scheduler::KeyValue> from_files;          // each name once: the first file wins
  std::vector<std::pair<std::string, Secret>> secrets;  // name -> value
  std::vector<std::pair<std::string, Secret>> secret_options;  // of the log driver; likewise
  std::optional<image::Credentials> registry;                  // of the registry of its image
  std::string router_config;  // of a log router: the file of S3 that it includes
};
using ContainerEnvironments = std::map<std::string, ContainerEnvironment>;  // by container

// Whether anything is to be fetched.
bool needs_fetching(const scheduler::TaskDefinition& definition);

// {"username": ..., "password": ...}; kInvalid in the words of the ECS agent, without the value.
Result<image::Credentials> parse_repository_credentials(const Secret& value);

// Blocking. Errors have the text of ECS behind "ResourceInitializationError: "; no value is in
// them.
Result<ContainerEnvironments> fetch_environments(const Config& config,
                                                 const scheduler::TaskDefinition& definition,
                                                 aws::Http& http, Clock& clock);

// The same of the repositoryCredentials of one container alone; nothing when it has none.
Result<std::optional<image::Credentials>> fetch_repository_credentials(
    const Config& config, const scheduler::ContainerDefinition& container, aws::Http& http,
    Clock& clock);

}  // namespace berth::agent
