#include "tools/service_commands.h"

#include "base/text.h"
#include "tools/commands.h"
#include "tools/daemon_client.h"
#include "tools/table.h"
#include "tools/task_input.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>

namespace berth::tools {
namespace {

using ServiceJson = nlohmann::ordered_json;

constexpr size_t kDescribedAtOnce = 10;
constexpr int kListedAtOnce = 100;

std::string after_last(const std::string& text, char separator) {
  return text.substr(text.rfind(separator) + 1);
}

ServiceJson named(const ServiceOptions& service) {
  ServiceJson request = {{"service", service.name}};
  if (!service.cluster.empty()) request["cluster"] = service.cluster;
  return request;
}

Result<ServiceJson> read_request(const std::string& file) {
  std::string text = TRY(read_task_input(file));
  ServiceJson json = ServiceJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) return json;
  return fail(Errc::kInvalid, "{}: must be a JSON object, as --cli-input-json of aws ecs takes it",
              file);
}

// What a change answered: the ARN, and what comes of it when that is to be waited for.
Result<int> tell_change(const agent::Config& config, const ServiceJson& answer, bool wait) {
  const ServiceJson& service = answer.at("service");
  std::printf("%s\n", service.value("serviceArn", "").c_str());
  if (!wait) return 0;
  ServiceOptions options;
  options.cluster = service.value("clusterArn", "");
  options.name = service.value("serviceName", "");
  return watch_service(config, options);
}

Result<int> create_service(const agent::Config& config, const CreateServiceOptions& options) {
  ServiceJson request = TRY(read_request(options.file));
  return tell_change(config, TRY(ask_ecs(config, "CreateService", request)), options.wait);
}

Result<int> update_service(const agent::Config& config, const UpdateServiceOptions& options) {
  ServiceJson request = ServiceJson::object();
  if (!options.file.empty()) request = TRY(read_request(options.file));
  request.update(named(options.service));
  if (!options.task_definition.empty()) request["taskDefinition"] = options.task_definition;
  if (options.desired_count) request["desiredCount"] = *options.desired_count;
  if (options.force) request["forceNewDeployment"] = true;
  return tell_change(config, TRY(ask_ecs(config, "UpdateService", request)), options.wait);
}

Result<int> rollback_service(const agent::Config& config, const RollbackOptions& options) {
  ServiceJson service = TRY(describe_service(config, options.service));
  std::string deployment = service.value("currentServiceDeployment", "");
  ServiceJson request = {{"serviceDeploymentArn", deployment}, {"stopType", "ROLLBACK"}};
  auto stopped = ask_ecs(config, "StopServiceDeployment", request);
  if (!stopped) {
    return wrap(std::move(stopped).error(),
                "service {} (berth service update --task-definition takes it to any revision)",
                options.service.name);
  }
  return tell_change(config, {{"service", std::move(service)}}, options.wait);
}

Result<int> hold_service(const agent::Config& config, const HoldOptions& options) {
  ServiceJson request = named(options.service);
  request["x-berth-hold"] = options.is_held;
  return tell_change(config, TRY(ask_ecs(config, "UpdateService", request)), /*wait=*/false);
}

// The hook that waits, or is named. kNotFound: none does.
Result<std::string> waiting_hook_of(const ServiceJson& deployment, const ContinueOptions& options) {
  std::vector<std::string> waiting;
  if (auto hooks = deployment.find("lifecycleHookDetails"); hooks != deployment.end()) {
    for (const ServiceJson& hook : *hooks) {
      if (hook.value("status", "") == "AWAITING_ACTION")
        waiting.push_back(hook.value("hookId", ""));
    }
  }
  if (!options.hook.empty()) return options.hook;
  if (waiting.size() == 1) return waiting.front();
  if (waiting.empty()) {
    return fail(Errc::kNotFound, "service {}: no hook of its deployment waits for an answer",
                options.service.name);
  }
  return fail(Errc::kInvalid, "service {}: {} hooks wait; say which with --hook: {}",
              options.service.name, waiting.size(), join(waiting, ", "));
}

Result<int> continue_service(const agent::Config& config, const ContinueOptions& options) {
  ServiceJson service = TRY(describe_service(config, options.service));
  std::string arn = service.value("currentServiceDeployment", "");
  ServiceJson deployment = TRY(describe_deployment(config, arn));
  std::string hook = TRY(waiting_hook_of(deployment, options));
  ServiceJson request = {{"serviceDeploymentArn", arn}, {"hookId", hook}, {"action", "CONTINUE"}};
  auto answered = ask_ecs(config, "ContinueServiceDeployment", request);
  if (!answered) return wrap(std::move(answered).error(), "service {}", options.service.name);
  return tell_change(config, {{"service", std::move(service)}}, options.wait);
}

Status remove_services(const agent::Config& config, const RemoveServicesOptions& options) {
  for (const std::string& name : options.names) {
    ServiceJson request = named({.cluster = options.cluster, .name = name});
    request["force"] = options.force;
    auto removed = ask_ecs(config, "DeleteService", request);
    if (!removed) return wrap(std::move(removed).error(), "service {}", name);
    std::printf("%s\n", name.c_str());
  }
  return {};
}

// All items of a list that comes in pages.
Result<std::vector<std::string>> list_all(const agent::Config& config, const char* operation,
                                          const char* key, ServiceJson request) {
  std::vector<std::string> items;
  request["maxResults"] = kListedAtOnce;
  for (;;) {
    ServiceJson page = TRY(ask_ecs(config, operation, request));
    for (const ServiceJson& item : page.at(key)) items.push_back(item.get<std::string>());
    if (!page.contains("nextToken")) return items;
    request["nextToken"] = page["nextToken"];
  }
}

Result<ServiceJson> services_of(const agent::Config& config, const std::string& cluster) {
  auto arns =
      TRY(list_all(config, "ListServices", "serviceArns", ServiceJson{{"cluster", cluster}}));
  ServiceJson services = ServiceJson::array();
  for (size_t begin = 0; begin < arns.size(); begin += kDescribedAtOnce) {
    size_t end = std::min(arns.size(), begin + kDescribedAtOnce);
    std::vector<std::string> some(arns.begin() + static_cast<std::ptrdiff_t>(begin),
                                  arns.begin() + static_cast<std::ptrdiff_t>(end));
    ServiceJson request = {{"cluster", cluster}, {"services", some}};
    ServiceJson answer = TRY(ask_ecs(config, "DescribeServices", request));
    for (ServiceJson& service : answer["services"]) services.push_back(std::move(service));
  }
  return services;
}

std::string rollout_of(const ServiceJson& service) {
  const ServiceJson& deployments = service.at("deployments");
  return deployments.empty() ? "" : deployments.front().value("rolloutState", "");
}

void print_services(const ServiceJson& services) {
  Table table({"CLUSTER", "SERVICE", "STATUS", "DESIRED", "RUNNING", "PENDING", "TASK DEFINITION",
               "ROLLOUT"});
  auto number = [](const ServiceJson& service, const char* key) {
    return std::to_string(service.value(key, 0));
  };
  for (const ServiceJson& service : services) {
    table.add({after_last(service.value("clusterArn", ""), '/'), service.value("serviceName", ""),
               service.value("status", ""), number(service, "desiredCount"),
               number(service, "runningCount"), number(service, "pendingCount"),
               after_last(service.value("taskDefinition", ""), '/'), rollout_of(service)});
  }
  std::printf("%s", table.render().c_str());
}

Status list_services(const agent::Config& config, const ListServicesOptions& options) {
  std::vector<std::string> clusters = {options.cluster};
  if (options.cluster.empty()) {
    clusters = TRY(list_all(config, "ListClusters", "clusterArns", ServiceJson::object()));
  }
  ServiceJson all = ServiceJson::array();
  for (const std::string& cluster : clusters) {
    ServiceJson services = TRY(services_of(config, cluster));
    for (ServiceJson& service : services) all.push_back(std::move(service));
  }
  if (options.json) {
    std::printf("%s\n", all.dump(2).c_str());
  } else if (options.quiet) {
    for (const ServiceJson& each : all) {
      std::printf("%s\n", each.value("serviceName", "").c_str());
    }
  } else {
    print_services(all);
  }
  return {};
}

int exit_code_of(const Result<int>& result) {
  return result ? *result : report(result.error());
}

}  // namespace

