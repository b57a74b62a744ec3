// Tags of alarms, which Terraform asks for whenever it looks at one.
#include "api/metrics_alarm_shapes.h"
#include "api/tags.h"
#include "base/text.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

namespace berth::api::cw {
namespace {

constexpr size_t kResourceArnMax = 1024;
constexpr size_t kAlarmTagKeysMax = 200;

const metrics::AlarmBase* alarm_of(const Metrics& metrics, const std::string& arn) {
  bool is_alarm = arn.starts_with(metrics.arn_prefix);
  return is_alarm ? metrics.alarms.find(arn.substr(metrics.arn_prefix.size())) : nullptr;
}

const metrics::AlarmBase* find_tagged(const Metrics& metrics, Ask& ask) {
  std::string arn = required(ask, ask.root(), "ResourceARN");
  if (ask.refused()) return nullptr;
  const metrics::AlarmBase* alarm = alarm_of(metrics, arn);
  if (alarm == nullptr) {
    ask.refuse("ResourceNotFoundException",
               fmt::format("There is no alarm {}.", printable(arn, kResourceArnMax)));
  }
  return alarm;
}

}  // namespace

Json tag_resource(Metrics& metrics, Ask& ask) {
  Tags added = read_tag_list(ask, "Tags", {});
  if (!ask.has("Tags")) ask.refuse("MissingParameter", "The parameter Tags is required.");
  const metrics::AlarmBase* alarm = find_tagged(metrics, ask);
  if (alarm == nullptr) return {};
  auto tags = alarm->tags;
  for (const scheduler::KeyValue& tag : added) tags[tag.name] = tag.value;
  if (tags.size() > kTagsMax) {
    ask.invalid(fmt::format("A resource can have at most {} tags.", kTagsMax));
  }
  if (ask.refused()) return {};
  refuse_alarm(ask, metrics.alarms.set_tags(alarm->name, std::move(tags), seconds_of(metrics.now)));
  return Json::object();
}

Json untag_resource(Metrics& metrics, Ask& ask) {
  std::vector<std::string> keys = ask.texts("TagKeys", kAlarmTagKeysMax);
  if (!ask.has("TagKeys")) ask.refuse("MissingParameter", "The parameter TagKeys is required.");
  const metrics::AlarmBase* alarm = find_tagged(metrics, ask);
  if (alarm == nullptr) return {};
  auto tags = alarm->tags;
  for (const std::string& key : keys) tags.erase(key);
  refuse_alarm(ask, metrics.alarms.set_tags(alarm->name, std::move(tags), seconds_of(metrics.now)));
  return Json::object();
}

// Of an alarm that is not there: none.
Json list_tags_for_resource(Metrics& metrics, Ask& ask) {
  std::string arn = required(ask, ask.root(), "ResourceARN");
  if (ask.refused()) return {};
  const metrics::AlarmBase* alarm = alarm_of(metrics, arn);
  Json tags = Json::array();
  if (alarm == nullptr) return {{"Tags", std::move(tags)}};
  for (const auto& [key, value] : alarm->tags) tags.push_back({{"Key", key}, {"Value", value}});
  return {{"Tags", std::move(tags)}};
}

}  // namespace berth::api::cw
