// What berth.json says of secrets and environment files: where they are beside the store of this
// host. docs/configuration.md lists the members.
#pragma once

#include "base/json.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <map>
#include <optional>
#include <string>

namespace berth::agent {

// Who asks an AWS service, and where it is.
struct ServiceAccess {
  std::string endpoint;  // http://HOST[:PORT] or https://...; "": where the service really is
  std::string profile;   // "": as AWS's tools find credentials
  std::string region;    // "": the ARN's, or the instance's
};

// Asked for what the store does not have; a service that is not named is asked nothing.
struct SecretSettings {
  std::optional<ServiceAccess> secrets_manager;
  std::optional<ServiceAccess> parameters;  // SSM
};

struct EnvironmentFileSettings {
  std::map<std::string, std::string> buckets;  // bucket -> directory of this host
  bool ask_s3 = false;                         // for other buckets
  ServiceAccess s3;
};

// The members "secrets" and "environmentFiles" of berth.json's root. kInvalid with the member's
// path.
Result<SecretSettings> read_secret_settings(const json::Node& root);
Result<EnvironmentFileSettings> read_environment_file_settings(const json::Node& root);
// Adds them to `out`.
void render_secret_settings(const SecretSettings& settings, nlohmann::ordered_json& out);
void render_environment_file_settings(const EnvironmentFileSettings& settings,
                                      nlohmann::ordered_json& out);

}  // namespace berth::agent
