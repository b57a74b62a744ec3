// Authentication: whose request it is, by its signature. Pure.
//
// There are no policies: whoever has proved to hold a key may do everything.
#pragma once

#include "api/root_key.h"
#include "api/service.h"
#include "aws/sigv4.h"
#include "base/env.h"

#include <tl/expected.hpp>

#include <string>

namespace berth::api {

// Whose host this is.
struct Host {
  std::string account;  // 12 digits
  std::string region;   // of those who say none
};

// "arn:aws:iam::123456789012:root", in the partition of the region.
std::string root_arn(const std::string& account, const std::string& region);

enum class Doubt {
  kMissing,     // not signed at all
  kIncomplete,  // signed in a way that cannot be read
  kUnknownKey,
  kExpiredKey,  // temporary keys beyond their time
  kSignature,   // another signature than the holder of the key would have made, now
};

struct Unproved {
  Doubt doubt = Doubt::kMissing;
  std::string text;  // in Amazon's words
};

struct Proof {
  const RootKey& key;
  const Host& host;
  std::string service;  // that the request is for
  WallTime now{};
};

// Of a request that must prove who sends it. `body` is what was sent with it.
tl::expected<Caller, Unproved> authenticate(const aws::Request& request, const std::string& body,
                                            const Proof& proof);

// Of a request that is root's, wherever it comes from: its signature only says for which region.
Caller trusted_caller(const aws::Request& request, const Host& host);

// The service that the request says it is signed for, "" when it is not.
std::string scope_service_of(const aws::Request& request);

}  // namespace berth::api
