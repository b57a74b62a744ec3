// Temporary keys, as STS gives them out. Nothing is remembered of them: the token says whose they
// are and until when, under a code that only the holder of the root key can make, and the secret
// key follows from the root key as well. So a restart forgets none and there is no number of them.
//
//   token   = CODE.EXPIRES.KEY-ID.ARN        CODE: HMAC of the rest, hexadecimal
//   secret  = HMAC of KEY-ID.ARN.EXPIRES     under another name
//
// They end with their time, or all at once with another root key. Pure.
#pragma once

#include "api/root_key.h"
#include "aws/credentials.h"
#include "base/env.h"
#include "base/result.h"

#include <string>

namespace berth::api {

struct Session {
  std::string key_id;  // "ASIA" and 16 letters and digits
  std::string arn;     // who it is: "arn:aws:sts::123456789012:assumed-role/NAME/SESSION"
  WallTime expires{};  // whole seconds
  bool operator==(const Session&) const = default;
};

aws::Credentials issue_session(const RootKey& root, const Session& session);
// Of a token that somebody shows; kDenied when it is none of ours. Whether it has expired is for
// the caller to see.
Result<Session> read_session(const RootKey& root, const Secret& token);
Secret secret_of_session(const RootKey& root, const Session& session);

}  // namespace berth::api
