#include "aws/profile_credentials.h"

#include "aws/container_credentials.h"
#include "aws/credential_answer.h"
#include "aws/instance_credentials.h"
#include "aws/sso.h"
#include "aws/sso_credentials.h"
#include "base/text.h"
#include "sys/file.h"
#include "sys/spawn.h"

#include <algorithm>

namespace berth::aws {
namespace {

using std::chrono::seconds;
using Found = std::optional<Credentials>;

constexpr size_t kWebTokenMax = 64 * 1024;
constexpr uint64_t kRoleSecondsMin = 900;
constexpr uint64_t kRoleSecondsMax = 43200;

class Resolver {
 public:
  explicit Resolver(const ChainContext& context) : context_(context) {}

  Result<Found> resolve(const std::string& name) {
    auto found = context_.config.profiles.find(name);
    if (found == context_.config.profiles.end()) {
      return fail(Errc::kInvalid, "profile \"{}\": is neither in {} nor in {}",
                  printable(name, 100), context_.config.config_path,
                  context_.config.credentials_path);
    }
    if (visited_.size() >= kProfilesMax || std::ranges::find(visited_, name) != visited_.end()) {
      return fail(Errc::kInvalid, "profile \"{}\": source_profile leads in a circle",
                  printable(name, 100));
    }
    visited_.push_back(name);
    auto credentials = lead(found->second);
    if (!credentials)
      return wrap(std::move(credentials).error(), "profile \"{}\"", printable(name, 100));
    return credentials;
  }

 private:
  Result<Found> lead(const Profile& profile) {
    if (!profile.value("role_arn").empty()) return assume(profile);
    Found keys = TRY(own_keys(profile));
    if (keys) return keys;
    if (is_sso(profile)) return Found(TRY(sso_credentials(context_, profile)));
    if (!profile.value("credential_process").empty()) {
      return Found(TRY(run_process(profile.value("credential_process"))));
    }
    if (profile.value("login_session").empty()) return Found();
    return fail(Errc::kUnsupported,
                "login_session: berth cannot sign in at a browser; use credential_process = aws "
                "configure export-credentials --profile {} --format process in another profile",
                profile.name);
  }

  static Result<Found> own_keys(const Profile& profile) {
    Credentials keys{profile.value("aws_access_key_id"),
                     Secret(profile.value("aws_secret_access_key")),
                     Secret(profile.value("aws_session_token")), std::nullopt};
    if (keys.key_id.empty() && keys.secret_key.empty()) return Found();
    if (keys.key_id.empty() || keys.secret_key.empty()) {
      return fail(Errc::kInvalid, "{}: is missing beside {}",
                  keys.key_id.empty() ? "aws_access_key_id" : "aws_secret_access_key",
                  keys.key_id.empty() ? "aws_secret_access_key" : "aws_access_key_id");
    }
    return Found(keys);
  }

  Result<Found> assume(const Profile& profile) {
    Role role = TRY(role_of(profile));
    std::string token_file = profile.value("web_identity_token_file");
    if (!token_file.empty()) {
      return Found(TRY(web_identity_credentials(context_, &profile, role, token_file)));
    }
    if (!profile.value("mfa_serial").empty()) {
      return fail(Errc::kUnsupported,
                  "mfa_serial: berth cannot ask for a one-time password; use a role without one");
    }
    Credentials source = TRY(source_of(profile));
    Sts sts = TRY(find_sts(context_, &profile));
    HttpRequest request = assume_role(sts, role, source, context_.clock.wall());
    HttpResponse response = TRY(context_.http.send(request));
    return Found(TRY(parse_sts_answer(response, "AssumeRole")));
  }

  Result<Role> role_of(const Profile& profile) const {
    Role role{profile.value("role_arn"), profile.value("role_session_name"),
              profile.value("external_id"), std::nullopt};
    if (role.session_name.empty()) role.session_name = default_session_name(context_.clock.wall());
    std::string duration = profile.value("duration_seconds");
    if (duration.empty()) return role;
    role.duration_seconds = parse_u64(duration);
    bool is_good = role.duration_seconds && *role.duration_seconds >= kRoleSecondsMin &&
                   *role.duration_seconds <= kRoleSecondsMax;
    if (!is_good) {
      return fail(Errc::kInvalid, "duration_seconds: \"{}\" is not between {} and {}",
                  printable(duration, 100), kRoleSecondsMin, kRoleSecondsMax);
    }
    return role;
  }

