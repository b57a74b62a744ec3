// RoleCredentials: the keys of a task's role, as its endpoint hands them out.
#pragma once

#include "agent/role_settings.h"
#include "aws/chain.h"
#include "aws/credentials.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"

#include <optional>
#include <string>

namespace berth::agent {

// SDKs ask again a quarter of an hour before the end; what they get then must be better.
constexpr Duration kRoleRefreshAhead = std::chrono::minutes(20);
// How long what does not expire is said to be good.
constexpr Duration kLastingShownAs = std::chrono::hours(1);

struct RoleRequest {
  RoleRule rule;
  std::string role_arn;
  std::string session_name;  // the task's id, as on AWS
  std::string region;        // of the instance
  aws::Environment environment;
};

class RoleCredentials {
 public:
  // `http` and `clock` are borrowed.
  RoleCredentials(RoleRequest request, aws::Http& http, Clock& clock);

  // Fresh, or kept from before: renewed when less than kRoleRefreshAhead of their time is left, or
  // less than half of it. While a renewal fails, what has not expired yet will do. They always have
  // an expiry time. Blocking; for one thread.
  Result<aws::Credentials> get();

 private:
  Result<aws::Credentials> look();
  Result<aws::Credentials> assume(const AssumeRule& rule);
  bool is_due(WallTime now) const;

  RoleRequest request_;
  aws::Http& http_;
  Clock& clock_;
  aws::CredentialChain chain_;  // of the host
  std::optional<aws::Credentials> kept_;
  WallTime since_{};  // when they were looked for
};

// The answer to /v2/credentials/<id>, as JSON text.
std::string render_role_answer(const std::string& role_arn, const aws::Credentials& credentials);

}  // namespace berth::agent
