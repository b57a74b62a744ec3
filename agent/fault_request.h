// What containers ask of fault injection, /api/<id>/fault/v1/<kind>/<operation>: paths and bodies
// to values, refusals in the words of Amazon's agent. Pure.
#pragma once

#include "base/result.h"
#include "netns/fault.h"

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace berth::agent {

enum class FaultKind { kBlackHole, kLatency, kPacketLoss };
enum class FaultOperation { kStart, kStop, kStatus };

struct FaultCall {
  FaultKind kind = FaultKind::kBlackHole;
  FaultOperation operation = FaultOperation::kStatus;
  auto operator<=>(const FaultCall&) const = default;
};
// Of {"network-latency", "start"}; nothing when there is no such call.
std::optional<FaultCall> parse_fault_call(const std::vector<std::string>& words);

// Of a black hole every operation says which; of the others there is one at a time, and only its
// start says what it is.
bool has_fault_body(FaultCall call);

using Fault = std::variant<netns::BlackHole, netns::Impairment>;
// kInvalid with the text of the refusal. Names count in any case, unknown ones are ignored, as by
// Go's JSON.
Result<Fault> parse_fault(FaultKind kind, std::string_view body);

}  // namespace berth::agent
