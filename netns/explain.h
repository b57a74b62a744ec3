// A task's network as steps, in the order in which apply.h and firewall.h take them. Pure.
#pragma once

#include "base/step.h"
#include "netns/plan.h"

#include <vector>

namespace berth::netns {

// Bridge and firewall of the instance: made once, found by later tasks.
std::vector<Step> explain_bridge(const BridgePlan& bridge);
// Both ends of the wire, the addresses, the rules for this task.
std::vector<Step> explain_endpoint(const BridgePlan& bridge, const Endpoint& endpoint);

}  // namespace berth::netns