  // Whose keys assume the role.
  Result<Credentials> source_of(const Profile& profile) {
    std::string source = profile.value("source_profile");
    std::string kind = profile.value("credential_source");
    if (source.empty() == kind.empty()) {
      return fail(Errc::kInvalid, "role_arn: needs {} source_profile or credential_source",
                  source.empty() ? "either" : "only one of");
    }
    Found found;
    // A profile may be the source of its own role.
    if (source == profile.name) {
      found = TRY(own_keys(profile));
    } else if (!source.empty()) {
      found = TRY(resolve(source));
    } else {
      found = TRY(from_source(kind));
    }
    if (!found) {
      return fail(Errc::kInvalid, "{} \"{}\": has no credentials",
                  source.empty() ? "credential_source" : "source_profile",
                  printable(source.empty() ? kind : source, 100));
    }
    return *found;
  }

  Result<Found> from_source(const std::string& kind) const {
    if (kind == "Environment") return environment_credentials(context_.environment);
    if (kind == "EcsContainer") return container_credentials(context_.environment, context_.http);
    if (kind == "Ec2InstanceMetadata") {
      return Found(TRY(instance_credentials(context_.environment, nullptr, context_.http)));
    }
    return fail(Errc::kInvalid,
                "credential_source: \"{}\" is not Environment, EcsContainer or Ec2InstanceMetadata",
                printable(kind, 100));
  }

  // As a shell reads it. What it prints on its standard error is for people and stays out of ours
  // unless it fails.
  static Result<Credentials> run_process(const std::string& command) {
    std::string limit = std::to_string(kProcessSecondsMax);
    sys::Program program{.path = "timeout",
                         .arguments = {"timeout", "--kill-after=5", limit, "sh", "-c", command},
                         .environment = std::nullopt,
                         .descriptors = {},
                         .new_session = false,
                         .working_directory = ""};
    auto output = sys::run_program(std::move(program), "");
    if (!output) return wrap(std::move(output).error(), "credential_process");
    int code = output->status.shell_code();
    if (code == 124 || code == 137) {
      return fail(Errc::kUnavailable, "credential_process: took longer than {} seconds",
                  kProcessSecondsMax);
    }
    if (code != 0) {
      return fail(Errc::kDenied, "credential_process: exit status {}: {}", code,
                  printable(trim(output->err), 300));
    }
    auto found = parse_process_output(output->out);
    if (!found) return wrap(std::move(found).error(), "credential_process");
    return found;
  }

  const ChainContext& context_;
  std::vector<std::string> visited_;
};

}  // namespace

Result<Sts> find_sts(const ChainContext& context, const Profile* profile) {
  std::string region = value_of(context.environment, "AWS_REGION");
  if (region.empty()) region = value_of(context.environment, "AWS_DEFAULT_REGION");
  if (region.empty() && profile != nullptr) region = profile->value("region");
  if (region.empty()) region = context.region;
  if (!is_region(region)) {
    return fail(Errc::kInvalid, "region \"{}\": is none; set AWS_REGION or the profile's region",
                printable(region, 100));
  }
  auto configured = TRY(configured_endpoint("sts", context.environment, profile));
  return Sts{configured.value_or(sts_url(region)), region};
}

Result<Credentials> web_identity_credentials(const ChainContext& context, const Profile* profile,
                                             Role role, const std::string& token_file) {
  auto token = sys::read_file(token_file, kWebTokenMax);
  if (!token) return wrap(std::move(token).error(), "web identity token");
  if (role.session_name.empty()) role.session_name = default_session_name(context.clock.wall());
  Sts sts = TRY(find_sts(context, profile));
  HttpRequest request = assume_role_with_web_identity(sts, role, Secret(std::string(trim(*token))));
  HttpResponse response = TRY(context.http.send(request));
  return parse_sts_answer(response, "AssumeRoleWithWebIdentity");
}

std::string default_session_name(WallTime now) {
  return fmt::format("berth-{}",
                     std::chrono::duration_cast<seconds>(now.time_since_epoch()).count());
}

Result<std::optional<Credentials>> profile_credentials(const ChainContext& context,
                                                       const std::string& name) {
  return Resolver(context).resolve(name);
}

}  // namespace berth::aws
