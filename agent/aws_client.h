// Requests to services of AWS, or to what speaks like them, signed with the credentials of this
// host: what secrets and environment files are fetched with. Pure but for fetching credentials.
#pragma once

#include "agent/environment_file.h"
#include "agent/secret_reference.h"
#include "agent/secret_settings.h"
#include "aws/credentials.h"
#include "aws/http.h"
#include "base/env.h"
#include "base/result.h"
#include "base/secret.h"

#include <string>

namespace berth::agent {

struct ServicePlace {
  std::string endpoint;  // "": the service's own
  std::string region;
};

// Something that S3 is asked of an object, or, without a key, of its bucket.
struct ObjectRequest {
  std::string method;
  ObjectName object;
  std::string query{};  // a word of S3's: "encryption"
  Secret body{};
};
aws::HttpRequest object_request(const ServicePlace& place, const ObjectRequest& wanted,
                                const aws::Credentials& credentials, WallTime now);
aws::HttpRequest get_object(const ServicePlace& place, const ObjectName& object,
                            const aws::Credentials& credentials, WallTime now);
// The object's bytes, or those of another answer. kNotFound, kDenied or kUnavailable with what S3
// said.
Result<std::string> parse_object(aws::HttpResponse response);

aws::HttpRequest get_secret_value(const ServicePlace& place, const SecretReference& reference,
                                  const aws::Credentials& credentials, WallTime now);
aws::HttpRequest get_parameter(const ServicePlace& place, const SecretReference& reference,
                               const aws::Credentials& credentials, WallTime now);
// The value that either answered. Errors have the service's own code and message, never a value.
Result<Secret> parse_value(const aws::HttpResponse& response, SecretKind kind);

// One member of a value that is a JSON object. Errors in AWS's words; they quote the key only.
Result<Secret> pick_member(const Secret& value, const std::string& key);

}  // namespace berth::agent
