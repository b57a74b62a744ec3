// IAM Identity Center ("AWS SSO") as values: which session a profile names, the token that
// `aws sso login` leaves in ~/.aws/sso/cache, and the two questions that are asked with it. Pure;
// no error quotes a token.
//
//   [profile dev]                    [sso-session corp]
//   sso_session    = corp            sso_start_url = https://corp.awsapps.com/start
//   sso_account_id = 123456789012    sso_region    = eu-west-1
//   sso_role_name  = Developer
//
// The older form has sso_start_url and sso_region in the profile; its token cannot be renewed.
#pragma once

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/http.h"
#include "aws/shared_config.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace berth::aws {

struct SsoRole {
  std::string session;  // the section's name; "": the older form
  std::string start_url;
  std::string region;
  std::string account_id;
  std::string role_name;
  // Of the token, in the cache.
  std::string file_name() const;
};

struct SsoToken {
  Secret access_token;
  WallTime expires;
  // What it can be renewed with; empty: it cannot.
  std::string client_id;
  Secret client_secret;
  Secret refresh_token;
  std::optional<WallTime> registration_expires;  // of the client
  bool is_renewable(WallTime now) const;
};

// Whether the profile says anything of it that leads to credentials.
bool is_sso(const Profile& profile);
// kInvalid: what is missing, or what profile and session say differently.
Result<SsoRole> sso_role(const Profile& profile, const SharedConfig& config);

Result<SsoToken> parse_sso_token(std::string_view text, const std::string& name);
// The form in which AWS's own tools read it again.
std::string render_sso_token(const SsoRole& role, const SsoToken& token);

// https://portal.sso.REGION.amazonaws.com, https://oidc.REGION.amazonaws.com and their like.
Url sso_url(const std::string& region);
Url sso_oidc_url(const std::string& region);

// GetRoleCredentials. kDenied: the session has ended, or has not this role.
HttpRequest get_role_credentials(const Url& sso, const SsoRole& role, const SsoToken& token);
Result<Credentials> parse_role_credentials(const HttpResponse& response);

// CreateToken: the same session, for longer. What the answer does not name stays `old`'s.
HttpRequest renew_sso_token(const Url& oidc, const SsoToken& token);
Result<SsoToken> parse_renewed_token(const HttpResponse& response, const SsoToken& old,
                                     WallTime now);

}  // namespace berth::aws
