// "securityGroups" of berth.json, and which groups there are for tasks: which packets they take and
// send.
#pragma once

#include "agent/config.h"
#include "base/json.h"
#include "base/result.h"
#include "netns/group_store.h"
#include "netns/security_group.h"
#include "netns/vpc.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace berth::agent {

// kInvalid with the member's path.
Result<std::vector<netns::SecurityGroup>> read_security_groups(const json::Node& root);
void render_security_groups(const std::vector<netns::SecurityGroup>& groups,
                            nlohmann::ordered_json& out);

// The task network as EC2 has it. Errors: a bad subnet.
Result<netns::Vpc> vpc_of(const Config& config);

// The groups that a task names, ids or names of berth.json, as the firewall calls them. None of a
// task whose packets all go: one that names none, or the default group where that lets all through.
// Errors: kNotFound for one that there is not.
Result<std::vector<std::string>> find_task_groups(const netns::Vpc& vpc,
                                                  const netns::GroupStore& made,
                                                  const std::vector<std::string>& wanted);

// Those that `berth run --security-group` names: kInvalid for more than five, one twice, one that
// there is not.
Status check_task_groups(const Config& config, const std::vector<std::string>& wanted);

}  // namespace berth::agent
