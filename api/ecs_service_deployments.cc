// The way from one revision of a service to the next: listed, described, stopped, continued.
#include "api/ecs_page.h"
#include "api/ecs_service_shapes.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::ecs {
namespace {

using scheduler::ServiceDeployment;

constexpr size_t kItemBatchMax = 20;
constexpr PageSize kDeploymentPage{.usual = 20, .max = 100};
// berth's own member of `include`: until when a deployment bakes, at which stage its hooks are.
constexpr const char* kWaits = "WAITS";

struct DeploymentFilter {
  std::vector<std::string> statuses{};
  std::optional<WallTime> after{};
  std::optional<WallTime> before{};
};

DeploymentFilter read_deployment_filter(Ask& ask) {
  DeploymentFilter filter;
  filter.statuses =
      ask.words("status", {"PENDING", "SUCCESSFUL", "STOPPED", "STOP_REQUESTED", "IN_PROGRESS",
                           "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", "ROLLBACK_SUCCESSFUL",
                           "ROLLBACK_FAILED"});
  if (auto created = ask.object("createdAt")) {
    filter.after = ask.time(*created, "after");
    filter.before = ask.time(*created, "before");
  }
  return filter;
}

bool matches(const ServiceDeployment& deployment, const DeploymentFilter& filter) {
  if (filter.after && deployment.created_at <= *filter.after) return false;
  if (filter.before && deployment.created_at >= *filter.before) return false;
  return filter.statuses.empty() || std::find(filter.statuses.begin(), filter.statuses.end(),
                                              name_of(deployment.status)) != filter.statuses.end();
}

// The ARNs of a batch.
std::vector<std::string> read_items(Ask& ask, const char* key) {
  std::vector<std::string> texts = ask.texts(key, kItemBatchMax);
  if (texts.empty()) ask.invalid(fmt::format("{} can not be empty.", key));
  return texts;
}

// Null: refused.
const ServiceDeployment* find_named_deployment(const Ecs& ecs, Ask& ask) {
  std::string text = ask.required_text("serviceDeploymentArn");
  const ServiceDeployment* found =
      ask.refused() ? nullptr : find_service_deployment(ecs, ask, text);
  if (found == nullptr) {
    ask.refuse("ServiceDeploymentNotFoundException", "The service deployment was not found.");
  }
  return found;
}

}  // namespace

Json list_service_deployments(Ecs& ecs, Ask& ask) {
  const scheduler::Service* service = find_service(ecs, ask);
  DeploymentFilter filter = read_deployment_filter(ask);
  if (ask.refused()) return {};
  std::vector<std::string> ids;
  for (const ServiceDeployment* each : ecs.core.services().deployments_of(service->key)) {
    if (matches(*each, filter)) ids.push_back(each->id);
  }
  Page page = page_of(ask, ids, kDeploymentPage);
  Json list = Json::array();
  for (const std::string& id : page.items) {
    list.push_back(service_deployment_row(ecs, *ecs.core.services().find_deployment(id)));
  }
  Json answer = {{"serviceDeployments", std::move(list)}};
  if (!page.next_token.empty()) answer["nextToken"] = page.next_token;
  return answer;
}

Json describe_service_deployments(Ecs& ecs, Ask& ask) {
  Waits waits = ask.words("include", {kWaits}).empty() ? Waits::kWithout : Waits::kWith;
  Json list = Json::array();
  std::vector<Failure> failures;
  for (const std::string& text : read_items(ask, "serviceDeploymentArns")) {
    const ServiceDeployment* found = find_service_deployment(ecs, ask, text);
    if (ask.refused()) return {};
    if (found != nullptr) {
      list.push_back(service_deployment_json(ecs, *found, waits));
    } else {
      failures.push_back({missing_arn(ecs, text, "service-deployment/")});
    }
  }
  return {{"serviceDeployments", std::move(list)}, {"failures", failures_json(failures)}};
}

Json describe_service_revisions(Ecs& ecs, Ask& ask) {
  Json list = Json::array();
  std::vector<Failure> failures;
  for (const std::string& text : read_items(ask, "serviceRevisionArns")) {
    const scheduler::ServiceRevision* found = find_service_revision(ecs, ask, text);
    if (ask.refused()) return {};
    if (found != nullptr) {
      list.push_back(service_revision_json(ecs, *found));
    } else {
      failures.push_back({missing_arn(ecs, text, "service-revision/")});
    }
  }
  return {{"serviceRevisions", std::move(list)}, {"failures", failures_json(failures)}};
}

Json stop_service_deployment(Ecs& ecs, Ask& ask) {
  std::string type = ask.word("stopType", {"ABORT", "ROLLBACK"});
  const ServiceDeployment* found = find_named_deployment(ecs, ask);
  if (ask.refused()) return {};
  std::string arn = service_deployment_arn(ecs, found->service, found->id);
  if (is_over(found->status)) {
    Refusal refusal;
    refusal.code = "ConflictException";
    refusal.message = "The service deployment is over and cannot be stopped.";
    refusal.resource_ids = {arn};
    ask.refuse(std::move(refusal));
    return {};
  }
  auto stop = type == "ABORT" ? scheduler::StopType::kAbort : scheduler::StopType::kRollback;
  ecs.core.submit(scheduler::DeploymentStopRequested{found->id, stop});
  ask.check(ecs.step());
  return {{"serviceDeploymentArn", std::move(arn)}};
}

Json continue_service_deployment(Ecs& ecs, Ask& ask) {
  std::string hook = ask.required_text("hookId");
  bool is_rollback = ask.word("action", {"ROLLBACK", "CONTINUE"}) == "ROLLBACK";
  const ServiceDeployment* found = find_named_deployment(ecs, ask);
  if (ask.refused()) return {};
  bool waits = std::any_of(found->hooks.begin(), found->hooks.end(), [&](const auto& run) {
    return run.id == hook && run.status == scheduler::HookStatus::kAwaitingAction;
  });
  if (!waits || is_over(found->status)) {
    ask.invalid("hookId: the service deployment has no hook of that id that awaits an action.");
    return {};
  }
  std::string arn = service_deployment_arn(ecs, found->service, found->id);
  scheduler::HookAnswered answered;
  answered.service_deployment = found->id;
  answered.hook = hook;
  answered.is_success = !is_rollback;
  ecs.core.submit(std::move(answered));
  ask.check(ecs.step());
  return {{"serviceDeploymentArn", std::move(arn)}};
}

}  // namespace berth::api::ecs
