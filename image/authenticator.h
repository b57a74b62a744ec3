// Authenticator: what to show a registry so that it answers, for one endpoint and some
// repositories.
//
//   nothing ---> 401 ---> WWW-Authenticate: Bearer ---> token of its realm, fetched anew before it
//                                           |           expires, and when it is refused
//                                           Basic  ---> user and password, which are looked up
//                                           afresh
//                                                       when they are refused
#pragma once

#include "base/env.h"
#include "image/cancel.h"
#include "image/challenge.h"
#include "image/credentials.h"
#include "image/endpoint.h"
#include "image/token.h"
#include "image/transport.h"

#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace berth::image {

class Authenticator {
 public:
  // `scopes` are asked for beside the challenge's: "repository:app:pull,push". All but the values
  // are borrowed; `cancel` may be absent.
  Authenticator(Endpoint endpoint, std::vector<std::string> scopes, CredentialProviders providers,
                HttpClient& client, Clock& clock, Cancel* cancel);

  // What to send now; empty as long as nobody has asked for anything.
  Result<Secret> authorization();
  // The registry answered 401 or 403 to a request that was sent `with` this. True: try again, there
  // is something new. False: there is nothing that it has not seen. kDenied: there never was.
  Result<bool> refused(const HttpResponse& response, const Secret& with);

 private:
  Status answer(const std::vector<Challenge>& challenges, Freshness freshness);
  Status fetch_token(Freshness freshness);
  Result<HttpResponse> ask_for_token(const std::optional<Credentials>& known);
  bool renew_password();
  bool is_plain_realm_allowed() const;

  Endpoint endpoint_;
  std::vector<std::string> scopes_;
  CredentialProviders providers_;
  HttpClient& client_;
  Clock& clock_;
  Cancel* cancel_;

  std::mutex mutex_;  // of what follows; held while a token is fetched: the others wait for it
  Secret authorization_;
  std::optional<Challenge> bearer_;    // where the token came from
  std::optional<Instant> expires_at_;  // of the token
  bool was_renewed_ = false;           // the password, on a 403: once
};

}  // namespace berth::image
