#include "agent/role_credentials.h"

#include "aws/endpoint.h"
#include "aws/profile_credentials.h"
#include "aws/sts.h"
#include "aws/time.h"
#include "base/log.h"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace berth::agent {
namespace {

std::string profile_of(const RoleRule& rule) {
  return rule.assume ? rule.assume->profile : rule.profile;
}

}  // namespace

RoleCredentials::RoleCredentials(RoleRequest request, aws::Http& http, Clock& clock)
    : request_(std::move(request)),
      http_(http),
      clock_(clock),
      chain_({request_.environment, profile_of(request_.rule)}, http, clock) {}

bool RoleCredentials::is_due(WallTime now) const {
  if (!kept_) return true;
  Duration left = *kept_->expires - now;
  Duration whole = *kept_->expires - since_;
  return left < std::min(kRoleRefreshAhead, whole / 2);
}

Result<aws::Credentials> RoleCredentials::get() {
  WallTime now = clock_.wall();
  if (!is_due(now)) return *kept_;
  auto found = look();
  if (found) {
    if (!found->expires) found->expires = now + kLastingShownAs;
    kept_ = *found;
    since_ = now;
    return found;
  }
  if (!kept_ || *kept_->expires <= now) return found;
  LOG(kWarn, "credentials of a task role not renewed, the old ones are still good",
      {{"role", request_.role_arn}, {"why", found.error().text}});
  return *kept_;
}

Result<aws::Credentials> RoleCredentials::look() {
  if (request_.rule.keys) return *request_.rule.keys;
  if (request_.rule.assume) return assume(*request_.rule.assume);
  return chain_.renew(request_.region);
}

Result<aws::Credentials> RoleCredentials::assume(const AssumeRule& rule) {
  std::string region = rule.region.empty() ? request_.region : rule.region;
  aws::Credentials own = TRY(chain_.get(region));
  aws::Sts sts;
  if (rule.endpoint.empty()) {
    aws::SharedConfig config = TRY(aws::load_shared_config(request_.environment));
    auto profile = TRY(chain_.profile());
    aws::ChainContext context{request_.environment, config, region, http_, clock_};
    sts = TRY(aws::find_sts(context, profile ? &*profile : nullptr));
  } else {
    sts = {TRY(aws::parse_url(rule.endpoint)), region};
  }
  if (!rule.region.empty()) sts.region = rule.region;
  aws::Role role{request_.role_arn, request_.session_name, rule.external_id, rule.duration_seconds};
  auto response = TRY(http_.send(aws::assume_role(sts, role, own, clock_.wall())));
  return aws::parse_sts_answer(response, "AssumeRole");
}

std::string render_role_answer(const std::string& role_arn, const aws::Credentials& credentials) {
  nlohmann::ordered_json answer = {{"RoleArn", role_arn},
                                   {"AccessKeyId", credentials.key_id},
                                   {"SecretAccessKey", credentials.secret_key.reveal()},
                                   {"Token", credentials.session_token.reveal()}};
  if (credentials.expires) {
    answer["Expiration"] = aws::format_rfc3339_seconds(*credentials.expires);
  }
  return answer.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace berth::agent
