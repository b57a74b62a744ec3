// RunTask's overrides, applied to a small definition.
#include "scheduler/overrides.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {

void overrides(std::string_view text) {
  auto overrides = scheduler::read_overrides(text, "overrides");
  if (!overrides) {
    check_findings(overrides.error());
    return;
  }
  scheduler::TaskDefinition task{.family = "f"};
  task.container_definitions = {{.name = "a", .image = "i", .memory_mib = 64}};
  auto applied =
      scheduler::apply_overrides(task, *overrides, {}, scheduler::CpuArchitecture::kX86_64);
  if (!applied) check_findings(applied.error());
}

}  // namespace berth::fuzz
