// "securityGroups" of berth.json: which packets tasks take and send.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "netns/security_group.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace berth::agent {

// kInvalid with the member's path.
Result<std::vector<netns::SecurityGroup>> read_security_groups(const json::Node& root);
void render_security_groups(const std::vector<netns::SecurityGroup>& groups,
                            nlohmann::ordered_json& out);

// Of those the ones that a task names: kInvalid for more than five, one twice, one that there is
// not.
Status check_task_groups(const std::vector<netns::SecurityGroup>& groups,
                         const std::vector<std::string>& wanted);

}  // namespace berth::agent
