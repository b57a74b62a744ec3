// Credentials that berth keeps for a registry, where Docker keeps them: in config.json, or with the
// helper that it names. Other tools find them there (podman and skopeo with --authfile).
#pragma once

#include "base/env.h"
#include "base/result.h"
#include "image/credentials.h"
#include "image/puller.h"

#include <string>
#include <string_view>

namespace berth::image {

// config.json with one entry of "auths" changed, everything else as it was. Without credentials the
// entry is an empty object, as Docker writes it beside a helper. Pure. Errors: kInvalid.
Result<std::string> add_auth(std::string_view config, const std::string& server,
                             const Credentials* credentials);
// Without the entries of a registry, whichever way they are written.
Result<std::string> remove_auths(std::string_view config, const std::string& registry);

// Asks the registry whether it takes the credentials: kDenied when not.
Status check_credentials(const std::string& registry, const Credentials& credentials,
                         const RegistryConfig& config, Env env);

// Into config.json below `directory` (empty: $DOCKER_CONFIG, else ~/.docker), or to its helper.
// Says where: a file's name or a helper's.
Result<std::string> keep_credentials(const std::string& directory, const std::string& registry,
                                     const Credentials& credentials);
// kNotFound when there are none.
Status forget_credentials(const std::string& directory, const std::string& registry);

}  // namespace berth::image
