// endpoint.json: what a task's endpoint tells, as far as it is known before the task runs. Written
// beside task.json for root alone; read by `berth system endpoint` (agent/task_metadata.h), which
// adds what happens. Pure.
//
//   {"version": 1, "containers": {"<endpoint id>": "<container>"}, "essential": ["<container>"],
//    "credentials": {"id", "roleArn"},          for a task with a role
//    "ephemeralStorage": "<directory>",         where one of a size is mounted
//    "task": {...}}                  the answer to /v4/<id>/taskWithTags, nothing having happened
#pragma once

#include "base/env.h"
#include "netns/plan.h"
#include "scheduler/model.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace berth::agent {

constexpr int kEndpointDocumentVersion = 1;

// The names under which the containers of a task know its endpoint. They are secrets: who knows one
// may ask for that container, and for the credentials of the task's role.
struct EndpointIds {
  std::map<std::string, std::string> containers;  // by container name
  std::string credentials;
  // Where containers in the host's network find it on the loopback.
  std::optional<uint16_t> host_port;
};

EndpointIds make_endpoint_ids(const scheduler::Task& task, Rng& rng);

// What containers are told of it by variables, "K=V": those that replace others of their name, and
// those of the region, which are for containers that have neither.
struct EndpointVariables {
  std::vector<std::string> always;
  std::vector<std::string> region;
};
EndpointVariables endpoint_variables(const scheduler::Task& task, const EndpointIds& ids,
                                     const std::string& container, const std::string& region);

struct EndpointFacts {
  const scheduler::Task& task;
  const EndpointIds& ids;
  std::string region;
  std::string account;
  std::map<std::string, std::string> digests;  // container -> digest of its image
  WallTime pull_started_at{};
  WallTime pull_stopped_at{};
  // By container; all of an awsvpc task have the same.
  std::map<std::string, netns::Endpoint> networks;
  std::map<std::string, std::vector<netns::PublishedPort>> ports;
  std::map<std::string, std::string> volumes;  // name -> directory on the host
  std::string ephemeral_storage{};             // where it is mounted; "" for none of a size
  std::vector<std::string> name_servers;
  std::optional<Ipv6Net> subnet6{};
  std::vector<std::string> search_domains;
};

// What a task is called.
struct TaskNames {
  std::string cluster;
  std::string task_arn;
  std::string task_definition;  // "family:revision"
};
TaskNames task_names_of(const scheduler::Task& task, const std::string& region,
                        const std::string& account);

std::string render_endpoint_document(const EndpointFacts& facts);

// The OCI container of a name, as the endpoint calls it: "<task-id>-<10 digits>", the form of
// Fargate's runtime ids.
std::string docker_id_of(const std::string& task_id, const std::string& container);

}  // namespace berth::agent
