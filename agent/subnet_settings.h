// "subnets" of berth.json: parts of the task network that ECS and EC2's API know by ids.
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "netns/vpc.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace berth::agent {

constexpr size_t kSubnetsMax = 100;

// Empty: subnet-1, which is all of it. kInvalid with the member's path; `network` is the task
// network's, in which they must lie.
Result<std::vector<netns::VpcSubnet>> read_subnet_settings(const json::Node& root,
                                                           const std::string& network);
void render_subnet_settings(const std::vector<netns::VpcSubnet>& subnets,
                            nlohmann::ordered_json& out);

}  // namespace berth::agent
