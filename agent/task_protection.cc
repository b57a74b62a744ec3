#include "agent/task_protection.h"

#include "base/text.h"

#include <nlohmann/json.hpp>

namespace berth::agent {
namespace {

constexpr const char* kUndecodable = "UpdateTaskProtection: failed to decode request";
constexpr const char* kInvalidParameter = "InvalidParameterException";

http::Response protection_answer(int status, const nlohmann::ordered_json& body) {
  return {.status = status,
          .body = body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

}  // namespace

// As Go's decoder that allows no unknown fields.
Result<ProtectionRequest> parse_protection_request(std::string_view body) {
  auto undecodable = [] { return fail(Errc::kInvalid, "{}", kUndecodable); };
  nlohmann::json members = nlohmann::json::parse(body, nullptr, false);
  ProtectionRequest request;
  if (members.is_null()) return request;
  if (!members.is_object()) return undecodable();
  for (const auto& [name, value] : members.items()) {
    bool is_enabled = to_lower(name) == "protectionenabled";
    if (!is_enabled && to_lower(name) != "expiresinminutes") return undecodable();
    if (value.is_null()) continue;
    if (is_enabled) {
      if (!value.is_boolean()) return undecodable();
      request.enabled = value.get<bool>();
      continue;
    }
    bool is_too_large = value.is_number_unsigned() && value.get<uint64_t>() > uint64_t{INT64_MAX};
    if (!value.is_number_integer() || is_too_large) return undecodable();
    request.expires_in_minutes = value.get<int64_t>();
  }
  return request;
}

http::Response protection_error(int status, const std::string& arn, const char* code,
                                const std::string& message) {
  nlohmann::ordered_json error = nlohmann::ordered_json::object();
  if (!arn.empty()) error["Arn"] = arn;
  error["Code"] = code;
  error["Message"] = message;
  return protection_answer(status, {{"error", error}});
}

std::optional<http::Response> refuse_protection(const ProtectionAsker& asker,
                                                const std::optional<ProtectionRequest>& request) {
  const std::string& arn = asker.task_arn;
  if (request && !request->enabled) {
    return protection_error(400, arn, kInvalidParameter,
                            "Invalid request: does not contain 'ProtectionEnabled' field");
  }
  if (!asker.has_role) {
    return protection_error(403, arn, "AccessDeniedException",
                            "Invalid Request: no task IAM role credentials available for task");
  }
  // From here on ECS would answer: what is wrong with a parameter comes before what the task is.
  if (!request || !request->expires_in_minutes) return std::nullopt;
  int64_t minutes = *request->expires_in_minutes;
  if (minutes >= 1 && minutes <= kProtectionMinutesMax) return std::nullopt;
  return protection_error(
      400, arn, kInvalidParameter,
      fmt::format("expiresInMinutes must be between 1 and {} minutes, and is {}",
                  kProtectionMinutesMax, minutes));
}

http::Response standalone_protection(const ProtectionAsker& asker) {
  nlohmann::ordered_json failure = {
      {"Arn", asker.task_arn}, {"Detail", nullptr}, {"Reason", "TASK_NOT_VALID"}};
  return protection_answer(200, {{"failure", failure}});
}

}  // namespace berth::agent
