#include "aws/sso.h"

#include "aws/canonical.h"
#include "aws/credential_answer.h"
#include "aws/hash.h"
#include "aws/time.h"
#include "base/json.h"
#include "base/text.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace berth::aws {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Duration kSsoTimeout = seconds(30);
constexpr int64_t kTokenSecondsMax = 365 * 24 * 3600;
constexpr int64_t kMillisecondsMax = 7'000'000'000'000;  // 2191: what a WallTime can hold with room
constexpr size_t kSsoTokenMax = 64 * 1024;

// A header holds it.
bool is_token(std::string_view text) {
  return !text.empty() && text.size() <= kSsoTokenMax &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 127; });
}

// Older tools end it with "UTC".
std::optional<WallTime> parse_time(std::string text) {
  if (text.ends_with("UTC")) text.replace(text.size() - 3, 3, "Z");
  return parse_rfc3339(text);
}

Error sso_refusal(const HttpResponse& response) {
  bool is_passing = response.status >= 500 || response.status == 429;
  std::string reason = json_error(response.body);
  if (reason.empty()) reason = fmt::format("status {}", response.status);
  return {is_passing ? Errc::kUnavailable : Errc::kDenied, 0, reason};
}

Result<std::string> setting(const Profile& profile,
                            const std::map<std::string, std::string>& session,
                            const std::string& key) {
  std::string own = profile.value(key);
  auto found = session.find(key);
  std::string of_session = found == session.end() ? "" : found->second;
  if (!own.empty() && !of_session.empty() && own != of_session) {
    return fail(Errc::kInvalid, "{}: is \"{}\" in the profile but \"{}\" in its sso_session", key,
                printable(own, 200), printable(of_session, 200));
  }
  std::string value = own.empty() ? of_session : own;
  if (value.empty()) return fail(Errc::kInvalid, "{}: is missing", key);
  return value;
}

}  // namespace

std::string SsoRole::file_name() const {
  return sha1_hex(session.empty() ? start_url : session) + ".json";
}

bool SsoToken::is_renewable(WallTime now) const {
  return !client_id.empty() && !client_secret.empty() && !refresh_token.empty() &&
         registration_expires && *registration_expires > now;
}

bool is_sso(const Profile& profile) {
  constexpr std::array<const char*, 4> kKeys = {"sso_session", "sso_start_url", "sso_account_id",
                                                "sso_role_name"};
  return std::ranges::any_of(kKeys, [&](const char* key) { return !profile.value(key).empty(); });
}

Result<SsoRole> sso_role(const Profile& profile, const SharedConfig& config) {
  SsoRole role;
  role.session = profile.value("sso_session");
  std::map<std::string, std::string> session;
  if (!role.session.empty()) {
    auto found = config.sso_sessions.find(role.session);
    if (found == config.sso_sessions.end()) {
      return fail(Errc::kInvalid, "sso_session: there is no section [sso-session {}] in {}",
                  printable(role.session, 100), config.config_path);
    }
    session = found->second;
  }
  role.start_url = TRY(setting(profile, session, "sso_start_url"));
  role.region = TRY(setting(profile, session, "sso_region"));
  role.account_id = TRY(setting(profile, session, "sso_account_id"));
  role.role_name = TRY(setting(profile, session, "sso_role_name"));
  if (is_region(role.region)) return role;
  return fail(Errc::kInvalid, "sso_region: \"{}\" is none", printable(role.region, 100));
}

Result<SsoToken> parse_sso_token(std::string_view text, const std::string& name) {
  auto document = json::Document::parse(text, {.name = name});
  // What the parser says of the text may quote it.
  if (!document) return fail(Errc::kInvalid, "{}: is not JSON", name);
  json::Node root = document->root();
  SsoToken token;
  token.access_token = Secret(TRY(root.string_at("accessToken")));
  if (!is_token(token.access_token.reveal())) {
    return fail(Errc::kInvalid, "{}: accessToken: is none", name);
  }
  std::string expires = TRY(root.string_at("expiresAt"));
  auto time = parse_time(expires);
  if (!time) {
    return fail(Errc::kInvalid, "{}: expiresAt: \"{}\" is not YYYY-MM-DDTHH:MM:SSZ", name,
                printable(expires, 100));
  }
  token.expires = *time;
  token.client_id = TRY(root.find_string("clientId")).value_or("");
  token.client_secret = Secret(TRY(root.find_string("clientSecret")).value_or(""));
  token.refresh_token = Secret(TRY(root.find_string("refreshToken")).value_or(""));
  token.registration_expires =
      parse_time(TRY(root.find_string("registrationExpiresAt")).value_or(""));
  return token;
}

