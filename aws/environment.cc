#include "aws/environment.h"

#include "aws/time.h"
#include "base/text.h"

namespace berth::aws {

Environment parse_environment(const std::vector<std::string>& lines) {
  Environment environment;
  for (const std::string& line : lines) {
    size_t equals = line.find('=');
    if (equals != std::string::npos) {
      environment.emplace(line.substr(0, equals), line.substr(equals + 1));
    }
  }
  return environment;
}

std::string value_of(const Environment& environment, const std::string& name) {
  auto found = environment.find(name);
  return found == environment.end() ? "" : found->second;
}

bool is_true(const Environment& environment, const std::string& name) {
  return to_lower(value_of(environment, name)) == "true";
}

Result<std::optional<Credentials>> environment_credentials(const Environment& environment) {
  Credentials found;
  found.key_id = value_of(environment, "AWS_ACCESS_KEY_ID");
  found.secret_key = Secret(value_of(environment, "AWS_SECRET_ACCESS_KEY"));
  if (found.key_id.empty() && found.secret_key.empty()) return std::optional<Credentials>();
  if (found.key_id.empty() || found.secret_key.empty()) {
    return fail(Errc::kInvalid, "{}: is not set although {} is; set both or neither",
                found.key_id.empty() ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                found.key_id.empty() ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
  }
  found.session_token = Secret(value_of(environment, "AWS_SESSION_TOKEN"));
  if (found.session_token.empty()) {
    found.session_token = Secret(value_of(environment, "AWS_SECURITY_TOKEN"));  // the former name
  }
  std::string expires = value_of(environment, "AWS_CREDENTIAL_EXPIRATION");
  if (expires.empty()) return std::optional(found);
  found.expires = parse_rfc3339(expires);
  if (!found.expires) {
    return fail(Errc::kInvalid, "AWS_CREDENTIAL_EXPIRATION: \"{}\" is not YYYY-MM-DDTHH:MM:SSZ",
                printable(expires, 100));
  }
  return std::optional(found);
}

}  // namespace berth::aws
