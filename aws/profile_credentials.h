// The credentials that a profile leads to.
//
//   role_arn + source_profile             that profile's credentials, then STS AssumeRole
//   role_arn + credential_source          Environment, EcsContainer or Ec2InstanceMetadata,
//   likewise role_arn + web_identity_token_file    STS AssumeRoleWithWebIdentity aws_access_key_id,
//   ...                as they stand sso_account_id, sso_role_name, ...    of who has signed in
//   with `aws sso login` credential_process                    a program prints them
//
// A profile that has nothing of that leads nowhere; one that wants what berth cannot do (a person
// with a one-time password) is an error that says what to do instead.
#pragma once

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/http.h"
#include "aws/shared_config.h"
#include "aws/sts.h"
#include "base/env.h"
#include "base/result.h"

#include <optional>
#include <string>
#include <vector>

namespace berth::aws {

constexpr size_t kProfilesMax = 16;  // that lead from one to the next
constexpr int kProcessSecondsMax = 60;

// All borrowed.
struct ChainContext {
  const Environment& environment;
  const SharedConfig& config;
  std::string region;  // of STS, where neither environment nor profile names one
  Http& http;
  Clock& clock;
};

// STS where environment and profile say that it is.
Result<Sts> find_sts(const ChainContext& context, const Profile* profile);

// Reads the token anew each time: who provides it replaces the file.
Result<Credentials> web_identity_credentials(const ChainContext& context, const Profile* profile,
                                             Role role, const std::string& token_file);

// "berth-1700000000", for roles that name no session.
std::string default_session_name(WallTime now);

Result<std::optional<Credentials>> profile_credentials(const ChainContext& context,
                                                       const std::string& name);

}  // namespace berth::aws
