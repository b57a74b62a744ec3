#include "api/session.h"

#include "aws/hash.h"
#include "base/text.h"

#include <fmt/format.h>

namespace berth::api {
namespace {

constexpr size_t kTokenMax = 4096;
constexpr size_t kSessionSecretLetters = 40;
constexpr std::string_view kForToken = "berth session token";
constexpr std::string_view kForSecret = "berth session secret";

int64_t seconds_of(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

std::string text_of(const Session& session) {
  return fmt::format("{}.{}.{}", seconds_of(session.expires), session.key_id, session.arn);
}

std::string code_of(const RootKey& root, std::string_view purpose, const std::string& text) {
  return to_hex(aws::hmac_sha256(root.secret.reveal(), fmt::format("{}\n{}", purpose, text)));
}

}  // namespace

Secret secret_of_session(const RootKey& root, const Session& session) {
  return Secret(code_of(root, kForSecret, text_of(session)).substr(0, kSessionSecretLetters));
}

aws::Credentials issue_session(const RootKey& root, const Session& session) {
  std::string text = text_of(session);
  aws::Credentials credentials;
  credentials.key_id = session.key_id;
  credentials.secret_key = secret_of_session(root, session);
  credentials.session_token = Secret(code_of(root, kForToken, text) + "." + text);
  credentials.expires = session.expires;
  return credentials;
}

Result<Session> read_session(const RootKey& root, const Secret& token) {
  const std::string& shown = token.reveal();
  auto refuse = [] { return fail(Errc::kDenied, "the session token is none of this host's"); };
  size_t dot = shown.find('.');
  if (shown.size() > kTokenMax || dot == std::string::npos) return refuse();
  std::string text = shown.substr(dot + 1);
  if (!aws::is_same_secret(shown.substr(0, dot), code_of(root, kForToken, text))) return refuse();
  // From here on it is what issue_session() wrote.
  size_t after_expires = text.find('.');
  size_t after_key = text.find('.', after_expires + 1);
  auto expires = parse_i64(text.substr(0, after_expires));
  if (!expires || after_key == std::string::npos) return refuse();
  Session session;
  session.expires = WallTime(std::chrono::seconds(*expires));
  session.key_id = text.substr(after_expires + 1, after_key - after_expires - 1);
  session.arn = text.substr(after_key + 1);
  return session;
}

}  // namespace berth::api