Result<ServiceJson> describe_service(const agent::Config& config, const ServiceOptions& service) {
  ServiceJson request = {{"services", {service.name}}, {"include", {"CAUSES", "TAGS"}}};
  if (!service.cluster.empty()) request["cluster"] = service.cluster;
  ServiceJson answer = TRY(ask_ecs(config, "DescribeServices", request));
  ServiceJson& services = answer["services"];
  if (!services.empty()) return std::move(services.front());
  return fail(Errc::kNotFound, "service {}: the cluster {} has none of that name", service.name,
              service.cluster.empty() ? "default" : service.cluster);
}

int create_service_command(const agent::Config& config, const CreateServiceOptions& options) {
  return exit_code_of(create_service(config, options));
}
int update_service_command(const agent::Config& config, const UpdateServiceOptions& options) {
  return exit_code_of(update_service(config, options));
}
int rollback_service_command(const agent::Config& config, const RollbackOptions& options) {
  return exit_code_of(rollback_service(config, options));
}
int continue_service_command(const agent::Config& config, const ContinueOptions& options) {
  return exit_code_of(continue_service(config, options));
}
int hold_service_command(const agent::Config& config, const HoldOptions& options) {
  return exit_code_of(hold_service(config, options));
}
int remove_services_command(const agent::Config& config, const RemoveServicesOptions& options) {
  return exit_code(remove_services(config, options));
}
int list_services_command(const agent::Config& config, const ListServicesOptions& options) {
  return exit_code(list_services(config, options));
}
int watch_service_command(const agent::Config& config, const ServiceOptions& options) {
  return exit_code_of(watch_service(config, options));
}

}  // namespace berth::tools
