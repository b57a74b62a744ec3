// Task scale-in protection as containers ask for it, /api/<id>/task-protection/v1/state: GET says
// how it stands, PUT changes it. Requests to values, answers in the form of Amazon's agent. Pure.
//
//   200 {"protection": {"ExpirationDate", "ProtectionEnabled", "TaskArn"}}    ECS said so
//   200 {"failure": {"Arn", "Detail", "Reason"}}                              ECS would not
//   400 | 403 | 404 {"error": {"Arn", "Code", "Message"}}                     it was not asked
#pragma once

#include "base/result.h"
#include "http/message.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace berth::agent {

// Of the call that sets it; 48 hours.
constexpr int64_t kProtectionMinutesMax = 2880;

// As decoded, not yet valid: the agent tells of an unknown task in between.
struct ProtectionRequest {
  std::optional<bool> enabled;
  std::optional<int64_t> expires_in_minutes;
  bool operator==(const ProtectionRequest&) const = default;
};
// kInvalid with the text of the refusal.
Result<ProtectionRequest> parse_protection_request(std::string_view body);

// Who asks.
struct ProtectionAsker {
  std::string task_arn;
  bool has_role = false;
};

http::Response protection_error(int status, const std::string& arn, const char* code,
                                const std::string& message);
// What stands in the way of asking ECS; nothing when it may be asked. `request` is there for a PUT.
std::optional<http::Response> refuse_protection(const ProtectionAsker& asker,
                                                const std::optional<ProtectionRequest>& request);
// ECS protects tasks of services; of every other it says this.
http::Response standalone_protection(const ProtectionAsker& asker);

}  // namespace berth::agent
