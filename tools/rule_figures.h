// What rules of EventBridge did, as CloudWatch has it under AWS/Events, by RuleName:
//
//   Invocations          1 for each target when its rule is due
//   FailedInvocations    1 when not all of its tasks began; there is no datum when all did
#pragma once

#include "api/rule_engine.h"
#include "metrics/metric_store.h"

#include <vector>

namespace berth::tools {

// Pure.
std::vector<metrics::Datum> figures_of(const api::RuleRun& run);

}  // namespace berth::tools
