// RegistrySource: one repository of a registry, OCI distribution specification 1.1.
//
//   request ---> 401 ---> WWW-Authenticate: Bearer: token from its realm, kept until refused
//           |                               Basic:  user and password
//           +--> 429, 5xx, no answer: again after Retry-After or a doubling back-off with jitter
//           +--> cut short in a blob: again with Range from the next byte; progress resets the
//           count
//
// Plain HTTP is spoken to loopback and to the registries that are configured as insecure, which may
// answer that they want HTTPS; all others get HTTPS only.
#pragma once

#include "base/env.h"
#include "image/cancel.h"
#include "image/challenge.h"
#include "image/credentials.h"
#include "image/puller.h"
#include "image/reference.h"
#include "image/source.h"
#include "image/transport.h"

#include <mutex>
#include <string>
#include <vector>

namespace berth::image {

// Whether plain HTTP may be spoken to "host[:port]".
bool is_plain_allowed(const std::string& registry, const std::vector<std::string>& insecure);

class RegistrySource final : public Source {
 public:
  // `config` and `cancel` are borrowed; `cancel` may be absent.
  RegistrySource(Reference reference, const RegistryConfig& config, Env env, Cancel* cancel);

  Result<Descriptor> resolve() override;
  Result<std::string> manifest(const Descriptor& descriptor) override;
  Status blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  struct Want {
    Method method;
    std::string path;  // "/manifests/latest"
    Sink sink;         // may be empty
  };
  std::string url(const std::string& path);
  // A 2xx answer; repeats attempts as long as it makes sense.
  Result<HttpResponse> request(const Want& want);
  // Any answer but "unauthorized" while we have something to show.
  Result<HttpResponse> attempt(const Want& want, uint64_t offset);
  bool switch_to_https(const HttpResponse& response);
  Status wait_before_attempt(int failures, Duration at_least);
  Status authenticate(const HttpResponse& refused, const std::string& refused_with);
  Result<Secret> answer(const std::vector<Challenge>& challenges);
  Result<Secret> fetch_token(const Challenge& challenge);
  Error error_of(const HttpResponse& response, const Want& want);

  Reference reference_;
  const RegistryConfig& config_;
  Env env_;
  Cancel* cancel_;
  HttpClient client_;

  std::mutex mutex_;  // of what follows
  std::string scheme_;
  Secret authorization_;
};

}  // namespace berth::image
