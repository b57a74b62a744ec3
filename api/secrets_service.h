// SecretsService: AWS Secrets Manager over the encrypted store of this host, which `berth secrets`
// and the `secrets` of task definitions have in common. secrets_operations.h lists the operations.
#pragma once

#include "api/authentication.h"
#include "api/service.h"
#include "base/env.h"
#include "secrets/secret_store.h"

#include <utility>

namespace berth::api {

class SecretsService final : public Service {
 public:
  SecretsService(secrets::SecretStore store, Host host, Env env)
      : store_(std::move(store)), host_(std::move(host)), env_(env) {}

  Answer answer(const Call& call) override;

 private:
  secrets::SecretStore store_;
  Host host_;  // of the names (ARNs) of all that there is, whatever region a client signs for
  Env env_;
};

}  // namespace berth::api
