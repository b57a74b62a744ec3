#include "api/sts.h"

#include "api/dispatch.h"
#include "api/session.h"
#include "api/wire.h"
#include "aws/hash.h"
#include "aws/time.h"
#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace berth::api {
namespace {

constexpr size_t kRoleArnMin = 20;
constexpr size_t kRoleArnMax = 2048;
constexpr size_t kSessionNameMin = 2;
constexpr size_t kSessionNameMax = 64;
constexpr size_t kShownMax = 200;
constexpr size_t kKeyLetterCount = 16;
constexpr size_t kRoleIdLetters = 17;

using Form = std::map<std::string, std::string>;

tl::unexpected<Refusal> invalid(const std::string& value, const std::string& member,
                                const std::string& constraint) {
  std::string shown = value.empty() ? "null" : "'" + printable(value, kShownMax) + "'";
  return tl::unexpected(
      Refusal{.code = "ValidationError",
              .message = fmt::format("1 validation error detected: Value {} at '{}' failed to "
                                     "satisfy constraint: {}",
                                     shown, member, constraint)});
}

// "arn:aws:iam::123456789012:role/path/NAME".
struct RoleName {
  std::string partition;
  std::string account;
  std::string name;  // without the path
};

std::optional<RoleName> parse_role(const std::string& arn) {
  std::vector<std::string> parts = split(arn, ':');
  bool is_arn = parts.size() == 6 && parts[0] == "arn" && parts[2] == "iam" && parts[3].empty();
  if (!is_arn || !parts[5].starts_with("role/")) return std::nullopt;
  bool is_account = parts[4].size() == 12 && parse_u64(parts[4]).has_value();
  std::string name = parts[5].substr(parts[5].rfind('/') + 1);
  if (parts[1].empty() || !is_account || name.empty()) return std::nullopt;
  bool is_visible = std::ranges::all_of(arn, [](char c) { return c > ' ' && c < 127; });
  if (!is_visible) return std::nullopt;
  return RoleName{parts[1], parts[4], name};
}

// What a text breaks of the rules of its length, or "".
std::string broken_length(const std::string& text, size_t min, size_t max) {
  if (text.empty()) return "Member must not be null";
  if (text.size() < min) {
    return fmt::format("Member must have length greater than or equal to {}", min);
  }
  if (text.size() <= max) return "";
  return fmt::format("Member must have length less than or equal to {}", max);
}

std::string broken_session_name(const std::string& text) {
  constexpr std::string_view kMarks = "_=,.@-+";
  bool has_letters = std::ranges::all_of(text, [&](char c) {
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return is_letter || (c >= '0' && c <= '9') || kMarks.find(c) != std::string_view::npos;
  });
  if (!has_letters) return "Member must satisfy regular expression pattern: [\\w+=,.@-]*";
  return broken_length(text, kSessionNameMin, kSessionNameMax);
}

// The same for a role each time, and for no other.
std::string role_id_of(const std::string& account, const std::string& role) {
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id = "AROA";
  std::string digest = aws::hmac_sha256("role", account + "/" + role);
  for (size_t i = 0; i < kRoleIdLetters; ++i) {
    id += kLetters[static_cast<unsigned char>(digest[i]) % kLetters.size()];
  }
  return id;
}

// Account and user id as GetCallerIdentity has them.
struct Identity {
  std::string account;
  std::string user_id;
};

Identity identity_of(const std::string& arn) {
  std::vector<std::string> parts = split(arn, ':');
  parts.resize(6);
  std::vector<std::string> resource = split(parts[5], '/');
  if (resource.size() != 3) return {parts[4], parts[4]};  // root
  return {parts[4], role_id_of(parts[4], resource[1]) + ":" + resource[2]};
}

Answer caller_identity(const Call& call) {
  Identity identity = identity_of(call.caller.arn);
  return "<GetCallerIdentityResult>" + xml_element("Arn", call.caller.arn) +
         xml_element("UserId", identity.user_id) + xml_element("Account", identity.account) +
         "</GetCallerIdentityResult>";
}

std::string render_session(const aws::Credentials& credentials, const std::string& arn) {
  std::string keys = xml_element("AccessKeyId", credentials.key_id) +
                     xml_element("SecretAccessKey", credentials.secret_key.reveal()) +
                     xml_element("SessionToken", credentials.session_token.reveal()) +
                     xml_element("Expiration", aws::format_rfc3339_seconds(*credentials.expires));
  std::string user =
      xml_element("AssumedRoleId", identity_of(arn).user_id) + xml_element("Arn", arn);
  return fmt::format(
      "<AssumeRoleResult><Credentials>{}</Credentials><AssumedRoleUser>{}</AssumedRoleUser>"
      "</AssumeRoleResult>",
      keys, user);
}

tl::expected<int64_t, Refusal> duration_of(const std::string& text) {
  if (text.empty()) return kSessionSecondsDefault;
  auto seconds = parse_i64(text);
  if (!seconds || *seconds < kSessionSecondsMin) {
    return invalid(
        text, "durationSeconds",
        fmt::format("Member must have value greater than or equal to {}", kSessionSecondsMin));
  }
  if (*seconds > kSessionSecondsMax) {
    return invalid(
        text, "durationSeconds",
        fmt::format("Member must have value less than or equal to {}", kSessionSecondsMax));
  }
  return *seconds;
}

// What is wrong with the session's tags, or "". A session here has none; who asks for some is told
// what AWS would say of them.
std::string broken_tags(const Form& form) {
  std::set<std::string> keys;
  for (const auto& [member, value] : form) {
    bool is_key = member.starts_with("Tags.member.") && member.ends_with(".Key");
    if (is_key && !keys.insert(to_lower(value)).second) {
      return "Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    }
  }
  bool has_all = std::ranges::all_of(form, [&](const auto& member) {
    return !member.first.starts_with("TransitiveTagKeys.member.") ||
           keys.contains(to_lower(member.second));
  });
  return has_all ? "" : "The specified transitive tag key must be included in the requested tags.";
}

}  // namespace

Answer Sts::answer(const Call& call) {
  if (call.operation == "GetCallerIdentity") return caller_identity(call);
  if (call.operation == "AssumeRole") return assume_role(call);
  return tl::unexpected(unknown_operation(call.operation));
}

Answer Sts::assume_role(const Call& call) {
  Form form;
  for (const auto& [name, value] : parse_form(call.body)) form.emplace(name, value);
  const std::string& arn = form["RoleArn"];
  const std::string& name = form["RoleSessionName"];
  std::string broken = broken_length(arn, kRoleArnMin, kRoleArnMax);
  if (!broken.empty()) return invalid(arn, "roleArn", broken);
  broken = broken_session_name(name);
  if (!broken.empty()) return invalid(name, "roleSessionName", broken);
  auto duration = duration_of(form["DurationSeconds"]);
  if (!duration) return tl::unexpected(duration.error());
  auto role = parse_role(arn);
  if (!role) {
    return tl::unexpected(
        Refusal{.code = "ValidationError", .message = printable(arn, kShownMax) + " is invalid"});
  }
  broken = broken_tags(form);
  if (!broken.empty()) {
    return tl::unexpected(Refusal{.code = "InvalidParameterValue", .message = broken});
  }
  Session session;
  session.key_id = "ASIA" + make_key_letters(env_.rng, kKeyLetterCount);
  session.arn = fmt::format("arn:{}:sts::{}:assumed-role/{}/{}", role->partition, role->account,
                            role->name, name);
  session.expires =
      std::chrono::floor<std::chrono::seconds>(call.at) + std::chrono::seconds(*duration);
  return render_session(issue_session(key_, session), session.arn);
}

}  // namespace berth::api
