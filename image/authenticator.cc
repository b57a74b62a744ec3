#include "image/authenticator.h"

#include "base/text.h"
#include "image/headers.h"
#include "image/status.h"

#include <algorithm>
#include <utility>

namespace berth::image {
namespace {

std::string parameter(const Challenge& challenge, const char* name) {
  auto found = challenge.parameters.find(name);
  return found == challenge.parameters.end() ? "" : found->second;
}

Secret basic(const Credentials& known) {
  return Secret("Basic " + encode_base64(known.user + ":" + known.password.reveal()));
}

}  // namespace

Authenticator::Authenticator(Endpoint endpoint, std::vector<std::string> scopes,
                             CredentialProviders providers, HttpClient& client, Clock& clock,
                             Cancel* cancel)
    : endpoint_(std::move(endpoint)),
      scopes_(std::move(scopes)),
      providers_(std::move(providers)),
      client_(client),
      clock_(clock),
      cancel_(cancel) {}

Result<Secret> Authenticator::authorization() {
  std::lock_guard lock(mutex_);
  if (expires_at_ && clock_.now() >= *expires_at_) {
    auto renewed = fetch_token(Freshness::kAny);
    if (!renewed) return wrap(std::move(renewed).error(), "failed to authorize");
  }
  return authorization_;
}

Result<bool> Authenticator::refused(const HttpResponse& response, const Secret& with) {
  std::lock_guard lock(mutex_);
  // Another thread may have got something new meanwhile: then there is nothing to do.
  if (authorization_.reveal() != with.reveal()) return true;
  if (response.status == 403) return renew_password();
  auto answered = answer(parse_challenges(response.header("www-authenticate")),
                         with.empty() ? Freshness::kAny : Freshness::kFresh);
  if (!answered) return wrap(std::move(answered).error(), "failed to authorize");
  return authorization_.reveal() != with.reveal();
}

Status Authenticator::answer(const std::vector<Challenge>& challenges, Freshness freshness) {
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme != "bearer") continue;
    bearer_ = challenge;
    return fetch_token(freshness);
  }
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme != "basic") continue;
    auto known = TRY(find_credentials(providers_, endpoint_.registry, freshness));
    if (!known) {
      return fail(Errc::kDenied, "{} wants a user and password; none are known",
                  endpoint_.registry);
    }
    if (!known->identity_token.empty()) {
      return fail(Errc::kDenied, "{} wants a user and password; only an identity token is known",
                  endpoint_.registry);
    }
    authorization_ = basic(*known);
    bearer_.reset();
    expires_at_.reset();
    return {};
  }
  return fail(Errc::kDenied, "{} wants a form of authentication that berth does not know",
              endpoint_.registry);
}

// Most 403 are meant, and some are how ECR says that its token has expired, without a word on what
// it would rather see. Whoever gave the password may have a newer one; if not, the 403 stands.
bool Authenticator::renew_password() {
  bool is_password = !authorization_.empty() && !bearer_;
  if (!is_password || was_renewed_) return false;
  was_renewed_ = true;
  auto known = find_credentials(providers_, endpoint_.registry, Freshness::kFresh);
  if (!known || !*known || !(*known)->identity_token.empty()) return false;
  Secret renewed = basic(**known);
  if (renewed.reveal() == authorization_.reveal()) return false;
  authorization_ = std::move(renewed);
  return true;
}

bool Authenticator::is_plain_realm_allowed() const {
  return endpoint_.scheme != Scheme::kHttps;
}

// Credentials that the token server refuses may be old ones that a provider kept.
Status Authenticator::fetch_token(Freshness freshness) {
  std::string realm = parameter(*bearer_, "realm");
  bool is_plain = realm.starts_with("http://") && is_plain_realm_allowed();
  if (!realm.starts_with("https://") && !is_plain) {
    return fail(Errc::kDenied, "the token realm \"{}\" is not https", printable(realm, 200));
  }
  auto known = TRY(find_credentials(providers_, endpoint_.registry, freshness));
  HttpResponse response = TRY(ask_for_token(known));
  if (response.status == 401 && known && freshness == Freshness::kAny) {
    known = TRY(find_credentials(providers_, endpoint_.registry, Freshness::kFresh));
    response = TRY(ask_for_token(known));
  }
  if (response.status != 200) {
    std::string reason = reason_in(response.body);
    return fail(is_passing(response.status) ? Errc::kUnavailable : Errc::kDenied,
                "failed to fetch {} token from {}: unexpected status: {}{}{}",
                known ? "oauth" : "anonymous", printable(realm, 200), status_line(response.status),
                reason.empty() ? "" : ": ", reason);
  }
  auto token = parse_token(response.body, parse_http_date(response.header("date")));
  if (!token) {
    return wrap(std::move(token).error(), "failed to fetch token from {}", printable(realm, 200));
  }
  authorization_ = Secret("Bearer " + token->text.reveal());
  expires_at_ = clock_.now() + token->lifetime - token_margin(token->lifetime);
  return {};
}

// GET with basic credentials or none, or an OAuth2 POST when all we have is an identity (refresh)
// token.
Result<HttpResponse> Authenticator::ask_for_token(const std::optional<Credentials>& known) {
  std::string query = token_query(*bearer_, scopes_);
  HttpRequest request;
  request.url = parameter(*bearer_, "realm");
  request.body_max = kTokenAnswerMax;
  if (known && !known->identity_token.empty()) {
    // One "scope" with spaces, as OAuth2 has it.
    size_t at = 0;
    while ((at = query.find("&scope=", query.find("&scope=") + 1)) != std::string::npos) {
      query.replace(at, std::string_view("&scope=").size(), "%20");
    }
    request.method = Method::kPostForm;
    request.form = Secret(query + "&grant_type=refresh_token&client_id=berth&refresh_token=" +
                          percent_encode(known->identity_token.reveal()));
  } else {
    request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + query;
    if (known) request.authorization = basic(*known);
  }
  return client_.perform(std::move(request), cancel_);
}

}  // namespace berth::image
