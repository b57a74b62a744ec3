// What berth.json says of task roles: whose keys a container gets when its task has the role.
// docs/configuration.md lists the members.
#pragma once

#include "aws/credentials.h"
#include "base/json.h"
#include "base/result.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace berth::agent {

constexpr size_t kRolesMax = 1000;

// The keys of the host, or of a profile of it, assume the role at STS.
struct AssumeRule {
  std::string profile;   // whose keys ask; "" is as AWS's tools find them
  std::string endpoint;  // of STS; "" is where environment and profile say that it is
  std::string region;    // of STS; "" is the instance's
  std::string external_id;
  std::optional<uint64_t> duration_seconds;  // the role's own default without it
};

// Exactly one of the three.
struct RoleRule {
  std::optional<aws::Credentials> keys;  // as they stand
  std::string profile;                   // what this profile of the host leads to
  std::optional<AssumeRule> assume;
};

using RoleSettings = std::map<std::string, RoleRule>;  // by ARN or name of the role

// The member "roles" of berth.json's root. kInvalid with the member's path; quotes no secret.
Result<RoleSettings> read_role_settings(const json::Node& root);
// Adds it to `out`, secrets as ***.
void render_role_settings(const RoleSettings& settings, nlohmann::ordered_json& out);
// Whether the file must be for its owner alone.
bool holds_keys(const RoleSettings& settings);

// The rule of a role as a task definition names it, by ARN or by name: an ARN's own entry goes
// before that of its name. kNotFound that names the role and the mend.
Result<RoleRule> find_role(const RoleSettings& settings, const std::string& role);

}  // namespace berth::agent
