#include "image/token.h"

#include "base/json.h"
#include "base/text.h"
#include "image/headers.h"

#include <algorithm>
#include <chrono>

namespace berth::image {
namespace {

constexpr std::chrono::seconds kLifetimeDefault(60);  // as the protocol says
constexpr int64_t kLifetimeSecondsMax = 365 * 24 * 3600;
constexpr std::chrono::seconds kMarginMax(30);

Duration lifetime_of(const json::Node& root, std::optional<WallTime> date) {
  auto seconds = root.find_i64("expires_in");
  Duration lifetime = kLifetimeDefault;
  if (seconds && *seconds && **seconds > 0) {
    lifetime = std::chrono::seconds(std::min(**seconds, kLifetimeSecondsMax));
  }
  auto issued = root.find_string("issued_at");
  auto issued_at = issued && *issued ? parse_rfc3339(**issued) : std::nullopt;
  if (!date || !issued_at) return lifetime;
  return lifetime - std::clamp<Duration>(*date - *issued_at, Duration(0), lifetime);
}

std::string text_of(const json::Node& node, std::string_view key) {
  auto text = node.find_string(key);
  return text && *text ? **text : "";
}

}  // namespace

std::string token_query(const Challenge& challenge, const std::vector<std::string>& scopes) {
  auto parameter = [&](const char* name) {
    auto found = challenge.parameters.find(name);
    return found == challenge.parameters.end() ? std::string() : found->second;
  };
  std::vector<std::string> wanted;
  auto add = [&](const std::string& scope) {
    bool is_new = !scope.empty() && std::ranges::find(wanted, scope) == wanted.end();
    if (is_new && wanted.size() < kScopesMax) wanted.push_back(scope);
  };
  for (const std::string& scope : split(parameter("scope"), ' ')) add(scope);
  for (const std::string& scope : scopes) add(scope);
  std::string query = "service=" + percent_encode(parameter("service"));
  for (const std::string& scope : wanted) query += "&scope=" + percent_encode(scope);
  return query;
}

Result<Token> parse_token(std::string_view text, std::optional<WallTime> date) {
  auto document = TRY(json::Document::parse(text, {.name = "token", .text_max = kTokenAnswerMax}));
  json::Node root = document.root();
  auto token = TRY(root.find_string("token"));
  if (!token || token->empty()) token = TRY(root.find_string("access_token"));
  bool is_usable = token && !token->empty() && token->size() <= kTokenMax &&
                   std::ranges::all_of(*token, [](char c) { return c > ' ' && c < 127; });
  if (!is_usable) return fail(Errc::kDenied, "no usable token");
  return Token{Secret(*token), lifetime_of(root, date)};
}

Duration token_margin(Duration lifetime) {
  return std::min<Duration>(lifetime / 10, kMarginMax);
}

std::string reason_in(std::string_view body) {
  auto document = json::Document::parse(body, {.name = "error"});
  if (!document) return "";
  json::Node root = document->root();
  auto errors = root.find_array("errors");
  // Token servers also say it in one "details", and OAuth2's in "error_description".
  if (!errors || errors->empty()) {
    for (const char* key : {"details", "error_description", "message", "error"}) {
      std::string text = text_of(root, key);
      if (!text.empty()) return printable(text, 300);
    }
    return "";
  }
  std::string code = text_of(errors->front(), "code");
  std::string message = text_of(errors->front(), "message");
  return printable(code.empty() || message.empty() ? code + message : code + ": " + message, 300);
}

}  // namespace berth::image
