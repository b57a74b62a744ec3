// Credentials for registries, as Docker keeps them: config.json with "auths", "credHelpers" and
// "credsStore"; helpers are programs named docker-credential-NAME.
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace berth::image {

struct Credentials {
  std::string user;
  Secret password;
  Secret identity_token;  // an OAuth2 refresh token instead of a password
};

struct DockerConfig {
  std::map<std::string, Credentials> auths;         // by server as written
  std::map<std::string, std::string> cred_helpers;  // registry -> helper
  std::string creds_store;                          // the helper for all others
};

// Errors: kInvalid with the member's path; never quotes a secret.
Result<DockerConfig> parse_docker_config(std::string_view text, const std::string& name);

// The key of a registry in config.json: Docker Hub has a historic one.
std::string credential_server(const std::string& registry);

// The entry of "auths" for a registry, whichever way it is written (with scheme, with path).
std::optional<Credentials> find_auth(const DockerConfig& config, const std::string& registry);

// What a helper printed for `get`. Nothing when it knows of no credentials.
Result<std::optional<Credentials>> parse_helper_output(std::string_view text);

// Reads DIRECTORY/config.json (missing: no credentials) and asks helpers. An empty directory means
// $DOCKER_CONFIG, else $HOME/.docker.
Result<std::optional<Credentials>> load_credentials(const std::string& directory,
                                                    const std::string& registry);

}  // namespace berth::image
