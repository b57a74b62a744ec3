// What only an agent or another kind of host asks for: the truth, that there is none of it.
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

constexpr size_t kDeploymentBatchMax = 20;

Json empty_list(std::string_view key) {
  return {{std::string(key), Json::array()}};
}

Json all_missing(const Ecs& ecs, Ask& ask, const char* key, size_t max,
                 const std::string& resource) {
  std::vector<std::string> wanted = ask.texts(key, max);
  if (wanted.empty()) ask.invalid(fmt::format("{} can not be empty.", key));
  std::vector<Failure> failures;
  for (const std::string& text : wanted) failures.push_back({missing_arn(ecs, text, resource)});
  return failures_json(failures);
}

}  // namespace

Json change_capacity_provider(Ecs& ecs, Ask& ask) {
  std::string key = ask.has("capacityProvider") ? "capacityProvider" : "name";
  std::string resource = resource_of(ecs, ask, ask.required_text(key));
  std::string name = resource.substr(resource.rfind('/') + 1);
  ask.invalid(name.starts_with("FARGATE")
                  ? "The specified capacity provider name is reserved and cannot be changed."
                  : "The specified capacity provider was not found.");
  return {};
}

// Where an agent would look for work. This host has its own.
Json discover_poll_endpoint(Ecs&, Ask& ask) {
  ask.client_error("berth serves no agents but its own.");
  return {};
}

Json list_daemons(Ecs&, Ask&) {
  return empty_list("daemonSummariesList");
}
Json list_daemon_deployments(Ecs&, Ask&) {
  return empty_list("daemonDeployments");
}
Json list_daemon_task_definitions(Ecs&, Ask&) {
  return empty_list("daemonTaskDefinitions");
}

Json describe_daemon_items(Ecs& ecs, Ask& ask) {
  bool is_deployments = ask.call().operation == "DescribeDaemonDeployments";
  Json failures =
      all_missing(ecs, ask, is_deployments ? "daemonDeploymentArns" : "daemonRevisionArns",
                  kDeploymentBatchMax, is_deployments ? "daemon-deployment/" : "daemon-revision/");
  return {{is_deployments ? "daemonDeployments" : "daemonRevisions", Json::array()},
          {"failures", std::move(failures)}};
}

Json unsupported_feature(Ecs&, Ask& ask) {
  const Operation* operation = find_operation(ask.call().operation);
  ask.refuse("UnsupportedFeatureException",
             fmt::format("berth does not support {}: {}.", operation->name, operation->note));
  return {};
}

Json unsupported_for_clients(Ecs&, Ask& ask) {
  const Operation* operation = find_operation(ask.call().operation);
  ask.client_error(fmt::format("berth does not support {}: {}.", operation->name, operation->note));
  return {};
}

}  // namespace berth::api::ecs
