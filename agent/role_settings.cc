#include "agent/role_settings.h"

#include "aws/endpoint.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr size_t kRoleShown = 200;
constexpr uint64_t kAssumeSecondsMin = 900;
constexpr uint64_t kAssumeSecondsMax = 43200;

Result<aws::Credentials> read_keys(const json::Node& node) {
  TRY(node.only({"accessKeyId", "secretAccessKey", "sessionToken"}));
  aws::Credentials keys;
  keys.key_id = TRY(node.string_at("accessKeyId"));
  keys.secret_key = Secret(TRY(node.string_at("secretAccessKey")));
  keys.session_token = Secret(TRY(node.find_string("sessionToken")).value_or(""));
  if (keys.key_id.empty() || keys.secret_key.empty()) {
    return fail(Errc::kInvalid, "{}: accessKeyId and secretAccessKey must not be empty",
                node.path());
  }
  return keys;
}

Result<AssumeRule> read_assume(const json::Node& node) {
  TRY(node.only({"profile", "stsEndpoint", "region", "externalId", "durationSeconds"}));
  AssumeRule rule;
  rule.profile = TRY(node.find_string("profile")).value_or("");
  rule.endpoint = TRY(node.find_string("stsEndpoint")).value_or("");
  rule.region = TRY(node.find_string("region")).value_or("");
  rule.external_id = TRY(node.find_string("externalId")).value_or("");
  rule.duration_seconds = TRY(node.find_u64("durationSeconds"));
  if (!rule.endpoint.empty()) {
    auto url = aws::parse_url(rule.endpoint);
    if (!url) return wrap(std::move(url).error(), "{}.stsEndpoint", node.path());
  }
  if (!rule.region.empty() && !aws::is_region(rule.region)) {
    return fail(Errc::kInvalid, "{}.region: \"{}\" is no region", node.path(),
                printable(rule.region, kRoleShown));
  }
  bool is_long_enough = !rule.duration_seconds || (*rule.duration_seconds >= kAssumeSecondsMin &&
                                                   *rule.duration_seconds <= kAssumeSecondsMax);
  if (!is_long_enough) {
    return fail(Errc::kInvalid, "{}.durationSeconds: {} is not between {} and {}", node.path(),
                *rule.duration_seconds, kAssumeSecondsMin, kAssumeSecondsMax);
  }
  return rule;
}

Result<RoleRule> read_role_rule(const json::Node& node) {
  TRY(node.only({"keys", "profile", "assumeRole"}));
  RoleRule rule;
  if (auto keys = node.find("keys")) rule.keys = TRY(read_keys(*keys));
  rule.profile = TRY(node.find_string("profile")).value_or("");
  if (auto assume = node.find("assumeRole")) rule.assume = TRY(read_assume(*assume));
  int count = (rule.keys ? 1 : 0) + (rule.profile.empty() ? 0 : 1) + (rule.assume ? 1 : 0);
  if (count == 1) return rule;
  return fail(Errc::kInvalid, "{}: must have one of keys, profile and assumeRole, not {}",
              node.path(), count);
}

// What stands behind the last '/' of an ARN of a role.
std::string name_of_role(const std::string& role) {
  return role.starts_with("arn:") ? role.substr(role.rfind('/') + 1) : role;
}

nlohmann::ordered_json render(const RoleRule& rule) {
  nlohmann::ordered_json out;
  if (rule.keys) {
    out["keys"] = {{"accessKeyId", rule.keys->key_id}, {"secretAccessKey", "***"}};
    if (!rule.keys->session_token.empty()) out["keys"]["sessionToken"] = "***";
  }
  if (!rule.profile.empty()) out["profile"] = rule.profile;
  if (!rule.assume) return out;
  nlohmann::ordered_json assume = nlohmann::ordered_json::object();
  if (!rule.assume->profile.empty()) assume["profile"] = rule.assume->profile;
  if (!rule.assume->endpoint.empty()) assume["stsEndpoint"] = rule.assume->endpoint;
  if (!rule.assume->region.empty()) assume["region"] = rule.assume->region;
  if (!rule.assume->external_id.empty()) assume["externalId"] = rule.assume->external_id;
  if (rule.assume->duration_seconds) assume["durationSeconds"] = *rule.assume->duration_seconds;
  out["assumeRole"] = assume;
  return out;
}

}  // namespace

Result<RoleSettings> read_role_settings(const json::Node& root) {
  RoleSettings settings;
  auto node = root.find("roles");
  if (!node) return settings;
  for (const auto& [role, rule] : TRY(node->as_object()))
    settings[role] = TRY(read_role_rule(rule));
  if (settings.size() > kRolesMax) {
    return fail(Errc::kInvalid, "roles: {} are more than {}", settings.size(), kRolesMax);
  }
  return settings;
}

void render_role_settings(const RoleSettings& settings, nlohmann::ordered_json& out) {
  for (const auto& [role, rule] : settings) out["roles"][role] = render(rule);
}

bool holds_keys(const RoleSettings& settings) {
  for (const auto& [role, rule] : settings) {
    if (rule.keys) return true;
  }
  return false;
}

Result<RoleRule> find_role(const RoleSettings& settings, const std::string& role) {
  for (const std::string& key : {role, name_of_role(role)}) {
    auto found = settings.find(key);
    if (found != settings.end()) return found->second;
  }
  return fail(Errc::kNotFound,
              "taskRoleArn: the role '{}' is not in \"roles\" of berth.json, which says whose keys "
              "its tasks get: add it there (docs/configuration.md, Task roles)",
              printable(role, kRoleShown));
}

}  // namespace berth::agent
