// The instance's rules as nft text, and their commit through one `nft -f -`.
//
//   table inet berth_<instance>     published ports, masquerade, hairpin; guard of the loopback
//   table bridge berth_<instance>   a task speaks only with its own MAC and addresses
//
// Chains are static; tasks are elements of their sets and maps, added and deleted in one
// transaction. A host whose own forward policy drops must accept the bridge itself: a verdict in
// our table cannot overrule a drop in another.
#pragma once

#include "base/result.h"
#include "netns/plan.h"

#include <string>
#include <vector>

namespace berth::netns {

std::string table_name(std::string_view instance);

// Pure. render_base() may be committed any number of times: it flushes its own chains only.
std::string render_base(const BridgePlan& bridge);
std::string render_add(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints);
// Deletes exactly what render_add() added, also when some or all of it is gone already.
std::string render_remove(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints);

// At most one nft process; the base only when the tables are missing.
Status apply_firewall(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints);
// Missing tables are success.
Status remove_firewall(const BridgePlan& bridge, const std::vector<Endpoint>& endpoints);
// The rules of groups as they are now, for the tasks that run; success when none do.
Status apply_groups(const std::string& instance, const std::vector<SecurityGroup>& groups);
// Forgets one that nothing refers to.
Status remove_group(const std::string& instance, const std::string& group);
// Both tables, by nfnetlink, without an nft process.
Status remove_tables(const BridgePlan& bridge);

}  // namespace berth::netns
