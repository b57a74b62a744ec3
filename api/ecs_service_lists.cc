// Services that are there: described and listed.
#include "api/ecs_page.h"
#include "api/ecs_service_dependencies.h"
#include "api/ecs_service_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::Service;

constexpr size_t kServiceBatchMax = 10;
// berth's own: each event with what led to it, and members that AWS has not.
constexpr const char* kCauses = "CAUSES";
constexpr PageSize kServicePage{.usual = 10, .max = 100};

struct ServiceFilter {
  std::string launch_type{};
  std::string scheduling{};
  bool of_ecs = false;  // resources that ECS itself manages: there are none
};

ServiceFilter read_service_filter(Ask& ask) {
  ServiceFilter filter;
  filter.launch_type = ask.word("launchType", {"EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"});
  filter.scheduling = ask.word("schedulingStrategy", {"REPLICA", "DAEMON"});
  filter.of_ecs = ask.word("resourceManagementType", {"CUSTOMER", "ECS"}) == "ECS";
  return filter;
}

bool matches(const Ecs& ecs, const Service& service, const ServiceFilter& filter) {
  if (filter.of_ecs || service.status != scheduler::ServiceStatus::kActive) return false;
  const scheduler::ServiceConfiguration& configuration = service.configuration;
  if (!filter.scheduling.empty() && filter.scheduling != name_of(configuration.scheduling)) {
    return false;
  }
  return filter.launch_type.empty() || filter.launch_type == launch_type_of(ecs, service);
}

void put_pre_stop(Json& json, const scheduler::ServiceRevision* revision) {
  if (revision == nullptr || revision->spec.request.pre_stop.empty()) return;
  Json list = Json::array();
  for (const auto& [container, command] : revision->spec.request.pre_stop) {
    list.push_back({{"containerName", container}, {"command", command}});
  }
  json[kPreStop] = std::move(list);
}

bool has_word(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

}  // namespace

Json describe_services(Ecs& ecs, Ask& ask) {
  std::vector<std::string> include = ask.words("include", {"TAGS", kCauses});
  Tags tags = has_word(include, "TAGS") ? Tags::kWith : Tags::kWithout;
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  std::vector<std::string> texts = ask.batch("services", kServiceBatchMax, "service names");
  if (texts.empty()) ask.invalid("Services cannot be empty.");
  Json services = Json::array();
  std::vector<Failure> failures;
  for (const std::string& text : texts) {
    if (ask.refused()) return {};
    std::string name = service_name_of(ecs, ask, text, cluster->name);
    const Service* service = ecs.core.services().find({cluster->name, name});
    if (service != nullptr) {
      services.push_back(service_json(ecs, *service, tags));
      if (has_word(include, kCauses)) {
        services.back()["events"] = service_causes_json(ecs, *service);
        const std::vector<std::string>& others = service->configuration.depends_on;
        if (!others.empty()) services.back()[kDependsOn] = others;
        if (service->configuration.is_held) services.back()[kHold] = true;
        put_pre_stop(services.back(), current_revision_of(ecs, *service));
      }
    } else {
      failures.push_back({missing_arn(ecs, text, fmt::format("service/{}/", cluster->name))});
    }
  }
  return {{"services", std::move(services)}, {"failures", failures_json(failures)}};
}

Json list_services(Ecs& ecs, Ask& ask) {
  const scheduler::Cluster* cluster = find_cluster(ecs, ask);
  ServiceFilter filter = read_service_filter(ask);
  if (ask.refused()) return {};
  std::vector<std::string> arns;
  for (const Service* service : services_of(ecs, cluster->name)) {
    if (matches(ecs, *service, filter)) arns.push_back(service_arn(ecs, service->key));
  }
  return render_page("serviceArns", page_of(ask, arns, kServicePage));
}

// A service gets into a namespace by Service Connect, which none has.
Json list_services_by_namespace(Ecs&, Ask& ask) {
  ask.required_text("namespace");
  return render_page("serviceArns", page_of(ask, {}, kServicePage));
}

}  // namespace berth::api::ecs
