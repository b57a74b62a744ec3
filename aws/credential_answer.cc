#include "aws/credential_answer.h"

#include "aws/time.h"
#include "base/json.h"
#include "base/text.h"

namespace berth::aws {
namespace {

constexpr size_t kShownMax = 300;

// Both forms differ in the name of the token alone.
Result<Credentials> read(const json::Node& root, const char* token) {
  Credentials found;
  found.key_id = TRY(root.string_at("AccessKeyId"));
  found.secret_key = Secret(TRY(root.string_at("SecretAccessKey")));
  found.session_token = Secret(TRY(root.find_string(token)).value_or(""));
  if (found.key_id.empty() || found.secret_key.empty()) {
    return fail(Errc::kInvalid, "{}: is empty",
                found.key_id.empty() ? "AccessKeyId" : "SecretAccessKey");
  }
  auto expires = TRY(root.find_string("Expiration"));
  if (!expires || expires->empty()) return found;
  found.expires = parse_rfc3339(*expires);
  if (!found.expires) {
    return fail(Errc::kInvalid, "Expiration: \"{}\" is not YYYY-MM-DDTHH:MM:SSZ",
                printable(*expires, 100));
  }
  return found;
}

}  // namespace

Result<Credentials> parse_process_output(std::string_view text) {
  auto document = json::Document::parse(text, {.name = "its output"});
  // What the parser says of the text may quote it.
  if (!document) return fail(Errc::kInvalid, "its output is not JSON");
  json::Node root = document->root();
  auto version = TRY(root.find_i64("Version"));
  if (version != 1) return fail(Errc::kInvalid, "its output: Version: must be 1");
  auto found = read(root, "SessionToken");
  if (!found) return wrap(std::move(found).error(), "its output");
  return found;
}

Result<Credentials> parse_endpoint_answer(std::string_view text, const std::string& source) {
  auto document = json::Document::parse(text, {.name = source});
  if (!document) return fail(Errc::kInvalid, "{}: the answer is not JSON", source);
  json::Node root = document->root();
  auto code = root.find_string("Code");
  if (code && *code && **code != "Success") {
    std::string reason = json_error(text);
    return fail(Errc::kDenied, "{}: {}", source,
                reason.empty() ? printable(**code, kShownMax) : reason);
  }
  auto found = read(root, "Token");
  if (!found) return wrap(std::move(found).error(), "{}", source);
  return found;
}

std::string json_error(std::string_view body) {
  auto document = json::Document::parse(body, {.name = "error"});
  if (!document) return "";
  json::Node root = document->root();
  auto first = [&](std::initializer_list<const char*> names) -> std::string {
    for (const char* name : names) {
      auto text = root.find_string(name);
      if (text && *text && !(*text)->empty()) return **text;
    }
    return "";
  };
  // "com.amazonaws.ecr#Code:http://..." in full.
  std::string code = first({"__type", "Code", "code", "error"});
  code = code.substr(code.find('#') == std::string::npos ? 0 : code.find('#') + 1);
  code = code.substr(0, code.find(':'));
  std::string message = first({"message", "Message", "error_description"});
  if (code.empty() || message.empty()) return printable(code + message, kShownMax);
  return printable(code + ": " + message, kShownMax);
}

}  // namespace berth::aws
