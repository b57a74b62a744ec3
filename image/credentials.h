// Credentials for registries, as Docker keeps them: config.json with "auths", "credHelpers" and
// "credsStore"; helpers are programs named docker-credential-NAME.
#pragma once

#include "base/result.h"
#include "base/secret.h"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace berth::image {

constexpr size_t kDockerConfigMax = 1024 * 1024;

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

// `directory`, or where Docker looks: $DOCKER_CONFIG, else $HOME/.docker.
std::string docker_config_directory(const std::string& directory);

// Runs docker-credential-HELPER with `action` ("store", "erase") and `input`, which it must take.
Status tell_helper(const std::string& helper, const std::string& action, const std::string& input);

// Reads DIRECTORY/config.json (missing: no credentials) and asks helpers. An empty directory means
// $DOCKER_CONFIG, else $HOME/.docker.
Result<std::optional<Credentials>> load_credentials(const std::string& directory,
                                                    const std::string& registry);

// kFresh: the registry refused what was given before, so a kept copy of it will not do.
enum class Freshness { kAny, kFresh };

// Who knows credentials besides Docker's config.json: of a cloud's own registries, for example.
// Safe from several threads.
class CredentialProvider {
 public:
  virtual ~CredentialProvider() = default;
  // Nothing: this one knows nothing of the registry ("HOST[:PORT]", or "docker.io"); the next is
  // asked. An error ends the search: it should know and could not tell.
  virtual Result<std::optional<Credentials>> credentials(const std::string& registry,
                                                         Freshness freshness) = 0;
};

// Docker's config.json.
class DockerCredentials final : public CredentialProvider {
 public:
  explicit DockerCredentials(std::string directory) : directory_(std::move(directory)) {}
  Result<std::optional<Credentials>> credentials(const std::string& registry,
                                                 Freshness freshness) override;

 private:
  std::string directory_;
};

// What somebody has said for one registry, and for no other.
class GivenCredentials final : public CredentialProvider {
 public:
  GivenCredentials(std::string registry, Credentials given)
      : registry_(std::move(registry)), given_(std::move(given)) {}
  Result<std::optional<Credentials>> credentials(const std::string& registry,
                                                 Freshness freshness) override;

 private:
  std::string registry_;
  Credentials given_;
};

// Shared: the configuration of a puller is copied, and what a provider keeps serves all of them.
using CredentialProviders = std::vector<std::shared_ptr<CredentialProvider>>;

// The first that knows; nobody knows: nothing.
Result<std::optional<Credentials>> find_credentials(const CredentialProviders& providers,
                                                    const std::string& registry,
                                                    Freshness freshness);

}  // namespace berth::image
