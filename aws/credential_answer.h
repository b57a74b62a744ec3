// The JSON in which programs and endpoints hand out credentials. Pure; no error quotes a secret.
#pragma once

#include "aws/credentials.h"
#include "base/result.h"

#include <string>
#include <string_view>

namespace berth::aws {

// What `credential_process` prints: {"Version": 1, "AccessKeyId", "SecretAccessKey",
// "SessionToken", "Expiration"}.
Result<Credentials> parse_process_output(std::string_view text);

// What the endpoints of containers and instances answer: {"AccessKeyId", "SecretAccessKey",
// "Token", "Expiration"}; an instance's has "Code": "Success". `source` is for errors.
Result<Credentials> parse_endpoint_answer(std::string_view text, const std::string& source);

// "CODE: message" of an error document of AWS's JSON protocols, or of the container endpoint, or
// of an OAuth2 server; "" when it is none.
std::string json_error(std::string_view body);

}  // namespace berth::aws
