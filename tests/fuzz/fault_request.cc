// Bodies of fault injection, which containers write.
#include "agent/fault_request.h"
#include "base/check.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void fault_request(std::string_view text) {
  using enum agent::FaultKind;
  for (agent::FaultKind kind : {kBlackHole, kLatency, kPacketLoss}) {
    auto fault = agent::parse_fault(kind, text);
    if (!fault) {
      CHECK(!fault.error().text.empty());
      continue;
    }
    if (const auto* hole = std::get_if<netns::BlackHole>(&*fault)) {
      CHECK(kind == kBlackHole);
      CHECK(!netns::render_black_hole("t", *hole, {}).empty());
      continue;
    }
    const auto& impairment = std::get<netns::Impairment>(*fault);
    CHECK(!impairment.sources.empty());
    CHECK(impairment.delay.count() >= 0 && impairment.jitter.count() >= 0);
    auto plan = netns::plan_impairment(impairment, netns::impairment_major("t"));
    CHECK(plan.filters.size() >= impairment.sources.size());
  }
}

}  // namespace berth::fuzz
