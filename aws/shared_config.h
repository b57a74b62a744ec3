// Profiles, as AWS's two shared files describe them together: what the credentials file says of a
// profile goes before what the config file says.
#pragma once

#include "aws/config_file.h"
#include "aws/environment.h"
#include "base/result.h"

#include <map>
#include <string>

namespace berth::aws {

// One profile, its services section merged in.
struct Profile {
  std::string name;
  std::map<std::string, std::string> values;
  std::map<std::string, std::string> endpoints;  // by service, lower case
  // "" when it is not there.
  std::string value(const std::string& key) const;
};

struct SharedConfig {
  std::string config_path;
  std::string credentials_path;
  std::map<std::string, Profile> profiles;
  // [sso-session NAME] by name: their values.
  std::map<std::string, std::map<std::string, std::string>> sso_sessions;
};

SharedConfig merge_config(const ConfigFile& config, const ConfigFile& credentials);

// Reads AWS_CONFIG_FILE (~/.aws/config) and AWS_SHARED_CREDENTIALS_FILE (~/.aws/credentials); files
// that are not there are empty.
Result<SharedConfig> load_shared_config(const Environment& environment);

}  // namespace berth::aws
