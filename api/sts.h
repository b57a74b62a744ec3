// The Security Token Service of this host: who somebody is, and temporary keys of a role.
//
//   GetCallerIdentity   of the root key, or of temporary keys
//   AssumeRole          any role, of any account: there are no policies here, so a role is a name
//                       to be known by; the keys may do what the root key may (api/session.h)
#pragma once

#include "api/root_key.h"
#include "api/service.h"
#include "base/env.h"

#include <string>

namespace berth::api {

constexpr int64_t kSessionSecondsMin = 900;  // Amazon's own figures
constexpr int64_t kSessionSecondsMax = 43200;
constexpr int64_t kSessionSecondsDefault = 3600;

class Sts final : public Service {
 public:
  Sts(RootKey key, Env env) : key_(std::move(key)), env_(env) {}
  Answer answer(const Call& call) override;

 private:
  Answer assume_role(const Call& call);

  RootKey key_;
  Env env_;
};

}  // namespace berth::api
