// The keys with which a request to AWS is signed.
#pragma once

#include "base/env.h"
#include "base/secret.h"

#include <optional>
#include <string>

namespace berth::aws {

struct Credentials {
  std::string key_id;
  Secret secret_key;
  Secret session_token;             // empty: long-lived keys
  std::optional<WallTime> expires;  // nothing: never
};

}  // namespace berth::aws
