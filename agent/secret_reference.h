// What `valueFrom` of a secret means. Pure.
//
//   arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME[:JSON-KEY:VERSION-STAGE:VERSION-ID]
//   arn:aws:ssm:REGION:ACCOUNT:parameter/NAME      NAME      /path/NAME      parameters
#pragma once

#include "base/result.h"
#include "secrets/secret_store.h"

#include <string>
#include <string_view>

namespace berth::agent {

using secrets::name_of;
using secrets::SecretKind;

struct SecretReference {
  SecretKind kind = SecretKind::kParameter;
  std::string text;  // as it was written
  std::string id;    // what the service is asked for: an ARN without what follows the name, a name
  std::string name;  // a secret's with the six characters that AWS adds, if the ARN has them
  std::string region;  // "" where no ARN says it
  std::string json_key;
  std::string version_stage;
  std::string version_id;
  bool operator==(const SecretReference&) const = default;
};

// kInvalid that quotes the text.
Result<SecretReference> parse_secret_reference(std::string_view value_from);

// "db" of "db-AbC123"; the name itself when it does not end so.
std::string without_suffix(const std::string& name);

}  // namespace berth::agent
