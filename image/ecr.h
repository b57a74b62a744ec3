// EcrCredentials: private registries of Amazon ECR tell themselves by their name, and their
// password is a token that ECR's own API gives to whoever has AWS credentials.
//
//   ACCOUNT.dkr.ecr.REGION.amazonaws.com     also .com.cn, -fips and ACCOUNT.dkr-ecr.REGION.on.aws
//     -> AWS credentials (aws/chain.h)
//     -> GetAuthorizationToken, signed       unless a token is kept, in memory or on disk
//     -> user AWS, password the token        for 12 hours; fetched anew ahead of that, or when the
//                                            registry refuses it
//
// On disk each token is a file of its own, DIRECTORY/<hash>.json, mode 0600 in a directory of mode
// 0700. The hash is of account, region, endpoint and key id, so that other keys never find it:
//   {"version": 1, "account", "region", "endpoint", "keyId", "user", "password", "issued",
//    "expires"}    times in seconds since 1970
#pragma once

#include "aws/chain.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"
#include "image/credentials.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace berth::image {

struct EcrRegistry {
  std::string account;  // twelve digits
  std::string region;
  bool is_fips = false;
  bool is_dual_stack = false;

  bool operator==(const EcrRegistry&) const = default;
};

// Nothing: the name is not of a private registry of ECR. (public.ecr.aws has tokens like any
// other.)
std::optional<EcrRegistry> parse_ecr_registry(const std::string& registry);

// Where ECR's API answers for it.
aws::Url ecr_api(const EcrRegistry& registry);

struct EcrToken {
  std::string user;
  Secret password;
  WallTime issued;
  WallTime expires;
};

// Whether a token is as good as new: not yet in the last quarter of its time, nor in its last half
// hour, whichever is shorter. A pull that begins with it must not end without it.
bool is_fresh(const EcrToken& token, WallTime now);

// GetAuthorizationToken's answer. Errors: kDenied with ECR's own code and message, kUnavailable
// when it may answer better later, kInvalid; never quotes the token.
Result<EcrToken> parse_ecr_answer(const aws::HttpResponse& response, WallTime now);

// What a kept token belongs to.
struct EcrTokenKey {
  std::string account;
  std::string region;
  std::string endpoint;
  std::string key_id;

  std::string file_name() const;
  auto operator<=>(const EcrTokenKey&) const = default;
};
std::string render_kept_token(const EcrTokenKey& key, const EcrToken& token);
// kInvalid when it is not one, or one of another key.
Result<EcrToken> parse_kept_token(std::string_view text, const EcrTokenKey& key);

struct EcrConfig {
  aws::ChainOptions chain;
  std::string endpoint;   // of ECR's API, instead of what the environment, profile or region says
  std::string directory;  // for kept tokens; it need not exist. Empty: they are kept in memory only
};

class EcrCredentials final : public CredentialProvider {
 public:
  EcrCredentials(EcrConfig config, std::unique_ptr<aws::Http> http, std::unique_ptr<Clock> clock);

  Result<std::optional<Credentials>> credentials(const std::string& registry,
                                                 Freshness freshness) override;

 private:
  Result<EcrToken> token(const EcrRegistry& registry, Freshness freshness);
  Result<aws::Url> api_of(const EcrRegistry& registry) const;
  Result<EcrToken> fetch(const EcrRegistry& registry, const aws::Url& api,
                         const aws::Credentials& keys);
  std::optional<EcrToken> find_kept(const EcrTokenKey& key);
  void keep(const EcrTokenKey& key, const EcrToken& token);
  Status write(const EcrTokenKey& key, const EcrToken& token) const;
  void remove_expired() const;

  EcrConfig config_;
  std::unique_ptr<aws::Http> http_;
  std::unique_ptr<Clock> clock_;
  aws::CredentialChain chain_;

  std::mutex mutex_;  // of what follows; held while a token is fetched: the others wait for it
  std::map<EcrTokenKey, EcrToken> kept_;
};

}  // namespace berth::image
