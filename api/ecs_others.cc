// Services, and what only an agent or another kind of host asks for: the truth, that there are
// none.
#include "api/ecs_page.h"
#include "api/ecs_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::ecs {
namespace {

constexpr size_t kServiceBatchMax = 10;
constexpr size_t kDeploymentBatchMax = 20;
constexpr size_t kOtherListMax = 100;

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

Json list_services(Ecs& ecs, Ask& ask) {
  find_cluster(ecs, ask);
  ask.word("launchType", {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"});
  ask.word("schedulingStrategy", {"REPLICA", "DAEMON"});
  return render_page("serviceArns", page_of(ask, {}, kOtherListMax));
}

Json list_services_by_namespace(Ecs&, Ask& ask) {
  ask.required_text("namespace");
  return render_page("serviceArns", page_of(ask, {}, kOtherListMax));
}

Json describe_services(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  if (ask.refused()) return {};
  Json failures = all_missing(ecs, ask, "services", kServiceBatchMax,
                              fmt::format("service/{}/", cluster->name));
  return {{"services", Json::array()}, {"failures", std::move(failures)}};
}

// What is asked of a service by its name.
Json find_no_service(Ecs& ecs, Ask& ask) {
  find_cluster(ecs, ask);
  ask.required_text("service");
  ask.refuse("ServiceNotFoundException", "Service not found.");
  return {};
}

Json describe_service_deployments(Ecs& ecs, Ask& ask) {
  Json failures =
      all_missing(ecs, ask, "serviceDeploymentArns", kDeploymentBatchMax, "service-deployment/");
  return {{"serviceDeployments", Json::array()}, {"failures", std::move(failures)}};
}

Json describe_service_revisions(Ecs& ecs, Ask& ask) {
  Json failures =
      all_missing(ecs, ask, "serviceRevisionArns", kDeploymentBatchMax, "service-revision/");
  return {{"serviceRevisions", Json::array()}, {"failures", std::move(failures)}};
}

Json change_service_deployment(Ecs&, Ask& ask) {
  ask.required_text("serviceDeploymentArn");
  ask.refuse("ServiceDeploymentNotFoundException", "The service deployment was not found.");
  return {};
}

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
