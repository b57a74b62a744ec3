// CredentialChain: whose credentials we have, looked for where AWS's own tools look and in their
// order.
//
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN       (aws/sts.h)
//   3. the profile of AWS_PROFILE, or "default"        (aws/profile_credentials.h)
//   4. the endpoint of a container                     (aws/container_credentials.h)
//   5. the metadata service of an instance             (aws/instance_credentials.h)
//
// A source that is there but fails is an error: the next one would be somebody else's keys. A
// profile that is named explicitly (not by AWS_PROFILE) goes before everything.
//
// What expires is renewed ahead of it; while a renewal fails, what has not expired yet will do.
#pragma once

#include "aws/credentials.h"
#include "aws/environment.h"
#include "aws/http.h"
#include "aws/shared_config.h"
#include "base/env.h"
#include "base/result.h"

#include <mutex>
#include <optional>
#include <string>

namespace berth::aws {

// How long before its end a set of keys is renewed.
constexpr Duration kRefreshAhead = std::chrono::minutes(10);

struct ChainOptions {
  Environment environment;
  std::string profile;  // named explicitly; may be empty
};

class CredentialChain {
 public:
  // `http` and `clock` are borrowed.
  CredentialChain(ChainOptions options, Http& http, Clock& clock);

  // `region` is STS's where nothing else names one. Errors: kDenied "no AWS credentials" with every
  // source and why it has none; else what the source that is there says. Blocking; safe from
  // several threads.
  Result<Credentials> get(const std::string& region);
  // The same, but looked for anew: a service has refused what get() gave.
  Result<Credentials> renew(const std::string& region);

  const Environment& environment() const { return options_.environment; }
  // The profile in force, as the files are now; nothing when they do not have it.
  Result<std::optional<Profile>> profile() const;

 private:
  std::string profile_name() const;
  Result<Credentials> look(const std::string& region);

  ChainOptions options_;
  Http& http_;
  Clock& clock_;

  std::mutex mutex_;  // of what follows; held while they are looked for: the others wait
  std::optional<Credentials> kept_;
};

}  // namespace berth::aws