std::string render_sso_token(const SsoRole& role, const SsoToken& token) {
  nlohmann::ordered_json out = {{"startUrl", role.start_url},
                                {"region", role.region},
                                {"accessToken", token.access_token.reveal()},
                                {"expiresAt", format_rfc3339_seconds(token.expires)},
                                {"clientId", token.client_id},
                                {"clientSecret", token.client_secret.reveal()}};
  if (token.registration_expires) {
    out["registrationExpiresAt"] = format_rfc3339_seconds(*token.registration_expires);
  }
  if (!token.refresh_token.empty()) out["refreshToken"] = token.refresh_token.reveal();
  return out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Url sso_url(const std::string& region) {
  return {"https", fmt::format("portal.sso.{}.{}", region, dns_suffix(region)), "/"};
}

Url sso_oidc_url(const std::string& region) {
  return {"https", fmt::format("oidc.{}.{}", region, dns_suffix(region)), "/"};
}

HttpRequest get_role_credentials(const Url& sso, const SsoRole& role, const SsoToken& token) {
  std::string base = sso.to_string();
  while (base.ends_with('/')) base.pop_back();
  Query query = {{"account_id", role.account_id}, {"role_name", role.role_name}};
  return {.method = "GET",
          .url = base + "/federation/credentials?" + render_query(query),
          .headers = {{"Host", Secret(sso.host)}, {"x-amz-sso_bearer_token", token.access_token}},
          .body = {},
          .timeout = kSsoTimeout,
          .route = Route::kUsual};
}

Result<Credentials> parse_role_credentials(const HttpResponse& response) {
  if (response.status != 200) return wrap(sso_refusal(response), "GetRoleCredentials");
  auto document = json::Document::parse(response.body, {.name = "answer"});
  if (!document) return fail(Errc::kInvalid, "GetRoleCredentials: the answer is not JSON");
  json::Node root = TRY(document->root().at("roleCredentials"));
  Credentials found;
  found.key_id = TRY(root.string_at("accessKeyId"));
  found.secret_key = Secret(TRY(root.string_at("secretAccessKey")));
  found.session_token = Secret(TRY(root.string_at("sessionToken")));
  int64_t expires = TRY(root.i64_at("expiration"));
  bool is_whole = !found.key_id.empty() && !found.secret_key.empty() &&
                  !found.session_token.empty() && expires > 0 && expires < kMillisecondsMax;
  if (!is_whole) return fail(Errc::kInvalid, "GetRoleCredentials: the answer has no whole keys");
  found.expires = WallTime(milliseconds(expires));
  return found;
}

HttpRequest renew_sso_token(const Url& oidc, const SsoToken& token) {
  std::string base = oidc.to_string();
  while (base.ends_with('/')) base.pop_back();
  nlohmann::ordered_json body = {{"clientId", token.client_id},
                                 {"clientSecret", token.client_secret.reveal()},
                                 {"grantType", "refresh_token"},
                                 {"refreshToken", token.refresh_token.reveal()}};
  return {
      .method = "POST",
      .url = base + "/token",
      .headers = {{"Host", Secret(oidc.host)}, {"Content-Type", Secret("application/json")}},
      .body = Secret(body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)),
      .timeout = kSsoTimeout,
      .route = Route::kUsual};
}

Result<SsoToken> parse_renewed_token(const HttpResponse& response, const SsoToken& old,
                                     WallTime now) {
  if (response.status != 200) return wrap(sso_refusal(response), "CreateToken");
  auto document = json::Document::parse(response.body, {.name = "answer"});
  if (!document) return fail(Errc::kInvalid, "CreateToken: the answer is not JSON");
  json::Node root = document->root();
  SsoToken token = old;
  token.access_token = Secret(TRY(root.string_at("accessToken")));
  int64_t lifetime = TRY(root.i64_at("expiresIn"));
  if (!is_token(token.access_token.reveal()) || lifetime <= 0) {
    return fail(Errc::kInvalid, "CreateToken: the answer has no usable token");
  }
  token.expires = now + seconds(std::min(lifetime, kTokenSecondsMax));
  auto next = TRY(root.find_string("refreshToken"));
  if (next && !next->empty()) token.refresh_token = Secret(*next);
  return token;
}

}  // namespace berth::aws
