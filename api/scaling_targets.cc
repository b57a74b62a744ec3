// Scalable targets: bounds of a service's desired count, and their tags.
#include "api/scaling_operations.h"
#include "api/tags.h"
#include "base/ids.h"
#include "base/text.h"
#include "scaling/record.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::api::aas {
namespace {

using scaling::ScalableTarget;

constexpr size_t kResourceIdsMax = 50;
constexpr size_t kTagKeysMax = 200;
constexpr int kTargetIdDigits = 16;

scaling::Suspended read_suspended(Ask& ask, scaling::Suspended suspended) {
  auto node = ask.object("SuspendedState");
  if (!node) return suspended;
  auto flag = [&](const char* key, bool& value) {
    value = ask.find_flag(*node, key).value_or(value);
  };
  flag("DynamicScalingInSuspended", suspended.scale_in);
  flag("DynamicScalingOutSuspended", suspended.scale_out);
  flag("ScheduledScalingSuspended", suspended.scheduled);
  return suspended;
}

Json target_json(const Scaling& scaling, const ScalableTarget& target) {
  Json json = resource_json(target.service);
  json["MinCapacity"] = target.min;
  json["MaxCapacity"] = target.max;
  json["RoleARN"] = target.role_arn;
  json["CreationTime"] = epoch_of(target.created_at);
  json["SuspendedState"] = {{"DynamicScalingInSuspended", target.suspended.scale_in},
                            {"DynamicScalingOutSuspended", target.suspended.scale_out},
                            {"ScheduledScalingSuspended", target.suspended.scheduled}};
  json["ScalableTargetARN"] = scaling.target_prefix + target.id;
  return json;
}

void check_service(Scaling& scaling, Ask& ask, const scaling::ServiceKey& key) {
  if (ask.refused()) return;
  const scheduler::Service* service = scaling.engine.services().find(key);
  if (service == nullptr || service->status != scheduler::ServiceStatus::kActive) {
    ask.invalid(fmt::format("ECS service doesn't exist: {}",
                            printable(resource_id(key), kResourceIdsMax * 10)));
    return;
  }
  const scheduler::ServiceConfiguration& configuration = service->configuration;
  if (configuration.scheduling != scheduler::SchedulingStrategy::kDaemon) return;
  ask.invalid("ResourceId: a service with the scheduling strategy DAEMON has no desired count.");
}

// Null: refused, ResourceNotFoundException.
const ScalableTarget* find_target_by_arn(Scaling& scaling, Ask& ask) {
  std::string arn = ask.required_text("ResourceARN");
  if (ask.refused()) return nullptr;
  for (const auto& [key, target] : scaling.engine.book().targets()) {
    if (scaling.target_prefix + target.id == arn) return &target;
  }
  ask.refuse("ResourceNotFoundException",
             fmt::format("The resource {} was not found.", printable(arn, 300)));
  return nullptr;
}

// Of a target, which keeps its bounds.
Json write_tags(Scaling& scaling, Ask& ask, const ScalableTarget& target) {
  scaling::Changes changes;
  changes.targets.push_back(target);
  ask.check(scaling.engine.write(changes));
  return Json::object();
}

}  // namespace

Json register_scalable_target(Scaling& scaling, Ask& ask) {
  scaling::ServiceKey service = read_resource(ask);
  auto min = read_capacity(ask, ask.root(), "MinCapacity");
  auto max = read_capacity(ask, ask.root(), "MaxCapacity");
  std::string role = ask.text("RoleARN");
  auto tags = read_tag_map(ask, "Tags");
  check_service(scaling, ask, service);
  if (ask.refused()) return {};
  const ScalableTarget* known = scaling.engine.book().find_target(service);
  ScalableTarget target;
  if (known != nullptr) {
    target = *known;
  } else {
    target.service = service;
    target.id = "0ec5" + make_hex(scaling.engine.env().rng, kTargetIdDigits) +
                make_hex(scaling.engine.env().rng, kTargetIdDigits);
    target.created_at = scaling.now;
    target.role_arn = scaling.role_arn;
    if (!min || !max) {
      ask.invalid("MinCapacity and MaxCapacity are required when a target is registered.");
    }
  }
  target.min = min.value_or(target.min);
  target.max = max.value_or(target.max);
  if (target.min > target.max) {
    ask.invalid(fmt::format("MaxCapacity cannot be less than MinCapacity: {} is less than {}.",
                            target.max, target.min));
  }
  if (!role.empty()) target.role_arn = role;
  target.suspended = read_suspended(ask, target.suspended);
  for (auto& [key, value] : tags) target.tags[key] = value;
  if (ask.refused()) return {};
  ask.check(scaling.engine.put_target(target));
  return {{"ScalableTargetARN", scaling.target_prefix + target.id}};
}

Json deregister_scalable_target(Scaling& scaling, Ask& ask) {
  const ScalableTarget* target =
      find_target(scaling, ask, read_resource(ask), "scalable target found");
  if (target == nullptr) return {};
  ask.check(scaling.engine.remove_target(scaling::ServiceKey(target->service)));
  return Json::object();
}

Json describe_scalable_targets(Scaling& scaling, Ask& ask) {
  (void)read_resource_filter(ask);  // this list has ResourceIds; the namespace is checked
  std::vector<std::string> wanted;
  for (const std::string& each : ask.texts("ResourceIds", kResourceIdsMax)) {
    wanted.push_back(scaling::key_of(service_of_resource(ask, each)));
  }
  std::vector<std::string> keys;
  for (const auto& [key, target] : scaling.engine.book().targets()) {
    if (wanted.empty() || std::ranges::find(wanted, key) != wanted.end()) keys.push_back(key);
  }
  Page page = page_of_keys(ask, keys);
  Json list = Json::array();
  for (const std::string& key : page.items) {
    list.push_back(target_json(scaling, scaling.engine.book().targets().at(key)));
  }
  Json json = {{"ScalableTargets", std::move(list)}};
  if (!page.next_token.empty()) json["NextToken"] = page.next_token;
  return json;
}

Json list_tags_for_resource(Scaling& scaling, Ask& ask) {
  const ScalableTarget* target = find_target_by_arn(scaling, ask);
  if (target == nullptr) return {};
  return {{"Tags", Json(target->tags)}};
}

Json tag_resource(Scaling& scaling, Ask& ask) {
  auto tags = read_tag_map(ask, "Tags");
  const ScalableTarget* found = find_target_by_arn(scaling, ask);
  if (found == nullptr) return {};
  ScalableTarget target = *found;
  for (auto& [key, value] : tags) target.tags[key] = value;
  if (target.tags.size() > kTagsMax) {
    ask.refuse("TooManyTagsException",
               fmt::format("A resource can have at most {} tags.", kTagsMax));
  }
  return ask.refused() ? Json() : write_tags(scaling, ask, target);
}

Json untag_resource(Scaling& scaling, Ask& ask) {
  std::vector<std::string> keys = ask.texts("TagKeys", kTagKeysMax);
  const ScalableTarget* found = find_target_by_arn(scaling, ask);
  if (found == nullptr) return {};
  ScalableTarget target = *found;
  for (const std::string& key : keys) target.tags.erase(key);
  return ask.refused() ? Json() : write_tags(scaling, ask, target);
}

}  // namespace berth::api::aas
