// ProxyRules as a lease keeps them:
//
//   {"ignoredUid", "ignoredGid", "ingressPort", "egressPort", "appPorts":[], "sparedPorts":[],
//    "spared":["169.254.170.2/32"]}        ids and the ingress port only when there are
#pragma once

#include "base/json.h"
#include "base/result.h"
#include "netns/proxy.h"

#include <nlohmann/json_fwd.hpp>

namespace berth::netns {

nlohmann::json render_proxy_record(const ProxyRules& rules);
// kInvalid or kCorrupt name the member.
Result<ProxyRules> parse_proxy_record(const json::Node& node);

}  // namespace berth::netns
