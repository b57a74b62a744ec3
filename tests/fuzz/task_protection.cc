// Bodies of task protection, which containers write.
#include "agent/task_protection.h"
#include "base/check.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void task_protection(std::string_view text) {
  auto request = agent::parse_protection_request(text);
  if (!request) {
    CHECK(!request.error().text.empty());
    return;
  }
  auto refusal = agent::refuse_protection({"arn", true}, *request);
  CHECK(!refusal || refusal->status == 400);
  CHECK(request->enabled || refusal);
}

}  // namespace berth::fuzz
