#include "aws/chain.h"

#include "aws/container_credentials.h"
#include "aws/instance_credentials.h"
#include "aws/profile_credentials.h"
#include "base/log.h"
#include "base/text.h"

#include <utility>
#include <vector>

namespace berth::aws {
namespace {

using Found = std::optional<Credentials>;

Result<Found> web_identity(const ChainContext& context, const Profile* profile) {
  const Environment& environment = context.environment;
  std::string file = value_of(environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  if (file.empty()) return Found();
  std::string arn = value_of(environment, "AWS_ROLE_ARN");
  if (arn.empty()) {
    return fail(Errc::kInvalid, "AWS_ROLE_ARN: is not set although AWS_WEB_IDENTITY_TOKEN_FILE is");
  }
  Role role{arn, value_of(environment, "AWS_ROLE_SESSION_NAME"), "", std::nullopt};
  auto found = web_identity_credentials(context, profile, role, file);
  if (!found) return wrap(std::move(found).error(), "AWS_WEB_IDENTITY_TOKEN_FILE");
  return Found(*std::move(found));
}

Error none_found(const std::vector<std::string>& looked) {
  return {Errc::kDenied, 0, "no AWS credentials: " + join(looked, "; ")};
}

}  // namespace

CredentialChain::CredentialChain(ChainOptions options, Http& http, Clock& clock)
    : options_(std::move(options)), http_(http), clock_(clock) {}

Result<Credentials> CredentialChain::get(const std::string& region) {
  std::lock_guard lock(mutex_);
  WallTime now = clock_.wall();
  if (kept_ && (!kept_->expires || *kept_->expires > now + kRefreshAhead)) return *kept_;
  auto found = look(region);
  if (found) {
    kept_ = *found;
    return found;
  }
  if (!kept_ || *kept_->expires <= now) return found;
  LOG(kWarn, "AWS credentials not renewed, the old ones are still good",
      {{"reason", found.error().text}});
  return *kept_;
}

Result<Credentials> CredentialChain::renew(const std::string& region) {
  std::lock_guard lock(mutex_);
  auto found = look(region);
  if (found) kept_ = *found;
  return found;
}

std::string CredentialChain::profile_name() const {
  if (!options_.profile.empty()) return options_.profile;
  for (const char* variable : {"AWS_PROFILE", "AWS_DEFAULT_PROFILE"}) {
    std::string name = value_of(options_.environment, variable);
    if (!name.empty()) return name;
  }
  return "default";
}

Result<std::optional<Profile>> CredentialChain::profile() const {
  SharedConfig config = TRY(load_shared_config(options_.environment));
  auto found = config.profiles.find(profile_name());
  if (found == config.profiles.end()) return std::optional<Profile>();
  return std::optional(found->second);
}

Result<Credentials> CredentialChain::look(const std::string& region) {
  const Environment& environment = options_.environment;
  SharedConfig config = TRY(load_shared_config(environment));
  ChainContext context{environment, config, region, http_, clock_};
  std::string name = profile_name();
  auto at = config.profiles.find(name);
  const Profile* profile = at == config.profiles.end() ? nullptr : &at->second;
  // One that is asked for by name must be there; "default" need not.
  bool is_named = !options_.profile.empty() || name != "default";
  std::vector<std::string> looked;
  if (options_.profile.empty()) {
    if (Found found = TRY(environment_credentials(environment))) return *found;
    looked.emplace_back("AWS_ACCESS_KEY_ID is not set");
    if (Found found = TRY(web_identity(context, profile))) return *found;
    looked.emplace_back("AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  }
  if (profile != nullptr || is_named) {
    if (Found found = TRY(profile_credentials(context, name))) return *found;
    looked.push_back(fmt::format("profile \"{}\" of {} and {} has none", printable(name, 100),
                                 config.config_path, config.credentials_path));
    // Its owner meant this profile, not whatever the host may have.
    if (!options_.profile.empty()) return tl::unexpected<Error>(none_found(looked));
  } else {
    looked.push_back(fmt::format("no profile \"default\" in {} or {}", config.config_path,
                                 config.credentials_path));
  }
  if (Found found = TRY(container_credentials(environment, http_))) return *found;
  looked.emplace_back("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI and _FULL_URI are not set");
  auto instance = instance_credentials(environment, profile, http_);
  if (instance) return instance;
  looked.push_back("instance metadata: " + instance.error().text);
  return tl::unexpected<Error>(none_found(looked));
}

}  // namespace berth::aws
