#include "agent/secret_reference.h"

#include "base/text.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace berth::agent {
namespace {

constexpr size_t kReferenceShown = 200;
constexpr size_t kArnWords = 6;      // arn:partition:service:region:account:resource
constexpr size_t kSecretWords = 7;   // ...:secret:NAME
constexpr size_t kVersionWords = 3;  // behind the name
constexpr size_t kAwsSuffix = 6;     // of the name of a secret, behind a '-'

tl::unexpected<Error> malformed(std::string_view text, const char* expected) {
  return fail(Errc::kInvalid, "valueFrom: \"{}\" is not {}", printable(text, kReferenceShown),
              expected);
}

Result<SecretReference> parse_secret_arn(std::string_view text,
                                         const std::vector<std::string>& words) {
  constexpr const char* kForm =
      "arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:JSON-KEY:VERSION-STAGE:VERSION-ID]";
  bool is_secret = words.size() >= kSecretWords && words[5] == "secret" && !words[6].empty() &&
                   words.size() <= kSecretWords + kVersionWords;
  if (!is_secret) return malformed(text, kForm);
  SecretReference reference;
  reference.kind = SecretKind::kSecret;
  reference.text = text;
  reference.region = words[3];
  reference.name = words[6];
  reference.id = join({words.begin(), words.begin() + kSecretWords}, ":");
  auto word = [&](size_t i) { return words.size() > i ? words[i] : std::string(); };
  reference.json_key = word(kSecretWords);
  reference.version_stage = word(kSecretWords + 1);
  reference.version_id = word(kSecretWords + 2);
  return reference;
}

}  // namespace

Result<SecretReference> parse_secret_reference(std::string_view value_from) {
  std::vector<std::string> words = split(value_from, ':');
  if (words[0] != "arn") {
    if (value_from.empty() || value_from.find('\0') != std::string_view::npos) {
      return malformed(value_from, "the ARN of a secret, or the ARN or name of a parameter");
    }
    SecretReference reference;
    reference.text = value_from;
    reference.id = reference.name = value_from;
    return reference;
  }
  if (words.size() >= kArnWords && words[2] == "secretsmanager") {
    return parse_secret_arn(value_from, words);
  }
  constexpr std::string_view kParameter = "parameter/";
  bool is_parameter = words.size() == kArnWords && words[2] == "ssm" &&
                      words[5].starts_with(kParameter) && words[5].size() > kParameter.size();
  if (!is_parameter) {
    return malformed(value_from, "the ARN of a secret of Secrets Manager or of an SSM parameter");
  }
  SecretReference reference;
  reference.text = value_from;
  reference.region = words[3];
  reference.id = value_from;
  // The ARN of "/a/b" has one slash before it, as that of "a" has.
  std::string name = words[5].substr(kParameter.size());
  reference.name = name.find('/') == std::string::npos ? name : "/" + name;
  return reference;
}

std::string without_suffix(const std::string& name) {
  if (name.size() <= kAwsSuffix + 1) return name;
  size_t dash = name.size() - kAwsSuffix - 1;
  bool is_suffix = name[dash] == '-' &&
                   std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dash) + 1, name.end(),
                               [](unsigned char c) { return std::isalnum(c) != 0; });
  return is_suffix ? name.substr(0, dash) : name;
}

}  // namespace berth::agent
