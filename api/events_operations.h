// The operations of EventBridge that berth knows. docs/events-api.md has the same rows, and a test
// compares.
#pragma once

#include "api/ask.h"
#include "api/json_service.h"
#include "api/rule_engine.h"

#include <nlohmann/json_fwd.hpp>

#include <span>
#include <string>

namespace berth::api::eb {

using Json = nlohmann::ordered_json;

inline constexpr FaultNames kEventsFaults{
    .invalid = "ValidationException", .server = "InternalException", .has_constraints = true};

struct Events {
  RuleEngine& engine;
  WallTime now;
  std::string rule_prefix;     // "arn:aws:events:R:A:rule/"
  std::string cluster_prefix;  // "arn:aws:ecs:R:A:cluster/"
};

using Operation = OperationOf<Events>;
std::span<const Operation> all_operations();

// The rule of the member; null: refused, ResourceNotFoundException.
const scaling::Rule* find_rule(Events&, Ask&, std::string_view member);
// There is one bus.
void check_bus(Ask& ask);
// Letters, digits and ._-, 1 to 64.
void check_name(Ask& ask, std::string_view member, const std::string& name);

Json put_rule(Events&, Ask&);
Json delete_rule(Events&, Ask&);
Json describe_rule(Events&, Ask&);
Json list_rules(Events&, Ask&);
Json enable_rule(Events&, Ask&);
Json disable_rule(Events&, Ask&);

Json put_targets(Events&, Ask&);
Json remove_targets(Events&, Ask&);
Json list_targets_by_rule(Events&, Ask&);
Json list_rule_names_by_target(Events&, Ask&);

Json tag_resource(Events&, Ask&);
Json untag_resource(Events&, Ask&);
Json list_tags_for_resource(Events&, Ask&);

}  // namespace berth::api::eb
