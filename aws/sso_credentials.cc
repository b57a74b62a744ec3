#include "aws/sso_credentials.h"

#include "aws/endpoint.h"
#include "aws/sso.h"
#include "aws/time.h"
#include "base/log.h"
#include "base/text.h"
#include "sys/file.h"

#include <fcntl.h>

#include <optional>

namespace berth::aws {
namespace {

constexpr size_t kTokenFileMax = 256 * 1024;

std::string how_to_sign_in(const SsoRole& role, const Profile& profile) {
  return role.session.empty() ? "aws sso login --profile " + profile.name
                              : "aws sso login --sso-session " + role.session;
}

std::string token_path(const ChainContext& context, const SsoRole& role) {
  std::string home = value_of(context.environment, "HOME");
  return (home.empty() ? "/root" : home) + "/.aws/sso/cache/" + role.file_name();
}

Result<SsoToken> read_token(const std::string& path) {
  return parse_sso_token(TRY(sys::read_file(path, kTokenFileMax)), path);
}

Result<SsoToken> ask_for_renewal(const ChainContext& context, const Profile& profile,
                                 const SsoRole& role, const SsoToken& token) {
  auto configured = TRY(configured_endpoint("sso_oidc", context.environment, &profile));
  Url oidc = configured.value_or(sso_oidc_url(role.region));
  HttpResponse response = TRY(context.http.send(renew_sso_token(oidc, token)));
  return parse_renewed_token(response, token, context.clock.wall());
}

// One at a time, for a refresh token may be good only once: who comes second finds what the first
// one got. AWS's own tools take no lock; when one of them was first, our renewal is refused.
Result<SsoToken> renewed(const ChainContext& context, const Profile& profile, const SsoRole& role,
                         const SsoToken& old) {
  std::string path = token_path(context, role);
  sys::Fd cache = TRY(sys::open(path.substr(0, path.rfind('/')), O_RDONLY | O_DIRECTORY));
  TRY(sys::lock(cache.get(), sys::LockMode::kExclusive));
  auto is_another = [&](const Result<SsoToken>& found) {
    return found && found->access_token.reveal() != old.access_token.reveal();
  };
  auto found = read_token(path);
  if (is_another(found)) return found;
  auto next = ask_for_renewal(context, profile, role, old);
  if (!next) {
    found = read_token(path);
    return is_another(found) ? found : next;
  }
  auto kept = sys::rewrite_atomic(path, render_sso_token(role, *next), 0600);
  if (!kept) LOG(kWarn, "renewed SSO token not kept", {{"reason", kept.error().text}});
  return next;
}

Result<SsoToken> usable_token(const ChainContext& context, const Profile& profile,
                              const SsoRole& role) {
  std::string path = token_path(context, role);
  std::string mend = how_to_sign_in(role, profile);
  auto read = read_token(path);
  if (!read && read.error().code == Errc::kNotFound) {
    return fail(Errc::kDenied, "nobody has signed in ({} is not there); run: {}", path, mend);
  }
  SsoToken token = TRY(std::move(read));
  WallTime now = context.clock.wall();
  std::string why;
  if (token.expires <= now + kSsoRenewAhead && !role.session.empty() && token.is_renewable(now)) {
    auto next = renewed(context, profile, role, token);
    if (next && next->expires > now) return next;
    if (!next) why = " and could not be renewed: " + next.error().text;
  }
  if (token.expires > now) return token;
  return fail(Errc::kDenied, "the session has ended at {}{}; run: {}",
              format_rfc3339_seconds(token.expires), why, mend);
}

}  // namespace

Result<Credentials> sso_credentials(const ChainContext& context, const Profile& profile) {
  SsoRole role = TRY(sso_role(profile, context.config));
  SsoToken token = TRY(usable_token(context, profile, role));
  auto configured = TRY(configured_endpoint("sso", context.environment, &profile));
  Url sso = configured.value_or(sso_url(role.region));
  HttpResponse response = TRY(context.http.send(get_role_credentials(sso, role, token)));
  auto found = parse_role_credentials(response);
  if (found || response.status != 401) return found;
  found.error().text += "; run: " + how_to_sign_in(role, profile);
  return found;
}

}  // namespace berth::aws
