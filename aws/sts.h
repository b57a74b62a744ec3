// The Security Token Service: a role's keys for other keys, or for a token of an identity provider.
#pragma once

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::aws {

struct Role {
  std::string arn;
  std::string session_name;
  std::string external_id;                   // may be empty
  std::optional<uint64_t> duration_seconds;  // the role's own default without it
};

struct Sts {
  Url url;
  std::string region;
};

// https://sts.REGION.amazonaws.com and its like.
Url sts_url(const std::string& region);

// AssumeRole, signed; AssumeRoleWithWebIdentity, not signed: the token is its proof. Pure.
HttpRequest assume_role(const Sts& sts, const Role& role, const Credentials& credentials,
                        WallTime now);
HttpRequest assume_role_with_web_identity(const Sts& sts, const Role& role, const Secret& token);

// Of either; kDenied with STS's own code and message when it refused, kUnavailable when it may
// answer better later, kInvalid when it is no answer of STS.
Result<Credentials> parse_sts_answer(const HttpResponse& response, std::string_view action);

}  // namespace berth::aws
