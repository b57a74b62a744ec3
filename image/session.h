// RegistrySession: requests to one repository at one endpoint, OCI distribution specification 1.1.
//
//   request ---> 401 ---> Authenticator, then the same request again
//           +--> 429, 5xx, no answer: again after Retry-After or a doubling back-off with jitter
//           +--> cut short in a blob: again with Range from the next byte; progress resets the
//           count
//
// Plain HTTP is spoken where the endpoint says so, and may be answered that HTTPS is wanted.
#pragma once

#include "base/env.h"
#include "image/authenticator.h"
#include "image/cancel.h"
#include "image/endpoint.h"
#include "image/puller.h"
#include "image/transport.h"

#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace berth::image {

struct RegistryRequest {
  Method method = Method::kGet;
  // Below the repository ("/manifests/latest"), or a whole URL that the registry gave (where an
  // upload goes on); another host gets no credentials.
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
  HttpBody body;
  size_t body_max = kBodyMax;
  Sink sink;            // of a 2xx answer's body
  uint64_t offset = 0;  // how much of it the sink has
  uint64_t size = 0;    // of the whole of it; 0: unknown
  int retried = 0;      // how often it was repeated
};

class RegistrySession {
 public:
  // `scopes`: see Authenticator. `config` and `cancel` are borrowed; `cancel` may be absent.
  RegistrySession(Endpoint endpoint, std::string repository, std::vector<std::string> scopes,
                  const RegistryConfig& config, Env env, Cancel* cancel);
  RegistrySession(const RegistrySession&) = delete;
  RegistrySession& operator=(const RegistrySession&) = delete;
  ~RegistrySession() = default;

  const Endpoint& endpoint() const { return endpoint_; }
  // "https://registry.example/v2/app/manifests/latest".
  std::string url(const std::string& path);

  // Once: any answer but a 401 to which we have something to say. Errors as HttpClient's, and
  // kDenied.
  Result<HttpResponse> perform(const RegistryRequest& request);

  // A 2xx answer; repeats as long as it makes sense, and goes on where a cut left off. However it
  // ends, request.offset is what the sink has got, so that another endpoint may go on from there.
  Result<HttpResponse> request(RegistryRequest& request);

  // What an answer other than 2xx means: kNotFound, kDenied, kUnavailable or kInvalid.
  Error error_of(const HttpResponse& response, const RegistryRequest& request);

  // Waits before try number `failures` + 1, at least as long as the answer asks; kCancelled.
  Status wait_before_retry(int failures, const HttpResponse* refused);

 private:
  Result<HttpResponse> attempt(RegistryRequest& request);
  std::string scheme();
  std::string url(const std::string& scheme, const std::string& path) const;
  // Whether a request by the scheme `asked` is worth another try by https.
  bool switch_to_https(const std::string& asked, const HttpResponse& response);
  Duration asked_to_wait(const HttpResponse& refused);

  Endpoint endpoint_;
  std::string repository_;
  const RegistryConfig& config_;
  Env env_;
  Cancel* cancel_;
  HttpClient client_;
  Authenticator authenticator_;

  std::mutex mutex_;  // of what follows
  std::string scheme_;
};

}  // namespace berth::image
