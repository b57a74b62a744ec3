// TaskEndpoint: the answers of 169.254.170.2 to the containers of one task.
//
//   /v4/<id>  /v4/<id>/task  /taskWithTags  /stats  /task/stats        and the same below /v3
//   /v2/credentials/<id>   /v1/credentials?id=<id>                      tasks with a role
//   /api/<id>/task-protection/v1/state                    GET and PUT (agent/task_protection.h)
//   /api/<id>/fault/v1/<kind>/<start | stop | status>                   POST
//   (agent/fault_request.h) /v2/metadata  /v2/metadata/<docker id>  /v2/stats  /v2/stats/<docker
//   id>     awsvpc tasks
//
// Who asks is known by the socket that was asked: an id of another network of the task is as
// unknown as any.
#pragma once

#include "agent/fault_request.h"
#include "agent/stats_sampler.h"
#include "agent/task_metadata.h"
#include "aws/credentials.h"
#include "base/env.h"
#include "http/server.h"
#include "http/token_bucket.h"
#include "runtime/task_plan.h"
#include "sys/loop.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::agent {

// Of the requests to one socket, as Amazon's agent has it.
constexpr http::Rate kEndpointRate{.per_second = 40, .burst = 60};

// Of each fault call of a container, likewise.
constexpr http::Rate kFaultRate{.per_second = 0.2, .burst = 1};

// Whose containers ask at a socket.
struct EndpointSocket {
  std::string container;  // "": those in the host's network
  bool shared = false;    // every container of the task
};
// In the order of the sockets: the host's first, if containers are in its network.
std::vector<EndpointSocket> endpoint_sockets(const runtime::TaskPlan& plan);
// Whether the first of them is in a network for faults: the host's, or one that the whole task has.
bool is_in_hosts_network(const EndpointSocket& socket);
bool has_fault_network(const std::vector<EndpointSocket>& sockets);

class TaskEndpoint {
 public:
  // Looks for the credentials of the task's role and calls back, now or later, on the loop.
  using FoundCredentials = std::function<void(const Result<aws::Credentials>&)>;
  using CredentialSource = std::function<void(FoundCredentials)>;
  // Does what a valid call asks for, and answers, now or later, on the loop.
  using FaultSource = std::function<void(FaultCall, std::optional<Fault>, http::Server::Reply)>;

  // What others do for it.
  struct Sources {
    CredentialSource credentials;
    FaultSource faults;
  };

  // `loop` and `env` are borrowed.
  TaskEndpoint(runtime::TaskPlan plan, TaskMetadata metadata, Sources sources, sys::Loop& loop,
               Env env);

  void observe(const runtime::ShimEvent& event) { metadata_.observe(event); }
  // Of the socket with this place among those of endpoint_sockets().
  void handle(const http::Request& request, size_t listener, const http::Server::Reply& reply);

 private:
  struct Asked;
  void route(const Asked& asked);
  void route_agent_call(const Asked& asked);
  void answer_fault(const Asked& asked, FaultCall call);
  void answer_protection(const Asked& asked);
  void answer_metadata(const Asked& asked, MetadataVersion version, const std::string& id);
  void answer_old_metadata(const Asked& asked);
  void observe_ephemeral_storage();
  void answer_container(const Asked& asked, MetadataVersion version, const std::string& container);
  void answer_credentials(const Asked& asked, const std::string& id);
  void answer_stats(const Asked& asked, const std::string& container);
  void answer_all_stats(const Asked& asked);

  // The container of an id, if it may be asked for at that socket.
  std::optional<std::string> find_container(const std::string& id, size_t listener) const;
  // A network that the container is in is one of those with a socket, but for the host's.
  bool has_network(const std::string& container) const;
  StatsSampler::Wanted wanted_of(const MetadataContainer& container) const;

  runtime::TaskPlan plan_;
  std::vector<EndpointSocket> sockets_;
  TaskMetadata metadata_;
  Sources sources_;
  Env env_;
  StatsSampler sampler_;
  std::vector<http::TokenBucket> buckets_;                                        // by listener
  std::map<std::pair<std::string, FaultCall>, http::TokenBucket> fault_buckets_;  // by container
};

}  // namespace berth::agent
